// Package kernel runs cells of huntbook's cell language.
//
// A cell is a few lines of magics ("%data logs/", "%%sigma" with a rule below
// it, "%table"); package kernel/syntax reads its form, the files magic_*.go say
// what each magic does. A Session runs cells one after another on an engine and
// keeps what they share: parameters, the open data, the last result. What a cell
// gives back depends on the cells run so far and on nothing else: no clock, no
// order of maps. The package knows nothing of files and servers, which are the
// engine's, nor of Sigma. Data flows: cell → commands → engine → Outputs.
package kernel

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/inspect"
	"github.com/huntbook/huntbook/kernel/syntax"
	"github.com/huntbook/huntbook/notebook"
)

// maxCell bounds the source of a cell, in bytes.
const maxCell = 8 << 20

// Session is the state of an interpreter. It is for one goroutine.
type Session struct {
	engine     engine.Engine
	parameters parameters
	data       *engine.DataInfo // nil: no data is open
	result     *engine.Result   // nil: no query has run
	kept       map[string]*engine.Result
	sample     *inspect.Report // of the data, nil until it is asked for

	// WriteFile writes a file that a cell names, with slashes; nil where cells
	// may write none.
	WriteFile func(name string, content []byte) error
}

// NewSession starts a session on an engine.
func NewSession(e engine.Engine) *Session {
	return &Session{engine: e, parameters: defaultParameters(), kept: map[string]*engine.Result{}}
}

// CellError says that a cell failed. Its cause is an engine's error or a
// diag.List that points into the cell, file "cell".
type CellError struct {
	// Kind is "SyntaxError", "RuleError" or "EngineError".
	Kind  string
	Cause error
}

func (e *CellError) Error() string { return e.Cause.Error() }

// Unwrap returns the cause.
func (e *CellError) Unwrap() error { return e.Cause }

// Execute runs a cell. When the cell fails, the error is a *CellError and the
// last output says the same to the reader of the notebook; nothing of a cell is
// run when one of its lines can't be read. When the context ends, the error is
// the context's and there are no outputs.
func (s *Session) Execute(ctx context.Context, source string) ([]notebook.Output, error) {
	return s.Stream(ctx, source, nil)
}

// Stream is Execute that gives outputs to emit as they come, text in pieces.
func (s *Session) Stream(ctx context.Context, source string, emit func(notebook.Output)) ([]notebook.Output, error) {
	out := &outputs{emit: emit}
	err := s.execute(ctx, source, out)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("running a cell: %w", ctx.Err())
	}
	if err != nil {
		failed := cellError(err)
		out.fail(failed)
		return out.list, failed
	}
	return out.list, nil
}

func (s *Session) execute(ctx context.Context, source string, out *outputs) error {
	if len(source) > maxCell {
		return fmt.Errorf("this cell has %d MB, more than the %d MB that are read", len(source)>>20, maxCell>>20)
	}
	commands, diags := syntax.Parse(source)
	file := &diag.File{Path: "cell", Data: []byte(source)}
	var runs []func() error
	results := map[string]bool{}
	for name := range s.kept {
		results[name] = true
	}
	for _, c := range commands {
		run, problem := s.prepare(ctx, c, results, file, out)
		if problem != nil {
			problem.File = file
			diags = append(diags, problem)
			continue
		}
		runs = append(runs, run)
	}
	if diags.HasErrors() {
		return diags
	}
	for _, run := range runs {
		if err := run(); err != nil {
			return err
		}
	}
	return nil
}

// prepare checks a command and returns what it does. Results are the names of those
// that will be kept by then; the command's own is added.
func (s *Session) prepare(ctx context.Context, c syntax.Command, results map[string]bool, file *diag.File, out *outputs) (func() error, *diag.Diagnostic) {
	if c.Kind == syntax.Parameter {
		return s.parameters.prepare(c)
	}
	commands := append([]syntax.Command{c}, c.Then...)
	magics := make([]*Magic, len(commands))
	calls := make([]*call, len(commands))
	for i, c := range commands {
		var problem *diag.Diagnostic
		if magics[i], problem = find(c, results); problem != nil {
			return nil, problem
		}
		if calls[i], problem = magics[i].read(c, results); problem != nil {
			return nil, problem
		}
		switch {
		case i > 0 && !magics[i-1].Gives:
			return nil, &diag.Diagnostic{Code: "cell-pipe", Message: "%" + commands[i-1].Name + " gives no result that could go on", Hint: "begin with %last or the name of a result", Pos: c.Pos, Width: c.Width}
		case i > 0 && !magics[i].Takes:
			return nil, &diag.Diagnostic{Code: "cell-pipe", Message: "%" + c.Name + " takes no result", Hint: "it begins a line", Pos: c.Pos, Width: c.Width}
		}
	}
	last := magics[len(magics)-1]
	if c.Save.Text != "" {
		if !last.Gives {
			return nil, &diag.Diagnostic{Code: "cell-save", Message: "%" + last.Name + " gives no result that could be kept", Hint: "write %" + c.Save.Text + " = %last, for example", Pos: c.Save.Pos, Width: c.Save.Width}
		}
		if problem := checkName(c.Save, results); problem != nil {
			return nil, problem
		}
		results[c.Save.Text] = true
	}
	return func() error { return s.run(ctx, magics, calls, file, out) }, nil
}

