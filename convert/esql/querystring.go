package esql

import (
	"path"
	"slices"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/elastic"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
)

// newQueryString writes query strings that ignore case.
func newQueryString() (*elastic.QueryString, error) {
	fields, err := elastic.NewFields(map[string]string{"ci_whitelist": "*"})
	return &elastic.QueryString{Fields: fields}, err
}

// asked tells whether a comparison is asked through a query string: keywords, and
// fields that may hold several values.
func (w *writer) asked(m *ir.Match) bool {
	if m.Field == "" {
		return true
	}
	switch m.Op {
	case ir.Null, ir.Exists, ir.FieldRef, ir.TimePart, ir.Raw:
		return false
	}
	return matchesAny(w.multiValued, m.Field)
}

func matchesAny(globs []string, field string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		ok, err := path.Match(glob, field)
		return ok && err == nil || glob == field
	})
}

// ask writes comparisons of one field, or of all, as one query string.
func (w *writer) ask(matches []*ir.Match, all bool) (backend.Piece, error) {
	x := make([]ir.Expr, len(matches))
	for i, m := range matches {
		x[i] = m
	}
	e := ir.Any(x...)
	if all {
		e = ir.All(x...)
	}
	s, err := w.strings.Query(&pipeline.Lowered{}, e)
	return backend.Piece{Text: "qstr(" + text(s) + ")", Closed: true}, err
}

// remark tells something about a comparison, each thing once.
func (w *writer) remark(m *ir.Match, message, hint string) {
	for _, d := range w.remarks {
		if d.Message == message {
			return
		}
	}
	w.remarks = append(w.remarks, &diag.Diagnostic{Code: "index-field", Severity: diag.Warning, Message: message, Hint: hint, Pos: m.Pos, File: m.File})
}

// Remarks are what is to be told about the queries since the last call.
func (w *writer) Remarks() diag.List {
	list := slices.Concat(w.remarks, w.strings.Remarks())
	w.remarks = nil
	return list
}
