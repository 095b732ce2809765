package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/huntbook/huntbook/internal/atomicfile"
	"github.com/huntbook/huntbook/jupyter"
	"github.com/huntbook/huntbook/notebook"
)

type object = map[string]any

// The tags of papermill's cells.
const (
	tagInjected = "injected-parameters"
	tagMark     = "papermill-error-cell-tag"
)

// document is a notebook while it is run.
type document struct {
	*runner
	result *Result
	nb     *notebook.Notebook
	start  time.Time
	saved  time.Time
}

// removeMarks takes out the cells that show where an earlier run failed.
func (d *document) removeMarks() {
	d.nb.Cells = slices.DeleteFunc(d.nb.Cells, func(c notebook.Cell) bool { return c.HasTag(tagMark) })
}

// setParameters puts a cell with the parameters where papermill puts it: in the place
// of one from an earlier run, or behind the cell tagged "parameters".
func (d *document) setParameters(parameters Parameters, kind *kind) error {
	if len(parameters) == 0 {
		return nil
	}
	tagged := func(tag string) int {
		return slices.IndexFunc(d.nb.Cells, func(c notebook.Cell) bool { return c.HasTag(tag) })
	}
	injected, own := tagged(tagInjected), tagged(notebook.TagParameters)
	known := slices.Clone(kind.parameters)
	for _, i := range []int{own, injected} {
		if i >= 0 {
			known = append(known, assigned(d.nb.Cells[i].Source)...)
		}
	}
	for _, p := range parameters {
		switch {
		case slices.Contains(known, p.Name):
		case injected < 0 && own < 0:
			return fmt.Errorf("it has no parameter %q: no cell is tagged %q", p.Name, notebook.TagParameters)
		default:
			return fmt.Errorf("it has no parameter %q; it has %s", p.Name, strings.Join(names(known), ", "))
		}
	}
	language, err := findLanguage(kind.spec.Name, kind.spec.Language)
	if err != nil {
		return err
	}
	source, err := language.cell(parameters)
	if err != nil {
		return err
	}
	cell := notebook.Cell{ID: d.freeID(tagInjected), Type: notebook.Code, Source: source, Metadata: object{"tags": []string{tagInjected}}}
	if injected >= 0 {
		cell.ID = d.nb.Cells[injected].ID
		d.nb.Cells[injected] = cell
	} else {
		// At the top where only the kernel says that there are parameters.
		d.nb.Cells = slices.Insert(d.nb.Cells, own+1, cell)
	}
	d.papermill()["parameters"] = plain(parameters)
	return nil
}

var (
	identifier = regexp.MustCompile(`[\pL_][\pL\pN_.]*`)
	comment    = regexp.MustCompile(`(#|//).*`)
	equals     = regexp.MustCompile(`=|<-`)
)

// assigned are the names that the lines of a parameters cell may set, whatever its
// language: all that stand before an = or <-.
func assigned(source string) []string {
	var out []string
	for line := range strings.Lines(source) {
		line = comment.ReplaceAllString(line, "")
		if at := equals.FindStringIndex(line); at != nil {
			out = append(out, identifier.FindAllString(line[:at[0]], -1)...)
		}
	}
	return out
}

// names are the first of some names, each once, for a message.
func names(list []string) []string {
	const most = 20
	list = slices.Compact(slices.Sorted(slices.Values(list)))
	if len(list) > most {
		list = append(list[:most:most], "…")
	}
	return list
}

// freeID is an id that no cell has.
func (d *document) freeID(id string) string {
	taken := func(id string) bool {
		return slices.ContainsFunc(d.nb.Cells, func(c notebook.Cell) bool { return c.ID == id })
	}
	free := id
	for n := 2; taken(free); n++ {
		free = fmt.Sprintf("%s-%d", id, n)
	}
	return free
}

// plain is a value as JSON has it.
func plain(v any) any {
	switch v := v.(type) {
	case *big.Int:
		return json.Number(v.String())
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprint(v)
		}
		return json.Number(pythonFloat(v))
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plain(v[i])
		}
		return list
	case Parameters:
		o := object{}
		for _, p := range v {
			o[p.Name] = plain(p.Value)
		}
		return o
	}
	return v
}

// papermill is the notebook's part of the metadata that papermill uses.
func (d *document) papermill() object {
	if d.nb.Metadata == nil {
		d.nb.Metadata = object{}
	}
	p, ok := d.nb.Metadata["papermill"].(object)
	if !ok {
		p = object{"default_parameters": object{}, "environment_variables": object{}, "parameters": object{}}
		d.nb.Metadata["papermill"] = p
	}
	return p
}

// moment writes a time as Python does.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000+00:00") }

func seconds(d time.Duration) json.Number {
	return json.Number(fmt.Sprintf("%.6f", d.Seconds()))
}

// prepare clears what an earlier run left and begins the record of this one. A kernel
// other than that of the notebook is noted in it.
func (d *document) prepare(kind *kind, chosen bool) {
	d.start = time.Now()
	p := d.papermill()
	p["version"] = "huntbook " + d.Version
	p["input_path"], p["output_path"] = d.result.Input, d.result.Output
	p["start_time"], p["end_time"], p["duration"], p["exception"] = moment(d.start), nil, nil, nil
	for i := range d.nb.Cells {
		c := &d.nb.Cells[i]
		c.Outputs, c.ExecutionCount = nil, 0
		if c.Metadata == nil {
			c.Metadata = object{}
		}
		c.Metadata["papermill"] = object{"exception": nil, "start_time": nil, "end_time": nil, "duration": nil, "status": "pending"}
	}
	if chosen && kernelName(d.nb) != kind.spec.Name {
		d.nb.Metadata["kernelspec"] = object{"name": kind.spec.Name, "display_name": kind.spec.DisplayName, "language": kind.spec.Language}
		delete(d.nb.Metadata, "language_info")
	}
}

