package esqs

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/convert/targettest"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/internal/querystring"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// Every rule of SigmaHQ gives the query that sigmac gave, in normal form, or
// there is a reason, found by looking at the rule, why not. The counts stand
// in a file so that a change shows.
func TestCorpusAgainstSigmac(t *testing.T) {
	dir := targettest.Shared(t)
	rules := targettest.Corpus(t)
	if len(rules) < 3000 {
		t.Fatalf("only %d rules", len(rules))
	}
	var report strings.Builder
	for _, name := range []string{"none", "helk", "winlogbeat"} {
		var chain *pipeline.Chain
		if name != "none" {
			config, err := pipeline.LoadSigmac(filepath.Join(dir, "corpus", "sigmac-config", name+".yml"), Target.Name)
			if err != nil {
				t.Fatal(err)
			}
			chain = pipeline.NewChain(config)
		}
		theirs := targettest.Oracle(t, "sigmac_es-qs_"+name)
		counts := map[string]int{}
		for _, path := range slices.Sorted(maps.Keys(theirs)) {
			reason, detail := compareWithSigmac(rules[path], chain, theirs[path])
			if reason == "" {
				t.Errorf("%s: %s: %s", name, path, detail)
				reason = "unexplained"
			}
			counts[reason]++
		}
		for _, reason := range slices.Sorted(maps.Keys(counts)) {
			fmt.Fprintf(&report, "%s\t%d\t%s\n", name, counts[reason], reason)
		}
	}
	targettest.CompareFile(t, "testdata/sigmac_differences.tsv", report.String())
}

// compareWithSigmac gives "the same" or the reason of a difference; "" and the
// two queries when there is none.
func compareWithSigmac(rules []*sigma.Rule, chain *pipeline.Chain, theirs targettest.Verdict) (reason, detail string) {
	var ours []querystring.Query
	if len(rules) == 0 && theirs.Error != "" {
		return "neither: the rule can't be read", ""
	}
	for _, r := range rules {
		l, diags := pipeline.Lower(r, chain)
		if l == nil {
			return explainOurError(diags.Errors()[0], theirs)
		}
		queries, err := Target.Convert(l, "", nil)
		if err != nil {
			return explainOurError(diag.Of(err)[0], theirs)
		}
		for _, q := range queries {
			tree, err := querystring.Parse(q.Value.(string))
			if err != nil {
				return "", fmt.Sprintf("our query can't be read: %v: %s", err, q.Value)
			}
			ours = append(ours, tree)
		}
	}
	if theirs.Error != "" {
		return explainTheirError(theirs.Error)
	}
	if len(ours) != len(theirs.Query) {
		return "", fmt.Sprintf("we print %d queries, sigmac %d: %v", len(ours), len(theirs.Query), theirs.Query)
	}
	reason = "the same"
	for i, tree := range ours {
		r, detail := compareTrees(tree, theirs.Query[i].(string))
		if r == "" {
			return "", detail
		}
		if r != "the same" {
			reason = r
		}
	}
	return reason, ""
}

func explainOurError(d *diag.Diagnostic, theirs targettest.Verdict) (string, string) {
	switch {
	case theirs.Error != "":
		return "neither: " + d.Code, ""
	case d.Code == "unsupported" && strings.Contains(d.Message, "regular expressions"):
		return "ours is an error: " + d.Message, ""
	}
	return "", "we print an error: " + d.Error()
}

// theirErrors tells what sigmac did not know, by its messages.
var theirErrors = []struct{ message, reason string }{
	{"Aggregations not implemented", "sigmac is an error: aggregation"},
	{"KeyError: 'expand'", "sigmac is an error: placeholder"},
	{"KeyError", "sigmac is an error: a modifier that it does not know"},
	{"List values must be strings or numbers", "sigmac is an error: null in a list"},
	{"cidr", "sigmac is an error: cidr"},
	{"Backend does not support map values", "sigmac is an error: true or false"},
	{"SigmaModifierValueTypeError", "sigmac is an error: list of expressions"},
	{"Unexpected token in condition", "sigmac is an error: condition"},
	{"Unknown definition", "sigmac is an error: an operator inside of a name"},
	{"Base backend doesn't support multiple conditions", "sigmac is an error: several conditions"},
}

