package lucene

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/convert/targettest"
	"github.com/huntbook/huntbook/internal/querystring"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// Every rule of SigmaHQ gives the query that pySigma gives, in normal form, or there
// is a reason, found by looking at both, why not. The list stands in a file so that a
// change shows: who is right, how many rules, and why.
func TestCorpusAgainstPySigma(t *testing.T) {
	theirs := targettest.Oracle(t, "lucene__default__none")
	rules := targettest.Corpus(t)
	counts := map[string]int{}
	for _, path := range slices.Sorted(maps.Keys(theirs)) {
		reason, detail := compare(rules[path], theirs[path])
		if reason == "" {
			t.Errorf("%s: %s", path, detail)
			reason = "unexplained"
		}
		counts[reason]++
	}
	var report strings.Builder
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&report, "%d\t%s\n", counts[reason], reason)
	}
	targettest.CompareFile(t, "testdata/pysigma_differences.tsv", report.String())
}

func compare(rules []*sigma.Rule, theirs targettest.Verdict) (reason, detail string) {
	var ours []string
	for _, r := range rules {
		queries, diags := targettest.Convert(Target, r, rules, pipeline.NewChain(), "", nil)
		if diags.HasErrors() {
			return ourError(diags.Errors()[0].Message, theirs)
		}
		for _, q := range queries {
			ours = append(ours, q.Value.(string))
		}
	}
	switch {
	case len(rules) == 0 && theirs.Error != "":
		return "neither\tthe rule can't be read", ""
	case theirs.Error != "":
		return theirError(theirs.Error)
	case len(ours) != len(theirs.Query):
		return "", fmt.Sprintf("we print %d queries, pySigma %d: %v", len(ours), len(theirs.Query), theirs.Query)
	}
	reason = "equal\tthe same"
	for i, text := range ours {
		q, err := querystring.Parse(text)
		if err != nil {
			return "", fmt.Sprintf("our query can't be read: %v: %s", err, text)
		}
		r, detail := compareQueries(q, theirs.Query[i].(string))
		if r == "" {
			return "", detail
		}
		if r != "equal\tthe same" {
			reason = r
		}
	}
	return reason, ""
}

func ourError(message string, theirs targettest.Verdict) (string, string) {
	switch {
	case theirs.Error != "":
		return "neither\t" + message[:strings.IndexAny(message+"(", "(%\"")], ""
	case strings.Contains(message, "regular expressions"):
		return "ours\ta query of pySigma's finds nothing: " + message, ""
	}
	return "", "we print an error: " + message
}

func theirError(message string) (string, string) {
	for _, known := range []struct{ message, reason string }{
		{"unhandled placeholder", "ours\tpySigma is an error: placeholder"},
		{"Expected end of text", "ours\tpySigma is an error: condition"},
	} {
		if strings.Contains(message, known.message) {
			return known.reason, ""
		}
	}
	return "", "pySigma is an error: " + message
}

// steps make two queries equal where a known difference is all there is; each is
// tried on top of those before.
var steps = []struct {
	reason string
	change func(querystring.Query) querystring.Query
}{
	{"ours\tpySigma looks for an expression as the whole value, with ^, $ and (?i) as text", func(q querystring.Query) querystring.Query {
		if q.Form == "regexp" {
			q.Value = "expression"
		}
		q.Form = ""
		return q
	}},
}

func compareQueries(ours querystring.Query, text string) (reason, detail string) {
	theirs, mixed, err := querystring.ParseLenient(text)
	if err != nil {
		return "", fmt.Sprintf("pySigma's query can't be read: %v: %s", err, text)
	}
	plain := func(q querystring.Query) querystring.Query {
		if q.Form != "regexp" {
			q.Form = ""
		}
		return q
	}
	ours, theirs = ours.Leaves(plain), theirs.Leaves(plain)
	reason = "equal\tthe same"
	if mixed {
		reason = "ours\tpySigma left out the parentheses of AND beside OR"
	}
	for i := 0; ; i++ {
		if ours.Normal().String() == theirs.Normal().String() {
			return reason, ""
		}
		if i == len(steps) {
			return "", fmt.Sprintf("\n  ours    %s\n  pySigma %s\n   %s", ours.Normal(), theirs.Normal(), text)
		}
		ours, theirs = ours.Leaves(steps[i].change), theirs.Leaves(steps[i].change)
		reason = steps[i].reason
	}
}
