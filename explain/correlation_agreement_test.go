package explain_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/explain"
	"github.com/huntbook/huntbook/hunttest"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/sigma"
)

// failing is a *testing.T or a *rapid.T.
type failing interface{ Fatal(...any) }

// both finds where the correlations of a text fire, as the engine says and as the
// evaluator does, a line a match. Rules that can't be used give no line.
func both(t failing, preparer *engine.Preparer, text string, events [][]byte) (engineSays, evaluatorSays []string) {
	docs, diags := sigma.ParseAll(&diag.File{Data: []byte(text)})
	diags = append(diags, docs.Apply()...)
	if diags.HasErrors() {
		return nil, nil
	}
	prepared, errs := preparer.PrepareAll(docs.Rules, nil)
	var rules []engine.Prepared
	for i, p := range prepared {
		if p.Correlation == nil || errs[i] != nil {
			continue
		}
		p.Quiet = false
		rules = append(rules, p)
		for _, m := range explained(t, preparer, p.Rule, docs.Rules, events) {
			evaluatorSays = append(evaluatorSays, p.Rule.Title+": "+m)
		}
	}
	ctx := context.Background()
	r, err := engine.Open(ctx, []string{"-"}, ingest.Options{Stdin: bytes.NewReader(bytes.Join(events, []byte("\n")))}, rules)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = engine.Scan(ctx, r, rules, 1, func(h engine.Hit) error {
		s := rules[h.Rule].Rule.Title + ": "
		for _, g := range h.Match.Group {
			s += g.Value + " "
		}
		for _, e := range h.Match.Events {
			s += fmt.Sprintf("#%d@%s ", e.Number, time.Unix(0, e.Time).UTC().Format("15:04:05"))
		}
		engineSays = append(engineSays, s+fmt.Sprintf("%g", h.Match.Value))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(engineSays)
	slices.Sort(evaluatorSays)
	return engineSays, evaluatorSays
}

func explained(t failing, preparer *engine.Preparer, r *sigma.Rule, rules []*sigma.Rule, events [][]byte) []string {
	c, diags := explain.NewCorrelation(r, sigma.NewLibrary(rules), preparer.Lower)
	if c == nil {
		t.Fatal(diags)
	}
	b := event.NewBuilder(event.Options{})
	for i, e := range events {
		if err := b.AppendJSON(e, event.Record{Number: i + 1, Raw: e}); err != nil {
			t.Fatal(err)
		}
	}
	c.Add(b.Batch(), func(event.Record) bool { return true })
	matches, err := c.Matches(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	checkExplanation(t, c, len(matches))
	var out []string
	for _, m := range matches {
		s := ""
		for _, g := range m.Group {
			s += g + " "
		}
		for _, e := range m.Events {
			s += fmt.Sprintf("#%d@%s ", e.Record, e.Time.Format("15:04:05"))
		}
		out = append(out, s+fmt.Sprintf("%g", m.Value))
	}
	return out
}

// checkExplanation demands that an explanation says what the matches say, and can
// be written.
func checkExplanation(t failing, c *explain.Correlation, matches int) {
	x, err := c.Explain(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if x.Fired != (matches > 0) || x.Window != nil && x.Window.Fired != x.Fired || x.Window == nil && matches > 0 {
		t.Fatal(fmt.Sprintf("%d matches, and the explanation says %v with the window %+v", matches, x.Fired, x.Window))
	}
	if w := x.Window; w != nil {
		all := w.HasValue && (w.Condition == nil || w.Condition.True)
		for _, b := range w.Bounds {
			all = all && b.True
		}
		if all != w.Fired {
			t.Fatal(fmt.Sprintf("the marks do not add up: %+v", w))
		}
	}
	var text, object bytes.Buffer
	if err := errors.Join(x.WriteText(&text, true), x.WriteJSON(&object)); err != nil || !json.Valid(object.Bytes()) {
		t.Fatal(err, object.String())
	}
}

// TestCorrelationsAgreeOnScripts: the engine and the evaluator find the same in
// every case of every .hunt script that has a correlation.
func TestCorrelationsAgreeOnScripts(t *testing.T) {
	preparer, err := engine.NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../hunttest/testdata/*.hunt")
	if err != nil {
		t.Fatal(err)
	}
	matches := 0
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		script, diags := hunttest.Parse(&diag.File{Path: filepath.Base(name), Data: data})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		for _, c := range script.Cases {
			var events [][]byte
			for _, e := range c.Events {
				events = append(events, e.JSON)
			}
			want, got := both(t, preparer, c.Rules, events)
			matches += len(want)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s:%d (-engine +evaluator):\n%s", filepath.Base(name), c.Pos.Line, d)
			}
		}
	}
	if matches < 50 {
		t.Errorf("only %d matches", matches)
	}
}

// TestCorrelationsAgreeOnWhatDiffered has what random rules found: an alias means the
// same for a rule that is named and for the same rule below a correlation; a field
// where none is looked at is no demand.
func TestCorrelationsAgreeOnWhatDiffered(t *testing.T) {
	preparer, err := engine.NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	const rule = "title: a\nname: a\nlogsource: {category: any}\ndetection: {s: {k: a}, condition: s}\n---\n"
	events := [][]byte{
		[]byte(`{"@timestamp":"2024-05-01T12:00:00Z","k":"a","f":"ann"}`),
		[]byte(`{"@timestamp":"2024-05-01T12:00:01Z","k":"a","f":"ann"}`),
	}
	for _, c := range []struct{ rules, want string }{
		{"title: x\nname: x\ncorrelation: {type: event_count, rules: [a], timespan: 1m, condition: {gte: 2}}\n---\n" +
			"title: y\ncorrelation: {type: temporal, rules: [a, x], group-by: [who], aliases: {who: {a: f}}, timespan: 1m}\n",
			"x: #1@12:00:00 #2@12:00:01 2; y: ann #1@12:00:00 #2@12:00:01 2"},
		{"title: y\ncorrelation: {type: event_count, rules: [a], timespan: 1m, condition: {gte: 2, field: nowhere}}\n", "y: #1@12:00:00 #2@12:00:01 2"},
	} {
		engineSays, evaluatorSays := both(t, preparer, rule+c.rules, events)
		if got := strings.Join(engineSays, "; "); got != c.want {
			t.Errorf("the engine says %s, want %s", got, c.want)
		}
		if got := strings.Join(evaluatorSays, "; "); got != c.want {
			t.Errorf("the evaluator says %s, want %s", got, c.want)
		}
	}
}

// TestCorrelationsAgreeOnRandomRules does the same for random correlations, chains
// of them and aggregations, over random events.
func TestCorrelationsAgreeOnRandomRules(t *testing.T) {
	preparer, err := engine.NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	runs, fired := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		text := randomCorrelations(t)
		want, got := both(t, preparer, text, randomMoments(t))
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("(-engine +evaluator):\n%s\n%s", d, text)
		}
		runs++
		if len(want) > 0 {
			fired++
		}
	})
	if 3*fired < runs {
		t.Errorf("only %d of %d cases fire", fired, runs)
	}
}

// randomCorrelations draws rules a, b and c, correlations over them, the later ones
// over the earlier ones too, and a version 1 aggregation.
func randomCorrelations(t *rapid.T) string {
	var b strings.Builder
	for _, name := range []string{"a", "b", "c"} {
		fmt.Fprintf(&b, "title: %s\nname: %s\nlogsource: {category: any}\ndetection: {s: {k: %s}, condition: s}\n---\n", name, name, name)
	}
	known := []string{"a", "b", "c"}
	fields := []string{"f", "g", "n", "x", "y"}
	for i := range rapid.IntRange(1, 4).Draw(t, "correlations") {
		name := fmt.Sprintf("c%d", i+1)
		kind := rapid.SampledFrom(sigma.CorrelationTypes).Draw(t, "type")
		rules := rapid.SliceOfNDistinct(rapid.SampledFrom(known), 1, 3, rapid.ID[string]).Draw(t, "rules")
		fmt.Fprintf(&b, "title: %s\nname: %s\ncorrelation:\n  type: %s\n  rules: [%s]\n  timespan: %s\n  group-by: [%s]\n",
			name, name, kind, strings.Join(rules, ", "), rapid.SampledFrom([]string{"1s", "3s", "10s", "1m"}).Draw(t, "timespan"),
			strings.Join(rapid.SliceOfNDistinct(rapid.SampledFrom(fields), 0, 2, rapid.ID[string]).Draw(t, "group-by"), ", "))
		if rapid.Bool().Draw(t, "aliases") {
			fmt.Fprintf(&b, "  aliases: {x: {%s: %s}, y: {%s: %s}}\n", rules[0], rapid.SampledFrom(fields).Draw(t, "x"),
				rapid.SampledFrom(known).Draw(t, "rule"), rapid.SampledFrom(fields).Draw(t, "y"))
		}
		switch condition := randomBounds(t); {
		case kind == "temporal" && len(rules) > 1 && rapid.Bool().Draw(t, "expression"):
			fmt.Fprintf(&b, "  condition: %s and not %s\n", rules[0], rules[1])
		case kind == "value_count":
			fmt.Fprintf(&b, "  condition: {field: [%s], %s}\n", strings.Join(rapid.SliceOfNDistinct(rapid.SampledFrom(fields), 1, 2, rapid.ID[string]).Draw(t, "fields"), ", "), condition)
		case kind == "value_percentile":
			fmt.Fprintf(&b, "  condition: {field: n, percentile: %d, %s}\n", rapid.SampledFrom([]int{0, 25, 90, 100}).Draw(t, "percentile"), condition)
		case strings.HasPrefix(kind, "value"):
			fmt.Fprintf(&b, "  condition: {field: n, %s}\n", condition)
		case kind == "event_count" && rapid.IntRange(0, 5).Draw(t, "a field that means nothing") == 0:
			fmt.Fprintf(&b, "  condition: {field: n, %s}\n", condition)
		case kind == "event_count" || rapid.Bool().Draw(t, "bounds"):
			fmt.Fprintf(&b, "  condition: {%s}\n", condition)
		}
		b.WriteString("---\n")
		known = append(known, name)
	}
	aggregation := rapid.SampledFrom([]string{"count() by f > 1", "count(g) by f >= 2", "sum(n) > 2", "min(n) by f < 1", "max(n) >= 3", "avg(n) by g > 1", "near t", "near t and not u"}).Draw(t, "aggregation")
	fmt.Fprintf(&b, "title: v1\nlogsource: {category: any}\ndetection: {s: {k: a}, t: {k: b}, u: {k: c}, timeframe: 5s, condition: s | %s}\n", aggregation)
	return b.String()
}

func randomBounds(t *rapid.T) string {
	one := rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("%s: %d", rapid.SampledFrom([]string{"gt", "gte", "lt", "lte", "eq", "neq"}).Draw(t, "op"), rapid.IntRange(0, 4).Draw(t, "number"))
	})
	// A map's keys are different ones.
	return strings.Join(rapid.SliceOfNDistinct(one, 1, 2, func(s string) string { op, _, _ := strings.Cut(s, ":"); return op }).Draw(t, "bounds"), ", ")
}

// randomMoments draws events that come close after each other, mostly, and not
// always in the order of time.
func randomMoments(t *rapid.T) [][]byte {
	value := rapid.SampledFrom([]any{"ann", "Ann", "bob", "1", 2, 3.5, -1, nil, []any{"ann", "bob"}, []any{1, "ANN", nil}, []any{}, ""})
	at := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	var out [][]byte
	for range rapid.IntRange(1, 30).Draw(t, "events") {
		at = at.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 500, 1000, 1000, 2000, 5000, 30_000, -2000}).Draw(t, "step")) * time.Millisecond)
		e := map[string]any{"k": rapid.SampledFrom([]any{"a", "b", "c", []any{"a", "b"}, []any{"b", "c"}, "d"}).Draw(t, "k")}
		if rapid.IntRange(0, 20).Draw(t, "undated") > 0 {
			e["@timestamp"] = at.Format(time.RFC3339Nano)
		}
		for _, f := range []string{"f", "g", "n", "x"} {
			if rapid.IntRange(0, 5).Draw(t, "has") > 0 {
				e[f] = value.Draw(t, f)
			}
		}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, text)
	}
	return out
}
