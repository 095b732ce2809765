package elastalert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/elastalertdsl"
	"github.com/huntbook/huntbook/convert/targettest"
	"github.com/huntbook/huntbook/internal/python"
	"github.com/huntbook/huntbook/pipeline"
)

// loaded is what ElastAlert's loader makes of a rule.
type loaded struct {
	Rule  any
	Error string
}

// withElastAlert is a Python that has ElastAlert 2, or the test is skipped.
func withElastAlert(t *testing.T) string {
	t.Helper()
	return python.With(t, "HUNTBOOK_ELASTALERT_PYTHON", "no rule is loaded by ElastAlert 2", "elastalert")
}

// load has ElastAlert 2 load rules, one file each. Variables of its environment stand
// for a secret.
func load(t *testing.T, path string, rules []string) []loaded {
	t.Helper()
	dir := t.TempDir()
	for i, text := range rules {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%06d.yml", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(path, filepath.Join("testdata", "load_rules.py"), dir)
	cmd.Env = append(os.Environ(), "PYTHONUTF8=1")
	for _, name := range []string{"HOME", "a", "Z", "1", "0", "42", "no", "id"} {
		cmd.Env = append(cmd.Env, name+"=secret")
	}
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, problems.String())
	}
	var answers []loaded
	for line := range bytes.Lines(out) {
		var a loaded
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, a)
	}
	if len(answers) != len(rules) {
		t.Fatalf("%d answers about %d rules", len(answers), len(rules))
	}
	return answers
}

// written is a rule as it was meant.
func written(t *testing.T, text string) any {
	t.Helper()
	data, err := json.Marshal(targettest.YAML(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return targettest.JSON(string(data))
}

// loads has ElastAlert load rules, and fails where it refuses one or reads something
// else than was written.
func loads(t *testing.T, path string, rules []string) {
	t.Helper()
	for i, a := range load(t, path, rules) {
		if a.Error != "" {
			t.Errorf("refused: %s\n%s", a.Error, rules[i])
		} else if diff := cmp.Diff(written(t, rules[i]), a.Rule); diff != "" {
			t.Errorf("read otherwise than written:\n%s\n%s", diff, rules[i])
		}
	}
}

var targets = []*backend.Target{Target, elastalertdsl.Target}

// Every rule of the corpus, as both targets write it, is one that ElastAlert 2 loads.
// It takes no two rules of one name; those of SigmaHQ that are in use have names of
// their own.
func TestElastAlertLoadsCorpus(t *testing.T) {
	path := withElastAlert(t)
	corpus := targettest.Corpus(t)
	chain := pipeline.NewChain()
	for _, target := range targets {
		t.Run(target.Name, func(t *testing.T) {
			var rules []string
			names := map[any]string{}
			for _, path := range slices.Sorted(maps.Keys(corpus)) {
				for _, r := range corpus[path] {
					queries, _ := targettest.Convert(target, r, corpus[path], chain, "", nil)
					for _, q := range queries {
						rules = append(rules, q.Text())
						if name := targettest.At(targettest.YAML(q.Text()), "name"); strings.HasPrefix(path, "rules") {
							if names[name] != "" {
								t.Errorf("%s and %s have one name, %q", names[name], path, name)
							}
							names[name] = path
						}
					}
				}
			}
			if len(rules) < 3000 {
				t.Errorf("only %d rules were converted", len(rules))
			}
			loads(t, path, rules)
		})
	}
}

// Whatever texts a rule or a correlation has, ElastAlert 2 loads it and reads what was
// written; variables of its environment have no place in it.
func TestElastAlertLoadsHostileRules(t *testing.T) {
	path := withElastAlert(t)
	draw := rapid.Custom(targettest.HostileRule)
	for _, target := range targets {
		t.Run(target.Name, func(t *testing.T) {
			var rules []string
			types := map[string]int{}
			add := func(queries []backend.Query, err error) {
				if err != nil {
					return
				}
				for _, q := range queries {
					rules = append(rules, q.Text())
					types[fmt.Sprint(targettest.At(targettest.YAML(q.Text()), "type"))]++
				}
			}
			for i := range 400 {
				l := draw.Example(i)
				add(target.Convert(l, "", nil))
				kinds := target.Correlations
				add(target.ConvertCorrelation(targettest.Correlate(l, kinds[i%len(kinds)], i/len(kinds)), "", nil))
			}
			for _, kind := range []string{"any", "frequency", "cardinality", "metric_aggregation"} {
				if types[kind] < 20 {
					t.Errorf("only %d rules of type %s", types[kind], kind)
				}
			}
			loads(t, path, rules)
		})
	}
}

// ElastAlert refuses what is no rule of it, so a rule that it loads means something;
// and it does put variables of its environment into rules.
func TestElastAlertRefuses(t *testing.T) {
	path := withElastAlert(t)
	const rule = "name: t\nindex: x\nalert: [debug]\n"
	tests := []struct{ name, rule, want string }{
		{"a good one", rule + "type: any", ""},
		{"an unknown type", rule + "type: some", "Invalid Rule file"},
		{"no alert", "name: t\nindex: x\ntype: any", "Invalid Rule file"},
		{"an unknown alert", "name: t\nindex: x\nalert: [shout]\ntype: any", "alert"},
		{"no timeframe", rule + "type: frequency\nnum_events: 3", "Invalid Rule file"},
		{"an unknown unit", rule + "type: frequency\nnum_events: 3\ntimeframe: {fortnights: 1}", "Invalid Rule file"},
		{"a number with an exponent", rule + "type: metric_aggregation\nmetric_agg_key: a\nmetric_agg_type: sum\nmax_threshold: 1e+06", "Invalid Rule file"},
		{"no threshold", rule + "type: metric_aggregation\nmetric_agg_key: a\nmetric_agg_type: sum\nbuffer_time: {hours: 1}", "max_threshold"},
		{"no YAML", rule + "type: any\n\t- x", "Could not parse"},
	}
	var rules []string
	for _, tt := range tests {
		rules = append(rules, tt.rule)
	}
	for i, a := range load(t, path, rules) {
		if want := tests[i].want; want == "" && a.Error != "" || !strings.Contains(a.Error, want) {
			t.Errorf("%s: error %q, want one with %q", tests[i].name, a.Error, want)
		}
	}
	if got := targettest.At(load(t, path, []string{rule + "type: any\ndescription: in $HOME"})[0].Rule, "description"); got != "in secret" {
		t.Errorf("description %q: ElastAlert puts no variables into rules", got)
	}
}
