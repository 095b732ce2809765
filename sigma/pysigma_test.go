package sigma

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/internal/python"
)

// pySigmaRule is what pySigma reads in a rule, as texts.
type pySigmaRule struct {
	Searches   map[string]string
	Conditions []string
}

// All rules of the corpus are read as pySigma reads them: fields, modifiers,
// values and conditions. What differs stands in testdata, with a reason.
func TestAgreesWithPySigma(t *testing.T) {
	python := pythonWithSigma(t)
	dir := os.Getenv("HUNTBOOK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	dir = filepath.Join(dir, "corpus", "sigma")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the corpus is not in %s; set HUNTBOOK_SHARED to its folder", dir)
	}
	var paths []string
	for _, pattern := range []string{"rules*", "deprecated", "unsupported"} {
		tops, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, top := range tops {
			err := filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() && filepath.Ext(p) == ".yml" {
					paths = append(paths, p)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	known := readKnown(t, "testdata/pysigma_differences.tsv")
	compared := 0
	for _, row := range readWithPySigma(t, python, paths) {
		rel, _ := filepath.Rel(dir, row.Path)
		docs, diags := parseFile(t, row.Path)
		var differences []string
		switch {
		case row.Error != "":
			differences = append(differences, "pySigma: "+strings.ReplaceAll(row.Error, "\n", " "))
		case diags.HasErrors():
			differences = append(differences, "ours: "+diags.Errors()[0].Message)
		default:
			differences = compareWithPySigma(docs.Rules, row.Rules)
			compared++
		}
		for _, d := range differences {
			if !known.explains(d) {
				t.Errorf("%s: %s", filepath.ToSlash(rel), d)
			}
		}
	}
	if compared < 3000 {
		t.Errorf("only %d files were compared", compared)
	}
	for _, prefix := range known.unused() {
		t.Errorf("testdata/pysigma_differences.tsv explains what does not occur: %s", prefix)
	}
}

func pythonWithSigma(t *testing.T) string {
	t.Helper()
	return python.With(t, "HUNTBOOK_PYTHON", "nothing is compared with pySigma", "sigma.collection")
}

// pySigmaFile is what pySigma reads in a file.
type pySigmaFile struct {
	Path, Error string
	Rules       []pySigmaRule
}

func readWithPySigma(t *testing.T, python string, paths []string) []pySigmaFile {
	t.Helper()
	cmd := exec.Command(python, "testdata/pysigma_parse.py")
	cmd.Stdin = strings.NewReader(strings.Join(paths, "\n") + "\n")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var files []pySigmaFile
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var f pySigmaFile
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

func parseFile(t *testing.T, path string) (*Documents, diag.List) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return ParseAll(&diag.File{Path: path, Data: data})
}

// Items that the corpus has few or none of.
func TestItemsAgreeWithPySigma(t *testing.T) {
	python := pythonWithSigma(t)
	data, err := os.ReadFile("testdata/pysigma_items.tsv")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var items, reasons, paths []string
	for line := range strings.Lines(string(data)) {
		if line[0] == '#' {
			continue
		}
		item, reason, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		path := filepath.Join(dir, fmt.Sprintf("%03d.yml", len(items)))
		text := "title: t\nlogsource: {product: windows}\ndetection:\n  s:\n    " + item + "\n  condition: s\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		items, reasons, paths = append(items, item), append(reasons, reason), append(paths, path)
	}
	for i, row := range readWithPySigma(t, python, paths) {
		docs, diags := parseFile(t, row.Path)
		got, want := "an error", "an error"
		if !diags.HasErrors() {
			got = searchForPySigma(docs.Rules[0].Detection.Identifiers[0].Body)
		}
		if row.Error == "" {
			want = row.Rules[0].Searches["s"]
		}
		if (got == want) != (reasons[i] == "") {
			t.Errorf("%s is\n  %s (%v)\npySigma's is\n  %s (%s)\nreason: %q", items[i], got, diags, want, row.Error, reasons[i])
		}
	}
}

func compareWithPySigma(ours []*Rule, theirs []pySigmaRule) []string {
	if len(ours) != len(theirs) {
		return []string{fmt.Sprintf("%d rules, pySigma has %d", len(ours), len(theirs))}
	}
	var out []string
	for i, r := range ours {
		for _, id := range r.Detection.Identifiers {
			if got, want := searchForPySigma(id.Body), theirs[i].Searches[id.Name]; got != want {
				out = append(out, fmt.Sprintf("%s is\n  %s\npySigma's is\n  %s", id.Name, got, want))
			}
		}
		if len(r.Detection.Identifiers) != len(theirs[i].Searches) {
			out = append(out, fmt.Sprintf("%d searches, pySigma has %s", len(r.Detection.Identifiers), slices.Sorted(maps.Keys(theirs[i].Searches))))
		}
		var conditions []string
		for _, c := range r.Detection.Conditions {
			conditions = append(conditions, conditionForPySigma(c.Expr))
		}
		if got, want := strings.Join(conditions, " ; "), strings.Join(theirs[i].Conditions, " ; "); got != want {
			out = append(out, fmt.Sprintf("condition is\n  %s\npySigma's is\n  %s", got, want))
		}
	}
	return out
}

// The notation of testdata/pysigma_parse.py.

func groupForPySigma(all bool, parts []string) string {
	if len(parts) == 1 {
		return parts[0]
	}
	return map[bool]string{true: "and", false: "or"}[all] + "[" + strings.Join(parts, ", ") + "]"
}

func searchForPySigma(s Search) string {
	switch s := s.(type) {
	case *Group:
		parts := make([]string, len(s.Members))
		for i, m := range s.Members {
			parts[i] = searchForPySigma(m)
		}
		return groupForPySigma(s.All, parts)
	case *Item:
		var b strings.Builder
		b.WriteString(s.Field + ": ")
		if s.Negated {
			b.WriteString("not ")
		}
		if s.All && len(s.Values) > 1 {
			b.WriteString("all ")
		}
		for i, v := range s.Values {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(showForPySigma(v))
		}
		return b.String()
	}
	return "?"
}

func showForPySigma(v Value) string {
	switch v := v.(type) {
	case Alternatives:
		parts := make([]string, len(v))
		for i, a := range v {
			parts[i] = showForPySigma(a)
		}
		slices.Sort(parts)
		if len(parts) == 1 {
			return parts[0]
		}
		return "(" + strings.Join(parts, " | ") + ")"
	case String:
		text := ""
		for _, t := range v.Pattern {
			text += map[TokenKind]string{AnyChars: "\x00", OneChar: "\x01", Placeholder: "%{" + t.Text + "}", Literal: t.Text}[t.Kind]
		}
		return map[bool]string{true: "cased "}[v.Cased] + pythonJSON(text)
	case Number:
		return "number " + strings.TrimSuffix(v.Text, ".0")
	case Bool:
		return fmt.Sprint(bool(v))
	case Null:
		return "null"
	case Regexp:
		flags := map[bool]string{true: "i"}[v.IgnoreCase] + map[bool]string{true: "m"}[v.Multiline] + map[bool]string{true: "s"}[v.DotAll]
		return "re " + flags + " " + pythonJSON(v.Source)
	case CIDR:
		return "cidr " + string(v)
	case Compare:
		return v.Op + " " + v.Number
	case FieldRef:
		return fmt.Sprintf("field %s %v %v", v.Field, v.StartsWith, v.EndsWith)
	case Exists:
		return fmt.Sprintf("exists %v", bool(v))
	case TimePart:
		return v.Part + " " + v.Number
	}
	return "?"
}

// pythonJSON is a text as Python's json.dumps writes it.
func pythonJSON(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)
	var out strings.Builder
	for _, r := range strings.TrimSpace(b.String()) {
		switch {
		case r == 0x7f || r < 0x7f:
			out.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}

func conditionForPySigma(e ConditionExpr) string {
	all := func(x []ConditionExpr) []string {
		parts := make([]string, len(x))
		for i, e := range x {
			parts[i] = conditionForPySigma(e)
		}
		return parts
	}
	switch e := e.(type) {
	case *CondAnd:
		return groupForPySigma(true, all(e.X))
	case *CondOr:
		return groupForPySigma(false, all(e.X))
	case *CondNot:
		return "not[" + conditionForPySigma(e.X) + "]"
	case *CondRef:
		return e.Name
	case *CondOf:
		return groupForPySigma(e.All, e.Names)
	}
	return "?"
}

// known are beginnings of differences, each with its reason.
type known struct {
	reasons map[string]string
	seen    map[string]bool
}

func readKnown(t *testing.T, path string) *known {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	k := &known{map[string]string{}, map[string]bool{}}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		begin, reason, ok := strings.Cut(line, "\t")
		if !ok || reason == "" {
			t.Fatalf("%s: a line without a reason: %s", path, line)
		}
		k.reasons[begin] = reason
	}
	return k
}

func (k *known) explains(difference string) bool {
	for begin := range k.reasons {
		if strings.HasPrefix(difference, begin) {
			k.seen[begin] = true
			return true
		}
	}
	return false
}

func (k *known) unused() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(k.reasons)), func(s string) bool { return k.seen[s] })
}
