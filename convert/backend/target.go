// Package backend is what a target is made of: its description, the contract
// that its code fulfils, and a base for languages that are text.
//
// A target is a folder in convert/ with a Target value in it, and one line in
// the registry of package convert. Most languages differ in their tokens, their
// escaping and the form of a comparison, so a Dialect is data first; code is
// for what a language does in its own way. Data flows: pipeline.Lowered → a
// query for each condition of the rule; pipeline.Correlation → one query. The
// package knows nothing of events.
package backend

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// Target describes a language that rules are converted to.
type Target struct {
	Name string
	// Aliases are other names that users type: sigmac's and older ones.
	Aliases []Alias
	// Families are the names of several targets that pipelines are for
	// (allowed_backends), as pySigma's name them: elasticsearch, opensearch.
	Families []string
	// Description is a sentence, Reference a link to the language's own
	// documentation.
	Description, Reference string
	// Limits are sentences about what the language can't express, and about
	// what a query means otherwise than the rule.
	Limits  []string
	Formats []Format
	Options []Option
	// Correlations are the types of correlation that the language can express;
	// the Backend of a target that has some is a Correlator.
	Correlations []string
	Example      Example
	// New makes a backend for a format and options, which are checked and
	// complete.
	New func(format string, options map[string]string) (Backend, error)

	mapping *mapping.Index
}

// Alias is another name of a target and the format that it stands for, "" for the
// default one.
type Alias struct{ Name, Format string }

// Format is an output format; the first of a target is its default.
type Format struct {
	Name, Description string
	// Extension is that of a file with queries, "" for txt. In txt and ndjson a
	// query is a line. Of json and yml a file of a folder holds one; one file for
	// all is a list, or documents.
	Extension string
}

// Option is a backend option, given as name=value.
type Option struct {
	Name string
	// Aliases are other spellings that users type.
	Aliases              []string
	Default, Description string
	// Stated tells that a pipeline may set it, for the indices whose names it
	// knows, with set_state and the option's name as key; what is given by hand
	// counts more.
	Stated bool
}

// Example is a rule's detection section as YAML and its query in the default
// format.
type Example struct{ Rule, Query string }

// Backend writes queries.
type Backend interface {
	// Query writes one condition of a rule: a text, or what becomes JSON.
	Query(l *pipeline.Lowered, e ir.Expr) (any, error)
}

// Correlator is a Backend that writes correlations too.
type Correlator interface {
	Backend
	// Correlation writes a correlation of one of the target's Correlations, as
	// Query does a condition. What it can't express of it is an error, too: see
	// UnsupportedCorrelation.
	Correlation(c *pipeline.Correlation) (any, error)
}

// Mapped is a Backend that asks fields as a mapping says that they are kept.
type Mapped interface {
	UseMapping(*mapping.Index)
}

// Remarker is a Backend with something to tell about the query that it wrote
// last, such as a field that the index keeps in a form that can't be asked for
// what the rule says.
type Remarker interface {
	Remarks() diag.List
}

// Query is a rule, or one of its conditions, in a target's language.
type Query struct {
	// Value is the target's natural JSON: a string, or an object or array.
	Value any
	// Part counts a rule's queries from 1; it is 0 when there is only one.
	Part int
	// Remarks are warnings about what the query does not say as the rule does.
	Remarks diag.List
}

// Text is the query as people read it: a text as it is, objects as indented JSON.
func (q Query) Text() string { return q.text("  ") }

// JSON is the query on one line: a text as it is, objects as JSON.
func (q Query) JSON() string { return q.text("") }

