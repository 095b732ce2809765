package correlate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const bases = 3

var fieldNames = []string{"f", "g", "h"}

// drawRules draws a few correlations, the later ones over the earlier ones too.
func drawRules(t *rapid.T) []Rule {
	rules := make([]Rule, rapid.IntRange(1, 4).Draw(t, "rules"))
	names := append([]string{"alias"}, fieldNames...)
	for i := range rules {
		r := &rules[i]
		r.Kind = Kind(rapid.IntRange(0, int(Ordered)).Draw(t, "kind"))
		for range rapid.IntRange(1, 3).Draw(t, "inputs") {
			in := Input{Rule: rapid.IntRange(0, bases-1).Draw(t, "base")}
			if i > 0 && rapid.Bool().Draw(t, "chained") {
				in = Input{Rule: rapid.IntRange(0, i-1).Draw(t, "below"), Correlation: true}
			}
			if !slices.Contains(r.Inputs, in) {
				r.Inputs = append(r.Inputs, in)
			}
		}
		r.GroupBy = rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 2, rapid.ID[string]).Draw(t, "group-by")
		r.Span = time.Duration(rapid.SampledFrom([]int{0, 1, 3, 5, 10, 10, 20}).Draw(t, "span"))
		switch r.Kind {
		case ValueCount:
			r.Fields = rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 2, rapid.ID[string]).Draw(t, "fields")
		case Sum, Avg, Min, Max, Percentile:
			r.Fields = []string{rapid.SampledFrom(names).Draw(t, "field")}
			r.Percentile = rapid.SampledFrom([]float64{0, 25, 50, 90, 100}).Draw(t, "percentile")
		}
		for range rapid.IntRange(0, 2).Draw(t, "aliases") {
			a := Alias{Name: "alias", Input: -1, Base: -1, Field: rapid.SampledFrom(names).Draw(t, "field")}
			if rapid.Bool().Draw(t, "by input") {
				a.Input = rapid.IntRange(0, 2).Draw(t, "input")
			} else {
				a.Base = rapid.IntRange(0, bases-1).Draw(t, "base")
			}
			r.Aliases = append(r.Aliases, a)
		}
		for range rapid.IntRange(1, 2).Draw(t, "bounds") {
			r.Bounds = append(r.Bounds, Bound{Op(rapid.IntRange(0, int(NotEqual)).Draw(t, "op")), float64(rapid.IntRange(0, 5).Draw(t, "bound"))})
		}
		if r.Kind == Temporal && rapid.Bool().Draw(t, "expression") {
			want := rapid.SliceOfN(rapid.Bool(), len(r.Inputs), len(r.Inputs)).Draw(t, "want")
			r.Bounds, r.Expr = nil, func(has func(int) bool) bool {
				for i, w := range want {
					if has(i) != w {
						return false
					}
				}
				return true
			}
		}
		r.Quiet = rapid.IntRange(0, 5).Draw(t, "quiet") == 0
	}
	return rules
}

// drawEvents draws matches of base rules, one event of several of them at times.
func drawEvents(t *rapid.T, e *Engine) []Event {
	var events []Event
	value := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "A", "b", "1", "2", "3.5", "-2"}), 0, 2)
	at := int64(rapid.IntRange(-5, 5).Draw(t, "start"))
	for id := range int64(rapid.IntRange(0, 40).Draw(t, "events")) {
		at += int64(rapid.SampledFrom([]int{0, 0, 1, 1, 2, 4, 11, 30}).Draw(t, "step"))
		undated := rapid.IntRange(0, 30).Draw(t, "undated") == 30
		shared := map[string][]string{}
		for _, f := range fieldNames {
			shared[f] = value.Draw(t, "value")
			if len(shared[f]) == 0 && rapid.Bool().Draw(t, "there") {
				shared[f] = []string{"a"}
			}
		}
		for base := range bases {
			if rapid.IntRange(0, 2).Draw(t, "matches") > 0 && base > 0 {
				continue
			}
			ev := Event{Base: base, ID: id, Time: at, Ref: fmt.Sprint("event ", id)}
			if undated {
				ev.Time = NoTime
			}
			for _, f := range e.Fields(base) {
				ev.Values = append(ev.Values, shared[f])
			}
			events = append(events, ev)
		}
	}
	return events
}

// inOrder sorts matches, whose order among themselves the reference leaves open.
func inOrder(list []Match) []Match {
	for i := range list {
		if len(list[i].Group) == 0 {
			list[i].Group = nil
		}
	}
	slices.SortFunc(list, func(a, b Match) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(strings.ToLower(strings.Join(a.Group, " ")), strings.ToLower(strings.Join(b.Group, " "))),
			cmp.Compare(a.First(), b.First()), cmp.Compare(a.Last(), b.Last()), cmp.Compare(a.Count, b.Count), cmp.Compare(a.Events[0].ID, b.Events[0].ID))
	})
	return list
}

