package main

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/notebook"
)

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   spread
	}{
		{nil, spread{}},
		{[]float64{2}, spread{2, 2, 2}},
		{[]float64{3, 1, 2}, spread{2, 1, 3}},
		{[]float64{4, 1, 2, 3}, spread{2.5, 1, 4}},
	} {
		if got := spreadOf(c.values); got != c.want {
			t.Errorf("%v: %v, want %v", c.values, got, c.want)
		}
	}
}

// TestRatiosAreOfTheSameRound: a round in which everything is slow changes no ratio,
// and a round that one of the jobs was not in does not count.
func TestRatiosAreOfTheSameRound(t *testing.T) {
	a := &job{samples: []sample{{cpu: 10}, {cpu: 40}, {cpu: 10}}}
	b := &job{samples: []sample{{cpu: 5}, {cpu: 20}}}
	if got := perRound(a, b, cpuOf); got != (spread{2, 2, 2}) {
		t.Error(got)
	}
}

// TestAlteredRules shows that letters change in every search, numbers where nothing
// else can, and that the copy is called up by the same events.
func TestAlteredRules(t *testing.T) {
	a := newAlteration(3)
	for _, c := range []struct{ name, detection, want string }{
		{"texts", `{s: {EventID: 1, Image|endswith: ['\cmd.exe', '\net.exe']}}`,
			`{s: {EventID: 1, Image|endswith: [T'\cmd.exe', T'\net.exe']}}`},
		{"numbers alone", `{s: {EventID: [1102, 104]}}`, `{s: {EventID: [30000001102, 3000000104]}}`},
		{"a value without letters", `{s: {Image|endswith: ['.exe', '\']}}`,
			`{s: {Image|endswith: [T'nothing of the kind', T'nothing of the kind']}}`},
		{"no text", `{s: {Field: null}, t: {Field|exists: true}}`,
			`{s: {Field: T'nothing of the kind'}, t: {Field: T'nothing of the kind'}}`},
		{"a network beside a text", `{s: {Ip|cidr: 10.0.0.0/8, User: Sam}}`, `{s: {Ip|cidr: 10.0.0.0/8, User: T'Sam'}}`},
		{"regular expression", `{s: {Image|re: 'a|b'}}`, `{s: {Image|re: '(?:a|b)tion'}}`},
		{"keywords", `{s: [mimikatz, lsadump]}`, `{s: [T'mimikatz', T'lsadump']}`},
		{"one of several", `{s: [{A: word}, {B: 7}]}`, `{s: [{A: T'word'}, {B: 30000007}]}`},
		{"condition and timeframe", `{s: {A: word}, condition: s, timeframe: 5m}`, `{s: {A: T'word'}, condition: s, timeframe: 5m}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			rule := decode(t, "detection: "+c.detection)
			a.rule(rule)
			// T'word' stands for the altered word.
			want := c.want
			for {
				before, rest, found := strings.Cut(want, "T'")
				if !found {
					break
				}
				word, after, _ := strings.Cut(rest, "'")
				want = before + "'" + a.letters.Replace(word) + "'" + after
			}
			want = strings.Replace(want, "tion'", a.letters.Replace("tion")+"'", 1)
			if got, want := plain(t, rule), plain(t, decode(t, "detection: "+want)); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

func TestAlterationsDiffer(t *testing.T) {
	const text = "powershell.exe -NoProfile"
	seen := map[string]int{text: -1}
	for n := range 4 * copies {
		got := newAlteration(n).letters.Replace(text)
		if other, is := seen[got]; is {
			t.Errorf("alterations %d and %d both give %q", other, n, got)
		}
		if len(got) != len(text) || strings.Count(got, ".") != 1 {
			t.Errorf("alteration %d gives %q: letters alone are to change", n, got)
		}
		seen[got] = n
	}
}

func decode(t *testing.T, text string) *yaml.Node {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Content[0]
}

// plain writes a document without its style.
func plain(t *testing.T, n *yaml.Node) string {
	t.Helper()
	var value any
	if err := n.Decode(&value); err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLogSourcesAreTakenAway(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from.yml"), filepath.Join(dir, "to.yml")
	if err := os.WriteFile(from, []byte("title: A\nlogsource:\n    category: process_creation\n    product: windows\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := copyRule(from, to, windowsOnly); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(to)
	if want := "title: A\nlogsource:\n    product: windows\n"; err != nil || string(got) != want {
		t.Errorf("%q (%v), want %q", got, err, want)
	}
}

// TestCopiesAreOfTheRules: a copy of a rule that is gone does not stay.
func TestCopiesAreOfTheRules(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	for _, name := range []string{"a.yml", "b.yml"} {
		if err := os.WriteFile(filepath.Join(from, name), []byte("title: A\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range [][]string{{"a.yml", "b.yml"}, {"a.yml"}} {
		if err := copyRules(from, to, windowsOnly); err != nil {
			t.Fatal(err)
		}
		var got []string
		files, err := os.ReadDir(to)
		for _, f := range files {
			got = append(got, f.Name())
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v (%v), want %v", got, err, want)
		}
		if err := os.RemoveAll(filepath.Join(from, "b.yml")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEachRunWritesElsewhere(t *testing.T) {
	j := &job{args: []string{"program", "-o", inFolder("hunts")}, fresh: inFolder("hunts")}
	var seen []string
	for range 2 {
		seen = append(seen, strings.Join(j.command(t.Context()).Args, " "))
		j.samples = append(j.samples, sample{})
	}
	want := []string{"program -o .cache/bench/fresh/0/hunts", "program -o .cache/bench/fresh/1/hunts"}
	if !slices.Equal(seen, want) {
		t.Errorf("%q, want %q", seen, want)
	}
}

func TestProfile(t *testing.T) {
	const traces = `File: engine.test
Type: cpu
-----------+-------------------------------------------------------
      30ms   runtime.memmove
             github.com/huntbook/huntbook/event.plainText (inline)
             github.com/huntbook/huntbook/event.(*Decoder).Read
             github.com/huntbook/huntbook/ingest.process[go.shape.*uint8].take
-----------+-------------------------------------------------------
      10ms   github.com/huntbook/huntbook/match.(*Matcher).eval
             github.com/huntbook/huntbook/ingest.process[go.shape.*uint8].take
-----------+-------------------------------------------------------
      1.20s   runtime.scanobject
             runtime.gcBgMarkWorker
`
	stacks := readTraces(traces)
	got := sharesOf(stacks)
	want := []share{{"Go's garbage collector", 96.77}, {"`event`: the JSON of events", 2.41}, {"`match`: verdicts of known values, conditions of rules", 0.8}}
	for i := range max(len(got), len(want)) {
		if len(got) != len(want) || got[i].what != want[i].what || math.Abs(got[i].percent-want[i].percent) > 0.1 {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	f := newFlame(stacks, "ingest.process.take")
	if f.time != 40*time.Millisecond || len(f.kids) != 2 || f.kids[0].kids[0].name != "event.plainText" {
		t.Errorf("%+v", f)
	}
	if svg := f.svg(); !strings.Contains(svg, "<title>event.(*Decoder).Read: 75.0 %</title>") || strings.Contains(svg, "gcBg") {
		t.Error(svg)
	}
}

// TestPageNamesNoPathOfThisMachine: the page is read elsewhere.
func TestPageNamesNoPathOfThisMachine(t *testing.T) {
	t.Setenv("HUNTBOOK_SHARED", "/somewhere/shared/")
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	got := relative("cat /somewhere/shared/corpus/x " + here + "/bench.go")
	if want := "cat $HUNTBOOK_SHARED/corpus/x bench.go"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestParse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events")
	if err := os.WriteFile(path, []byte("{\"a\":1}\n{\"a\":2}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := parse(path, &out); err != nil || out.String() != "2\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	if err := os.WriteFile(path, []byte("{\"a\":1}\n{\"a\":\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := parse(path, &out); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Error(err)
	}
}

// TestNotebooks: what is written for runners of notebooks are notebooks.
func TestNotebooks(t *testing.T) {
	dir := t.TempDir()
	if err := writeNotebooks(dir, 3, "python3", pandasCells); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.ipynb"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		nb, err := notebook.Decode(data)
		if err != nil || len(nb.Cells) != len(pandasCells) || nb.Cells[0].Source != pandasCells[0] {
			t.Errorf("%s: %v", file, err)
		}
	}
}
