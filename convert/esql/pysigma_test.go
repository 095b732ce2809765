package esql

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/convert/targettest"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// Every rule of SigmaHQ means in pySigma's query what it does in ours, or there is a
// reason why not. The reasons and their counts stand in a file, so that a change
// shows.
func TestCorpusAgainstPySigma(t *testing.T) {
	rules := targettest.Corpus(t)
	theirs := targettest.Oracle(t, "esql__default__none")
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
		queries, diags := targettest.Convert(Target, r, rules, nil, "", nil)
		if diags.HasErrors() {
			return ourError(diags.Errors()[0], theirs)
		}
		if r.Correlation != nil {
			return "ours right: an aggregation, which pySigma can't read"
		}
		l, _ := pipeline.Lower(r, nil)
		if len(queries) != len(l.Exprs) {
			return "unexplained: queries are missing"
		}
		ours = append(ours, l.Exprs...)
	}
	switch {
	case len(rules) == 0:
		return "neither: the rule can't be read"
	case strings.Contains(theirs.Error, "String value expressions"):
		return "ours right: keywords, which pySigma's target does not know"
	case strings.Contains(theirs.Error, "SigmaConditionError"):
		return "ours right: a condition that pySigma can't read"
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
	case d.Code == "unsupported":
		return "ours an error: " + d.Message
	}
	return "unexplained: " + d.Error()
}

// differences adds the reasons why a query of theirs means something else.
func differences(e ir.Expr, query string, reasons map[string]bool) {
	theirs, _, err := read(query, false)
	if errors.Is(err, errEscape) {
		reasons["a string has an escape that ES|QL does not know"] = true
		return
	}
	loose := false
	if err != nil {
		if theirs, loose, err = read(query, true); err != nil {
			reasons["unexplained: "+err.Error()+" in "+query] = true
			return
		}
	}
	if holdsNot(e) {
		reasons["NOT drops events without the field"] = true
	}
	if targettest.Normal(theirs) == targettest.Normal(e) {
		return
	}
	want := targettest.Normal(uncased(e))
	if targettest.Normal(uncased(theirs)) != want && !loose {
		theirs, loose, _ = read(query, true)
	}
	if got := targettest.Normal(uncased(theirs)); got != want {
		if targettest.NegatesDashes(e) {
			reasons["NOT has no parentheses before the forms of a dash"] = true
			return
		}
		reasons["unexplained: "+query+"\nreads "+got+"\nwant  "+want] = true
		return
	}
	if loose {
		reasons["LIKE has one level of backslashes too few"] = true
	}
	ir.Walk(e, func(m *ir.Match) {
		switch {
		case m.Op == ir.Regexp:
			reasons["a regular expression must match the whole value"] = true
		case m.Op == ir.Like && hasLetter(m.Pattern) && !m.Cased:
			reasons["letters are compared with their case"] = true
		}
	})
}

// uncased is a tree in which no letter's case matters.
func uncased(e ir.Expr) ir.Expr {
	return targettest.Each(e, func(m *ir.Match) ir.Expr {
		m.Cased = false
		return m
	})
}

func holdsNot(e ir.Expr) bool {
	switch e := e.(type) {
	case *ir.And:
		return slices.ContainsFunc(e.X, holdsNot)
	case *ir.Or:
		return slices.ContainsFunc(e.X, holdsNot)
	case *ir.Not:
		return true
	}
	return false
}
