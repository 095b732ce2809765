// Package backend is what a target is made of: its description, the contract
// that its code fulfils, and a base for languages that are text.
//
// A target is a folder in convert/ with a Target value in it, and one line in
// the registry of package convert. Most languages differ in their tokens, their
// escaping and the form of a comparison, so a Dialect is data first; code is
// for what a language does in its own way. Data flows: pipeline.Lowered → a
// query for each condition of the rule. The package knows nothing of events.
package backend

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// Target describes a language that rules are converted to.
type Target struct {
	Name string
	// Description is a sentence, Reference a link to the language's own
	// documentation.
	Description, Reference string
	// Limits are sentences about what the language can't express, and about
	// what a query means otherwise than the rule.
	Limits  []string
	Formats []Format
	Options []Option
	Example Example
	// New makes a backend for a format and options, which are checked and
	// complete.
	New func(format string, options map[string]string) (Backend, error)
}

// Format is an output format; the first of a target is its default.
type Format struct{ Name, Description string }

// Option is a backend option, given as name=value.
type Option struct {
	Name string
	// Aliases are other spellings that users type.
	Aliases              []string
	Default, Description string
}

// Example is a rule's detection section as YAML and its query in the default
// format.
type Example struct{ Rule, Query string }

// Backend writes queries.
type Backend interface {
	// Query writes one condition of a rule: a text, or what becomes JSON.
	Query(l *pipeline.Lowered, e ir.Expr) (any, error)
}

// Query is a rule, or one of its conditions, in a target's language.
type Query struct {
	// Value is the target's natural JSON: a string, or an object or array.
	Value any
	// Part counts a rule's queries from 1; it is 0 when there is only one.
	Part int
}

// ErrUnknownFormat and ErrUnknownOption are wrapped by the errors about names
// that a target does not have, ErrOption by those about a value.
var (
	ErrUnknownFormat = errors.New("unknown output format")
	ErrUnknownOption = errors.New("unknown backend option")
	ErrOption        = errors.New("backend option")
)

// Convert writes a rule's queries, one for each of its conditions. Format ""
// is the default one. What the language can't express is a *diag.Diagnostic
// with its place in the rule.
func (t *Target) Convert(l *pipeline.Lowered, format string, options map[string]string) ([]Query, error) {
	b, err := t.backend(format, options)
	if err != nil {
		return nil, err
	}
	queries := make([]Query, len(l.Exprs))
	for i, e := range l.Exprs {
		value, err := b.Query(l, e)
		var d *diag.Diagnostic
		if errors.As(err, &d) && d.File == nil {
			d.File = l.Rule.File
		}
		if err != nil {
			return nil, err
		}
		queries[i] = Query{Value: value}
		if len(l.Exprs) > 1 {
			queries[i].Part = i + 1
		}
	}
	return queries, nil
}

// Check is an error when the target has no such format or option.
func (t *Target) Check(format string, options map[string]string) error {
	_, err := t.backend(format, options)
	return err
}

func (t *Target) backend(format string, options map[string]string) (Backend, error) {
	if format == "" {
		format = t.Formats[0].Name
	}
	var formats []string
	for _, f := range t.Formats {
		formats = append(formats, f.Name)
	}
	if !slices.Contains(formats, format) {
		return nil, unknown(ErrUnknownFormat, t, format, formats)
	}
	full, err := t.options(options)
	if err != nil {
		return nil, err
	}
	return t.New(format, full)
}

// options are the given ones under their own names, and the defaults.
func (t *Target) options(given map[string]string) (map[string]string, error) {
	full := map[string]string{}
	names := map[string]string{}
	for _, o := range t.Options {
		full[o.Name] = o.Default
		names[o.Name] = o.Name
		for _, alias := range o.Aliases {
			names[alias] = o.Name
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		own, ok := names[name]
		if !ok {
			return nil, unknown(ErrUnknownOption, t, name, slices.Sorted(maps.Keys(names)))
		}
		full[own] = given[name]
	}
	return full, nil
}

func unknown(kind error, t *Target, name string, known []string) error {
	hint := sigma.Suggest(name, known)
	switch {
	case hint == "" && len(known) == 0:
		hint = "it has none"
	case hint == "":
		hint = "it has " + strings.Join(known, ", ")
	}
	return fmt.Errorf("%w %q of target %s; %s", kind, name, t.Name, hint)
}

// Unsupported is the error about a comparison that a language can't express.
func Unsupported(m *ir.Match, reason, hint string) error {
	return &diag.Diagnostic{Code: "unsupported", Severity: diag.Error, Message: reason, Hint: hint, Pos: m.Pos, File: m.File}
}
