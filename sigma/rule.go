// Package sigma reads Sigma rules: documents, values, modifiers, conditions.
//
// It follows the Sigma specification 2.1.0. A file is read into Rules whose every
// node knows its position; what is wrong with it is collected as diagnostics, and
// reading goes on. The package knows nothing of pipelines, queries or events. Data
// flows: bytes → YAML nodes → Rule (with modifiers applied and conditions parsed).
package sigma

import "github.com/huntbook/huntbook/diag"

// Rule is one Sigma rule document (specification 2.1.0, "Sigma Rules").
// Absent text is "", absent lists are nil.
type Rule struct {
	// File holds the rule's whole file, Document its place in it (from 1),
	// Pos the first line of the document, Text the document as it was written.
	// The last rule of Text is this one (a v1 collection needs its other
	// documents too).
	File     *diag.File
	Document int
	Pos      diag.Pos
	Text     string

	Title          string
	ID             string
	Name           string
	Related        []Related
	Taxonomy       string
	Status         string // stable, test, experimental, deprecated, unsupported
	Description    string
	License        string
	Author         string
	References     []string
	Date           string // as written: YYYY-MM-DD, v1 also YYYY/MM/DD
	Modified       string
	LogSource      LogSource
	Detection      Detection
	Fields         []string
	FalsePositives []string
	Scope          []string
	Level          string // informational, low, medium, high, critical
	Tags           []string
	// Custom are the keys that the specification does not name, in order.
	Custom []Custom
	// Keys are all keys of the document in their order, as they are written.
	Keys []Key

	// Correlation is set instead of LogSource and Detection when the document
	// is a correlation rule, beside them in a v1 rule with an aggregation.
	Correlation *Correlation
}

// Related is one entry of a rule's related list.
type Related struct {
	ID, Type string
}

// Custom is a key that the specification does not name, with its YAML value
// decoded into Go's plain types.
type Custom struct {
	Key   string
	Value any
}

// LogSource says which logs a rule is for. Absent parts are "".
type LogSource struct {
	Category, Product, Service string
	Definition                 string
	Pos                        diag.Pos
}

// Detection is a rule's detection section: named search identifiers and the
// conditions that combine them. Several conditions are linked with OR.
type Detection struct {
	Identifiers []SearchIdentifier // in the order of the document
	Conditions  []Condition
	Timeframe   string
	Pos         diag.Pos
}

// Identifier returns the search identifier of that name, nil when absent.
func (d *Detection) Identifier(name string) *SearchIdentifier {
	for i := range d.Identifiers {
		if d.Identifiers[i].Name == name {
			return &d.Identifiers[i]
		}
	}
	return nil
}

// SearchIdentifier is one named part of a detection section.
type SearchIdentifier struct {
	Name string
	Pos  diag.Pos
	Body Search
	// File is the file of a filter that the identifier came from, nil when the
	// positions in it are those of the rule's own file.
	File *diag.File
}

// Search is a node of a search identifier: *Group or *Item.
type Search interface{ search() }

// Group links its members: a YAML map with AND (All), a YAML list with OR.
type Group struct {
	All     bool
	Members []Search
	Pos     diag.Pos
}

// Item is one detection item: a field, its modifiers and its values.
type Item struct {
	// Field is "" for keywords, which are looked for in the whole event.
	Field string
	// Modifiers are the names in the order in which they are applied.
	Modifiers []string
	// Written are the values as they stand in the rule, before modifiers;
	// Places has a place for each.
	Written []Value
	Places  []diag.Pos
	// Values are the values after modifiers, linked with OR, or with AND
	// when All is set (modifier all).
	Values []Value
	All    bool
	// Negated is set by the modifier neq: no value may match.
	Negated bool
	Pos     diag.Pos
}

func (*Group) search() {}
func (*Item) search()  {}
