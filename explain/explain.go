// Package explain says why a rule did or did not match an event, and why a
// correlation did or did not fire.
//
// It evaluates a rule's tree on one event in the plainest way, and keeps what
// came out of every piece beside the rule's own words: the condition, its
// search identifiers, their items and values, what a pipeline added, and the
// event's values that were compared. The same evaluator is what the tests of
// the matcher take as their reference. The package knows nothing of files. Data
// flows: pipeline.Lowered → Rule; Rule × row of an event.Batch → Explanation →
// text or JSON. For a correlation: sigma.Rule and a library of rules →
// Correlation; every batch is added → groups → windows → CorrelationExplanation.
package explain

import (
	"time"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// Rule is a rule that can be explained. It is for one goroutine.
type Rule struct {
	lowered   *pipeline.Lowered
	ways      []pipeline.Way
	evaluator *Evaluator
}

// NewRule makes a lowered rule explainable.
func NewRule(l *pipeline.Lowered) *Rule {
	return &Rule{l, l.Ways(), NewEvaluator()}
}

// Event is a row of a batch.
func (r *Rule) Event(b *event.Batch, row int) *Event { return r.evaluator.Event(b, row) }

// Matches tells whether the rule matches the event.
func (r *Rule) Matches(e *Event) bool {
	return r.concerns(e) && e.Matches(r.lowered.Expr())
}

// concerns tells whether the event is of the rule's product: a rule for Windows
// is for Windows event logs, one for another product for all else.
func (r *Rule) concerns(e *Event) bool {
	return r.lowered.Product == "" || e.Windows() == (r.lowered.Product == "windows")
}

// Explanation is a rule's tree with what became of it on one event.
type Explanation struct {
	Rule *sigma.Rule
	// Source and Record say where the event came from; Time is zero when it
	// has none.
	Source string
	Record int
	Time   time.Time
	// Matched is true when the product is right and one of the Ways is true.
	Matched bool
	// Product is the test of the rule's product, nil when it has none.
	Product *Node
	Ways    []Way
}

// Way is one of the forms that the pipelines made of the rule, as
// pipeline.Way: true when all that was added is, and one of the conditions.
type Way struct {
	True              bool
	Added, Conditions []Node
}

// Kind says what a Node is.
type Kind string

// The kinds: true when all or any of the Nodes are, when the one Node is not; an
// item, whose Nodes are its values; a value; the test of the product; in the
// condition of a correlation, a rule that is in the window.
const (
	All      Kind = "all"
	Any      Kind = "any"
	Not      Kind = "not"
	Item     Kind = "item"
	Value    Kind = "value"
	Product  Kind = "product"
	InWindow Kind = "rule"
)

// Node is a piece of a rule and whether it is true.
type Node struct {
	Kind Kind
	// Label is a search identifier, "1 of sel*", an item's field with its
	// modifiers as it was written, or a value; "" for a piece without a name.
	Label string
	// Pos is in the rule's file, or in File when that is set: a filter's. It
	// is zero for what a pipeline added.
	Pos   diag.Pos
	File  *diag.File
	True  bool
	Nodes []Node
	// Fields are an item's names of its field, when pipelines changed them.
	Fields []string
	// AllValues is true for an item all of whose values must match, Negated
	// for one that is true when they don't.
	AllValues, Negated bool
	// Found are the event's values that an item was compared with, and what
	// a keyword was found in.
	Found []Found
}

// Explain evaluates every piece of the rule on the event.
func (r *Rule) Explain(e *Event) *Explanation {
	record := e.batch.Records[e.row]
	x := &Explanation{Rule: r.lowered.Rule, Record: record.Number}
	if record.Source != nil {
		x.Source = record.Source.Name
	}
	if t := e.batch.Times[e.row]; t != event.NoTime {
		x.Time = time.Unix(0, t).UTC()
	}
	if p := r.lowered.Product; p != "" {
		label := "product " + p + ": an event of a Windows event log"
		if p != "windows" {
			label = "product " + p + ": no event of a Windows event log"
		}
		x.Product = &Node{Kind: Product, Label: label, Pos: r.lowered.Rule.LogSource.Pos, True: r.concerns(e)}
	}
	for _, w := range r.ways {
		way := Way{Added: e.nodes(spread(w.Added)), Conditions: e.nodes(w.Conditions)}
		way.True = e.all(w.Added) && e.any(w.Conditions)
		x.Ways = append(x.Ways, way)
		x.Matched = x.Matched || way.True && r.concerns(e)
	}
	return x
}

// spread puts in the place of a map its items.
func spread(pieces []*pipeline.Piece) []*pipeline.Piece {
	var out []*pipeline.Piece
	for _, p := range pieces {
		if p.Kind == pipeline.AllOf && p.Label == "" {
			out = append(out, spread(p.Pieces)...)
		} else {
			out = append(out, p)
		}
	}
	return out
}

func (e *Event) all(pieces []*pipeline.Piece) bool {
	for _, p := range pieces {
		if !e.Matches(p.Expr) {
			return false
		}
	}
	return true
}

func (e *Event) any(pieces []*pipeline.Piece) bool {
	for _, p := range pieces {
		if e.Matches(p.Expr) {
			return true
		}
	}
	return false
}

func (e *Event) nodes(pieces []*pipeline.Piece) []Node {
	nodes := make([]Node, len(pieces))
	for i, p := range pieces {
		nodes[i] = e.node(p)
	}
	return nodes
}

func (e *Event) node(p *pipeline.Piece) Node {
	if isGroup(p) && p.Label == "" && len(p.Pieces) == 1 {
		return e.node(p.Pieces[0])
	}
	n := Node{Label: p.Label, Pos: p.Pos, File: p.File, True: e.Matches(p.Expr)}
	switch p.Kind {
	case pipeline.AllOf, pipeline.AnyOf:
		if len(p.Pieces) == 1 && isGroup(p.Pieces[0]) && p.Pieces[0].Label == "" {
			p = p.Pieces[0] // the map or list under a search identifier's name
		}
		n.Kind = All
		if p.Kind == pipeline.AnyOf {
			n.Kind = Any
		}
	case pipeline.NotOf:
		n.Kind = Not
	case pipeline.ItemPiece:
		n.Kind, n.Label, n.Fields = Item, itemLabel(p), renamed(p)
		n.AllValues, n.Negated = p.Item.All, p.Item.Negated
		n.Found = e.found(p)
		if p.Added {
			n.Pos = diag.Pos{}
		}
	case pipeline.ValuePiece:
		n.Kind, n.Label, n.Pos = Value, valueLabel(p), diag.Pos{}
	}
	n.Nodes = e.nodes(p.Pieces)
	return n
}

func isGroup(p *pipeline.Piece) bool {
	return p.Kind == pipeline.AllOf || p.Kind == pipeline.AnyOf
}

// renamed are the item's names of its field when pipelines changed them.
func renamed(p *pipeline.Piece) []string {
	if len(p.Fields) == 1 && p.Fields[0] == p.Item.Field {
		return nil
	}
	return p.Fields
}
