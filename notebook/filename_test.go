package notebook

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestFileNames(t *testing.T) {
	long := strings.Repeat("ä", 100)
	cases := []struct {
		rules []string // "path" or "path#document"
		want  []string
	}{
		{[]string{"windows/process_creation/a.yml"}, []string{"windows/process_creation/a.ipynb"}},
		{[]string{`windows\a.yaml`}, []string{"windows/a.ipynb"}},
		{[]string{"a.YML"}, []string{"a.ipynb"}},
		{[]string{"a.b.yml", "a.txt"}, []string{"a.b.ipynb", "a.txt.ipynb"}},
		{[]string{"x/a.yml", "y/a.yml"}, []string{"x/a.ipynb", "y/a.ipynb"}},
		{[]string{"a.yml#1", "a.yml#2", "a.yml#10"}, []string{"a.ipynb", "a-2.ipynb", "a-10.ipynb"}},
		{[]string{"a.yml#2", "a-2.yml"}, []string{"a-2-HASH.ipynb", "a-2.ipynb"}},
		{[]string{"A.yml", "a.yml"}, []string{"A.ipynb", "a-HASH.ipynb"}},
		{[]string{"a.yml", "a.yaml"}, []string{"a-HASH.ipynb", "a.ipynb"}},
		{[]string{"Straße.yml", "STRASSE.yml"}, []string{"Straße-HASH.ipynb", "STRASSE.ipynb"}},
		{[]string{"e\u0301.yml", "\u00e9.yml"}, []string{"é.ipynb", "é-HASH.ipynb"}},
		{[]string{"../../etc/passwd.yml"}, []string{"_/_/etc/passwd.ipynb"}},
		{[]string{"/abs/a.yml"}, []string{"abs/a.ipynb"}},
		{[]string{`C:\x\a.yml`}, []string{"C_/x/a.ipynb"}},
		{[]string{"./a.yml"}, []string{"a.ipynb"}},
		{[]string{""}, []string{"_.ipynb"}},
		{[]string{".yml"}, []string{"_yml.ipynb"}},
		{[]string{".git/a.yml"}, []string{"_git/a.ipynb"}},
		{[]string{"CON.yml", "nul.x.yml", "com1 .yml", "lpt².yml", "aux/prn/a.yml", "console.yml", "com10.yml"},
			[]string{"_CON.ipynb", "_nul.x.ipynb", "_com1.ipynb", "_lpt².ipynb", "_aux/_prn/a.ipynb", "console.ipynb", "com10.ipynb"}},
		{[]string{"a. /b..yml", " c .yml"}, []string{"a/b.ipynb", "c.ipynb"}},
		{[]string{"a<b>:\"|?*c.yml", "d\x00\n\u202ee.yml", "f\xff.yml"}, []string{"a_b______c.ipynb", "d___e.ipynb", "f_.ipynb"}},
		{[]string{"a.ipynb/b.yml", "a.yml"}, []string{"a.ipynb_/b.ipynb", "a.ipynb"}},
		{[]string{long + ".yml"}, []string{strings.Repeat("ä", 52) + "-HASH.ipynb"}},
	}
	for _, c := range cases {
		got := FileNames(refs(c.rules))
		for i := range got {
			want := c.want[i]
			if before, after, ok := strings.Cut(want, "HASH"); ok && strings.HasPrefix(got[i], before) && strings.HasSuffix(got[i], after) && len(got[i]) == len(want)+4 {
				continue
			}
			if got[i] != want {
				t.Errorf("%.60q: %s, want %s", c.rules[i], got[i], want)
			}
		}
	}
}

func refs(rules []string) []RuleRef {
	var out []RuleRef
	for _, r := range rules {
		p, n, ok := strings.Cut(r, "#")
		document, err := strconv.Atoi(n)
		if ok && err != nil {
			panic(err)
		}
		out = append(out, RuleRef{Path: p, Document: max(document, 1)})
	}
	return out
}

// For any set of rules: names are safe, short, apart on any file system, and do
// not depend on the order.
func TestFileNamesAreSafeAndApart(t *testing.T) {
	alphabet := []rune("aAbé\u0301ßſK\u212a.. -/\\:*?\"<>|\x00\n\u202e\xff😀CONcon1yml²")
	piece := rapid.OneOf(rapid.StringOfN(rapid.RuneFrom(alphabet), 0, 12, -1), rapid.String(), rapid.SampledFrom([]string{
		"con", "NUL", "com1", "..", ".", "", "a.yml", "A.YML", "a.yaml", "a.ipynb", "a-2.yml", strings.Repeat("x", 300), strings.Repeat("é", 130),
	}))
	rapid.Check(t, func(t *rapid.T) {
		var rules []RuleRef
		for range rapid.IntRange(1, 8).Draw(t, "rules") {
			parts := rapid.SliceOfN(piece, 1, 6).Draw(t, "parts")
			rules = append(rules, RuleRef{strings.Join(parts, "/"), rapid.IntRange(1, 3).Draw(t, "document")})
		}
		names := FileNames(rules)
		seen := map[string]bool{}
		for i, name := range names {
			if seen[fold(name)] {
				t.Fatalf("%q has the name of another: %q", rules[i].Path, names)
			}
			seen[fold(name)] = true
			if len(name) > maxPath || !utf8.ValidString(name) || path.Clean(name) != name || path.IsAbs(name) || !strings.HasSuffix(name, ipynb) {
				t.Fatalf("%q is named %q", rules[i].Path, name)
			}
			parts := strings.Split(name, "/")
			for k, part := range parts {
				upper, _, _ := strings.Cut(strings.ToUpper(part), ".")
				upper = strings.TrimSpace(upper)
				switch {
				case len(part) > maxPart, strings.HasPrefix(part, "."), strings.TrimRight(part, " .") != part, strings.ContainsAny(part, "\\<>:\"|?*"),
					strings.ContainsFunc(part, unicode.IsControl),
					slices.Contains([]string{"CON", "PRN", "AUX", "NUL", "COM1", "COM²"}, upper),
					k < len(parts)-1 && strings.HasSuffix(fold(part), ipynb):
					t.Fatalf("%q is named %q", rules[i].Path, name)
				}
			}
		}
		order := rapid.Permutation(rules).Draw(t, "order")
		again := FileNames(order)
		got, want := map[RuleRef][]string{}, map[RuleRef][]string{}
		for i := range rules {
			want[rules[i]] = append(want[rules[i]], names[i])
			got[order[i]] = append(got[order[i]], again[i])
		}
		for r := range want {
			slices.Sort(want[r])
			slices.Sort(got[r])
			if !slices.Equal(want[r], got[r]) {
				t.Fatalf("%q is named %q in another order, was %q", r.Path, got[r], want[r])
			}
		}
	})
}
