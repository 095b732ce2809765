package explain_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/explain"
	"github.com/huntbook/huntbook/sigma"
)

// explainCorrelation explains the first rule of a text on events, one a line.
func explainCorrelation(t *testing.T, text string, events []byte) *explain.CorrelationExplanation {
	t.Helper()
	rules, diags := sigma.Parse(&diag.File{Path: "rules.yml", Data: []byte(text)})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	preparer, err := engine.NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	c, diags := explain.NewCorrelation(rules[0], sigma.NewLibrary(rules), preparer.Lower)
	if c == nil {
		t.Fatal(diags)
	}
	c.Add(batchOf(t, strings.FieldsFunc(string(events), func(r rune) bool { return r == '\n' })...), func(event.Record) bool { return true })
	x, err := c.Explain(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return x
}

const (
	fail   = "---\ntitle: A login failed\nname: fail\nlogsource: {category: any}\ndetection: {s: {k: fail}, condition: s}\n"
	login  = "---\ntitle: A login\nname: login\nlogsource: {category: any}\ndetection: {s: {k: login}, condition: s}\n"
	change = "---\ntitle: A change\nid: 5638f7c0-ac70-491d-8465-2a65075e0d86\nlogsource: {category: any}\ndetection: {s: {k: change}, condition: s}\n"
	named  = "---\ntitle: A change\nname: change\nlogsource: {category: any}\ndetection: {s: {k: change}, condition: s}\n"
	never  = "---\ntitle: Never\nname: never\nlogsource: {category: any}\ndetection: {s: {k: never}, condition: s}\n"
	many   = "---\ntitle: Many logins failed\nname: many\ncorrelation:\n  type: event_count\n  rules: [fail]\n  group-by: [u]\n  timespan: 10m\n  condition: {gte: 3}\n"
)

// correlationCases are about the events of testdata/correlations.ndjson.
var correlationCases = []struct{ name, section, rules string }{
	{"enough events", "type: event_count\n  rules: [fail]\n  group-by: [u]\n  timespan: 10m\n  condition: {gte: 3}", fail},
	{"too few events, and their rule's own matches are findings", "type: event_count\n  rules: [fail]\n  group-by: [u, h]\n  generate: true\n  timespan: 10m\n  condition: {gte: 5}", fail},
	{"too many for a range", "type: event_count\n  rules: [fail, login]\n  timespan: 1h\n  condition: {gte: 2, lt: 4}", fail + login},
	{"distinct values", "type: value_count\n  rules: [fail]\n  group-by: [u]\n  timespan: 10m\n  condition: {field: [h, n], gte: 3}", fail},
	{"a sum", "type: value_sum\n  rules: [fail]\n  group-by: [u]\n  timespan: 10m\n  condition: {field: n, gt: 100}", fail},
	{"an average of what is no number", "type: value_avg\n  rules: [fail]\n  timespan: 10m\n  condition: {field: h, gt: 100}", fail},
	{"a percentile", "type: value_percentile\n  rules: [fail]\n  timespan: 1h\n  condition: {field: n, percentile: 75, gt: 3}", fail},
	{"a median", "type: value_median\n  rules: [fail]\n  timespan: 1h\n  condition: {field: n, gt: 3}", fail},
	{"all rules", "type: temporal\n  rules: [fail, login]\n  group-by: [u]\n  timespan: 10m", fail + login},
	{"one nowhere, one too early", "type: temporal\n  rules: [fail, login, never, 5638f7c0-ac70-491d-8465-2a65075e0d86]\n  group-by: [u]\n  timespan: 2m", fail + login + never + change},
	{"one too late", "type: temporal\n  rules: [change, login]\n  group-by: [u]\n  timespan: 1m", named + login},
	{"the order", "type: temporal_ordered\n  rules: [fail, login]\n  group-by: [u]\n  timespan: 10m", fail + login},
	{"the wrong order", "type: temporal_ordered\n  rules: [login, fail, change]\n  group-by: [u]\n  timespan: 1h", fail + login + named},
	{"a condition over rules", "type: temporal\n  rules: [fail, login, never]\n  group-by: [u]\n  timespan: 10m\n  condition: fail and (login or never) and not never", fail + login + never},
	{"a condition with more in it", "type: temporal\n  rules: [fail, login, never]\n  group-by: [u]\n  timespan: 10m\n  condition: (fail or never) and not login and not 1 of n*", fail + login + never},
	{"an alias that says nothing of a rule", "type: temporal\n  rules: [login, change]\n  group-by: [user]\n  timespan: 10m\n  aliases: {user: {change: u}}", login + named},
	{"aliases", "type: temporal\n  rules: [fail, login]\n  group-by: [who]\n  aliases: {who: {fail: u, login: user}}\n  timespan: 10m", fail + login},
	{"a chain", "type: temporal_ordered\n  rules: [many, login]\n  group-by: [u]\n  timespan: 10m", many + login + fail},
	{"a chain whose first link is missing", "type: temporal_ordered\n  rules: [many, login]\n  group-by: [u]\n  timespan: 10m", strings.Replace(many, "gte: 3", "gte: 30", 1) + login + fail},
	{"a link named twice", "type: temporal\n  rules: [many, both]\n  group-by: [u]\n  timespan: 10m", many + fail + login +
		"---\ntitle: Both\nname: both\ncorrelation:\n  type: temporal\n  rules: [many, login]\n  timespan: 10m\n"},
	{"nothing to look at", "type: event_count\n  rules: [never]\n  timespan: 1m\n  condition: {gte: 1}", never},
}

// aggregationCases are version 1 rules.
var aggregationCases = []struct{ name, detection string }{
	{"a count", "{s: {k: fail}, timeframe: 10m, condition: s | count() by u >= 3}"},
	{"a count without a timeframe", "{s: {k: fail}, condition: s | count(u) > 2}"},
	{"the least", "{s: {k: fail}, t: {h: x}, timeframe: 10m, condition: s and not t | min(n) by u < 2}"},
	{"near", "{s: {k: fail}, t: {k: login}, timeframe: 10m, condition: s | near t}"},
	{"near and not", "{s: {k: fail}, t: {k: login}, timeframe: 10m, condition: s | near t and not s}"},
}

// TestCorrelationExplanations shows what explanations of correlations look like.
func TestCorrelationExplanations(t *testing.T) {
	events, err := os.ReadFile("testdata/correlations.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	show := func(name, text string, events []byte) *explain.CorrelationExplanation {
		x := explainCorrelation(t, text, events)
		fmt.Fprintf(&out, "# %s\n", name)
		if err := x.WriteText(&out, false); err != nil {
			t.Fatal(err)
		}
		out.WriteByte('\n')
		return x
	}
	var objects []json.RawMessage
	for _, c := range correlationCases {
		x := show(c.name, "title: "+c.name+"\ncorrelation:\n  "+c.section+"\n"+c.rules, events)
		if strings.HasPrefix(c.name, "a chain") || c.name == "the wrong order" {
			var object bytes.Buffer
			if err := x.WriteJSON(&object); err != nil {
				t.Fatal(err)
			}
			objects = append(objects, object.Bytes())
		}
	}
	for _, c := range aggregationCases {
		show(c.name, "title: "+c.name+"\nlogsource: {category: any}\ndetection: "+c.detection+"\n", events)
	}
	show("no event", "title: t\ncorrelation: {type: event_count, rules: [fail], timespan: 1m, condition: {gte: 1}}\n"+fail, nil)
	golden(t, "testdata/correlations.golden", out.Bytes())

	indented, err := json.MarshalIndent(objects, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/correlations.json.golden", indented)

	out.Reset()
	x := explainCorrelation(t, "title: t\ncorrelation: {type: temporal, rules: [fail, never], group-by: [who], aliases: {who: {fail: u}}, timespan: 1m}\n"+fail+never, events)
	if err := x.WriteText(&out, true); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/correlations.colours.golden", out.Bytes())
}

// TestTooManyMatches: what is beyond the bound is counted and said.
func TestTooManyMatches(t *testing.T) {
	const more = 3
	var events bytes.Buffer
	start := time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)
	for i := range 50_000 + more {
		fmt.Fprintf(&events, "{\"@timestamp\":%q,\"k\":\"fail\"}\n", start.Add(time.Duration(i)*time.Minute).Format(time.RFC3339))
	}
	x := explainCorrelation(t, "title: t\ncorrelation: {type: event_count, rules: [fail], timespan: 1s, condition: {gte: 2}}\n"+fail, events.Bytes())
	if x.Unused != more || x.Inputs[0].Matched != 50_000+more {
		t.Errorf("%d of %d matches are not looked at, want %d", x.Unused, x.Inputs[0].Matched, more)
	}
	var out bytes.Buffer
	if err := x.WriteText(&out, false); err != nil || !strings.Contains(out.String(), "the first 50000 are looked at, and 3 are not") {
		t.Errorf("it is not said (%v):\n%s", err, out.String())
	}
}

// TestInterrupted: an explanation that takes long can be given up.
func TestInterrupted(t *testing.T) {
	preparer, err := engine.NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	rules, _ := sigma.Parse(&diag.File{Data: []byte("title: t\ncorrelation: {type: event_count, rules: [fail], timespan: 1s, condition: {gte: 2}}\n" + fail)})
	c, diags := explain.NewCorrelation(rules[0], sigma.NewLibrary(rules), preparer.Lower)
	if c == nil {
		t.Fatal(diags)
	}
	c.Add(batchOf(t, `{"@timestamp":"2024-05-01T12:00:00Z","k":"fail"}`), func(event.Record) bool { return true })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Explain(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

// TestBadCorrelations: what is wrong with the rules below is told.
func TestBadCorrelations(t *testing.T) {
	preparer, err := engine.NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ rules, want string }{
		{"title: t\ncorrelation: {type: temporal, rules: [nobody], timespan: 1s}\n", `names rule "nobody"`},
		{"title: t\nname: t\ncorrelation: {type: temporal, rules: [t], timespan: 1s}\n", "stands on itself"},
		{"title: t\ncorrelation: {type: temporal, rules: [x], timespan: 1s}\n---\ntitle: x\nname: x\nlogsource: {category: any}\ndetection: {s: {f|expand: '%x%'}, condition: s}\n", "placeholder %x%"},
	} {
		rules, diags := sigma.Parse(&diag.File{Data: []byte(c.rules)})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		correlation, diags := explain.NewCorrelation(rules[0], sigma.NewLibrary(rules), preparer.Lower)
		if correlation != nil || !strings.Contains(fmt.Sprint(diags.Err()), c.want) {
			t.Errorf("%v, want %s", diags.Err(), c.want)
		}
	}
}

// TestCorrelationsInManyWays: correlations that stand on each other in very many
// ways are explained, and each event counts once.
func TestCorrelationsInManyWays(t *testing.T) {
	var text strings.Builder
	below := "fail"
	for level := range 12 {
		var names []string
		for i := range 30 {
			name := fmt.Sprintf("c%dx%d", level, i)
			names = append(names, name)
			fmt.Fprintf(&text, "---\ntitle: c\nname: %s\ncorrelation: {type: event_count, rules: [%s], timespan: 1m, condition: {gte: 1}}\n", name, below)
		}
		below = strings.Join(names, ", ")
	}
	top := "title: top\ncorrelation: {type: value_sum, rules: [" + below + "], timespan: 1m, condition: {field: n, gte: 1}}\n"
	x := explainCorrelation(t, top+fail+text.String(), []byte(`{"@timestamp":"2024-05-01T12:00:00Z","k":"fail","n":1}
{"@timestamp":"2024-05-01T12:00:01Z","k":"fail","n":2}`))
	if !x.Fired || x.Window.Value != 3 {
		t.Errorf("fired %v with %v, want 3", x.Fired, x.Window.Value)
	}
}

// TestTooMuchHandedOn: a correlation that comes and goes hands on a window each time,
// and is refused before that is too much.
func TestTooMuchHandedOn(t *testing.T) {
	// In every other window of 1,001 seconds there is one event more.
	top := "title: top\ncorrelation: {type: event_count, rules: [odd], timespan: 1m, condition: {gte: 1}}\n"
	odd := "---\ntitle: odd\nname: odd\ncorrelation: {type: event_count, rules: [fail], timespan: 1000s, condition: {eq: 1502}}\n"
	rules, diags := sigma.Parse(&diag.File{Data: []byte(top + odd + fail)})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	preparer, err := engine.NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	c, diags := explain.NewCorrelation(rules[0], sigma.NewLibrary(rules), preparer.Lower)
	if c == nil {
		t.Fatal(diags)
	}
	start := time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)
	var events []string
	for i := range 3000 {
		e := fmt.Sprintf(`{"@timestamp":%q,"k":"fail"}`, start.Add(time.Duration(i)*time.Second).Format(time.RFC3339))
		for range 1 + i%2 {
			events = append(events, e)
		}
	}
	c.Add(batchOf(t, events...), func(event.Record) bool { return true })
	if _, err := c.Explain(context.Background()); err == nil || !strings.Contains(err.Error(), "too many events") {
		t.Errorf("error %v", err)
	}
}
