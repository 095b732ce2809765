package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/fetch"
)

func (a *app) rulesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Download packages of Sigma rules (SigmaHQ)",
		Long: `Download packages of Sigma rules: those of SigmaHQ's latest release by default, or
those of an index of your own.`,
		Example: `  huntbook rules pull
  huntbook rules pull core++ -o rules/`,
		Args: onlyCommands,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.rulesPull())
	return cmd
}

func (a *app) rulesPull() *cobra.Command {
	var location, out string
	cmd := &cobra.Command{
		Use:   "pull [PACKAGE]",
		Short: "Download a package of rules and unpack it",
		Long: `Download a package of rules and unpack it into a folder. PACKAGE is core, core+,
core++, all_rules and so on, as the release names them without "sigma_".

When another version is there, it is kept beside under its version, so that
"huntbook convert --diff" can show what the update changes.`,
		Example: `  huntbook rules pull
  huntbook rules pull all_rules -o rules/
  huntbook rules pull --index https://rules.example/index.json mine`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("name one package of rules")
			}
			x, err := index(cmd.Context(), location)
			if err != nil {
				return err
			}
			r, err := choosePackage(x, args)
			if err != nil {
				return err
			}
			show, stop := a.bytesBar(r.File.Name())
			pulled, err := fetcher().PullRules(cmd.Context(), r, out, show)
			stop()
			if errors.Is(err, fetch.ErrOccupied) {
				return usageError{err}
			}
			if err != nil {
				return err
			}
			if pulled.There {
				fmt.Fprintf(a.Err, "%s: %s %s is there already\n", diag.Printable(out), diag.Printable(r.Name), diag.Printable(r.Version))
				return nil
			}
			fmt.Fprintf(a.Err, "%s: %s of %s %s\n", diag.Printable(out), plural(pulled.Files, "file", "files"), diag.Printable(r.Name), diag.Printable(r.Version))
			if pulled.Before != "" {
				fmt.Fprintf(a.Err, "%s: the version before\n", diag.Printable(pulled.Before))
			}
			return nil
		},
	}
	addIndex(cmd, &location, fetch.RulesIndex)
	cmd.Flags().StringVarP(&out, "output", "o", "rules", "the `folder` for the rules")
	return cmd
}

// choosePackage finds the package that is asked for: core, or the only one, when
// none is.
func choosePackage(x *fetch.Index, args []string) (fetch.Rules, error) {
	name := "core"
	if len(args) > 0 {
		name = strings.TrimPrefix(args[0], "sigma_")
	} else if len(x.Rules) == 1 {
		return x.Rules[0], nil
	}
	i := slices.IndexFunc(x.Rules, func(r fetch.Rules) bool { return r.Name == name })
	if i >= 0 {
		return x.Rules[i], nil
	}
	var names []string
	for _, r := range x.Rules {
		names = append(names, r.Name)
	}
	if len(names) == 0 {
		return fetch.Rules{}, usagef("there are no packages of rules in the index")
	}
	return fetch.Rules{}, usagef("there is no package %q; there are %s", name, strings.Join(names, ", "))
}
