package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/internal/atomicfile"
	"github.com/huntbook/huntbook/notebook"
	"github.com/huntbook/huntbook/notebook/export"
)

// formatFlag names further formats of notebooks.
type formatFlag struct{ names []string }

// ipynb is the format that is always written.
const ipynb = "ipynb"

func formatNames() []string {
	names := []string{ipynb}
	for _, f := range export.Formats() {
		names = append(names, string(f))
	}
	return names
}

func (f *formatFlag) add(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.names, "output-format", nil, "write each notebook in these `formats` too, beside it: md (MyST), py (percent), html")
	complete(cmd, "output-format", formatNames())
}

// formats are those beside the notebook itself.
func (f *formatFlag) formats() ([]export.Format, error) {
	var out []export.Format
	for _, name := range f.names {
		format := export.Format(name)
		switch {
		case name == ipynb || slices.Contains(out, format):
		case slices.Contains(export.Formats(), format):
			out = append(out, format)
		default:
			return nil, usagef("--output-format %q is none of %s", name, strings.Join(formatNames(), ", "))
		}
	}
	return out, nil
}

// writeCopies writes a notebook in further formats beside its file.
func writeCopies(nb *notebook.Notebook, file string, formats []export.Format) error {
	for _, f := range formats {
		text, err := f.Write(nb)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name(file), err)
		}
		if err := atomicfile.Write(f.Name(file), text); err != nil {
			return err
		}
	}
	return nil
}