func (q Query) text(indent string) string {
	if s, ok := q.Value.(string); ok {
		return s
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(q.Value); err != nil {
		return fmt.Sprint(q.Value)
	}
	return strings.TrimSuffix(b.String(), "\n")
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
	b, err := t.backend(format, options, l.State)
	if err != nil {
		return nil, err
	}
	queries := make([]Query, len(l.Exprs))
	for i, e := range l.Exprs {
		value, err := b.Query(l, e)
		if err != nil {
			return nil, inRule(err, l.Rule)
		}
		queries[i] = Query{Value: value, Remarks: remarks(b, l.Rule)}
		if len(l.Exprs) > 1 {
			queries[i].Part = i + 1
		}
	}
	return queries, nil
}

// ConvertCorrelation writes a correlation's query. What the language can't
// express is a *diag.Diagnostic with its place in the rule.
func (t *Target) ConvertCorrelation(c *pipeline.Correlation, format string, options map[string]string) ([]Query, error) {
	if err := t.Correlates(c.Rule); err != nil {
		return nil, err
	}
	state := c.State
	if len(c.Inputs) > 0 {
		state = c.Inputs[0].State
	}
	b, err := t.backend(format, options, state)
	if err != nil {
		return nil, err
	}
	value, err := b.(Correlator).Correlation(c)
	if err != nil {
		return nil, inRule(err, c.Rule)
	}
	return []Query{{Value: value, Remarks: remarks(b, c.Rule)}}, nil
}

// Defaulting is the target with another of its formats as the default one.
func (t *Target) Defaulting(format string) *Target {
	other := *t
	at := slices.IndexFunc(t.Formats, func(f Format) bool { return f.Name == format })
	if at > 0 {
		other.Formats = slices.Concat(t.Formats[at:at+1], t.Formats[:at], t.Formats[at+1:])
	}
	return &other
}

// Names are the target's own name, the others that it is known by, and those of its
// families.
func (t *Target) Names() []string {
	names := []string{t.Name}
	for _, a := range t.Aliases {
		names = append(names, a.Name)
	}
	return append(names, t.Families...)
}

// With is the target for an index with the mapping; nil is none.
func (t *Target) With(m *mapping.Index) *Target {
	mapped := *t
	mapped.mapping = m
	return &mapped
}

// remarks are what the backend has to tell about its last query.
func remarks(b Backend, r *sigma.Rule) diag.List {
	remarker, ok := b.(Remarker)
	if !ok {
		return nil
	}
	list := remarker.Remarks()
	for _, d := range list {
		if d.File == nil {
			d.File = r.File
		}
	}
	return list
}

// Correlates is an error when the target can't express correlations of the
// rule's type.
func (t *Target) Correlates(r *sigma.Rule) error {
	what := "correlation of type " + r.Correlation.Type
	if r.Correlation.Legacy() {
		what = "aggregation (| " + r.Detection.Conditions[0].Aggregation + ")"
	}
	switch {
	case slices.Contains(t.Correlations, r.Correlation.Type):
		return nil
	case len(t.Correlations) == 0:
		return inRule(UnsupportedCorrelation(r, "target "+t.Name+" can't express correlations, and so not this "+what), r)
	}
	return inRule(UnsupportedCorrelation(r, "target "+t.Name+" can't express this "+what+"; of correlations it knows "+strings.Join(t.Correlations, ", ")), r)
}

// inRule names the rule's file in an error that points into it.
func inRule(err error, r *sigma.Rule) error {
	var d *diag.Diagnostic
	if errors.As(err, &d) && d.File == nil {
		d.File = r.File
	}
	return err
}

// UnsupportedCorrelation is the error about a correlation that a language can't
// express.
func UnsupportedCorrelation(r *sigma.Rule, reason string) error {
	code := "correlation"
	if r.Correlation.Legacy() {
		code = "aggregation"
	}
	return &diag.Diagnostic{Code: code, Severity: diag.Error, Message: reason, Hint: "huntbook match and huntbook hunt evaluate it", Pos: r.Correlation.Pos}
}

// InInput makes the error about a rule that a correlation stands on one about the
// place where the correlation names it.
func InInput(c *pipeline.Correlation, input int, err error) error {
	ref := c.Rule.Correlation.Rules[input]
	first := diag.Of(err)[0]
	return &diag.Diagnostic{
		Code: first.Code, Severity: diag.Error, File: c.Rule.File, Pos: ref.Pos, Width: len([]rune(ref.Name)),
		Message: fmt.Sprintf("rule %q can't be used: %s", ref.Name, first.Message), Hint: first.Hint,
	}
}

// Extension is that of files with queries of a format, without the dot.
func (t *Target) Extension(format string) string {
	for _, f := range t.Formats {
		if f.Name == cmp.Or(format, t.Formats[0].Name) {
			return cmp.Or(f.Extension, "txt")
		}
	}
	return "txt"
}

// Check is an error when the target has no such format or option.
func (t *Target) Check(format string, options map[string]string) error {
	_, err := t.backend(format, options, nil)
	return err
}

func (t *Target) backend(format string, options map[string]string, state map[string]any) (Backend, error) {
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
	full, err := t.options(options, state)
	if err != nil {
		return nil, err
	}
	b, err := t.New(format, full)
	if m, ok := b.(Mapped); ok && err == nil && t.mapping != nil {
		m.UseMapping(t.mapping)
	}
	return b, err
}

// options are the given ones under their own names, then what pipelines stated,
// and the defaults.
func (t *Target) options(given map[string]string, state map[string]any) (map[string]string, error) {
	full := map[string]string{}
	names := map[string]string{}
	for _, o := range t.Options {
		full[o.Name] = o.Default
		if o.Stated {
			switch v := state[o.Name].(type) {
			case string:
				full[o.Name] = v
			case []string:
				full[o.Name] = strings.Join(v, ",")
			}
		}
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

// UnsupportedRule is the error about a rule that a target can't express as a whole.
func UnsupportedRule(r *sigma.Rule, reason, hint string) error {
	return &diag.Diagnostic{Code: "unsupported", Severity: diag.Error, Message: reason, Hint: hint, Pos: r.Detection.Pos}
}

// Unsupported is the error about a comparison that a language can't express.
func Unsupported(m *ir.Match, reason, hint string) error {
	return &diag.Diagnostic{Code: "unsupported", Severity: diag.Error, Message: reason, Hint: hint, Pos: m.Pos, File: m.File}
}
