package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/fetch"
	"github.com/huntbook/huntbook/internal/version"
	"github.com/huntbook/huntbook/sigma"
)

func (a *app) datasetsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "datasets",
		Short: "Find and download recorded datasets (Security-Datasets)",
		Long: `Find and download recorded datasets: those of Security-Datasets (formerly Mordor)
by default, or those of an index of your own, named with --index: a URL, a file
or a folder of metadata.`,
		Example: `  huntbook datasets list wmi
  huntbook datasets info SDWIN-190518184306
  huntbook datasets pull SDWIN-190518184306 -o datasets/
  huntbook hunt -r rules/ -d datasets/ -o hunts/`,
		Args: onlyCommands,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.datasetsList(), a.datasetsInfo(), a.datasetsPull())
	return cmd
}

func addIndex(cmd *cobra.Command, index *string, byDefault string) {
	cmd.Flags().StringVar(index, "index", byDefault, "the index: a `URL`, a file, or a folder of metadata")
}

func fetcher() *fetch.Client { return &fetch.Client{Agent: "huntbook/" + version.Number()} }

// index reads an index; a file that is missing is a usage error.
func index(ctx context.Context, location string) (*fetch.Index, error) {
	x, err := fetcher().Index(ctx, location)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usageError{err}
	}
	return x, err
}

func (a *app) datasetsList() *cobra.Command {
	var location string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [WORD...]",
		Short: "List datasets, or those that have all of the words",
		Long: `List datasets: a table, or with --json an object a line. With words, those that
have all of them in their id, title, description, platform or techniques.`,
		Example: `  huntbook datasets list
  huntbook datasets list windows T1003
  huntbook datasets list --json | jq -r .title`,
		RunE: func(cmd *cobra.Command, args []string) error {
			x, err := index(cmd.Context(), location)
			if err != nil {
				return err
			}
			var found []fetch.Dataset
			for _, d := range x.Datasets {
				if hasWords(d, args) {
					found = append(found, d)
				}
			}
			return a.listDatasets(found, asJSON)
		},
	}
	addIndex(cmd, &location, fetch.DatasetsIndex)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print an object a dataset and line")
	return cmd
}

func hasWords(d fetch.Dataset, words []string) bool {
	text := strings.ToLower(strings.Join([]string{d.ID, d.Title, d.Description, strings.Join(d.Platforms, " "), strings.Join(d.Techniques, " ")}, "\n"))
	for _, w := range words {
		if !strings.Contains(text, strings.ToLower(w)) {
			return false
		}
	}
	return true
}

func (a *app) listDatasets(list []fetch.Dataset, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(a.out)
		enc.SetEscapeHTML(false)
		for _, d := range list {
			if err := enc.Encode(d); err != nil {
				return err
			}
		}
		return nil
	}
	var rows [][]string
	for _, d := range list {
		rows = append(rows, []string{diag.Printable(d.ID), diag.Printable(strings.Join(d.Platforms, ", ")), diag.Printable(strings.Join(d.Techniques, ", ")), diag.Printable(d.Title)})
	}
	for i, row := range table([]string{"ID", "PLATFORM", "TECHNIQUES", "TITLE"}, rows, a.outWidth) {
		line := strings.TrimRight(strings.Join(row, "  "), " ")
		if i == 0 {
			line = paint(colour(a.outTerm), "1", line)
		}
		a.out.WriteString(line + "\n")
	}
	return nil
}

// dataset finds a dataset in an index.
func dataset(x *fetch.Index, name string) (fetch.Dataset, error) {
	d, ok := x.Dataset(name)
	if ok {
		return d, nil
	}
	var known []string
	for _, d := range x.Datasets {
		known = append(known, d.ID, d.Title)
	}
	hint := sigma.Suggest(name, known)
	if hint == "" {
		hint = "huntbook datasets list shows those that there are"
	}
	return d, usagef("there is no dataset %q; %s", name, hint)
}

