package check

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/ruleset"
)

// tree writes an expression as a set of comparisons, so that a value that is
// written twice, or a number as text, makes no difference.
func tree(e ir.Expr) string {
	members := func(op string, x []ir.Expr) string {
		var parts []string
		for _, e := range x {
			if s := tree(e); !slices.Contains(parts, s) {
				parts = append(parts, s)
			}
		}
		if len(parts) == 1 {
			return parts[0]
		}
		return op + "(" + strings.Join(parts, " ") + ")"
	}
	switch e := e.(type) {
	case *ir.And:
		return members("and", e.X)
	case *ir.Or:
		return members("or", e.X)
	case *ir.Not:
		return "not " + tree(e.X)
	case *ir.Match:
		m := *e
		m.Pos, m.File = diag.Pos{}, nil
		if m.Op == ir.Number {
			m.Op, m.Pattern, m.Text = ir.Like, ir.Pattern{{Text: m.Text}}, ""
		}
		return fmt.Sprintf("%+v", m)
	}
	return ""
}

// --fix repairs every bad example of which it says so: the finding is gone, the
// rule means the same, and a second run has nothing to do.
func TestFixExamples(t *testing.T) {
	for _, c := range All() {
		if c.Fixes == "" {
			continue
		}
		t.Run(c.Code, func(t *testing.T) {
			set, dir := load(t, exampleFiles(c.Bad))
			before := loweredIn(t, dir)
			fixed, err := Fix(Run(set).Findings, func(Finding) bool { return true })
			if err != nil || !slices.ContainsFunc(fixed, func(f Finding) bool { return f.Code == c.Code }) {
				t.Fatalf("%v, repaired %v", err, codes(fixed))
			}
			if after := loweredIn(t, dir); after != before {
				t.Errorf("the rule means something else:\n%s\n%s", before, after)
			}
			again, err := ruleset.Load([]string{dir}, ruleset.Choice{})
			if err != nil {
				t.Fatal(err)
			}
			if left := Run(again); len(left.Findings) > 0 {
				t.Errorf("left: %s", left.messages())
			}
		})
	}
}

