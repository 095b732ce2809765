package kernel

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"github.com/huntbook/huntbook/chart"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/notebook"
)

// outputs collects what a cell gives back, and hands each output to emit as it comes.
type outputs struct {
	list []notebook.Output
	emit func(notebook.Output) // nil for nobody
}

func (o *outputs) send(output notebook.Output) {
	if o.emit != nil {
		o.emit(output)
	}
}

func (o *outputs) add(output notebook.Output) {
	o.list = append(o.list, output)
	o.send(output)
}

// print writes a line of text. Its texts may come from rules and events, so what
// would move a cursor or hide is made visible.
func (o *outputs) print(line string) {
	line = diag.Printable(line) + "\n"
	output := notebook.Output{Type: notebook.Stream, Name: "stdout", Text: line}
	if n := len(o.list); n > 0 && o.list[n-1].Type == notebook.Stream {
		o.list[n-1].Text += line
		o.send(output)
		return
	}
	o.add(output)
}

// display adds a MIME bundle.
func (o *outputs) display(data, metadata map[string]any) {
	o.add(notebook.Output{Type: notebook.DisplayData, Data: data, Metadata: metadata})
}

// picture adds a chart, with a text for where no picture can be shown. The PNG
// stands beside the SVG since Jupyter hides SVG in notebooks that are not
// trusted. Interactive is the chart for front ends that draw it, nil for none.
func (o *outputs) picture(c *chart.Chart, text string, interactive any) error {
	png, err := c.PNG()
	if err != nil {
		return err
	}
	data := map[string]any{
		"image/png":     base64.StdEncoding.EncodeToString(png),
		"image/svg+xml": c.SVG(),
		"text/plain":    text,
	}
	if interactive != nil {
		data[vegaType] = interactive
	}
	o.display(data, map[string]any{"image/png": map[string]any{"height": c.Height, "width": c.Width}})
	return nil
}

// fail adds an error output; the message stands in the traceback too, with the
// line of the cell and a caret.
func (o *outputs) fail(e *CellError) {
	var b strings.Builder
	var list diag.List
	var at *located
	switch {
	case errors.As(e.Cause, &list):
	case errors.As(e.Cause, &at):
		list = diag.List{{Message: e.Error(), File: at.file, Pos: at.command.Pos, Width: at.command.Width}}
	default:
		list = diag.List{{Message: e.Error()}}
	}
	// A Builder takes every write.
	_ = diag.WriteText(&b, list, false)
	first := list[0]
	value := first.Message
	if first.Hint != "" {
		value += "; " + first.Hint
	}
	o.add(notebook.Output{
		Type:      notebook.ErrorOutput,
		Ename:     e.Kind,
		Evalue:    diag.Printable(value),
		Traceback: strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n"),
	})
}

// thousands writes a number with commas: 1,234.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// count writes a number of things: "1 event", "1,234 events".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return thousands(n) + " " + thing + "s"
}
