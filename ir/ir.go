// Package ir is the lowered form of a rule: a tree of And, Or, Not and Match.
//
// Rules are lowered once, by package pipeline, with modifiers, wildcards,
// field mappings and log source conditions resolved. What is converted into a
// query, matched in memory and searched in a store is the same tree, so they
// agree. The package knows nothing of rules, pipelines or engines.
package ir

import (
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// Pattern is a string with wildcards.
type Pattern = sigma.Pattern

// Expr is a node: *And, *Or, *Not or *Match. And and Or may have no members:
// And of nothing is true, Or of nothing is false.
type Expr interface{ expr() }

// And is true when all members are.
type And struct{ X []Expr }

// Or is true when one member is.
type Or struct{ X []Expr }

// Not negates.
type Not struct{ X Expr }

// Op tells how a Match compares.
type Op uint8

// The comparisons. Every one but Null and Exists is false on an absent field.
// A field with several values (a JSON list) matches when one of them does.
const (
	// Like compares the whole value with Match.Pattern.
	Like Op = iota
	// Number compares with Match.Text, a decimal number, as text, in the form
	// written or in its shortest: 19 equals "19", 1.0 equals "1.0" and "1".
	Number
	// Bool compares with Match.Text, "true" or "false", as text.
	Bool
	// Null is true when the field is absent or null.
	Null
	// Exists is true when the field is present, null and "" included.
	Exists
	// Regexp searches for Match.Text, RE2 syntax with flags inside ("(?i)…"),
	// anywhere in the value.
	Regexp
	// CIDR is true when the value is an address in network Match.Text.
	CIDR
	// Less, LessEqual, Greater, GreaterEqual compare with the number in
	// Match.Text; a value that is no number does not match.
	Less
	LessEqual
	Greater
	GreaterEqual
	// FieldRef compares with the value of the field named Match.Text; Affix
	// says whether that value may be a part only.
	FieldRef
	// TimePart compares a part of the time in the field (Match.Part: minute,
	// hour, day, week, month, year) with the number in Match.Text, as
	// Match.Compare says.
	TimePart
	// Raw is a text in a target's own language: Match.Parts, with the field's
	// name as the target writes it between them. Only targets can use it.
	Raw
)

// Affix says where a FieldRef may find the other field's value.
type Affix uint8

// The affixes.
const (
	Whole Affix = iota
	Prefix
	Suffix
	Anywhere
)

// Match compares one field.
type Match struct {
	// Field is "" for a keyword, which is looked for in every field's value:
	// the value must contain Pattern (Like), or match otherwise.
	Field   string
	Op      Op
	Pattern Pattern
	Text    string
	Part    string
	Parts   []string
	// Compare is Number (equal), Less, LessEqual, Greater or GreaterEqual.
	Compare Op
	Affix   Affix
	// Cased makes Like and FieldRef case-sensitive.
	Cased bool
	// Pos is where the comparison was written: in File, that of a filter, or
	// in the rule's own when File is nil.
	Pos  diag.Pos
	File *diag.File
}

func (*And) expr()   {}
func (*Or) expr()    {}
func (*Not) expr()   {}
func (*Match) expr() {}

// Walk calls f for every Match of the tree, left to right.
func Walk(e Expr, f func(*Match)) {
	switch e := e.(type) {
	case *And:
		for _, x := range e.X {
			Walk(x, f)
		}
	case *Or:
		for _, x := range e.X {
			Walk(x, f)
		}
	case *Not:
		Walk(e.X, f)
	case *Match:
		f(e)
	}
}

// Fields returns the names of the fields that the tree reads, each once, in
// order of first use.
func Fields(e Expr) []string {
	var names []string
	seen := map[string]bool{"": true}
	add := func(f string) {
		if !seen[f] {
			seen[f] = true
			names = append(names, f)
		}
	}
	Walk(e, func(m *Match) {
		add(m.Field)
		if m.Op == FieldRef {
			add(m.Text)
		}
	})
	return names
}

// All links expressions with AND: one expression stands for itself, nested
// Ands are flattened.
func All(x ...Expr) Expr {
	var flat []Expr
	for _, e := range x {
		if a, ok := e.(*And); ok {
			flat = append(flat, a.X...)
		} else if e != nil {
			flat = append(flat, e)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return &And{flat}
}

// Any links expressions with OR: one expression stands for itself.
func Any(x ...Expr) Expr {
	if len(x) == 1 {
		return x[0]
	}
	return &Or{x}
}
