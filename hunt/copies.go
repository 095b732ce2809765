package hunt

import (
	"bytes"
	"fmt"
	"os"
	"slices"

	"github.com/huntbook/huntbook/notebook"
	"github.com/huntbook/huntbook/notebook/export"
	"github.com/huntbook/huntbook/report"
)

// writeCopies writes a notebook in the other formats that were asked for, beside it, and
// removes those of the earlier hunt's notebook that were not.
func (h *hunter) writeCopies(name string, old, nb *notebook.Notebook) error {
	for _, f := range h.Formats {
		data, err := f.Write(nb)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name(name), err)
		}
		if err := h.folder.write(f.Name(name), data); err != nil {
			return err
		}
	}
	h.folder.removeCopies(name, old, h.Formats)
	return nil
}

// removeCopies removes a notebook's copies but those of some formats. A file that is not
// what the notebook gives is somebody else's and stays.
func (f *folder) removeCopies(name string, nb *notebook.Notebook, but []export.Format) {
	if nb == nil {
		return
	}
	for _, format := range export.Formats() {
		if slices.Contains(but, format) {
			continue
		}
		file := f.path(format.Name(name))
		is, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if was, err := format.Write(nb); err == nil && bytes.Equal(is, was) {
			_ = os.Remove(file)
		}
	}
}

// linked is the hunt whose page leads to web pages where there are some.
func (h *hunter) linked() *report.Hunt {
	if !slices.Contains(h.Formats, export.HTML) {
		return h.outcome.Hunt
	}
	linked := *h.outcome.Hunt
	linked.Rules = slices.Clone(linked.Rules)
	for i := range linked.Rules {
		r := &linked.Rules[i]
		if _, err := os.Stat(h.folder.path(export.HTML.Name(r.Notebook))); r.Notebook != "" && err == nil {
			r.Notebook = export.HTML.Name(r.Notebook)
		}
	}
	return &linked
}
