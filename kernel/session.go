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
}

// NewSession starts a session on an engine.
func NewSession(e engine.Engine) *Session {
	return &Session{engine: e, parameters: defaultParameters()}
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
	out := &outputs{}
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
	for _, c := range commands {
		run, problem := s.prepare(ctx, c, out)
		if problem != nil {
			problem.File = file
			diags = append(diags, problem)
			continue
		}
		runs = append(runs, func() error { return inCell(run(), c, file) })
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

// prepare checks a command and returns what it does.
func (s *Session) prepare(ctx context.Context, c syntax.Command, out *outputs) (func() error, *diag.Diagnostic) {
	if c.Kind == syntax.Parameter {
		return s.parameters.prepare(c)
	}
	magic, problem := find(c)
	if problem != nil {
		return nil, problem
	}
	call, problem := magic.read(c)
	if problem != nil {
		return nil, problem
	}
	return func() error { return magic.run(ctx, s, call, out) }, nil
}

// inCell makes an error that points into a command or its body point into the
// cell.
func inCell(err error, c syntax.Command, file *diag.File) error {
	if err == nil {
		return nil
	}
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
