// Package against tells which fields of rules never occur in some data.
//
// For each rule it looks at the events of the rule's log source: those of its
// product for which everything is true that the pipeline of the local engine
// adds, and of these at those with the event ids that the rule asks for. A field
// that none of them has is likely misspelt, or the data lacks it; a rule that
// asks for it can't match there. The package knows nothing of single values. Data
// flows: rules → log sources; event batches → fields by log source and event id →
// findings.
package against

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/check"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/match"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// Result is what the data said of the rules.
type Result struct {
	Findings []check.Finding
	// Rules counts the rules that could be looked at, Concerned those of
	// them whose log source has events in the data.
	Rules, Concerned int
	Events           int
}

// source is a log source as a condition over events, and what its events have,
// by their event ids ("" for those without).
type source struct {
	expr   ir.Expr
	scope  match.Scope
	wanted map[string]bool
	kinds  map[string]*kind
}

// kind is what the events of one event id have.
type kind struct {
	events int
	found  map[string]bool // those of the wanted fields that an event had
	fields map[string]bool // all fields, for suggestions
}

// way is a rule's log source with the names that its fields have there.
type way struct {
	source *source
	names  map[string][]string // by the name that the rule has
	// vague says that nothing tells the events of the log source from others.
	vague bool
}

// rule is a rule that is looked at.
type rule struct {
	*sigma.Rule
	ways   []way
	fields []place
}

// place is a field that a rule asks for, where it stands first, and the event
// ids that the rule asks for beside it; none is any.
type place struct {
	name string
	pos  diag.Pos
	ids  []string
}

// Look reads all events and returns what the rules miss in them. Correlations
// and rules that can't be lowered are passed over.
func Look(ctx context.Context, rules []*sigma.Rule, r *ingest.Reader) (*Result, error) {
	l, err := prepare(rules)
	if err != nil {
		return nil, err
	}
	result := &Result{Rules: len(l.rules)}
	m := match.NewMatcher(l.program, event.Options{})
	for {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		result.Events += b.Rows
		m.Batch(b, func(i int, rows []int) { l.sources[i].add(b, rows) })
	}
	for _, x := range l.rules {
		findings, concerned := x.missing()
		if result.Findings = append(result.Findings, findings...); concerned {
			result.Concerned++
		}
	}
	return result, nil
}

type look struct {
	rules   []rule
	sources []*source
	program *match.Program
}

// prepare finds the log sources of the rules.
func prepare(rules []*sigma.Rule) (*look, error) {
	preparer, err := engine.NewPreparer()
	if err != nil {
		return nil, err
	}
	l := &look{}
	known := map[string]*source{}
	for _, r := range rules {
		if r.Correlation != nil {
			continue
		}
		lowered, _ := preparer.Lower(r)
		if lowered == nil {
			continue
		}
		x := rule{Rule: r, fields: fieldsOf(r)}
		for _, w := range lowered.Ways() {
			s := sourceOf(w, lowered.Product, known)
			names := map[string][]string{}
			for _, p := range w.Conditions {
				collect(p, names)
			}
			for _, list := range names {
				for _, name := range list {
					s.wanted[name] = true
				}
			}
			x.ways = append(x.ways, way{s, names, isVague(s.expr)})
		}
		l.rules = append(l.rules, x)
	}
	list := make([]match.Rule, 0, len(known))
	for _, s := range known {
		list = append(list, match.Rule{Expr: s.expr, Scope: s.scope})
		l.sources = append(l.sources, s)
	}
	program, errs := match.Compile(list)
	l.program = program
	return l, errors.Join(errs...)
}

// sourceOf is the log source of a way, each one once.
func sourceOf(w pipeline.Way, product string, known map[string]*source) *source {
	exprs := make([]ir.Expr, len(w.Added))
	for i, p := range w.Added {
		exprs[i] = p.Expr
	}
	s := &source{expr: ir.All(exprs...), wanted: map[string]bool{}, kinds: map[string]*kind{}}
	switch product {
	case "":
	case "windows":
		s.scope = match.WindowsEvent
	default:
		s.scope = match.OtherEvent
	}
	key := fmt.Sprint(s.scope) + text(s.expr)
	if known[key] == nil {
		known[key] = s
	}
	return known[key]
}

// isVague tells that a condition asks for nothing that is there.
func isVague(e ir.Expr) bool {
	vague := true
	ir.Walk(e, func(m *ir.Match) { vague = vague && m.Op == ir.Null })
	return vague
}

