package hunt

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/notebook"
	"github.com/huntbook/huntbook/report"
	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/samples"
)

const events = `{"@timestamp":"2020-09-04T10:00:00Z","Channel":"Security","EventID":1,"Computer":"A"}
{"@timestamp":"2020-09-04T11:00:00Z","Channel":"Security","EventID":1,"Computer":"B"}
{"@timestamp":"2020-09-04T12:00:00Z","Channel":"Security","EventID":2,"Computer":"A"}
`

// ruleText is a rule that matches events of that id. Its own id is made of the
// letter.
func ruleText(letter, eventID string) string {
	id := ""
	if letter != "" {
		id = "id: " + strings.Repeat(letter, 8) + "-0000-4000-8000-000000000000\n"
	}
	return "title: Rule " + letter + "\n" + id + "level: low\nlogsource: {product: windows, service: security}\n" +
		"detection: {selection: {EventID: " + eventID + "}, condition: selection}\n"
}

// ground is a working folder with rules and logs.
type ground struct{ *testing.T }

func newGround(t *testing.T, rules map[string]string) ground {
	t.Helper()
	t.Chdir(t.TempDir())
	p := ground{t}
	p.write("logs.json", events)
	p.rules(rules)
	return p
}

func (p ground) write(name, text string) {
	p.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		p.Fatal(err)
	}
}

// rules replaces all rules.
func (p ground) rules(rules map[string]string) {
	p.Helper()
	if err := os.RemoveAll("rules"); err != nil {
		p.Fatal(err)
	}
	for name, text := range rules {
		p.write("rules/"+name, text)
	}
}

func (p ground) options() Options {
	p.Helper()
	set, err := ruleset.Load([]string{"rules"}, ruleset.Choice{})
	if err != nil {
		p.Fatal(err)
	}
	return Options{Rules: set, Data: engine.Data{Paths: []string{"logs.json"}}, Out: "out", Version: "test", Workers: 2}
}

// hunt runs a hunt that must come to its end.
func (p ground) hunt(change ...func(*Options)) *Outcome {
	p.Helper()
	o := p.options()
	for _, c := range change {
		c(&o)
	}
	outcome, err := Run(context.Background(), o)
	if err != nil {
		p.Fatal(err)
	}
	return outcome
}

// files are the files below a folder.
func (p ground) files(dir string) map[string]string {
	p.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		out[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		p.Fatal(err)
	}
	return out
}

func (p ground) names(dir string) string {
	p.Helper()
	return strings.Join(slices.Sorted(maps.Keys(p.files(dir))), " ")
}

func (p ground) notebook(name string) *notebook.Notebook {
	p.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		p.Fatal(err)
	}
	nb, err := notebook.Decode(data)
	if err != nil {
		p.Fatalf("%s: %v", name, err)
	}
	return nb
}

// note writes into the notes of a notebook, as a person does in an editor.
func (p ground) note(name, text string) {
	p.Helper()
	nb := p.notebook(name)
	i := slices.IndexFunc(nb.Cells, func(c notebook.Cell) bool { return c.HasTag(notebook.TagNotes) })
	if i < 0 {
		p.Fatalf("%s has no cell for notes", name)
	}
	nb.Cells[i].Source = text
	data, err := notebook.Encode(nb)
	if err != nil {
		p.Fatal(err)
	}
	p.write(name, string(data))
}

// notes are what stands in the notes of a notebook.
func (p ground) notes(name string) string {
	p.Helper()
	for _, c := range p.notebook(name).Cells {
		if c.HasTag(notebook.TagNotes) {
			return c.Source
		}
	}
	p.Fatalf("%s has no cell for notes", name)
	return ""
}

