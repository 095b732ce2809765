package kernel

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/kernel/syntax"
)

// The bounds of results.
const (
	// maxKept is the number of results that may have a name.
	maxKept = 100
	// maxPairs is the number of findings that a join makes.
	maxPairs = 100_000
)

func lastMagic() Magic {
	m := keptMagic("last")
	m.Summary = "is the result of the last query"
	m.Prose = "Its result gets a name with `%name = %last`. Then `%name` is that result, whatever is asked meanwhile, until another gets the name. " +
		"Alone in a line either shows its table. " +
		"Behind it other magics may stand, each behind a |: `%name | top User`."
	m.Example = "%shells = %last\n%shells | top Computer --n 3"
	m.run = func(_ context.Context, s *step) error {
		if s.result = s.session.result; s.result == nil {
			return errNoQuery
		}
		return nil
	}
	return m
}

// keptMagic is the magic that a result with a name is.
func keptMagic(name string) Magic {
	return Magic{Name: name, Gives: true, kept: true, run: func(_ context.Context, s *step) error {
		s.result = s.session.kept[s.command.Name]
		return nil
	}}
}

func joinMagic() Magic {
	return Magic{
		Name:     "join",
		Words:    "FIELD %OTHER",
		MinWords: 2,
		MaxWords: 2,
		Takes:    true,
		Gives:    true,
		Summary:  "puts findings together that share the value of a field",
		Prose: "A finding is paired with each finding of the other result in which the field has the same value, letters of any case. " +
			"A=B compares the field A with the other's field B. Fields of the other are called %OTHER's name, a dot, and the field's name. " +
			"The times are those of the first. Only findings that were fetched are paired.",
		Example: "%a = %last\n%a | join Computer %a | table --rows 2",
		check: func(c *call) *diag.Diagnostic {
			w := c.words[1]
			if name, ok := strings.CutPrefix(w.Text, "%"); !ok || w.Quoted || name != "last" && !c.results[name] {
				return &diag.Diagnostic{Code: "cell-value", Message: fmt.Sprintf("%q is no result that is kept", w.Text), Hint: "keep one first: %name = %last", Pos: w.Pos, Width: w.Width}
			}
			return nil
		},
		run: runJoin,
	}
}

func runJoin(_ context.Context, s *step) error {
	name := strings.TrimPrefix(s.words[1].Text, "%")
	other := s.session.kept[name]
	if name == "last" {
		if other = s.session.result; other == nil {
			return errNoQuery
		}
	}
	field, otherField, differ := strings.Cut(s.words[0].Text, "=")
	if !differ {
		otherField = field
	}
	for _, side := range []struct {
		field    string
		findings []engine.Finding
	}{{field, s.in.Findings}, {otherField, other.Findings}} {
		if len(side.findings) == 0 || len(present(side.findings, []string{side.field})) > 0 {
			continue
		}
		line := fmt.Sprintf("No finding has a field %q.", side.field)
		if near := nearest(side.field, names(side.findings)); near != "" {
			line += fmt.Sprintf(" Did you mean %q?", near)
		}
		s.out.print(line)
	}
	byValue := map[string][]*engine.Finding{}
	for i := range other.Findings {
		f := &other.Findings[i]
		if v, ok := f.Value(otherField); ok && v != "" {
			v = strings.ToLower(v)
			byValue[v] = append(byValue[v], f)
		}
	}
	result := &engine.Result{Title: s.in.Title, Correlation: true, Fields: append([]string{}, s.in.Fields...)}
	for _, f := range other.Fields {
		result.Fields = append(result.Fields, name+"."+f)
	}
	for i := range s.in.Findings {
		f := &s.in.Findings[i]
		v, _ := f.Value(field)
		if v == "" {
			continue
		}
		for _, g := range byValue[strings.ToLower(v)] {
			if result.Count++; result.Count <= maxPairs {
				result.Findings = append(result.Findings, pair(f, g, name))
			}
		}
	}
	s.result = result
	s.out.print(count(result.Count, "pair") + ".")
	if result.Count > maxPairs {
		s.out.print(fmt.Sprintf("The first %s are kept.", thousands(maxPairs)))
	}
	for _, part := range []*engine.Result{s.in, other} {
		if n := len(part.Findings); n < part.Count {
			s.out.print(fmt.Sprintf("Of %s only the first %s were fetched and paired.", count(part.Count, "finding"), thousands(n)))
		}
	}
	return nil
}

// pair makes one finding of two.
func pair(f, g *engine.Finding, name string) engine.Finding {
	out := engine.Finding{Source: f.Source, Record: f.Record, Time: f.Time}
	out.Values = append(out.Values, f.Values...)
	for _, v := range g.Values {
		out.Values = append(out.Values, engine.Field{Name: name + "." + v.Name, Value: v.Value})
	}
	if f.Event == nil || g.Event == nil {
		out.Oversize = max(f.Oversize, len(f.Event)) + max(g.Oversize, len(g.Event))
		return out
	}
	// Events are JSON already.
	out.Event, _ = json.Marshal([]json.RawMessage{f.Event, g.Event})
	return out
}

// checkName tells whether a result may have a name.
func checkName(w syntax.Word, results map[string]bool) *diag.Diagnostic {
	for _, m := range Magics() {
		if m.Name == w.Text {
			return &diag.Diagnostic{Code: "cell-save", Message: "%" + w.Text + " is a magic", Hint: "choose another name", Pos: w.Pos, Width: w.Width}
		}
	}
	if !results[w.Text] && len(results) >= maxKept {
		return &diag.Diagnostic{Code: "cell-save", Message: fmt.Sprintf("%d results are kept, and no more are", maxKept), Hint: "use the name of one that is not needed any more", Pos: w.Pos, Width: w.Width}
	}
	return nil
}
