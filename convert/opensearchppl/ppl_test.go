package opensearchppl

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/targettest"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

func TestGolden(t *testing.T) { targettest.Golden(t, Target) }

// Whatever the values and names are, the query read back means the same.
func TestReadBack(t *testing.T) {
	tree := &targettest.Tree{
		Names:   []string{"f", "g h", "and", "a:b", "-x", "a.b", "1a", "`", "x..y", "like", "isnull", "count", "lower", "span", "a.in"},
		OneChar: true, Cased: true,
		Ops: []ir.Op{ir.Number, ir.Bool, ir.Null, ir.Exists, ir.Regexp, ir.CIDR, ir.Less, ir.GreaterEqual, ir.FieldRef},
	}
	rapid.Check(t, func(t *rapid.T) {
		e := tree.Draw(t)
		text, err := targettest.Query(Target, e, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := meaning(t, text), targettest.Normal(targettest.Unguarded(e)); got != want {
			t.Fatalf("query %s\nreads %s\nwant  %s", text, got, want)
		}
	})
}

func meaning(t interface{ Fatalf(string, ...any) }, query string) string {
	e, err := read(query)
	if err != nil {
		t.Fatalf("%v in %s", err, query)
	}
	return targettest.Normal(targettest.Unguarded(e))
}

// Every rule of the corpus reads back as the rule's tree, keywords apart.
func TestCorpusReadsBack(t *testing.T) {
	rules := targettest.Corpus(t)
	for _, name := range []string{"", "ecs_windows"} {
		chain := pipeline.NewChain()
		if name != "" {
			p, err := pipeline.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			chain = pipeline.NewChain(p)
		}
		converted := 0
		for _, path := range slices.Sorted(maps.Keys(rules)) {
			for _, r := range rules[path] {
				l, _ := pipeline.Lower(r, chain)
				if l == nil {
					continue
				}
				queries, err := Target.Convert(l, "", nil)
				if err != nil {
					t.Errorf("%s: %v", path, err)
					continue
				}
				converted++
				for i, q := range queries {
					if holdsKeyword(l.Exprs[i]) {
						continue
					}
					if got, want := meaning(t, q.Value.(string)), targettest.Normal(targettest.Unguarded(l.Exprs[i])); got != want {
						t.Errorf("%s: query %s\nreads %s\nwant  %s", path, q.Value, got, want)
					}
				}
			}
		}
		if converted < 3200 {
			t.Errorf("%q: only %d rules were converted", name, converted)
		}
	}
}

func holdsKeyword(e ir.Expr) bool { return holds(e, func(m *ir.Match) bool { return m.Field == "" }) }

func holds(e ir.Expr, what func(*ir.Match) bool) bool {
	found := false
	ir.Walk(e, func(m *ir.Match) { found = found || what(m) })
	return found
}

// Every rule of SigmaHQ means in pySigma's query what it does in ours, or there is a
// reason why not. The reasons and their counts stand in a file, so that a change
// shows.
func TestCorpusAgainstPySigma(t *testing.T) {
	rules := targettest.Corpus(t)
	theirs := targettest.Oracle(t, "open_search_ppl__default__none")
	counts := map[string]int{}
	for _, path := range slices.Sorted(maps.Keys(theirs)) {
		reason := compare(rules[path], theirs[path])
		if strings.HasPrefix(reason, "unexplained") {
			t.Errorf("%s: %s", path, reason)
		}
		counts[reason]++
	}
	var report strings.Builder
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&report, "%d\t%s\n", counts[reason], reason)
	}
	targettest.CompareFile(t, "testdata/pysigma_differences.tsv", report.String())
}

