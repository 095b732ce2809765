package eql

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/targettest"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

func TestGolden(t *testing.T) { targettest.Golden(t, Target) }

// Whatever the values and names are, the query read back means the same.
func TestReadBack(t *testing.T) {
	tree := &targettest.Tree{
		Names:   []string{"f", "g h", "and", "a:b", "-x", "a.b", "1a", "`", "x..y", "like"},
		OneChar: true, Cased: true,
		Ops: []ir.Op{ir.Number, ir.Bool, ir.Null, ir.Exists, ir.Regexp, ir.CIDR, ir.Less, ir.GreaterEqual, ir.FieldRef},
	}
	rapid.Check(t, func(t *rapid.T) {
		e := tree.Draw(t)
		text, err := targettest.Query(Target, e, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := read(text)
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if got, want := targettest.Normal(plain(got)), targettest.Normal(plain(written(e))); got != want {
			t.Fatalf("query %s\nreads %s\nwant  %s", text, got, want)
		}
	})
}

// Every rule of the corpus that has a query reads back as the rule's tree.
func TestCorpusReadsBack(t *testing.T) {
	rules := targettest.Corpus(t)
	for _, name := range []string{"windows-logsources", "ecs_windows", "helk"} {
		p, err := pipeline.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		chain, converted := pipeline.NewChain(p), 0
		for _, path := range slices.Sorted(maps.Keys(rules)) {
			for _, r := range rules[path] {
				l, _ := pipeline.Lower(r, chain)
				if l == nil {
					continue
				}
				queries, err := Target.Convert(l, "", nil)
				if err != nil {
					continue // golden cases say what can't be expressed
				}
				converted++
				for i, q := range queries {
					got, err := read(q.Value.(string))
					if err != nil {
						t.Errorf("%s: %v: %s", path, err, q.Value)
						continue
					}
					if got, want := targettest.Normal(plain(got)), targettest.Normal(plain(written(l.Exprs[i]))); got != want {
						t.Errorf("%s: query %s\nreads %s\nwant  %s", path, q.Value, got, want)
					}
				}
			}
		}
		if converted < 3200 {
			t.Errorf("%s: only %d rules were converted", name, converted)
		}
	}
}

// written is a tree as the query says it: regular expressions are Lucene's, equal
// fields begin with each other.
func written(e ir.Expr) ir.Expr {
	return targettest.Each(e, func(m *ir.Match) ir.Expr {
		switch {
		case m.Op == ir.Regexp:
			m.Text, _ = backend.LuceneRegexp(m.Text)
		case m.Op == ir.Like && needsRegex(m.Pattern) && !(m.Pattern.IsPlain() && m.Cased):
			m.Op, m.Text = ir.Regexp, casedRegex(m.Pattern)
			if !m.Cased {
				m.Text = "(?i)" + m.Text
			}
		case m.Op == ir.FieldRef && m.Affix == ir.Whole:
			other := *m
			m.Affix, other.Affix = ir.Prefix, ir.Prefix
			other.Field, other.Text = m.Text, m.Field
			return ir.All(m, &other)
		}
		return m
	})
}

// plain is a tree without guards and without the case of addresses.
func plain(e ir.Expr) ir.Expr {
	return targettest.Each(targettest.Unguarded(e), func(m *ir.Match) ir.Expr {
		if s, ok := m.Pattern.Plain(); ok && isAddress(s) {
			m.Cased = false // an address has no case
		}
		return m
	})
}

// Every rule of SigmaHQ means in pySigma's query what it does in ours, or there is a
// reason why not. The reasons and their counts stand in a file, so that a change
// shows.
func TestCorpusAgainstPySigma(t *testing.T) {
	rules := targettest.Corpus(t)
	theirs := targettest.Oracle(t, "eql__default__none")
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
	for _, r := range rules {
		if r.Correlation != nil {
			return "ours right: an aggregation, which pySigma can't read"
		}
		_, diags := targettest.Convert(Target, r, rules, nil, "", nil)
		if diags.HasErrors() {
			return ourError(diags.Errors()[0], theirs)
		}
		l, _ := pipeline.Lower(r, nil)
		ours = append(ours, l.Exprs...)
	}
	switch {
	case len(rules) == 0:
		return "neither: the rule can't be read"
	case strings.Contains(theirs.Error, "SigmaConditionError"):
		return "ours right: a condition that pySigma can't read"
	case strings.Contains(theirs.Error, "can't handle field references"):
		return "ours right: fields that are compared with each other"
	case theirs.Error != "":
		return "unexplained: " + theirs.Error
	case len(ours) != len(theirs.Query):
		return fmt.Sprintf("unexplained: %d queries of ours, %d of theirs", len(ours), len(theirs.Query))
	}
	reasons := map[string]bool{}
	for i, e := range ours {
		differences(e, theirs.Query[i].(string), reasons)
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

func ourError(d *diag.Diagnostic, theirs targettest.Verdict) string {
	switch {
	case theirs.Error != "":
		return "neither: " + d.Code
	case strings.Contains(d.Message, "in every field"):
		return "ours right: keywords, which EQL does not know and pySigma prints as a bare text"
	case d.Code == "unsupported":
		return "ours an error: " + d.Message
	}
	return "unexplained: " + d.Error()
}

func quotedRegexp(e ir.Expr) bool {
	found := false
	ir.Walk(e, func(m *ir.Match) { found = found || m.Op == ir.Regexp && strings.Contains(m.Text, `"`) })
	return found
}

// differences adds the reasons why a query of theirs means something else.
func differences(e ir.Expr, query string, reasons map[string]bool) {
	theirs, err := read(query)
	switch {
	case errors.Is(err, errEscape):
		reasons["a string has an escape that EQL does not know"] = true
		return
	case err != nil && strings.HasPrefix(err.Error(), `no token begins with "-`):
		reasons["a name with a hyphen has no backquotes"] = true
		return
	case err != nil && quotedRegexp(e):
		reasons["a quote in a regular expression ends the string"] = true
		return
	case err != nil:
		reasons["unexplained: "+err.Error()+" in "+query] = true
		return
	}
	ir.Walk(e, func(m *ir.Match) {
		if m.Op == ir.Number {
			reasons[`a number stands behind ":" or like~`] = true
		}
	})
	want := targettest.Each(e, func(m *ir.Match) ir.Expr {
		switch {
		case m.Op == ir.Regexp:
			reasons["a regular expression must match the whole value, and ignores case"] = true
			if !strings.HasPrefix(m.Text, "(?i)") {
				m.Text = "(?i)" + m.Text
			}
		case m.Op == ir.Like && m.Pattern.IsPlain():
			m.Cased = false // "==" for addresses and nothing
		case m.Op == ir.Like && m.Cased:
			reasons["a cased wildcard stands behind =="] = true
			m.Cased = false
		}
		return m
	})
	got := targettest.Each(theirs, func(m *ir.Match) ir.Expr {
		if m.Op == ir.Like {
			m.Cased = false
		}
		m.Text = strings.Replace(m.Text, "(?i)(?i)", "(?i)", 1)
		return m
	})
	if got, want := targettest.Normal(got), targettest.Normal(want); got != want {
		reasons["unexplained: "+query+"\nreads "+got+"\nwant  "+want] = true
	}
}
