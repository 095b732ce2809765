package cluster

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// ask is a rule on its way to the cluster.
type ask struct {
	lowered *pipeline.Lowered
	// text is a query string in the place of a rule, "" for none.
	text string
	// original are the fields that the rule reads under its own names, channel the
	// names of a Windows event log's channel, for rules that are not about one.
	original, channel []string
}

// PrepareAll lowers rules with the pipelines; see engine.Preparer. Nothing is asked
// of the cluster yet.
func (c *Cluster) PrepareAll(rules, others []*sigma.Rule) ([]engine.Prepared, []error) {
	return engine.NewPreparerFor(c.prepare).PrepareAll(rules, others)
}

func (c *Cluster) prepare(r *sigma.Rule) (engine.Prepared, error) {
	lowered, diags := pipeline.Lower(r, c.Chain)
	if lowered == nil {
		return engine.Prepared{Rule: r}, diags.Err()
	}
	a := &ask{lowered: lowered}
	if plain, _ := pipeline.Lower(r, nil); plain != nil {
		a.original = ir.Fields(plain.Expr())
	}
	if lowered.Product != "" && lowered.Product != "windows" {
		_, names, _ := pipeline.LowerNaming(r, c.Chain, channelField)
		a.channel = names(channelField)
	}
	c.about[r] = a
	return engine.Prepared{Rule: r, Expr: lowered.Expr(), Notes: diags}, nil
}

// channelField names the event log of a Windows event.
const channelField = "Channel"

// conditions are those of the rule in some indices. A rule for another product says
// nothing about events of a Windows event log; Sysmon for Linux names a channel too.
func (a *ask) conditions(x *index) []ir.Expr {
	var windows []ir.Expr
	for _, name := range a.channel {
		if x.has(name) {
			windows = append(windows, ir.All(
				&ir.Match{Field: name, Op: ir.Exists},
				&ir.Not{X: &ir.Match{Field: name, Op: ir.Like, Pattern: sigma.Text("Linux-").StartsWith()}}))
		}
	}
	if len(windows) == 0 {
		return a.lowered.Exprs
	}
	out := make([]ir.Expr, len(a.lowered.Exprs))
	for i, e := range a.lowered.Exprs {
		out[i] = ir.All(e, &ir.Not{X: ir.Any(windows...)})
	}
	return out
}

// indexOf is where a rule's events are.
func (c *Cluster) indexOf(a *ask) []string {
	if len(a.lowered.Index) > 0 {
		return a.lowered.Index
	}
	return c.Index
}

// query is a rule whose conditions are exprs as the cluster's query, for the mapping
// of its indices, and what is to be told of it. The error is a *diag.Diagnostic when
// the rule can't be expressed.
func (c *Cluster) query(a *ask, exprs []ir.Expr, m *mapping.Index) (any, diag.List, error) {
	lowered := *a.lowered
	lowered.Exprs = exprs
	queries, err := c.Target.With(m).Convert(&lowered, "", nil)
	if err != nil {
		return nil, nil, err
	}
	var remarks diag.List
	clauses := make([]any, len(queries))
	for i, q := range queries {
		if clauses[i], err = clause(q); err != nil {
			return nil, nil, err
		}
		remarks = append(remarks, q.Remarks...)
	}
	out := clauses[0]
	if len(clauses) > 1 {
		out = map[string]any{"bool": map[string]any{"should": clauses, "minimum_should_match": 1}}
	}
	return out, remarks, nil
}

// clause is a target's query as a clause: es-dsl writes a search request, whose query
// it is; a text is a query string.
func clause(q backend.Query) (any, error) {
	if text, ok := q.Value.(string); ok {
		return map[string]any{"query_string": map[string]any{"query": text}}, nil
	}
	text, err := json.Marshal(q.Value)
	if err != nil {
		return nil, err
	}
	var request struct {
		Query json.RawMessage `json:"query"`
	}
	return request.Query, json.Unmarshal(text, &request)
}

// truth is what is known of a tree before any event is looked at.
type truth int8

const (
	never truth = iota - 1
	open
	always
)

// possible tells whether a tree can be true where only some fields are there.
func possible(e ir.Expr, has func(string) bool) truth {
	switch e := e.(type) {
	case *ir.And:
		out := always
		for _, x := range e.X {
			out = min(out, possible(x, has))
		}
		return out
	case *ir.Or:
		out := never
		for _, x := range e.X {
			out = max(out, possible(x, has))
		}
		return out
	case *ir.Not:
		return -possible(e.X, has)
	case *ir.Match:
		switch {
		case e.Field == "" || has(e.Field) && (e.Op != ir.FieldRef || has(e.Text)):
			return open
		case e.Op == ir.Null:
			return always
		}
		return never
	}
	return open
}

// absent are the fields of a tree that are not there.
func absent(e ir.Expr, has func(string) bool) []string {
	return slices.DeleteFunc(ir.Fields(e), has)
}

func list(names []string) string { return strings.Join(names, ", ") }