// text writes an expression, so that equal ones have the same text.
func text(e ir.Expr) string {
	switch e := e.(type) {
	case *ir.And:
		return "and" + texts(e.X)
	case *ir.Or:
		return "or" + texts(e.X)
	case *ir.Not:
		return "not" + texts([]ir.Expr{e.X})
	case *ir.Match:
		m := *e
		m.Pos, m.File = diag.Pos{}, nil
		return fmt.Sprintf("%q", fmt.Sprintf("%+v", m))
	}
	return ""
}

func texts(x []ir.Expr) string {
	parts := make([]string, len(x))
	for i, e := range x {
		parts[i] = text(e)
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// collect notes the names that the pipeline gave the fields of a piece.
func collect(p *pipeline.Piece, names map[string][]string) {
	if p.Kind == pipeline.ItemPiece && p.Item != nil && p.Item.Field != "" {
		for _, f := range p.Fields {
			if list := names[p.Item.Field]; !slices.Contains(list, f) {
				names[p.Item.Field] = append(list, f)
			}
		}
	}
	for _, x := range p.Pieces {
		collect(x, names)
	}
}

// add notes the fields of a batch's rows.
func (s *source) add(b *event.Batch, rows []int) {
	byCode := map[uint32][]int{}
	ids := b.Column("EventID")
	for _, row := range rows {
		code := uint32(0)
		if ids != nil {
			code = ids.Codes[row]
		}
		byCode[code] = append(byCode[code], row)
	}
	for code, rows := range byCode {
		id := ""
		if ids != nil {
			id = ids.Values[code].Text
		}
		k := s.kinds[id]
		if k == nil {
			k = &kind{found: map[string]bool{}, fields: map[string]bool{}}
			s.kinds[id] = k
		}
		k.add(b, rows, s.wanted)
	}
}

func (k *kind) add(b *event.Batch, rows []int, wanted map[string]bool) {
	k.events += len(rows)
	for _, c := range b.Columns {
		if !k.fields[c.Name] && has(c, rows) {
			k.fields[c.Name] = true
		}
	}
	for name := range wanted {
		if c := b.Column(name); !k.found[name] && c != nil && has(c, rows) {
			k.found[name] = true
		}
	}
}

func has(c *event.Column, rows []int) bool {
	return slices.ContainsFunc(rows, func(row int) bool { return c.Codes[row] != 0 })
}

// of returns the kinds of events with one of some ids, all for none.
func (s *source) of(ids []string) []*kind {
	var out []*kind
	for id, k := range s.kinds {
		if len(ids) == 0 || slices.Contains(ids, id) {
			out = append(out, k)
		}
	}
	return out
}

// missing tells of the fields that no event has; concerned says that there are
// events of the rule's log source. Where nothing tells these from others, one of
// the rule's fields has to.
func (r *rule) missing() (findings []check.Finding, concerned bool) {
	occurring := 0
	for _, f := range r.fields {
		events, found := 0, false
		near := map[string]bool{}
		for _, w := range r.ways {
			for _, k := range w.source.of(f.ids) {
				events += k.events
				found = found || slices.ContainsFunc(w.names[f.name], func(name string) bool { return k.found[name] })
				maps.Copy(near, k.fields)
			}
		}
		switch {
		case found:
			occurring++
		case events > 0:
			findings = append(findings, r.finding(f, events, near))
		}
	}
	vague := true
	for _, w := range r.ways {
		if len(w.source.kinds) > 0 {
			concerned, vague = true, vague && w.vague
		}
	}
	if vague && occurring == 0 {
		return nil, false
	}
	return findings, concerned
}

func (r *rule) finding(f place, n int, near map[string]bool) check.Finding {
	c := check.Find(check.FieldNotInData)
	what := "the rule's log source"
	if len(f.ids) > 0 {
		what += " with its event ids"
	}
	events := "1 event"
	if n != 1 {
		events = fmt.Sprintf("%d events", n)
	}
	return check.Finding{Diagnostic: &diag.Diagnostic{
		Code: c.Code, Severity: c.Severity, File: r.File, Pos: f.pos, Width: len([]rune(f.name)),
		Message: fmt.Sprintf("field %q does not occur in %s (%s)", f.name, what, events),
		Hint:    nearest(f.name, near),
	}}
}
