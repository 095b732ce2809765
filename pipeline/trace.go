package pipeline

import (
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// Way is one of the forms that the pipelines made of a rule: a process creation
// is Sysmon's event or the Security log's. A rule matches when one of its ways
// does; a way matches when all that was added does and one of the conditions.
type Way struct {
	Added, Conditions []*Piece
}

// PieceKind says what a Piece is.
type PieceKind uint8

// The kinds: all or any of the Pieces must be true; the one Piece must be false;
// an item, whose Pieces are its values; a value.
const (
	AllOf PieceKind = iota
	AnyOf
	NotOf
	ItemPiece
	ValuePiece
)

// Piece is a piece of a rule as its author knows it, beside the tree that it was
// lowered to.
type Piece struct {
	Kind PieceKind
	// Label is what the condition calls the piece: "selection", "1 of sel*";
	// "" for a piece that has no name.
	Label string
	// File is that of the filter that Pos points into, nil for the rule's.
	File   *diag.File
	Pos    diag.Pos
	Pieces []*Piece
	Expr   ir.Expr

	// Item is what was written, in the rule or, when Added is set, in a
	// pipeline; it is shared and must not be changed. Fields are the names
	// that the pipelines gave the field, in the event's own language.
	Item   *sigma.Item
	Fields []string
	Added  bool
	// Written is a ValuePiece's value as it was written, nil when pipelines
	// or modifiers made other values of it. Field is the name that it is
	// compared under, when there are several.
	Written sigma.Value
	Field   string
}

// Ways returns the rule with its text beside it: the pieces hold the same trees
// as Exprs does.
func (l *Lowered) Ways() []Way {
	r := &run{rule: l.Rule}
	ways := make([]Way, len(l.drafts))
	for i, d := range l.drafts {
		ways[i] = Way{Added: r.pieces(d.added), Conditions: r.pieces(d.conditions)}
	}
	return ways
}

func (r *run) pieces(nodes []node) []*Piece {
	pieces := make([]*Piece, len(nodes))
	for i, n := range nodes {
		pieces[i] = r.piece(n)
	}
	return pieces
}

func (r *run) piece(n node) *Piece {
	p := &Piece{Expr: r.expr(n)}
	switch n := n.(type) {
	case *not:
		p.Kind, p.Pieces = NotOf, []*Piece{r.piece(n.x)}
	case *group:
		if !n.all {
			p.Kind = AnyOf
		}
		p.Label, p.Pos, p.Pieces = n.label, n.pos, r.pieces(n.x)
	case *item:
		p.Kind, p.Pos, p.Item, p.Fields, p.Added = ItemPiece, n.pos, n.from, n.fields, n.owner != nil
		p.File, p.Pieces = n.file, r.valuePieces(n)
	}
	return p
}

// valuePieces has a piece for each value under each of the item's names.
func (r *run) valuePieces(it *item) []*Piece {
	fields := it.lookedAt()
	var pieces []*Piece
	for _, f := range fields {
		for i, v := range it.values {
			p := &Piece{Kind: ValuePiece, Pos: it.pos, Expr: r.value(it, f, v)}
			if it.from != nil && len(it.from.Written) == len(it.values) {
				p.Written = it.from.Written[i]
			}
			if len(fields) > 1 {
				p.Field = f
			}
			pieces = append(pieces, p)
		}
	}
	return pieces
}