func loweredIn(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			b.WriteString(lowered(&diag.File{Path: path, Data: []byte(read(t, path))}))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A repair touches the bytes concerned: comments, quotes, order and blanks of
// all else stay.
func TestFixBytes(t *testing.T) {
	for _, c := range []struct{ name, bad, good string }{
		{"tag", "tags:   # why\n    - attack.T1059.001   # PowerShell\n    - attack.execution\n", "tags:   # why\n    - attack.t1059.001   # PowerShell\n    - attack.execution\n"},
		{"quoted tag", "tags:\n    - 'attack.T1059.001'\n    - \"attack.Execution\"\n", "tags:\n    - 'attack.t1059.001'\n    - \"attack.execution\"\n"},
		{"list in brackets", "tags: [attack.execution, attack.T1059.001]\n", "tags: [attack.execution, attack.t1059.001]\n"},
		{"wildcards", "detection:\n    sel:\n        CommandLine:   # all\n            - '*it''s*'   # first\n            - \"*b*\"\n            - '*\\\\*'\n    condition: sel\n", "detection:\n    sel:\n        CommandLine|contains:   # all\n            - 'it''s'   # first\n            - \"b\"\n            - '\\\\'\n    condition: sel\n"},
		{"wildcards in quotes", "detection:\n    sel:\n        'CommandLine|all': ['*a*', '*b*']\n    condition: sel\n", "detection:\n    sel:\n        'CommandLine|contains|all': ['a', 'b']\n    condition: sel\n"},
		{"duplicate with a comment", "references:\n    - https://a.example/x\n    - https://a.example/x # again\n", ""},
		{"duplicate in brackets", "references: ['https://a.example/x', 'https://a.example/x']\n", ""},
		{"date in quotes", "date: '2024/05/01'\n", "date: '2024-05-01'\n"},
		{"operators", "detection:\n    sel: {User: a}\n    filter_main_AND: {User: b}\n    condition: 'sel AND NOT filter_main_AND' # ok\n", "detection:\n    sel: {User: a}\n    filter_main_AND: {User: b}\n    condition: 'sel and not filter_main_AND' # ok\n"},
		{"entry of two lines", "falsepositives:\n    - Unlikely: nobody\n      does this\n", ""},
		{"entry with a quote", "falsepositives:\n    - Unlikely: it's nothing\n", "falsepositives:\n    - 'Unlikely: it''s nothing'\n"},
		{"escapes", "detection:\n    sel:\n        Image: \"*\\\\a.exe\"\n    condition: sel\n", ""},
		{"folded", "title: >-\n    A title\n    ends.\n", ""},
		{"list of one, with a comment", "detection:\n    sel:\n        Image|endswith:   # why\n            - '\\a.exe'\n    condition: sel\n", ""},
		{"backslashes", "detection:\n    sel:\n        Image: '\\\\server\\\\share\\\\*\\\\a.exe'\n    condition: sel\n", "detection:\n    sel:\n        Image: '\\\\server\\share\\\\*\\\\a.exe'\n    condition: sel\n"},
		{"backslashes before a placeholder", "detection:\n    sel:\n        Image|expand: 'C:\\\\Users\\\\%Admins%\\\\a.exe'\n    condition: sel\n", "detection:\n    sel:\n        Image|expand: 'C:\\Users\\\\%Admins%\\a.exe'\n    condition: sel\n"},
		{"beside an error", "detection:\n    sel:\n        Image|endwith: '*a*'\n        User: '*b'\n    condition: sel\n", "detection:\n    sel:\n        Image|endwith: '*a*'\n        User|endswith: 'b'\n    condition: sel\n"},
		{"them", "detection:\n    sel: {User: a}\n    condition:   1  of  them\n", "detection:\n    sel: {User: a}\n    condition:   sel\n"},
		{"dates of version 1", "date: 2019/01/02\ndetection:\n    sel: [a, b]\n    condition: all of sel\n", ""},
		{"dates of version 1 without need", "date: 2019/01/02\n", "date: 2019-01-02\n"},
		{"all", "detection:\n    sel:\n        User|contains|all:   'a'\n    condition: sel\n", "detection:\n    sel:\n        User|contains:   'a'\n    condition: sel\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := exampleDocument(c.bad, 0)
			f := &diag.File{Path: "proc_creation_win_example.yml", Data: []byte(text)}
			got, _ := fixFile(f, func(f Finding) bool { return f.Code != "list-of-one" || c.name == "list of one, with a comment" })
			want := text
			if c.good != "" {
				want = strings.Replace(text, strings.TrimRight(c.bad, "\n"), strings.TrimRight(c.good, "\n"), 1)
				if want == text {
					t.Fatal("the test has no text to compare")
				}
			}
			if string(got) != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// A file keeps its rights, a link stays a link, and one that was changed since it
// was read is left alone.
func TestFixFiles(t *testing.T) {
	const bad = "title: Example of a Rule."
	set, dir := load(t, exampleFiles(bad))
	path := filepath.Join(dir, "proc_creation_win_example.yml")
	real := filepath.Join(dir, "real.txt")
	if err := os.Rename(path, real); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(real, 0o600); err != nil {
		t.Fatal(err)
	}
	all := func(Finding) bool { return true }
	if _, err := Fix(Run(set).Findings, all); err != nil {
		t.Fatal(err)
	}
	link, err := os.Lstat(path)
	info, _ := os.Stat(real)
	if err != nil || link.Mode()&os.ModeSymlink == 0 || info.Mode().Perm() != 0o600 || strings.Contains(read(t, real), "Rule.") {
		t.Errorf("link %v, rights %v, text %s", link.Mode(), info.Mode(), read(t, real))
	}

	set, dir = load(t, exampleFiles(bad))
	path = filepath.Join(dir, "proc_creation_win_example.yml")
	if err := os.WriteFile(path, []byte("something else"), 0o644); err != nil {
		t.Fatal(err)
	}
	if fixed, err := Fix(Run(set).Findings, all); err == nil || len(fixed) > 0 || read(t, path) != "something else" {
		t.Errorf("a file that was changed meanwhile: %v, %v", fixed, err)
	}
}

// Only what is wanted is repaired.
func TestFixWanted(t *testing.T) {
	f := &diag.File{Path: "x.yml", Data: []byte(exampleDocument("title: Example of a Rule.\nlevel: HIGH\n", 0))}
	got, fixed := fixFile(f, func(f Finding) bool { return f.Code == "word-case" })
	if len(fixed) != 1 || !strings.Contains(string(got), "Rule.\n") || !strings.Contains(string(got), "level: high\n") {
		t.Errorf("%v\n%s", codes(fixed), got)
	}
}

// Whatever a file holds, checking it ends, places lie inside of it, and repairs
// keep the rules' meaning and leave nothing to repair.
func FuzzFix(f *testing.F) {
	for _, c := range All() {
		for _, text := range exampleFiles(c.Bad) {
			if len(text) < 4000 {
				f.Add([]byte(text))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file := &diag.File{Path: "rules/proc_creation_win_example.yml", Data: data}
		for _, x := range checkAlone(file) {
			// YAML puts what is missing at the end into a line of its own.
			if x.Pos.Line < 0 || x.Pos.Line > 2+strings.Count(string(data), "\n") && !oddBreak.Match(data) {
				t.Errorf("%s at line %d", x.Code, x.Pos.Line)
			}
			for _, e := range x.Edits {
				if e.Start < 0 || e.End < e.Start || e.End > len(data) {
					t.Fatalf("%s: edit %+v of %d bytes", x.Code, e, len(data))
				}
			}
		}
		all := func(Finding) bool { return true }
		now, _ := fixFile(file, all)
		if before, after := lowered(file), lowered(&diag.File{Data: now}); before != after {
			t.Errorf("the rule means something else:\n%s\n%s", before, after)
		}
		if _, more := fixFile(&diag.File{Path: file.Path, Data: now}, all); len(more) > 0 {
			t.Errorf("a second repair: %v", codes(more))
		}
	})
}
