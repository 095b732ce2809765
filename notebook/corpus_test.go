package notebook

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/kernel/syntax"
	"github.com/huntbook/huntbook/sigma"
)

// Every rule of the corpus becomes a notebook whose query cell holds that rule,
// under a name of its own.
func TestCorpus(t *testing.T) {
	shared := os.Getenv("HUNTBOOK_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	root := filepath.Join(shared, "corpus", "sigma")
	if _, err := os.Stat(root); err != nil {
		t.Skipf("no corpus at %s: notebooks of its rules are not tested (set HUNTBOOK_SHARED)", root)
	}
	var refs []RuleRef
	var rules []*sigma.Rule
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yml" || strings.Contains(path, "regression_data") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		list, _ := sigma.Parse(&diag.File{Path: path, Data: data})
		for _, r := range list {
			refs = append(refs, RuleRef{name, r.Document})
			rules = append(rules, r)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, name := range FileNames(refs) {
		if seen[fold(name)] {
			t.Errorf("two rules have the notebook %s", name)
		}
		seen[fold(name)] = true
	}
	for i, r := range rules {
		nb := build(t, "huntbook", &Page{Rule: r, RulePath: refs[i].Path, Data: []string{"x"}, Options: DefaultOptions()})
		for _, c := range nb.Cells {
			if c.ID != "query" {
				continue
			}
			commands, diags := syntax.Parse(c.Source)
			if len(diags) > 0 {
				t.Fatal(diags)
			}
			again, _ := sigma.Parse(&diag.File{Data: []byte(commands[0].Body)})
			if r.Document > 1 || len(again) != 1 {
				// Documents of one file may complete each other.
				continue
			}
			if a, b := asJSON(t, r), asJSON(t, again[0]); a != b {
				t.Errorf("%s: the cell holds\n%s\nthe rule is\n%s", refs[i].Path, b, a)
			}
		}
	}
	t.Logf("%d rules", len(rules))
}

// asJSON is what a rule says, without where it stands.
func asJSON(t *testing.T, r *sigma.Rule) string {
	t.Helper()
	plain := *r
	plain.File, plain.Text = nil, ""
	data, err := json.Marshal(plain)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
