package ruleset

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

const (
	goodRule   = "title: good\nlogsource: {product: windows}\ndetection: {s: {A: x}, condition: s}\n"
	brokenRule = "title: broken\nlogsource: {product: windows}\ndetection: {s: {A: x}, condition: t}\n"
	oldRule    = "title: old\nstatus: deprecated\nlogsource: {product: windows}\ndetection: {s: {A: x}, condition: s}\n"
	settings   = "colour: blue\n"
)

// loaded is what a Set holds, in short: "path" for a rule, "!path" for an
// unreadable file, "-path" for YAML that is no rule.
func loaded(s *Set) string {
	var out []string
	for _, e := range s.Rules {
		out = append(out, e.Path)
	}
	for _, u := range s.Unreadable {
		out = append(out, "!"+u.Path)
	}
	for _, p := range s.NotRules {
		out = append(out, "-"+p)
	}
	return strings.Join(out, " ")
}

func TestLoad(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		paths string
		want  string
	}{
		{"a folder, in the order of names", map[string]string{"b.yml": goodRule, "a/x.yaml": goodRule, "a/Y.YML": goodRule}, ".", "a/Y.YML a/x.yaml b.yml"},
		{"the order of paths", map[string]string{"a.yml": goodRule, "b.yml": goodRule}, "b.yml a.yml", "b.yml a.yml"},
		{"a file has its own name", map[string]string{"deep/er/a.yml": goodRule}, "deep/er/a.yml", "a.yml"},
		{"paths are relative to their input", map[string]string{"x/a.yml": goodRule, "y/a.yml": goodRule}, "x y/", "a.yml a.yml"},
		{"a file is read once", map[string]string{"a.yml": goodRule}, "a.yml . ./a.yml", "a.yml"},
		{"several documents", map[string]string{"a.yml": goodRule + "---\n" + goodRule}, ".", "a.yml a.yml"},
		{"what is not ours", map[string]string{"a.yml": goodRule, "b.txt": goodRule, "c.json": "{}", ".git/d.yml": goodRule, "._a.yml": "\x00", "s.yml": settings}, ".", "a.yml -s.yml"},
		{"a file of any name, when named", map[string]string{"rule.txt": goodRule}, "rule.txt", "rule.txt"},
		{"YAML that is no rule, when named", map[string]string{"s.yml": settings}, "s.yml", "!s.yml"},
		{"a broken rule among others", map[string]string{"a.yml": goodRule, "b.yml": brokenRule, "c.yml": goodRule}, ".", "a.yml c.yml !b.yml"},
		{"a broken document among others", map[string]string{"a.yml": goodRule + "---\n" + brokenRule + "---\n" + goodRule}, ".", "a.yml a.yml !a.yml"},
		{"junk", map[string]string{"a.yml": goodRule, "b.yml": "\x00\x01\xff"}, ".", "a.yml !b.yml"},
		{"deprecated", map[string]string{"a.yml": goodRule, "b.yml": oldRule}, ".", "a.yml"},
		{"deprecated, when named", map[string]string{"b.yml": oldRule}, "b.yml", "b.yml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(write(t, c.files))
			set, err := Load(strings.Fields(c.paths), Choice{})
			if err != nil {
				t.Fatal(err)
			}
			if got := loaded(set); got != c.want {
				t.Errorf("loaded %s, want %s", got, c.want)
			}
		})
	}
}

// TestLoadSays: what was left out is counted by reason; what is wrong is told
// with the file's path as it was given.
func TestLoadSays(t *testing.T) {
	t.Chdir(write(t, map[string]string{"r/a.yml": goodRule, "r/b.yml": oldRule, "r/c.yml": brokenRule}))
	set, err := Load([]string{"r"}, Choice{MinLevel: "low"})
	if err != nil {
		t.Fatal(err)
	}
	if set.LeftOut["deprecated"] != 1 || set.LeftOut["level"] != 1 || len(set.LeftOut) != 2 {
		t.Errorf("left out: %v, want one deprecated and one by level", set.LeftOut)
	}
	errs := set.Diagnostics.Errors()
	if len(errs) != 1 || errs[0].File.Path != filepath.Join("r", "c.yml") || errs[0].Pos.Line != 3 {
		t.Errorf("errors: %v, want one in line 3 of r/c.yml", errs)
	}
}

