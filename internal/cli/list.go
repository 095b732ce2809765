package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/convert"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// listings are what "list" knows, in the order in which "convert -l" shows them.
var listings = []string{"targets", "formats", "pipelines"}

func (a *app) listCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:       "list targets|formats|pipelines",
		Short:     "List targets, their formats and options, and pipelines",
		Example:   "  huntbook list targets\n  huntbook list pipelines --json",
		ValidArgs: listings,
		RunE: func(_ *cobra.Command, args []string) error {
			return a.list(args, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print an object a line")
	return cmd
}

// listed is one line of a listing.
type listed struct {
	Kind        string  `json:"kind"`
	Target      *string `json:"target"` // of a format or an option
	Name        string  `json:"name"`
	Description string  `json:"description"`
}

func (a *app) list(kinds []string, asJSON bool) error {
	if len(kinds) == 0 {
		kinds = listings
	}
	var rows []listed
	for _, kind := range kinds {
		switch kind {
		case "targets":
			for _, t := range convert.Targets() {
				rows = append(rows, listed{"target", nil, t.Name, t.Description})
				for _, alias := range t.Aliases {
					what := "another name of " + t.Name
					if alias.Format != "" {
						what += ", with the format " + alias.Format
					}
					rows = append(rows, listed{"target", nil, alias.Name, what})
				}
			}
		case "formats":
			for _, t := range convert.Targets() {
				for _, f := range t.Formats {
					rows = append(rows, listed{"format", &t.Name, f.Name, f.Description})
				}
				for _, o := range t.Options {
					rows = append(rows, listed{"option", &t.Name, o.Name, o.Description})
				}
			}
		case "pipelines":
			for _, b := range pipeline.Builtins() {
				kind := "pipeline"
				if b.Sigmac {
					kind = "configuration"
				}
				rows = append(rows, listed{kind, nil, b.Name, b.Title})
			}
		default:
			near := sigma.Suggest(kind, listings)
			if near == "" {
				near = "there are " + strings.Join(listings, ", ")
			}
			return usagef("unknown listing %q; %s", kind, near)
		}
	}
	return a.printListed(rows, asJSON)
}

func (a *app) printListed(rows []listed, asJSON bool) error {
	if asJSON {
		for _, r := range rows {
			if err := writeJSON(a.out, r); err != nil {
				return err
			}
		}
		return nil
	}
	heads := map[string]string{
		"target": "Targets (-t)", "format": "Output formats (-f)", "option": "Backend options (-O)",
		"pipeline": "Pipelines (-p)", "configuration": "sigmac configurations (-c)",
	}
	last := ""
	for _, r := range rows {
		head := heads[r.Kind]
		if r.Target != nil {
			head += " of " + *r.Target
		}
		if head != last {
			if last != "" {
				a.out.WriteByte('\n')
			}
			fmt.Fprintf(a.out, "%s\n", paint(colour(a.outTerm), "1", head))
			last = head
		}
		fmt.Fprintf(a.out, "  %-24s %s\n", r.Name, r.Description)
	}
	return nil
}
