package kernel

import (
	"context"
	"maps"
	"slices"

	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/inspect"
)

// sampler is an engine that can say what fields its data has.
type sampler interface {
	Sample(context.Context) (*inspect.Report, error)
}

// Kept are the names of the results that are kept.
func (s *Session) Kept() []string { return slices.Sorted(maps.Keys(s.kept)) }

// Result is the result of a name, "last" for that of the last query, nil for none.
func (s *Session) Result(name string) *engine.Result {
	if name == "last" {
		return s.result
	}
	return s.kept[name]
}

// Fields are the fields of the open data with their frequent values, as far as its
// first events tell, and those of the last result; nil when neither is there. What is
// not known when ctx ends is left out.
func (s *Session) Fields(ctx context.Context) []inspect.Field {
	if e, ok := s.engine.(sampler); ok && s.data != nil && s.sample == nil {
		if report, err := e.Sample(ctx); err == nil {
			s.sample = report
		}
	}
	var out []inspect.Field
	known := map[string]bool{}
	if s.sample != nil {
		out = slices.Clone(s.sample.Fields)
		for _, f := range out {
			known[f.Name] = true
		}
	}
	if s.result == nil {
		return out
	}
	for _, name := range names(s.result.Findings) {
		if !known[name] {
			out = append(out, inspect.Field{Name: name, Values: values(s.result.Findings, name)})
		}
	}
	return out
}

// values are the most frequent values of a field.
func values(findings []engine.Finding, name string) []inspect.Count {
	var out []inspect.Count
	for _, b := range top(findings, name, 10).Bars {
		out = append(out, inspect.Count{Value: b.Label, Events: b.Count})
	}
	return out
}
