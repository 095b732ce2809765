package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJSONIsTheContract(t *testing.T) {
	var b bytes.Buffer
	if err := WriteJSON(&b, smallHunt()); err != nil {
		t.Fatal(err)
	}
	golden(t, "small.json", b.Bytes())

	var doc struct {
		Rules []map[string]json.RawMessage
	}
	var top map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(b.Bytes(), &doc), json.Unmarshal(b.Bytes(), &top)); err != nil {
		t.Fatal(err)
	}
	want := []string{"events", "findings", "inputs", "rules", "seconds", "version"}
	if got := slices.Sorted(maps.Keys(top)); !slices.Equal(got, want) {
		t.Errorf("keys %v, want %v", got, want)
	}
	want = []string{"count", "id", "level", "notebook", "path", "state", "title"}
	for _, rule := range doc.Rules {
		if got := slices.Sorted(maps.Keys(rule)); !slices.Equal(got, want) {
			t.Errorf("keys of a rule %v, want %v", got, want)
		}
	}
}

func TestUnknownIsNull(t *testing.T) {
	for _, c := range []struct {
		rule Rule
		want string
	}{
		{Rule{Title: "A", Path: "a.yml", State: Quiet}, `{"id":null,"title":"A","path":"a.yml","level":null,"state":"quiet","count":0,"notebook":null}`},
		{Rule{Title: "A", Path: "a.yml", State: Skipped, Reason: "x"}, `{"id":null,"title":"A","path":"a.yml","level":null,"state":"skipped","count":null,"notebook":null}`},
		{Rule{ID: "i", Title: "<A> & B", Path: "a.yml", Level: "low", State: Fired, Count: 3, Notebook: "a.ipynb"}, `{"id":"i","title":"<A> & B","path":"a.yml","level":"low","state":"fired","count":3,"notebook":"a.ipynb"}`},
	} {
		var b bytes.Buffer
		if err := WriteJSON(&b, &Hunt{Rules: []Rule{c.rule}}); err != nil {
			t.Fatal(err)
		}
		compact := strings.NewReplacer("\n", "", "  ", "", `": `, `":`).Replace(b.String())
		if !strings.Contains(compact, c.want) {
			t.Errorf("got  %s\nwant %s", compact, c.want)
		}
	}
}

func TestReadJSONGivesBackWhatWasWritten(t *testing.T) {
	h := smallHunt()
	var b bytes.Buffer
	if err := WriteJSON(&b, h); err != nil {
		t.Fatal(err)
	}
	got, err := ReadJSON(&b)
	if err != nil {
		t.Fatal(err)
	}
	want := &Hunt{Version: h.Version, Inputs: h.Inputs, Seconds: h.Seconds, Events: h.Events, Findings: h.Findings}
	want.Inputs.Configs, want.Inputs.Filters = []string{}, []string{}
	sel := &want.Inputs.Select
	sel.Levels, sel.Statuses, sel.Tags, sel.LogSources, sel.Include, sel.Exclude = []string{}, []string{}, []string{}, []string{}, []string{}, []string{}
	for _, r := range h.Rules {
		want.Rules = append(want.Rules, Rule{ID: r.ID, Title: r.Title, Path: r.Path, Level: r.Level, State: r.State, Count: r.Count, Notebook: r.Notebook})
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestReadJSONRefusesOthersFiles(t *testing.T) {
	for _, text := range []string{
		"", "{}", "[]", "null", "{", `"hunt"`,
		`{"version":"1","inputs":{},"seconds":1,"events":1,"findings":1}`,
		`{"version":"1","inputs":[],"seconds":1,"events":1,"findings":1,"rules":[]}`,
		`{"version":"1","inputs":{},"seconds":1,"events":"many","findings":1,"rules":[]}`,
	} {
		if _, err := ReadJSON(strings.NewReader(text)); !errors.Is(err, ErrNotOurs) {
			t.Errorf("%q: error %v, want ErrNotOurs", text, err)
		}
	}
}

func FuzzReadJSON(f *testing.F) {
	var b bytes.Buffer
	if err := WriteJSON(&b, smallHunt()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"version":null,"inputs":null,"seconds":null,"events":null,"findings":null,"rules":[null,{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := ReadJSON(bytes.NewReader(data))
		if err != nil {
			return
		}
		// What was read can be written, and reads back the same.
		var first, second bytes.Buffer
		if err := WriteJSON(&first, h); err != nil {
			t.Fatal(err)
		}
		again, err := ReadJSON(bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := WriteJSON(&second, again); err != nil {
			t.Fatal(err)
		}
		if first.String() != second.String() {
			t.Errorf("%s\nbecame\n%s", &first, &second)
		}
	})
}

// TestJSONOfAClusterHunt has what only a hunt on a cluster can tell.
func TestJSONOfAClusterHunt(t *testing.T) {
	var b bytes.Buffer
	h := &Hunt{
		Engine: "Elasticsearch 8.19", Inputs: Inputs{Index: []string{"logs-*"}},
		Rules: []Rule{{Path: "a.yml", State: Failed, Reason: "no such field"}},
	}
	if err := WriteJSON(&b, h); err != nil {
		t.Fatal(err)
	}
	got, err := ReadJSON(&b)
	if err != nil {
		t.Fatal(err)
	}
	if got.Engine != h.Engine || !slices.Equal(got.Inputs.Index, h.Inputs.Index) || got.Rules[0].Reason != "no such field" {
		t.Errorf("%+v", got)
	}
}