// run runs magics one after the other, each on the result of the one before.
func (s *Session) run(ctx context.Context, magics []*Magic, calls []*call, file *diag.File, out *outputs) error {
	result := s.result
	for i, m := range magics {
		at := &step{call: calls[i], session: s, in: result, out: out}
		if m.Takes && result == nil {
			return inCell(errNoQuery, calls[i].command, file)
		}
		if err := m.run(ctx, at); err != nil {
			return inCell(err, calls[i].command, file)
		}
		if result = at.result; result != nil && !m.kept {
			s.result = result
		}
	}
	switch name := calls[0].command.Save.Text; {
	case result == nil:
	case name != "":
		s.kept[name] = result
	case len(magics) == 1 && magics[0].kept:
		return runTable(ctx, &step{call: &call{}, session: s, in: result, out: out, value: true})
	}
	return nil
}

// inWord makes an error that points into a text point into the word that holds it.
func inWord(err error, w syntax.Word) error {
	var list diag.List
	if !errors.As(err, &list) {
		return err
	}
	moved := make(diag.List, len(list))
	for i, d := range list {
		m := *d
		// A word is in one line, and its quote is in front of the text.
		m.File, m.Pos = nil, w.Pos.Shift(d.Pos.Column-1)
		if w.Quoted {
			m.Pos = m.Pos.Shift(1)
		}
		moved[i] = &m
	}
	return moved
}

// inCell makes an error that points into a command or its body point into the
// cell.
func inCell(err error, c syntax.Command, file *diag.File) error {
	var list diag.List
	var one *diag.Diagnostic
	switch {
	case errors.As(err, &list):
	case errors.As(err, &one):
		list = diag.List{one}
	default:
		return &located{err, c, file}
	}
	moved := make(diag.List, len(list))
	for i, d := range list {
		m := *d
		if d.File == nil || d.File.Path == "" && string(d.File.Data) == c.Body {
			if c.BodyLine > 0 && m.Pos.Line > 0 {
				m.Pos.Line += c.BodyLine - 1
			}
			m.File = file
		}
		moved[i] = &m
	}
	return moved
}

// located is an error that is about a whole command.
type located struct {
	error
	command syntax.Command
	file    *diag.File
}

func (l *located) Unwrap() error { return l.error }

func cellError(err error) *CellError {
	var list diag.List
	if !errors.As(err, &list) {
		return &CellError{"EngineError", err}
	}
	for _, d := range list {
		if !strings.HasPrefix(d.Code, "cell-") {
			return &CellError{"RuleError", err}
		}
	}
	return &CellError{"SyntaxError", err}
}

// Run runs all code cells of a notebook in order and puts outputs and execution
// counts into it. A cell that fails keeps its error as output and ends the run;
// the cells after it are left as not run, and the *CellError is returned. When
// the context ends, the notebook is half run and the context's error returned.
func Run(ctx context.Context, s *Session, nb *notebook.Notebook) error {
	for i := range nb.Cells {
		nb.Cells[i].Outputs, nb.Cells[i].ExecutionCount = nil, 0
	}
	count := 0
	for i := range nb.Cells {
		cell := &nb.Cells[i]
		if cell.Type != notebook.Code {
			continue
		}
		outputs, err := s.Execute(ctx, cell.Source)
		if err != nil && outputs == nil {
			return err
		}
		count++
		cell.Outputs, cell.ExecutionCount = outputs, count
		if err != nil {
			return fmt.Errorf("cell %s: %w", cell.ID, err)
		}
	}
	return nil
}