func (a *app) datasetsInfo() *cobra.Command {
	var location string
	cmd := &cobra.Command{
		Use:   "info ID|TITLE",
		Short: "Show what a dataset is",
		Long:  "Show what a dataset is: its description, techniques and files.",
		Example: `  huntbook datasets info SDWIN-190518184306
  huntbook datasets info "Empire WMIC Add User Backdoor"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("name one dataset by its id or title")
			}
			x, err := index(cmd.Context(), location)
			if err != nil {
				return err
			}
			d, err := dataset(x, args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%s  %s\n", diag.Printable(d.ID), diag.Printable(d.Title))
			for _, line := range [][2]string{{"created", d.Created}, {"platforms", strings.Join(d.Platforms, ", ")}, {"techniques", strings.Join(d.Techniques, ", ")}} {
				if line[1] != "" {
					fmt.Fprintf(a.out, "%-12s%s\n", line[0], diag.Printable(line[1]))
				}
			}
			for _, f := range d.Files {
				fmt.Fprintf(a.out, "%-12s%s", "file", diag.Printable(f.URL))
				if f.Kind != "" {
					fmt.Fprintf(a.out, " (%s)", diag.Printable(f.Kind))
				}
				a.out.WriteString("\n")
			}
			if d.Description != "" {
				a.out.WriteString("\n")
				for line := range strings.SplitSeq(d.Description, "\n") {
					fmt.Fprintln(a.out, diag.Printable(line))
				}
			}
			return nil
		},
	}
	addIndex(cmd, &location, fetch.DatasetsIndex)
	return cmd
}

func (a *app) datasetsPull() *cobra.Command {
	var location, out string
	var unpack bool
	cmd := &cobra.Command{
		Use:   "pull ID|TITLE...",
		Short: "Download datasets",
		Long: `Download the files of datasets, each into a folder with the dataset's id.

A download that was cut off goes on where it ended when the command is run again.
Archives need not be unpacked: huntbook reads them as they are.`,
		Example: `  huntbook datasets pull SDWIN-190518184306
  huntbook datasets pull SDWIN-190518184306 SDWIN-190518211456 -o data/ --unpack`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("name datasets by their ids or titles")
			}
			x, err := index(cmd.Context(), location)
			if err != nil {
				return err
			}
			var wanted []fetch.Dataset
			for _, name := range args {
				d, err := dataset(x, name)
				if err != nil {
					return err
				}
				wanted = append(wanted, d)
			}
			failed := false
			for _, d := range wanted {
				if err := a.pullDataset(cmd.Context(), d, out, unpack); err != nil {
					if cmd.Context().Err() != nil {
						return err
					}
					a.report(err)
					failed = true
				}
			}
			if failed {
				return errFailed
			}
			return nil
		},
	}
	addIndex(cmd, &location, fetch.DatasetsIndex)
	cmd.Flags().StringVarP(&out, "output", "o", "datasets", "the `folder` to download into")
	cmd.Flags().BoolVar(&unpack, "unpack", false, "unpack archives beside them")
	return cmd
}

// pullDataset downloads the files of a dataset; one that fails does not keep the
// others from coming.
func (a *app) pullDataset(ctx context.Context, d fetch.Dataset, out string, unpack bool) error {
	folder := filepath.Join(out, safeName(d.ID))
	var problems []error
	for _, f := range d.Files {
		path := filepath.Join(folder, f.Name())
		show, stop := a.bytesBar(f.Name())
		there, err := fetcher().Download(ctx, f, path, show)
		stop()
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		what := "downloaded"
		if there {
			what = "there already"
		}
		fmt.Fprintf(a.Err, "%s: %s\n", diag.Printable(path), what)
		if unpack {
			if err := a.unpackBeside(path); err != nil {
				problems = append(problems, err)
			}
		}
	}
	return errors.Join(problems...)
}

func (a *app) unpackBeside(archive string) error {
	dir := strings.TrimSuffix(strings.TrimSuffix(archive, ".gz"), ".tar")
	dir = strings.TrimSuffix(dir, ".zip")
	if dir == archive {
		return nil // no archive by its name
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	n, err := fetch.Unpack(archive, dir, fetch.Limits{})
	if err != nil {
		return err
	}
	fmt.Fprintf(a.Err, "%s: %s unpacked\n", diag.Printable(dir), plural(n, "file", "files"))
	return nil
}

// safeName makes an id of somebody else's a name for a folder.
func safeName(id string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '_'
	}, id)
	if strings.Trim(name, ".") == "" {
		return "_"
	}
	return name
}

// bytesBar shows on a terminal how far a download is, until stop is called.
func (a *app) bytesBar(name string) (show func(done, total int64), stop func()) {
	if !a.errTerm {
		return nil, func() {}
	}
	var bar *progressbar.ProgressBar
	show = func(done, total int64) {
		if bar == nil {
			size := total
			if size <= 0 {
				size = -1
			}
			bar = progressbar.NewOptions64(size,
				progressbar.OptionSetWriter(a.Err),
				progressbar.OptionSetDescription(diag.Printable(name)),
				progressbar.OptionSetWidth(20),
				progressbar.OptionShowBytes(true),
				progressbar.OptionClearOnFinish(),
				progressbar.OptionEnableColorCodes(false))
		}
		_ = bar.Set64(done)
	}
	return show, func() {
		if bar != nil {
			_ = bar.Clear()
		}
	}
}