// saveEvery is how long a notebook that runs is not written.
const saveEvery = time.Second

// execute runs the cells until one fails.
func (d *document) execute(ctx context.Context, cells cells) error {
	d.saved = time.Now()
	for i := range d.nb.Cells {
		c := &d.nb.Cells[i]
		d.tell(Progress{Job: d.result.Job, Cell: i + 1, Cells: len(d.nb.Cells)})
		begun := time.Now()
		p := c.Metadata["papermill"].(object)
		p["start_time"], p["status"], p["exception"] = moment(begun), "running", false
		var err error
		if c.Type == notebook.Code && strings.TrimSpace(c.Source) != "" {
			d.result.Cells++
			err = d.cell(ctx, cells, c)
		}
		p["end_time"], p["duration"] = moment(time.Now()), seconds(time.Since(begun))
		var end endError
		switch {
		case errors.As(err, &end):
			p["status"] = "completed"
			return nil
		case err != nil:
			p["status"], p["exception"] = "failed", true
			d.papermill()["exception"] = true
			if ctx.Err() == nil {
				d.mark(i)
			}
			return err
		}
		p["status"] = "completed"
		if time.Since(d.saved) >= saveEvery {
			// A server may have other things to do; the last time counts there.
			if err := d.save(); err != nil && d.Server == nil {
				return err
			}
		}
	}
	return nil
}

// endError says that a cell ended the notebook as it meant to: sys.exit(0).
type endError struct{}

func (endError) Error() string { return "the cell ends the notebook" }

// cell runs one code cell. An error that the cell shows its reader is in its outputs.
func (d *document) cell(ctx context.Context, cells cells, c *notebook.Cell) error {
	c.ExecutionCount = d.result.Cells
	outputs, err := cells.execute(ctx, c.Source)
	c.Outputs = outputs
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	m := masker{secrets: d.secrets}
	failed := cellError{m.text(fmt.Sprintf("In [%d] failed: %s", c.ExecutionCount, oneLine(err.Error()))), err}
	var raised *raisedError
	if !errors.As(err, &raised) {
		c.Outputs = append(c.Outputs, notebook.Output{Type: notebook.ErrorOutput, Ename: "KernelError", Evalue: err.Error(), Traceback: []string{err.Error()}})
		return failed
	}
	switch {
	case raised.name == "SystemExit" && (raised.value == "" || raised.value == "0" || raised.value == "None"):
		return endError{}
	case c.HasTag("raises-exception"):
		return nil
	}
	return failed
}

// raisedError is an error of the cell's own code.
type raisedError struct{ name, value string }

func (e *raisedError) Error() string {
	if e.value == "" {
		return e.name
	}
	return e.name + ": " + e.value
}

// cellError says in one line which cell failed and why.
type cellError struct {
	text  string
	cause error
}

func (e cellError) Error() string { return e.text }

func (e cellError) Unwrap() error { return e.cause }

// oneLine is the beginning of a text, in one line.
func oneLine(s string) string {
	const most = 300
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return s
}

const markStyle = `style="color:red; font-family:Helvetica Neue, Helvetica, Arial, sans-serif; font-size:2em;"`

// mark puts papermill's marks at the top and before the cell that failed.
func (d *document) mark(failed int) {
	count := d.nb.Cells[failed].ExecutionCount
	markdown := func(id, source string) notebook.Cell {
		return notebook.Cell{ID: d.freeID(id), Type: notebook.Markdown, Source: source, Metadata: object{"tags": []string{tagMark}}}
	}
	anchor := markdown("papermill-error-cell", `<span id="papermill-error-cell" `+markStyle+`>The run stopped at an error here:</span>`)
	d.nb.Cells = slices.Insert(d.nb.Cells, failed, anchor)
	top := markdown("papermill-error", fmt.Sprintf(`<span %s>There was an error in <a href="#papermill-error-cell">In [%d]</a>.</span>`, markStyle, count))
	d.nb.Cells = slices.Insert(d.nb.Cells, 0, top)
}

// complete ends the record of the run. Cells that were not reached stay pending.
func (d *document) complete(info *jupyter.KernelInfo) {
	p := d.papermill()
	p["end_time"], p["duration"] = moment(time.Now()), seconds(time.Since(d.start))
	if info == nil {
		return
	}
	language := object{}
	if data, err := json.Marshal(info.LanguageInfo); err == nil && json.Unmarshal(data, &language) == nil {
		d.nb.Metadata["language_info"] = language
	}
}

// save writes the notebook without secrets.
func (d *document) save() error {
	if len(d.secrets) > 0 {
		d.result.Masked = mask(d.nb, d.secrets, d.result.Masked)
	}
	d.saved = time.Now()
	if d.Server != nil {
		// What ran is kept, also of a run that was stopped.
		return putNotebook(context.Background(), d.Server, d.result.Output, d.nb, d.Trust)
	}
	data, err := notebook.Encode(d.nb)
	if err != nil {
		return err
	}
	return atomicfile.Write(d.result.Output, data)
}

// copies writes the notebook, which was saved, in the other formats.
func (d *document) copies() error {
	for _, f := range d.Formats {
		name := f.Name(d.result.Output)
		data, err := f.Write(d.nb)
		switch {
		case err != nil:
		case d.Server != nil:
			err = d.Server.PutFile(context.Background(), name, bytes.NewReader(data))
		default:
			err = atomicfile.Write(name, data)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// kernelName is the kernel that a notebook asks for.
func kernelName(nb *notebook.Notebook) string {
	spec, _ := nb.Metadata["kernelspec"].(object)
	name, _ := spec["name"].(string)
	return name
}