func (p ground) huntJSON() map[string]any {
	p.Helper()
	data, err := os.ReadFile("out/hunt.json")
	if err != nil {
		p.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(data, &doc); err != nil {
		p.Fatal(err)
	}
	return doc
}

func TestFolder(t *testing.T) {
	p := newGround(t, map[string]string{
		"a.yml": ruleText("a", "1"), "win/b.yml": ruleText("b", "2"), "win/c.yml": ruleText("c", "3"),
		"broken.yml": "title: x\nlogsource: {product: windows}\ndetection: {selection: {A: 1}, condition: other}\n",
	})
	outcome := p.hunt()
	if !outcome.Failed {
		t.Error("a rule that can't be read is no failure")
	}
	if got, want := p.names("out"), "a.ipynb findings.ndjson hunt.json index.html win/b.ipynb win/c.ipynb"; got != want {
		t.Errorf("the folder holds %s, want %s", got, want)
	}
	doc := p.huntJSON()
	rows := doc["rules"].([]any)
	delete(doc, "rules")
	delete(doc, "inputs")
	doc["seconds"] = doc["seconds"].(float64) >= 0
	if d := cmp.Diff(map[string]any{"version": "test", "seconds": true, "events": 3.0, "findings": 3.0}, doc); d != "" {
		t.Errorf("hunt.json (-want +got):\n%s", d)
	}
	row := func(id, title, path, level, state, count, notebook any) map[string]any {
		return map[string]any{"id": id, "title": title, "path": path, "level": level, "state": state, "count": count, "notebook": notebook}
	}
	id := func(letter string) string { return strings.Repeat(letter, 8) + "-0000-4000-8000-000000000000" }
	want := []any{
		row(id("a"), "Rule a", "a.yml", "low", "fired", 2.0, "a.ipynb"),
		row(id("b"), "Rule b", "win/b.yml", "low", "fired", 1.0, "win/b.ipynb"),
		row(id("c"), "Rule c", "win/c.yml", "low", "quiet", 0.0, "win/c.ipynb"),
		row(nil, nil, "broken.yml", nil, "failed", nil, nil),
	}
	if d := cmp.Diff(want, rows); d != "" {
		t.Errorf("rules of hunt.json (-want +got):\n%s", d)
	}
}

// TestRerun: the same inputs give the same bytes, but for how long it took.
func TestRerun(t *testing.T) {
	p := newGround(t, map[string]string{"a.yml": ruleText("a", "1"), "b.yml": ruleText("b", "2")})
	same := func() map[string]string {
		files := p.files("out")
		delete(files, "index.html") // it says how long the hunt took
		doc := p.huntJSON()
		delete(doc, "seconds")
		text, _ := json.Marshal(doc)
		files["hunt.json"] = string(text)
		return files
	}
	p.hunt()
	first := same()
	p.hunt(func(o *Options) { o.Workers = 1 })
	if d := cmp.Diff(first, same()); d != "" {
		t.Errorf("the second run changed (-first +second):\n%s", d)
	}
}

func TestOnlyFindings(t *testing.T) {
	p := newGround(t, map[string]string{"a.yml": ruleText("a", "1"), "b.yml": ruleText("b", "8"), "c.yml": ruleText("c", "9")})
	only := func(o *Options) { o.OnlyFindings = true }
	p.hunt()
	p.note("out/c.ipynb", "mine")
	outcome := p.hunt(only)
	if got, want := p.names("out"), "a.ipynb c.ipynb findings.ndjson hunt.json index.html"; got != want || outcome.Notebooks != 2 {
		t.Errorf("the folder holds %s (%d notebooks), want %s: quiet notebooks go unless somebody wrote into them", got, outcome.Notebooks, want)
	}
	rows := p.huntJSON()["rules"].([]any)
	if b := rows[1].(map[string]any); b["state"] != "quiet" || b["notebook"] != nil {
		t.Errorf("the row of a rule without notebook is %v", b)
	}
	if p.notes("out/c.ipynb") != "mine" {
		t.Error("the notes of a quiet rule are lost")
	}
}

// TestNotesStay: what a person wrote goes where the rule goes.
func TestNotesStay(t *testing.T) {
	a, b, none := ruleText("a", "1"), ruleText("b", "2"), ruleText("", "1")
	for _, c := range []struct {
		name          string
		before, after map[string]string
		notes         map[string]string // by notebook, written after the first hunt
		want          map[string]string
	}{
		{"in place", map[string]string{"a.yml": a}, map[string]string{"a.yml": a},
			map[string]string{"a.ipynb": "A"}, map[string]string{"a.ipynb": "A"}},
		{"the rule changed", map[string]string{"a.yml": a}, map[string]string{"a.yml": strings.Replace(a, "low", "high", 1)},
			map[string]string{"a.ipynb": "A"}, map[string]string{"a.ipynb": "A"}},
		{"the rule got an id", map[string]string{"a.yml": none}, map[string]string{"a.yml": a},
			map[string]string{"a.ipynb": "A"}, map[string]string{"a.ipynb": "A"}},
		{"the file moved", map[string]string{"a.yml": a}, map[string]string{"win/x.yml": a},
			map[string]string{"a.ipynb": "A"}, map[string]string{"win/x.ipynb": "A"}},
		{"two files changed places", map[string]string{"a.yml": a, "b.yml": b}, map[string]string{"a.yml": b, "b.yml": a},
			map[string]string{"a.ipynb": "A", "b.ipynb": "B"}, map[string]string{"a.ipynb": "B", "b.ipynb": "A"}},
		{"another rule took the place", map[string]string{"a.yml": a}, map[string]string{"a.yml": b, "z.yml": a},
			map[string]string{"a.ipynb": "A"}, map[string]string{"z.ipynb": "A"}},
		{"two rules of one id", map[string]string{"x/a.yml": a, "y/a.yml": a}, map[string]string{"x/a.yml": a, "y/a.yml": a},
			map[string]string{"x/a.ipynb": "X", "y/a.ipynb": "Y"}, map[string]string{"x/a.ipynb": "X", "y/a.ipynb": "Y"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newGround(t, c.before)
			p.hunt()
			for name, text := range c.notes {
				p.note("out/"+name, text)
			}
			p.rules(c.after)
			for range 2 {
				p.hunt(func(o *Options) { o.Workers = 1 })
				for name, text := range c.want {
					if got := p.notes("out/" + name); got != text {
						t.Errorf("the notes of %s are %q, want %q", name, got, text)
					}
				}
			}
		})
	}
}

// TestUnreadableNotebook: a notebook that can't be read may hold somebody's
// notes, so it is left as it is.
func TestUnreadableNotebook(t *testing.T) {
	p := newGround(t, map[string]string{"a.yml": ruleText("a", "1"), "b.yml": ruleText("b", "2")})
	p.hunt()
	conflict := "<<<<<<< HEAD\n" + p.files("out")["a.ipynb"]
	p.write("out/a.ipynb", conflict)
	for range 2 {
		outcome := p.hunt()
		if !outcome.Failed || len(outcome.Unreadable) != 1 || !errors.Is(outcome.Unreadable[0], errUnreadable) {
			t.Errorf("failed %v, unreadable %v; want the error of a.ipynb", outcome.Failed, outcome.Unreadable)
		}
		if p.files("out")["a.ipynb"] != conflict {
			t.Error("a notebook that could not be read was written over")
		}
	}
	// Its rule is gone: it stays all the same.
	p.rules(map[string]string{"b.yml": ruleText("b", "2")})
	if outcome := p.hunt(); !slices.Equal(outcome.Kept, []string{"a.ipynb"}) || p.files("out")["a.ipynb"] != conflict {
		t.Errorf("kept %v, want a.ipynb", outcome.Kept)
	}
}

func TestRuleGone(t *testing.T) {
	p := newGround(t, map[string]string{"a.yml": ruleText("a", "1"), "x/y/b.yml": ruleText("b", "2"), "x/z/c.yml": ruleText("c", "2")})
	p.hunt()
	p.note("out/x/z/c.ipynb", "mine")
	p.write("out/mine.txt", "not ours")
	p.rules(map[string]string{"a.yml": ruleText("a", "1")})
	outcome := p.hunt()
	if got, want := p.names("out"), "a.ipynb findings.ndjson hunt.json index.html mine.txt x/z/c.ipynb"; got != want {
		t.Errorf("the folder holds %s, want %s", got, want)
	}
	if !slices.Equal(outcome.Kept, []string{"x/z/c.ipynb"}) {
		t.Errorf("kept %v, want the notebook with notes", outcome.Kept)
	}
	if _, err := os.Stat("out/x/y"); err == nil {
		t.Error("an empty folder is left")
	}
}

// TestRenamedByCase: on a file system that ignores case (here: a hard link), the
// old name of a notebook is the new one's, which must not be removed.
func TestRenamedByCase(t *testing.T) {
	p := newGround(t, map[string]string{"A.yml": ruleText("a", "1")})
	p.hunt()
	p.rules(map[string]string{"a.yml": ruleText("a", "1")})
	o := p.options()
	o.Convert = nil
	f, err := openFolder("out")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Link("out/A.ipynb", "out/a.ipynb"); err != nil {
		t.Skip("no hard links here:", err)
	}
	f.clean(map[string]bool{"a.ipynb": true})
	if got, want := p.names("out"), "A.ipynb a.ipynb findings.ndjson hunt.json index.html"; got != want {
		t.Errorf("the folder holds %s, want %s", got, want)
	}
}

func TestWhereToWrite(t *testing.T) {
	p := newGround(t, map[string]string{"a.yml": ruleText("a", "1")})
	p.hunt()
	p.write("theirs/letter.txt", "x")
	p.write("odd/hunt.json", `{"name": "a project about foxes"}`)
	p.write("torn/hunt.json", `{"version": "te`)
	p.write("killed/.huntbook-123", "half")
	p.write("file", "x")
	if err := os.Mkdir("empty", 0o755); err != nil {
		t.Fatal(err)
	}
	for out, want := range map[string]string{
		"out": "", "empty": "", "new/deep": "", "killed": "",
		"theirs":    "theirs: the folder is not empty and no hunt of ours; choose another one with -o",
		"odd":       "odd: the folder is not empty and no hunt of ours",
		"torn":      "torn: the folder is not empty and no hunt of ours",
		"file":      "output folder: file is a file; choose a folder with -o",
		"file/deep": "choose another one with -o",
	} {
		before := map[string]string{}
		if want != "" {
			before = p.files(".")
		}
		o := p.options()
		o.Out = out
		_, err := Run(t.Context(), o)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", out, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: error %v, want %q", out, err, want)
		case want != "" && !maps.Equal(before, p.files(".")):
			t.Errorf("%s: something was written", out)
		}
	}
}