func explainTheirError(message string) (string, string) {
	for _, e := range theirErrors {
		if strings.Contains(message, e.message) {
			return e.reason, ""
		}
	}
	return "", "sigmac is an error: " + message
}

// step makes two trees equal where a known difference is all there is.
type step struct {
	reason string
	change func(querystring.Query) querystring.Query
}

var dashes = strings.NewReplacer("–", "-", "—", "-", "―", "-")

// steps are tried one after the other, each on top of those before.
var steps = []step{
	{"sigmac looked for an expression as the whole value", func(q querystring.Query) querystring.Query {
		if q.Form == "regexp" {
			q.Value = "expression"
		}
		return q
	}},
	{"windash has more dashes since", func(q querystring.Query) querystring.Query {
		q.Value = dashes.Replace(q.Value)
		return q
	}},
	{"sigmac lost the field of a single keyword, or of keywords with all", func(q querystring.Query) querystring.Query {
		if q.Field == `*.keyword` || q.Field == "" {
			q.Field, q.Form, q.Value = "*", "", strings.Trim(q.Value, "*")
		}
		return q
	}},
	{"sigmac took an escaped wildcard for one, or let a backslash escape the wildcard behind it", func(q querystring.Query) querystring.Query {
		if strings.Contains(q.Value, `\*`) || strings.Contains(q.Value, `\?`) {
			q.Field, q.Form = strings.TrimSuffix(q.Field, ".keyword"), ""
			q.Value = strings.ReplaceAll(strings.ReplaceAll(q.Value, `\`, ""), "**", "*")
		}
		return q
	}},
}

func compareTrees(ours querystring.Query, text string) (reason, detail string) {
	theirs, mixed, err := querystring.ParseLenient(text)
	if err != nil {
		return "", fmt.Sprintf("sigmac's query can't be read: %v: %s", err, text)
	}
	reason = "the same"
	var reasons []string
	if mixed {
		reasons = []string{"sigmac left out the parentheses of AND beside OR"}
	}
	for i := 0; ; i++ {
		if ours.Normal().String() == theirs.Normal().String() {
			if len(reasons) > 0 {
				reason = reasons[len(reasons)-1]
			}
			return reason, ""
		}
		if i == len(steps) {
			return "", fmt.Sprintf("\n  ours  %s\n  sigmac %s\n   %s", ours.Normal(), theirs.Normal(), text)
		}
		ours, theirs = ours.Leaves(steps[i].change), theirs.Leaves(steps[i].change)
		reasons = append(reasons, steps[i].reason)
	}
}

// Every rule that can be converted gives a querystring.Query that reads back as the
// lowered tree, also with channels, event ids and alternatives.
func TestCorpusReadsBack(t *testing.T) {
	rules := targettest.Corpus(t)
	helk, err := pipeline.Load("helk")
	if err != nil {
		t.Fatal(err)
	}
	chain := pipeline.NewChain(helk)
	converted := 0
	for path, list := range rules {
		for _, r := range list {
			l, _ := pipeline.Lower(r, chain)
			if l == nil {
				continue
			}
			queries, err := Target.Convert(l, "", nil)
			if err != nil {
				continue
			}
			converted++
			for i, q := range queries {
				if got, want := readBack(t, q.Value.(string)), wanted(l.Exprs[i]).Normal().String(); got != want {
					t.Errorf("%s: query %s\nreads %s\nwant  %s", path, q.Value, got, want)
				}
			}
		}
	}
	if converted < 3300 {
		t.Errorf("only %d rules were converted", converted)
	}
}