func compare(rules []*sigma.Rule, theirs targettest.Verdict) string {
	var ours []ir.Expr
	var sources []string
	for _, r := range rules {
		if r.Correlation != nil {
			return "ours right: an aggregation, which pySigma can't read"
		}
		queries, diags := targettest.Convert(Target, r, rules, nil, "", nil)
		if diags.HasErrors() {
			d := diags.Errors()[0]
			if theirs.Error != "" {
				return "neither: " + d.Code
			}
			return "unexplained: " + d.Error()
		}
		l, _ := pipeline.Lower(r, nil)
		ours = append(ours, l.Exprs...)
		for _, q := range queries {
			source, _, _ := strings.Cut(q.Value.(string), " | ")
			sources = append(sources, source)
		}
	}
	switch {
	case len(rules) == 0:
		return "neither: the rule can't be read"
	case strings.Contains(theirs.Error, "SigmaConditionError"):
		return "ours right: a condition that pySigma can't read"
	case strings.Contains(theirs.Error, "Boolean value"):
		return "ours right: true and false"
	case theirs.Error != "":
		return "unexplained: " + theirs.Error
	case len(ours) != len(theirs.Query):
		return fmt.Sprintf("unexplained: %d queries of ours, %d of theirs", len(ours), len(theirs.Query))
	}
	reasons := map[string]bool{}
	for i, e := range ours {
		query := theirs.Query[i].(string)
		if source, _, _ := strings.Cut(query, " | "); source != sources[i] {
			reasons["unexplained: "+source+", ours "+sources[i]] = true
		}
		differences(e, query, reasons)
	}
	list := slices.Sorted(maps.Keys(reasons))
	if i := slices.IndexFunc(list, func(r string) bool { return strings.HasPrefix(r, "unexplained") }); i >= 0 {
		return list[i]
	}
	if len(reasons) == 0 {
		return "equal"
	}
	return "ours right: " + strings.Join(list, "; ")
}

// differences adds the reasons why a query of theirs means something else.
func differences(e ir.Expr, query string, reasons map[string]bool) {
	theirs, err := read(query)
	switch {
	case err != nil && holdsKeyword(e):
		reasons["keywords, which PPL does not know as a bare text"] = true
		return
	case err != nil && holds(e, func(m *ir.Match) bool { return strings.Contains(m.Pattern.String(), `"`) }):
		reasons["a quote at a value's end stands outside of the string"] = true
		return
	case err != nil && holds(e, func(m *ir.Match) bool { return m.Op == ir.Regexp && strings.Contains(m.Text, "'") }):
		reasons["a quote in a regular expression ends the string"] = true
		return
	case err != nil:
		reasons["unexplained: "+err.Error()+" in "+query] = true
		return
	}
	needed, negated := backend.Needs(e), backend.Negated(e)
	ir.Walk(e, func(m *ir.Match) {
		if negated[m] && !needed[m.Field] && m.Op != ir.Null && m.Op != ir.Exists {
			reasons["NOT drops the events without the field"] = true
		}
	})
	want := targettest.Each(e, func(m *ir.Match) ir.Expr {
		switch m.Op {
		case ir.FieldRef:
			reasons["fields are compared with regard to case"] = true
			m.Cased = true
		case ir.Regexp:
			reasons["a regular expression becomes a full-text search"] = true
			m.Text = ""
		case ir.Like:
			if bare := withoutBackslashes(m.Pattern); bare.String() != m.Pattern.String() {
				reasons["backslashes are dropped"] = true
				m.Pattern = bare
			}
			s, plain := m.Pattern.Plain()
			switch {
			case plain:
				if hasLetter(s) && !m.Cased {
					reasons[`"=" regards the case`] = true
				}
				m.Cased = true
				if strings.ContainsAny(s, "%_") {
					reasons["% and _ are escaped where they are no wildcards"] = true
				}
				m.Pattern = sigma.Text(strings.NewReplacer("%", `\%`, "_", `\_`).Replace(s))
			case m.Cased:
				reasons["a cased wildcard ignores the case, unless a setting says otherwise"] = true
				m.Cased = false
			}
		}
		return m
	})
	got := targettest.Each(theirs, func(m *ir.Match) ir.Expr {
		if m.Op == ir.Regexp {
			m.Text = ""
		}
		return m
	})
	if got, want := targettest.Normal(got), targettest.Normal(want); got != want && targettest.NegatesDashes(e) {
		reasons["NOT has no parentheses before the forms of a dash"] = true
	} else if got != want {
		reasons["unexplained: "+query+"\nreads "+got+"\nwant  "+want] = true
	}
}

func withoutBackslashes(p ir.Pattern) ir.Pattern {
	var out ir.Pattern
	for _, t := range p {
		t.Text = strings.ReplaceAll(t.Text, `\`, "")
		if t.Text != "" || t.Kind != sigma.Literal {
			out = out.Append(t)
		}
	}
	return out
}
