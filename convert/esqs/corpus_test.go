package esqs

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// shared is the folder with the corpus; a test that needs it is skipped where
// it is not.
func shared(t *testing.T) string {
	dir := os.Getenv("HUNTBOOK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	if _, err := os.Stat(filepath.Join(dir, "corpus", "sigma")); err != nil {
		t.Skipf("skipped: the corpus is not in %s; set HUNTBOOK_SHARED to its folder", dir)
	}
	return dir
}

// verdict is what sigmac printed for a rule: queries or an error.
type verdict struct {
	Path, From, Error string
	Query             []string
}

func oracle(t *testing.T, path string) map[string]verdict {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]verdict{}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var v verdict
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		out[v.Path] = v
	}
	return out
}

func corpusRules(t *testing.T, root string) map[string][]*sigma.Rule {
	out := map[string][]*sigma.Rule{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "regression_data" {
			return fs.SkipDir
		}
		name, _ := filepath.Rel(root, path)
		if d.IsDir() || filepath.Ext(path) != ".yml" || !strings.Contains(name, string(filepath.Separator)) {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rules, diags := sigma.Parse(&diag.File{Path: name, Data: data})
		if diags.HasErrors() && !strings.HasPrefix(name, "unsupported") {
			t.Errorf("%s does not parse: %v", name, diags.Errors())
		}
		out[filepath.ToSlash(name)] = rules
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Every rule of SigmaHQ gives the query that sigmac gave, in normal form, or
// there is a reason, found by looking at the rule, why not. The counts stand
// in a file so that a change shows.
func TestCorpusAgainstSigmac(t *testing.T) {
	dir := shared(t)
	rules := corpusRules(t, filepath.Join(dir, "corpus", "sigma"))
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
		theirs := oracle(t, filepath.Join(dir, "oracle", "sigmac_es-qs_"+name+".jsonl.gz"))
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
	compareFile(t, "testdata/sigmac_differences.tsv", report.String())
}

func compareFile(t *testing.T, path, got string) {
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got\n%s", path, got)
	}
}

// compareWithSigmac gives "the same" or the reason of a difference; "" and the
// two queries when there is none.
func compareWithSigmac(rules []*sigma.Rule, chain *pipeline.Chain, theirs verdict) (reason, detail string) {
	var ours []query
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
			tree, err := parse(q.Value.(string))
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
		r, detail := compareTrees(tree, theirs.Query[i])
		if r == "" {
			return "", detail
		}
		if r != "the same" {
			reason = r
		}
	}
	return reason, ""
}

func explainOurError(d *diag.Diagnostic, theirs verdict) (string, string) {
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
	change func(query) query
}

var dashes = strings.NewReplacer("–", "-", "—", "-", "―", "-")

// steps are tried one after the other, each on top of those before.
var steps = []step{
	{"sigmac looked for an expression as the whole value", func(q query) query {
		if q.form == "regexp" {
			q.value = "expression"
		}
		return q
	}},
	{"windash has more dashes since", func(q query) query {
		q.value = dashes.Replace(q.value)
		return q
	}},
	{"sigmac lost the field of a single keyword, or of keywords with all", func(q query) query {
		if q.field == `*.keyword` || q.field == "" {
			q.field, q.form, q.value = "*", "", strings.Trim(q.value, "*")
		}
		return q
	}},
	{"sigmac took an escaped wildcard for one, or let a backslash escape the wildcard behind it", func(q query) query {
		if strings.Contains(q.value, `\*`) || strings.Contains(q.value, `\?`) {
			q.field, q.form = strings.TrimSuffix(q.field, ".keyword"), ""
			q.value = strings.ReplaceAll(strings.ReplaceAll(q.value, `\`, ""), "**", "*")
		}
		return q
	}},
}

func compareTrees(ours query, text string) (reason, detail string) {
	p := &parser{in: text, lenient: true}
	theirs := p.list("")
	if p.err != nil || p.in != "" {
		return "", fmt.Sprintf("sigmac's query can't be read: %v: %s", p.err, text)
	}
	reason = "the same"
	var reasons []string
	if p.mixed {
		reasons = []string{"sigmac left out the parentheses of AND beside OR"}
	}
	for i := 0; ; i++ {
		if ours.normal().String() == theirs.normal().String() {
			if len(reasons) > 0 {
				reason = reasons[len(reasons)-1]
			}
			return reason, ""
		}
		if i == len(steps) {
			return "", fmt.Sprintf("\n  ours  %s\n  sigmac %s\n   %s", ours.normal(), theirs.normal(), text)
		}
		ours, theirs = ours.leaves(steps[i].change), theirs.leaves(steps[i].change)
		reasons = append(reasons, steps[i].reason)
	}
}

// Every rule that can be converted gives a query that reads back as the
// lowered tree, also with channels, event ids and alternatives.
func TestCorpusReadsBack(t *testing.T) {
	rules := corpusRules(t, filepath.Join(shared(t), "corpus", "sigma"))
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
				if got, want := readBack(t, q.Value.(string)), wanted(l.Exprs[i]).normal().String(); got != want {
					t.Errorf("%s: query %s\nreads %s\nwant  %s", path, q.Value, got, want)
				}
			}
		}
	}
	if converted < 3300 {
		t.Errorf("only %d rules were converted", converted)
	}
}
