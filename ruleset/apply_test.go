package ruleset

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/sigma"
)

const (
	ruleA   = "title: a\nname: a\nlevel: high\nlogsource: {product: windows}\ndetection: {s: {A|expand: '%p%'}, condition: s}\n"
	ruleB   = "title: b\nname: b\nlevel: low\nlogsource: {product: linux}\ndetection: {s: {B: x}, condition: s}\n"
	filterA = "title: fa\nlogsource: {product: windows}\nfilter: {rules: [a, b, c], s: {U: y}, condition: not s}\n"
	filterB = "title: fb\nlogsource: {product: linux}\nfilter: {rules: any, s: {U: y}, condition: not s}\n"
)

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Filters that stand among the rules and those of --filters are applied, to
// rules that were not chosen too; names that no rule has are warned of.
func TestApply(t *testing.T) {
	dir := write(t, map[string]string{
		"rules/a.yml": ruleA, "rules/b.yml": ruleB, "rules/own.yml": filterB,
		"filters/x/fa.yml": filterA, "filters/rule.yml": ruleB,
	})
	set, err := Load([]string{filepath.Join(dir, "rules")}, Choice{Levels: []string{"high"}})
	if err != nil {
		t.Fatal(err)
	}
	before := set.Rules[0].Rule
	if err := set.LoadFilters([]string{filepath.Join(dir, "filters")}); err != nil {
		t.Fatal(err)
	}
	set.Apply(sigma.Placeholders{"p": {"1", "2"}})
	if len(set.Rules) != 1 || set.Rules[0].Rule == before || set.Rules[0].Rule.Detection.Conditions[0].Text != "(s) and (not _filter_1_s)" ||
		len(before.Detection.Identifiers) != 1 {
		t.Errorf("rule: %+v", set.Rules)
	}
	if len(set.All) != 2 || set.All[0] != set.Rules[0].Rule || len(set.All[1].Detection.Identifiers) != 2 {
		t.Errorf("all: %+v", set.All)
	}
	if got := set.Explain(); got != `filters "fb", "fa" apply to 1 of 1 rules` {
		t.Error(got)
	}
	if got := set.Diagnostics.Error(); !strings.Contains(got, `fa.yml:3:24: the filter names a rule that is not there: "c"`) || len(set.Diagnostics) != 1 {
		t.Errorf("messages: %s", got)
	}
}

// A rule whose placeholders can't be replaced is an error, the others go on.
func TestApplyErrors(t *testing.T) {
	dir := write(t, map[string]string{
		"rules/a.yml": strings.Replace(ruleA, "A|expand", "A|re|expand", 1), "rules/b.yml": ruleB,
		"filters/fa.yml": strings.Replace(filterA, "condition", "condidion", 1), "none/rule.yml": ruleA,
	})
	set, err := Load([]string{filepath.Join(dir, "rules")}, Choice{})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"filters": "the filter section has no condition", "none": "no filter in ", "nowhere": "check the path"} {
		if err := set.LoadFilters([]string{filepath.Join(dir, path)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	set.Apply(sigma.Placeholders{"p": {"("}})
	if len(set.Rules) != 1 || set.Rules[0].Path != "b.yml" || len(set.Unreadable) != 1 || set.Unreadable[0].Path != "a.yml" || !set.Diagnostics.HasErrors() {
		t.Errorf("%+v", set)
	}
	if _, err := LoadPlaceholders(filepath.Join(dir, "no.yml")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// The text of a notebook's cell is a rule file.
func TestCellTextIsARuleFile(t *testing.T) {
	dir := write(t, map[string]string{"rules/a.yml": ruleA, "fa.yml": filterA})
	set, err := Load([]string{filepath.Join(dir, "rules")}, Choice{})
	if err != nil {
		t.Fatal(err)
	}
	if err := set.LoadFilters([]string{filepath.Join(dir, "fa.yml")}); err != nil {
		t.Fatal(err)
	}
	set.Apply(sigma.Placeholders{"p": {"1", "2"}})
	text := set.Rules[0].Rule.Text
	again, err := Load([]string{write(t, map[string]string{"cell.yml": text})}, Choice{})
	if err != nil {
		t.Fatal(err)
	}
	again.Apply(nil)
	got := again.Rules[0].Rule
	if len(again.Rules) != 1 || got.Detection.Conditions[0].Text != "(s) and (not _filter_1_s)" || got.Detection.Identifiers[0].Body.(*sigma.Group).Members[0].(*sigma.Item).Values[0].(sigma.Alternatives) == nil {
		t.Errorf("%+v from\n%s", got, text)
	}
}
