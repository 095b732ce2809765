package inspect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/huntbook/huntbook/event"
)

// collect gives events to a collector, so many a batch; an event is a source and
// a JSON object.
func collect(t *testing.T, only string, perBatch int, events ...[2]string) *Report {
	t.Helper()
	c, b := New(only), event.NewBuilder(event.Options{})
	sources := map[string]*event.Source{}
	for i, e := range events {
		if sources[e[0]] == nil {
			sources[e[0]] = &event.Source{Name: e[0]}
		}
		if err := b.AppendJSON([]byte(e[1]), event.Record{Source: sources[e[0]], Number: i + 1}); err != nil {
			t.Fatal(err)
		}
		if b.Rows() == perBatch {
			c.Add(b.Batch())
		}
	}
	if b.Rows() > 0 {
		c.Add(b.Batch())
	}
	return c.Report()
}

var log = [][2]string{
	{"a.json", `{"Channel":"Security","EventID":4688,"@timestamp":"2024-05-01T12:00:00Z","User":"ann"}`},
	{"a.json", `{"Channel":"Security","EventID":4688,"@timestamp":"2024-05-01T13:00:00Z","User":"bob"}`},
	{"a.json", `{"Channel":"Security","EventID":4624,"@timestamp":"2024-05-01T11:00:00Z","User":null}`},
	{"b.json", `{"Event":{"System":{"Channel":"System","EventID":104},"UserData":{"LogFileCleared":{"Channel":"Application"}}}}`},
	{"b.json", `{"User":"ann","Tags":["x","y"]}`},
}

func TestReport(t *testing.T) {
	want := ""
	for _, perBatch := range []int{1, 2, 10} {
		r := collect(t, "", perBatch, log...)
		var b bytes.Buffer
		if err := r.WriteJSON(&b); err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = b.String()
		} else if d := cmp.Diff(want, b.String()); d != "" {
			t.Errorf("batches of %d: %s", perBatch, d)
		}
	}
	var got struct {
		Events, Undated int
		First, Last     string
		Sources, Shapes []struct {
			Name   string
			Events int
		}
		Channels []struct {
			Name   *string
			Events int
			IDs    []valueJSON `json:"event_ids"`
		}
		Fields []fieldJSON
	}
	if err := json.Unmarshal([]byte(want), &got); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%d events, %d undated, %s to %s, %v, %v", got.Events, got.Undated, got.First, got.Last, got.Sources, got.Shapes)
	const head = "5 events, 2 undated, 2024-05-01T11:00:00Z to 2024-05-01T13:00:00Z, [{a.json 3} {b.json 2}], [{flat 3} {Event.System 1} {other 1}]"
	if text != head {
		t.Errorf("got %s\nwant %s", text, head)
	}
	channels := ""
	for _, c := range got.Channels {
		name := "none"
		if c.Name != nil {
			name = *c.Name
		}
		channels += fmt.Sprintf("%s %d %v; ", name, c.Events, c.IDs)
	}
	if want := "Security 3 [{4688 2} {4624 1}]; none 1 []; System 1 [{104 1}]; "; channels != want {
		t.Errorf("channels %s\nwant %s", channels, want)
	}
	fields := map[string]string{}
	for _, f := range got.Fields {
		fields[f.Name] = fmt.Sprintf("%d events, %d null, %d values %v", f.Events, f.Nulls, f.Distinct, f.Values)
	}
	for name, want := range map[string]string{
		"User": "4 events, 1 null, 2 values [{ann 2} {bob 1}]",
		"Tags": `1 events, 0 null, 1 values [{["x","y"] 1}]`,
	} {
		if fields[name] != want {
			t.Errorf("%s: got %s, want %s", name, fields[name], want)
		}
	}
}

func TestOneField(t *testing.T) {
	r := collect(t, "User", 2, log...)
	if len(r.Fields) != 1 || r.Fields[0].Name != "User" || len(r.Fields[0].Values) != 2 {
		t.Errorf("fields %+v", r.Fields)
	}
	if r := collect(t, "Nobody", 2, log...); len(r.Fields) != 0 || r.Events != 5 {
		t.Errorf("fields %+v", r.Fields)
	}
}

// TestManyValues: of a field with more values than are kept, the frequent ones
// are known, and the field says that there are others.
func TestManyValues(t *testing.T) {
	var events [][2]string
	for i := range 6 * ofField {
		value := fmt.Sprint("v", i)
		if i%3 == 0 {
			value = "often"
		}
		events = append(events, [2]string{"a", fmt.Sprintf(`{"f":%q,"g":"x"}`, value)})
	}
	c := New("")
	b := event.NewBuilder(event.Options{})
	for i, e := range events {
		if err := b.AppendJSON([]byte(e[1]), event.Record{}); err != nil {
			t.Fatal(err)
		}
		if i%500 == 499 {
			c.Add(b.Batch())
			if n := len(c.fields["f"].values); n > 2*ofField {
				t.Fatalf("%d values are kept", n)
			}
		}
	}
	r := c.Report()
	f := r.Fields[0]
	if f.Name != "f" || !f.More || f.Distinct <= shown || f.Values[0] != (Count{"often", 2 * ofField}) || len(f.Values) != shown {
		t.Errorf("f: more %v, %d distinct, %v", f.More, f.Distinct, f.Values)
	}
	if g := r.Fields[1]; g.More || g.Distinct != 1 {
		t.Errorf("g: %+v", g)
	}
	one := New("f")
	for _, e := range events {
		if err := b.AppendJSON([]byte(e[1]), event.Record{}); err != nil {
			t.Fatal(err)
		}
	}
	one.Add(b.Batch())
	if f := one.Report().Fields[0]; f.More || len(f.Values) != 4*ofField+1 {
		t.Errorf("of the one field %d values are known, more %v", len(f.Values), f.More)
	}
}

func TestLongValuesAreCut(t *testing.T) {
	long := bytes.Repeat([]byte("ä"), 400)
	r := collect(t, "", 10, [2]string{"a", fmt.Sprintf(`{"f":"%sx"}`, long)}, [2]string{"a", fmt.Sprintf(`{"f":"%syy"}`, long)})
	if f := r.Fields[0]; f.Distinct != 2 || len(f.Values[0].Value) > maxText+30 {
		t.Errorf("%d values, the first has %d bytes", f.Distinct, len(f.Values[0].Value))
	}
}