// TestHostileFolder: names in a hunt.json that somebody prepared lead nowhere.
func TestHostileFolder(t *testing.T) {
	p := newGround(t, map[string]string{"a.yml": ruleText("a", "1")})
	p.hunt()
	unedited := p.files("out")["a.ipynb"]
	p.write("victim.ipynb", unedited)
	for _, name := range []string{"../victim.ipynb", "x/../../victim.ipynb", filepath.Join(must(filepath.Abs(".")), "victim.ipynb"), "findings.ndjson", "."} {
		h := &report.Hunt{Version: "test", Rules: []report.Rule{{ID: "x", Path: "x.yml", State: report.Quiet, Notebook: name}}}
		var b strings.Builder
		if err := report.WriteJSON(&b, h); err != nil {
			t.Fatal(err)
		}
		p.write("out/hunt.json", b.String())
		p.hunt()
		if p.files(".")["victim.ipynb"] != unedited {
			t.Fatalf("%s: a file outside the folder is gone", name)
		}
		if p.files("out")["findings.ndjson"] == "" {
			t.Errorf("%s: the findings are gone", name)
		}
	}
}

func must(s string, err error) string {
	if err != nil {
		panic(err)
	}
	return s
}

func TestBounds(t *testing.T) {
	p := newGround(t, map[string]string{"a.yml": ruleText("a", "1")})
	outcome := p.hunt(func(o *Options) { o.Bounds = engine.Bounds{Limit: 1, EventSize: 10} })
	lines := strings.Split(strings.TrimSpace(p.files("out")["findings.ndjson"]), "\n")
	if outcome.Hunt.Findings != 2 || outcome.Hunt.Rules[0].Count != 2 || len(lines) != 1 {
		t.Errorf("%d findings, count %d, %d lines; want the true count 2 and 1 line", outcome.Hunt.Findings, outcome.Hunt.Rules[0].Count, len(lines))
	}
	if !strings.HasSuffix(lines[0], `"event":null}`) {
		t.Errorf("an event larger than the bound is written: %s", lines[0])
	}
}

func TestFindingKeys(t *testing.T) {
	p := newGround(t, map[string]string{"a.yml": "logsource: {product: windows}\ntitle: T\ndetection: {selection: {EventID: 7}, condition: selection}\n"})
	p.write("logs.json", `{"EventID": 7, "Channel": "x", "b": "\u00e9<&>", "a": [1, 2.50]}`)
	p.hunt()
	want := `{"rule_id":null,"rule_title":"T","rule_path":"a.yml","level":null,"source":"logs.json","record":1,"time":null,` +
		`"event":{"EventID":7,"Channel":"x","b":"\u00e9<&>","a":[1,2.50]}}` + "\n"
	if got := p.files("out")["findings.ndjson"]; got != want {
		t.Errorf("findings.ndjson is\n%s, want\n%s", got, want)
	}
}

// sampleOptions are a hunt through the embedded samples.
func sampleOptions(t *testing.T) Options {
	t.Helper()
	set, err := ruleset.LoadFS(samples.Rules(), ruleset.Choice{})
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Rules: set, Data: engine.Data{Paths: []string{samples.Name}}, Out: "out", Version: "test",
		Ingest: ingest.Options{Embedded: map[string]fs.FS{samples.Name: samples.Data()}},
	}
}
