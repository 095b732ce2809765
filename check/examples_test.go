package check

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/ruleset"
)

// exampleFiles makes files of an example. An example names keys; the rest is
// that of a rule without findings, so that the example shows what it is about:
//
//	# file: NAME      a file begins, of another name than usual
//	# without: KEY    the rule has no such key
//	# as it is        the document is all there is, nothing is added
//	---               another document begins
func exampleFiles(example string) map[string]string {
	files := map[string]string{}
	name, text, begun := "proc_creation_win_example.yml", "", false
	number := 0
	flush := func() {
		if begun {
			files[name] = exampleDocuments(text, &number)
		}
	}
	if strings.Contains("\n"+example, "\ncorrelation:") {
		name = "correlation_example.yml"
	}
	for _, line := range strings.SplitAfter(example, "\n") {
		if now, ok := strings.CutPrefix(line, "# file: "); ok {
			flush()
			name, text, begun = strings.TrimSpace(now), "", true
			continue
		}
		text, begun = text+line, true
	}
	flush()
	return files
}

func exampleDocuments(text string, number *int) string {
	var docs []string
	for _, doc := range strings.Split(text, "\n---\n") {
		if rest, ok := strings.CutPrefix(doc, "# as it is\n"); ok {
			if *number > 0 {
				rest = strings.TrimRight(rest, "\n") + "\n"
			}
			docs = append(docs, rest)
			continue
		}
		docs = append(docs, strings.TrimRight(exampleDocument(doc, *number), "\n")+"\n")
		*number++
	}
	return strings.Join(docs, "---\n")
}

var keyBlock = regexp.MustCompile(`(?m)^[^\s#-].*(\n([ -].*|\t.*|))*`)

func exampleDocument(example string, number int) string {
	base := exampleText
	if number > 0 {
		base = strings.Replace(base, "6a2b90", fmt.Sprintf("6a2b9%d", number), 1)
		base = strings.Replace(base, "title: Example of a Rule", fmt.Sprintf("title: Example of a Rule %d", number), 1)
		base = strings.Replace(base, "example.exe", fmt.Sprintf("example%d.exe", number), 1)
	}
	without := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^# without: (\S+)$`).FindAllStringSubmatch(example, -1) {
		without[m[1]] = true
	}
	own := map[string]string{}
	var order []string
	for _, block := range keyBlock.FindAllString(example, -1) {
		key, _, _ := strings.Cut(block, ":")
		own[key] = strings.TrimRight(block, "\n")
		order = append(order, key)
	}
	if own["correlation"] != "" {
		without["logsource"], without["detection"], without["falsepositives"] = true, true, true
	}
	if own["filter"] != "" {
		for _, k := range []string{"detection", "falsepositives", "level", "status", "tags", "references"} {
			without[k] = true
		}
	}
	var out []string
	for _, block := range keyBlock.FindAllString(base, -1) {
		key, _, _ := strings.Cut(block, ":")
		switch {
		case own[key] != "":
			out = append(out, own[key])
			delete(own, key)
		case !without[key]:
			out = append(out, strings.TrimRight(block, "\n"))
		}
	}
	for _, key := range order {
		if own[key] != "" {
			out = append(out, own[key])
			delete(own, key)
		}
	}
	return strings.Join(out, "\n") + "\n"
}

// load writes files into a folder of the test and reads them as rules.
func load(t *testing.T, files map[string]string) (*ruleset.Set, string) {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	set, err := ruleset.Load(paths, ruleset.Choice{})
	if err != nil {
		t.Fatal(err)
	}
	return set, dir
}

func codes(findings []Finding) []string {
	var out []string
	seen := map[string]bool{}
	for _, f := range findings {
		if !seen[f.Code] {
			seen[f.Code] = true
			out = append(out, f.Code)
		}
	}
	return out
}

// withoutExample are the checks that no text can show.
var withoutExample = map[string]bool{"unreadable": true, "too-large": true, "too-complex": true, FieldNotInData: true}

// Every check finds exactly itself in its bad example and nothing in its good
// one, at a place of the file and with its severity.
func TestExamples(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range All() {
		t.Run(c.Code, func(t *testing.T) {
			if seen[c.Code] || c.Prose == "" {
				t.Error("the code is there twice, or the prose is missing")
			}
			seen[c.Code] = true
			if (c.Bad == "" || c.Good == "") != withoutExample[c.Code] {
				t.Fatal("an example is missing")
			}
			if c.Bad == "" {
				return
			}
			set, _ := load(t, exampleFiles(c.Bad))
			bad := Run(set).Findings
			if got := codes(bad); len(got) != 1 || got[0] != c.Code {
				t.Errorf("bad example: found %v\n%s\n%v", got, c.Bad, Result{Findings: bad}.messages())
			}
			for _, f := range bad {
				if f.Severity != c.Severity {
					t.Errorf("severity %s, not %s", f.Severity, c.Severity)
				}
				if (c.Fixes != "") != (len(f.Edits) > 0) && f.Code == c.Code {
					t.Errorf("fixes %q, edits %v", c.Fixes, f.Edits)
				}
			}
			set, _ = load(t, exampleFiles(c.Good))
			if good := Run(set); len(good.Findings) > 0 {
				t.Errorf("good example:\n%s\n%v", c.Good, good.messages())
			}
		})
	}
}

func (r Result) messages() string { return r.List().Error() }