// run feeds events to a new engine.
func runEngine(t *rapid.T, rules []Rule, limits Limits, every int, events func(*Engine) []Event) ([]Match, []Event, *Engine) {
	var got []Match
	e, err := New(rules, limits, func(m Match) { got = append(got, m) })
	if err != nil {
		t.Fatal(err)
	}
	e.every = every
	released := 0
	e.Release = func(any) { released++ }
	list := events(e)
	for _, ev := range list {
		e.Add(ev)
	}
	e.Flush()
	if e.pending != 0 || e.held != 0 || e.kept != 0 || released != len(list) {
		t.Fatalf("after the end %d entries are pending, %d held, and %d events kept; %d of %d were released", e.pending, e.held, e.kept, released, len(list))
	}
	return inOrder(got), list, e
}

// TestAgainstReference holds the engine against every window looked at by itself:
// events in order, in any order, and shuffled within a bound.
func TestAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := drawRules(t)
		got, events, e := runEngine(t, rules, Limits{}, 1, func(e *Engine) []Event { return drawEvents(t, e) })
		want := inOrder((&reference{rules: rules, events: events, fields: e.fields}).matches())
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("in order (-reference +engine):\n%s", diff)
		}
		anyOrder := rapid.Permutation(events).Draw(t, "any order")
		got, _, _ = runEngine(t, rules, Limits{}, 1, func(*Engine) []Event { return anyOrder })
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("in any order (-reference +engine):\n%s", diff)
		}
		bound := int64(rapid.IntRange(1, 30).Draw(t, "bound"))
		arrival := map[int64]int64{}
		for _, ev := range events {
			arrival[ev.ID] = ev.Time + rapid.Int64Range(0, bound).Draw(t, "delay")
		}
		shuffled := slices.Clone(events)
		slices.SortStableFunc(shuffled, func(a, b Event) int { return cmp.Compare(arrival[a.ID], arrival[b.ID]) })
		every := rapid.IntRange(1, 20).Draw(t, "every")
		got, _, e = runEngine(t, rules, Limits{Lateness: time.Duration(bound)}, every, func(*Engine) []Event { return shuffled })
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("shuffled within %d (-reference +engine):\n%s", bound, diff)
		}
		for i := range rules {
			if s := e.Stats(i); s.Late > 0 || s.Dropped > 0 {
				t.Fatalf("%+v of events within the bound", s)
			}
		}

		bound = rapid.Int64Range(1, bound).Draw(t, "smaller bound")
		inTime, late := withoutLate(e, shuffled, bound)
		got, _, e = runEngine(t, rules, Limits{Lateness: time.Duration(bound)}, every, func(*Engine) []Event { return shuffled })
		want = inOrder((&reference{rules: rules, events: inTime, fields: e.fields}).matches())
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("later than %d left out (-reference +engine):\n%s", bound, diff)
		}
		for i, r := range rules {
			want := 0
			for _, in := range r.Inputs {
				if !in.Correlation {
					want += late[in.Rule]
				}
			}
			if s := e.Stats(i); s.Late != want {
				t.Fatalf("correlation %d counts %d late events, these are %d", i, s.Late, want)
			}
		}
	})
}

// withoutLate leaves out the events that lie further back than the bound from the
// newest one before them, and counts them by their base rule.
func withoutLate(e *Engine, events []Event, bound int64) (inTime []Event, late map[int]int) {
	late = map[int]int{}
	newest := int64(math.MinInt64 + 1000)
	for _, ev := range events {
		if ev.Time != NoTime && ev.Time < newest-bound {
			late[ev.Base]++
			continue
		}
		inTime = append(inTime, ev)
		if len(e.bases[ev.Base]) > 0 {
			newest = max(newest, ev.Time)
		}
	}
	return inTime, late
}

// TestLimits runs with little memory: nothing breaks, what is lost is counted, and
// no more is held than allowed.
func TestLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := drawRules(t)
		limits := Limits{
			Lateness: time.Duration(rapid.IntRange(0, 3).Draw(t, "lateness")), Pending: rapid.IntRange(1, 5).Draw(t, "pending"),
			Group: rapid.IntRange(1, 4).Draw(t, "group"), Total: rapid.IntRange(1, 8).Draw(t, "total"), Events: rapid.IntRange(1, 3).Draw(t, "events"),
		}
		got, _, _ := runEngine(t, rules, limits, 1, func(e *Engine) []Event {
			events := drawEvents(t, e)
			return rapid.Permutation(events).Draw(t, "order")
		})
		for _, m := range got {
			if len(m.Events) > limits.Events || m.Count < len(m.Events) {
				t.Fatalf("%d events of %d listed", len(m.Events), m.Count)
			}
		}
	})
}