func TestLoadErrors(t *testing.T) {
	t.Chdir(write(t, map[string]string{"text/a.txt": "x", "yaml/s.yml": settings, "a.yml": goodRule}))
	if err := os.Mkdir("empty", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		kind error
		want string
	}{
		{"nowhere.yml", fs.ErrNotExist, "rules: nowhere.yml: file does not exist; check the path"},
		{"empty", ErrNoRules, "no rules in empty; rules are .yml or .yaml files"},
		{"text", ErrNoRules, "no rules in text; rules are .yml or .yaml files"},
		{"yaml", ErrNoRules, "no rules in yaml; it holds YAML files, such as s.yml, but no Sigma rule"},
	} {
		_, err := Load([]string{c.path}, Choice{})
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.path, err, c.want)
		}
	}
	if _, err := Load([]string{"a.yml", "nowhere.yml"}, Choice{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing path behind a good one: error %v", err)
	}
}

// TestLoadUnreadable: a file that may not be read is a message, and the rest is
// loaded.
func TestLoadUnreadable(t *testing.T) {
	t.Chdir(write(t, map[string]string{"a.yml": goodRule, "b.yml": goodRule}))
	if err := os.Chmod("b.yml", 0); err != nil {
		t.Fatal(err)
	}
	if f, err := os.Open("b.yml"); err == nil {
		f.Close()
		t.Skip("this user may read everything")
	}
	set, err := Load([]string{"."}, Choice{})
	if err != nil {
		t.Fatal(err)
	}
	if got := loaded(set); got != "a.yml !b.yml" {
		t.Errorf("loaded %s, want a.yml !b.yml", got)
	}
}

// TestLoadLarge: a file larger than a rule can be is refused without being read
// whole.
func TestLoadLarge(t *testing.T) {
	t.Chdir(write(t, map[string]string{"a.yml": goodRule}))
	f, err := os.Create("b.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(1<<40), f.Close()); err != nil {
		t.Skip("no file with holes here:", err)
	}
	set, err := Load([]string{"."}, Choice{})
	if err != nil {
		t.Fatal(err)
	}
	if got := loaded(set); got != "a.yml !b.yml" {
		t.Errorf("loaded %s, want a.yml !b.yml", got)
	}
}

func TestLoadFS(t *testing.T) {
	set, err := LoadFS(fstest.MapFS{
		"x/a.yml": {Data: []byte(goodRule)}, "b.yml": {Data: []byte(oldRule)}, "readme.md": {Data: []byte("x")},
	}, Choice{})
	if err != nil {
		t.Fatal(err)
	}
	if got := loaded(set); got != "x/a.yml" || set.LeftOut["deprecated"] != 1 {
		t.Errorf("loaded %s, left out %v", got, set.LeftOut)
	}
}

// FuzzLoadFile: whatever a file holds, loading it neither fails nor panics, and
// every rule that it gives can be chosen by.
func FuzzLoadFile(f *testing.F) {
	for _, s := range []string{goodRule, brokenRule, oldRule, settings, goodRule + "---\n" + brokenRule, "a: &a [*a]", "\xff\x00", "---\n---\n", "title: x\nlevel: 7\nstatus: []\ntags: {}\nlogsource: x"} {
		f.Add([]byte(s))
	}
	choice := Choice{Levels: sigma.Levels, Tags: []string{"x"}, LogSources: []string{"product=windows"}, Include: []string{"*"}}
	f.Fuzz(func(t *testing.T, data []byte) {
		l := newLoader(choice)
		l.found = []*found{{name: "a.yml", rel: "a.yml", data: data, named: true}}
		l.parse()
		for _, d := range l.set.Diagnostics {
			if d.Message == "" || strings.Contains(d.Error(), "\n") {
				t.Errorf("message %q is not one line", d.Error())
			}
		}
		if l.set.Unreadable != nil && !l.set.Diagnostics.HasErrors() {
			t.Error("a file is unreadable and nothing says why")
		}
		_ = diag.WriteText(discard{}, l.set.Diagnostics, false)
	})
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
