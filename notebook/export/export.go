// Package export writes notebooks in other forms: as MyST Markdown and as Python with
// "# %%" marks, which jupytext reads back into notebooks, and as web pages that need
// nothing else.
//
// It knows nothing of how notebooks come to be or of where files lie. What cells and
// outputs hold is not trusted: text of one cell never becomes another, and a page runs
// no scripts and fetches nothing. The same notebook gives the same bytes. Data flows:
// notebook.Notebook → a Format → text.
package export

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/notebook"
)

// Format is a form of notebooks, by the ending of its files.
type Format string

// The formats.
const (
	MyST   Format = "md"
	Python Format = "py"
	HTML   Format = "html"
)

// Formats are all formats.
func Formats() []Format { return []Format{MyST, Python, HTML} }

// Write writes a notebook in the format. Python is for notebooks in Python alone.
func (f Format) Write(nb *notebook.Notebook) ([]byte, error) {
	switch f {
	case MyST:
		return myst(nb)
	case Python:
		return percent(nb)
	case HTML:
		return page(nb)
	}
	return nil, fmt.Errorf("there is no format %q", string(f))
}

// Name is the name of a notebook's file in the format.
func (f Format) Name(file string) string {
	return strings.TrimSuffix(file, ".ipynb") + "." + string(f)
}

type object = map[string]any

// kernel is what a notebook says of its kernel: name, display name, language.
func kernel(nb *notebook.Notebook) (name, display, language string) {
	spec, _ := nb.Metadata["kernelspec"].(object)
	name, _ = spec["name"].(string)
	display, _ = spec["display_name"].(string)
	language, _ = spec["language"].(string)
	if language == "" {
		info, _ := nb.Metadata["language_info"].(object)
		language, _ = info["name"].(string)
	}
	return name, display, language
}

// header are the lines between which jupytext keeps what a notebook says of itself.
func header(nb *notebook.Notebook, extension, form, version string) []string {
	name, display, language := kernel(nb)
	return []string{
		"---",
		"jupytext:",
		"  text_representation:",
		"    extension: " + extension,
		"    format_name: " + form,
		"    format_version: '" + version + "'",
		"kernelspec:",
		"  display_name: " + quote(display),
		"  language: " + quote(language),
		"  name: " + quote(name),
		"---",
	}
}

// quote writes a value as JSON, which is YAML too.
func quote(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	// What was read from JSON can be written.
	_ = e.Encode(v)
	return strings.TrimSpace(b.String())
}

// left are the keys of a cell's metadata that are not of one run of it, sorted.
func left(c *notebook.Cell) []string {
	var keys []string
	for key := range c.Metadata {
		if !slices.Contains([]string{"papermill", "execution", "trusted", "ExecuteTime", "collapsed", "scrolled"}, key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
