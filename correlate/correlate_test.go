package correlate

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// play runs a rule over events, "0a@5 1a=7@6": base rule 0 with group "a" at second
// 5, base rule 1 with group "a" and value 7 at second 6. Matches are shown as
// "a 5-6 2 events": group, first and last second, number of events.
func play(t *testing.T, rules []Rule, events string) string {
	t.Helper()
	var got []string
	e, err := New(rules, Limits{}, func(m Match) {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %d-%d %d", strings.Join(m.Group, "/"), m.First()/1e9, m.Last()/1e9, m.Count)))
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, word := range strings.Fields(events) {
		what, at, _ := strings.Cut(word, "@")
		group, value, valued := strings.Cut(what[1:], "=")
		seconds, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ev := Event{Base: int(what[0] - '0'), ID: int64(i), Time: seconds * 1e9}
		for _, f := range e.Fields(ev.Base) {
			switch {
			case f == "value" && valued:
				ev.Values = append(ev.Values, strings.Split(value, ","))
			case f == "group" && group != "":
				ev.Values = append(ev.Values, strings.Split(group, ","))
			default:
				ev.Values = append(ev.Values, nil)
			}
		}
		e.Add(ev)
	}
	e.Flush()
	return strings.Join(got, "; ")
}

func over(bases ...int) []Input {
	var out []Input
	for _, b := range bases {
		out = append(out, Input{Rule: b})
	}
	return out
}

func TestMatches(t *testing.T) {
	const minute = time.Minute
	byGroup := []string{"group"}
	count := func(op Op, n float64) Rule {
		return Rule{Kind: EventCount, Inputs: over(0), GroupBy: byGroup, Span: minute, Bounds: []Bound{{op, n}}}
	}
	values := func(kind Kind, op Op, n float64) Rule {
		return Rule{Kind: kind, Inputs: over(0), GroupBy: byGroup, Span: minute, Fields: []string{"value"}, Bounds: []Bound{{op, n}}, Percentile: 50}
	}
	near := func(kind Kind, n float64, bases ...int) Rule {
		return Rule{Kind: kind, Inputs: over(bases...), GroupBy: byGroup, Span: minute, Bounds: []Bound{{GreaterEqual, n}}}
	}
	without := near(Temporal, 0, 0, 1)
	without.Bounds, without.Expr = nil, func(has func(int) bool) bool { return has(0) && !has(1) }
	endless := count(GreaterEqual, 3)
	endless.Span = 0
	either := count(GreaterEqual, 3)
	either.Inputs = over(0, 1)
	ungrouped := count(GreaterEqual, 3)
	ungrouped.GroupBy = nil
	for _, c := range []struct {
		name   string
		rule   Rule
		events string
		want   string
	}{
		{"enough", count(GreaterEqual, 3), "0a@0 0a@1 0a@2", "a 0-2 3"},
		{"too few", count(GreaterEqual, 3), "0a@0 0a@1", ""},
		{"across the full minute", count(GreaterEqual, 3), "0a@55 0a@59 0a@61", "a 55-61 3"},
		{"a timespan apart is together", count(GreaterEqual, 2), "0a@0 0a@60", "a 0-60 2"},
		{"more than a timespan apart is not", count(GreaterEqual, 2), "0a@0 0a@61", ""},
		{"groups are apart", count(GreaterEqual, 2), "0a@0 0b@1 0b@2", "b 1-2 2"},
		{"no groups", ungrouped, "0a@0 0b@1 0@2", "0-2 3"},
		{"case does not matter, the first spelling is shown", count(GreaterEqual, 2), "0Admin@0 0ADMIN@1", "Admin 0-1 2"},
		{"a list is in the group of each value", count(GreaterEqual, 2), "0a,b@0 0b@1", "b 0-1 2"},
		{"without the field an event has no group", count(GreaterEqual, 2), "0@0 0@1", ""},
		{"in any order of arrival", count(GreaterEqual, 3), "0a@2 0a@0 0a@1", "a 0-2 3"},
		{"windows in a row are one match", count(GreaterEqual, 3), "0a@0 0a@30 0a@60 0a@90 0a@120", "a 0-120 5"},
		{"bursts are matches of their own", count(GreaterEqual, 2), "0a@0 0a@1 0a@100 0a@101", "a 0-1 2; a 100-101 2"},
		{"fewer than, of the whole window", count(Less, 3), "0a@0 0a@1 0a@2", ""},
		{"fewer than", count(Less, 3), "0a@0 0a@1", "a 0-1 2"},
		{"exactly, and not on the way to more", count(Equal, 2), "0a@0 0a@1 0a@2 0b@0 0b@1", "b 0-1 2"},
		{"not exactly", count(NotEqual, 2), "0a@0 0a@1 0b@0", "b 0-0 1"},
		{"all of the time", endless, "0a@0 0a@1000000 0a@2000000", "a 0-2000000 3"},
		{"several rules", either, "0a@0 1a@1 0a@2", "a 0-2 3"},
		{"values", values(ValueCount, GreaterEqual, 2), "0a=x@0 0a=X@1 0a=y@2 0b=x@0 0b=x@1", "a 0-2 3"},
		{"an event without the value takes no part", values(ValueCount, Less, 1), "0a@0", ""},
		{"a sum", values(Sum, Greater, 10), "0a=4@0 0a=7@1 0b=10@2", "a 0-1 2"},
		{"a sum is of numbers", values(Sum, GreaterEqual, 0), "0a=x@0 0b=0x10@1 0c=inf@2 0d=1e1@3", "d 3-3 1"},
		{"an average, of the whole window", values(Avg, Greater, 500), "0a=600@0 0a=100@1", ""},
		{"a least and a greatest", values(Min, Less, 3), "0a=5@0 0a=2@1 0b=3@1", "a 0-1 2"},
		{"a greatest", values(Max, Greater, 4), "0a=5@0 0a=2@1 0b=3@1", "a 0-1 2"},
		{"a median", values(Percentile, Equal, 2.5), "0a=1@0 0a=2@1 0a=3@2 0a=9@3", "a 0-3 4"},
		{"near each other", near(Temporal, 2, 0, 1), "1a@0 0a@30", "a 0-30 2"},
		{"one of two", near(Temporal, 2, 0, 1), "0a@0 0a@30", ""},
		{"two of three", near(Temporal, 2, 0, 1, 2), "0a@0 2a@30", "a 0-30 2"},
		{"without the other", without, "0a@0 0b@0 1b@50 0c@0 1c@61", "a 0-0 1; c 0-0 1"},
		{"in order", near(Ordered, 2, 0, 1), "0a@0 1a@30", "a 0-30 2"},
		{"in the wrong order", near(Ordered, 2, 0, 1), "1a@0 0a@30", ""},
		{"in order at last", near(Ordered, 2, 0, 1), "1a@0 0a@30 1a@40", "a 0-40 3"},
		{"at the same time in any order", near(Ordered, 2, 0, 1), "1a@5 0a@5", "a 5-5 2"},
		{"in order, but too far apart", near(Ordered, 3, 0, 1, 2), "0a@0 1a@50 2a@100", ""},
		{"two of three in order", near(Ordered, 2, 0, 1, 2), "1a@0 0a@10 2a@20", "a 0-20 3"},
	} {
		if got := play(t, []Rule{c.rule}, c.events); got != c.want {
			t.Errorf("%s: %s\n got %s\nwant %s", c.name, c.events, got, c.want)
		}
	}
}

func TestChains(t *testing.T) {
	failures := Rule{Kind: EventCount, Inputs: over(0), GroupBy: []string{"group"}, Span: 10 * time.Second, Bounds: []Bound{{GreaterEqual, 3}}, Quiet: true}
	then := func(kind Kind) Rule {
		return Rule{Kind: kind, Inputs: []Input{{0, true}, {1, false}}, GroupBy: []string{"group"}, Span: 10 * time.Second, Bounds: []Bound{{GreaterEqual, 2}}}
	}
	bursts := Rule{Kind: EventCount, Inputs: []Input{{0, true}}, Span: time.Minute, Bounds: []Bound{{GreaterEqual, 2}}}
	byValue := failures
	byValue.GroupBy = nil
	aliased := then(Ordered)
	aliased.GroupBy = []string{"who"}
	aliased.Aliases = []Alias{{"who", -1, 0, "group"}, {"who", 1, -1, "value"}}
	// Two correlations that the same events make, and above them a sum, or a
	// correlation with a sum above.
	some := func(n float64) Rule {
		return Rule{Kind: EventCount, Inputs: over(0), Span: 10 * time.Second, Bounds: []Bound{{GreaterEqual, n}}, Quiet: true}
	}
	both := Rule{Kind: Temporal, Inputs: []Input{{0, true}, {1, true}}, Span: 10 * time.Second, Bounds: []Bound{{GreaterEqual, 2}}, Quiet: true}
	sum := func(kind Kind, is float64, inputs ...Input) Rule {
		return Rule{Kind: kind, Inputs: inputs, Span: 10 * time.Second, Fields: []string{"value"}, Bounds: []Bound{{Equal, is}}, Percentile: 100. / 3}
	}
	shared := func(kind Kind, is float64) []Rule {
		return []Rule{some(1), some(2), sum(kind, is, Input{0, true}, Input{1, true})}
	}
	for _, c := range []struct {
		name   string
		rules  []Rule
		events string
		want   string
	}{
		{"a sum of events that came in two ways", shared(Sum, 11), "0=4@0 0=7@1", "0-1 2"},
		{"an average", shared(Avg, 5), "0=4@0 0=6@0", "0-0 2"},
		{"a percentile", shared(Percentile, 5), "0=4@0 0=7@0", "0-0 2"},
		{"an event stays while one way is in the window", shared(Max, 9), "0=9@0 0=1@4 0=2@12", "0-12 3"},
		{"a sum above two ways that meet", []Rule{some(1), some(2), both, sum(Sum, 11, Input{2, true})}, "0=4@0 0=7@1", "0-1 2"},
		{"failures, then a success", []Rule{failures, then(Ordered)}, "0a@0 0a@1 0a@2 1a@8", "a 0-8 4"},
		{"too few failures", []Rule{failures, then(Ordered)}, "0a@0 0a@1 1a@8", ""},
		{"a success while failures go on", []Rule{failures, then(Ordered)}, "0a@0 0a@1 0a@2 1a@3 0a@4 0a@9 0a@14", "a 0-9 6"},
		{"only a success before", []Rule{failures, then(Ordered)}, "1a@0 0a@1 0a@2 0a@3", ""},
		{"failures long ago", []Rule{failures, then(Ordered)}, "0a@0 0a@1 0a@2 1a@13", ""},
		{"late failures of a long burst count", []Rule{failures, then(Ordered)}, "0a@0 0a@1 0a@2 0a@9 1a@13", "a 0-13 5"},
		{"another user's success", []Rule{failures, then(Ordered)}, "0a@0 0a@1 0a@2 1b@8", ""},
		{"the upper correlation groups by itself", []Rule{byValue, then(Ordered)}, "0a@0 0b@1 0a@2 1a@8 1c@8", "a 0-8 4"},
		{"an alias", []Rule{failures, aliased}, "0a@0 0a@1 0a@2 1=a@8", "a 0-8 4"},
		{"a burst counts once", []Rule{failures, bursts}, "0a@0 0a@1 0a@2 0a@3 0a@4", ""},
		{"two bursts", []Rule{failures, bursts}, "0a@0 0a@1 0a@2 0a@20 0a@21 0a@22", "0-22 6"},
	} {
		if got := play(t, c.rules, c.events); got != c.want {
			t.Errorf("%s: %s\n got %s\nwant %s", c.name, c.events, got, c.want)
		}
	}
}

func TestStats(t *testing.T) {
	rule := Rule{Kind: EventCount, Inputs: over(0), GroupBy: []string{"group"}, Span: time.Second, Bounds: []Bound{{GreaterEqual, 1}}}
	e, err := New([]Rule{rule}, Limits{Lateness: 2, Group: 2}, func(Match) {})
	if err != nil {
		t.Fatal(err)
	}
	for i, ev := range []struct {
		time  int64
		group []string
	}{{10, []string{"a"}}, {8, []string{"a"}}, {7, []string{"a"}}, {10, nil}, {NoTime, []string{"a"}}, {11, []string{"a"}}} {
		e.Add(Event{ID: int64(i), Time: ev.time, Values: [][]string{ev.group}})
	}
	e.Flush()
	if got, want := e.Stats(0), (Stats{Late: 1, Undated: 1, Incomplete: 1, Dropped: 1, Most: 3}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestLimitedEvents(t *testing.T) {
	rule := Rule{Kind: EventCount, Inputs: over(0), Span: time.Second, Bounds: []Bound{{GreaterEqual, 1}}}
	var got []Match
	e, err := New([]Rule{rule}, Limits{Events: 3}, func(m Match) { got = append(got, m) })
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(10) {
		e.Add(Event{ID: i, Time: i})
	}
	e.Flush()
	if len(got) != 1 || got[0].Count != 10 || !slices.Equal(got[0].Events, []EventRef{{ID: 0, Time: 0}, {ID: 1, Time: 1}, {ID: 9, Time: 9}}) {
		t.Errorf("got %+v, want ten events, of which the first two and the last are listed", got)
	}
}

func TestNewErrors(t *testing.T) {
	for _, c := range []struct {
		name  string
		rules []Rule
		want  error
	}{
		{"itself", []Rule{{Inputs: []Input{{0, true}}}}, ErrCycle},
		{"a circle", []Rule{{Inputs: []Input{{1, true}}}, {Inputs: []Input{{0, true}}}}, ErrCycle},
		{"not there", []Rule{{Inputs: []Input{{1, true}}}}, ErrInput},
	} {
		if _, err := New(c.rules, Limits{}, nil); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// TestChainsInManyWays: layers of correlations that each stand on all of the layer
// below hand on an event as often as there are inputs, not as there are ways.
func TestChainsInManyWays(t *testing.T) {
	const events = 3
	for _, size := range []struct{ wide, deep int }{{3, 8}, {30, 12}} {
		var rules []Rule
		inputs := over(0)
		for range size.deep {
			var layer []Input
			for range size.wide {
				layer = append(layer, Input{len(rules), true})
				rules = append(rules, Rule{Kind: EventCount, Inputs: inputs, Span: time.Minute, Bounds: []Bound{{GreaterEqual, 1}}, Quiet: true})
			}
			inputs = layer
		}
		rules = append(rules, Rule{Kind: Sum, Inputs: inputs, Span: time.Minute, Fields: []string{"n"}, Bounds: []Bound{{Greater, 0}}})
		var got []Match
		e, err := New(rules, Limits{}, func(m Match) { got = append(got, m) })
		if err != nil {
			t.Fatal(err)
		}
		for id := range int64(events) {
			e.Add(Event{ID: id, Time: id, Values: [][]string{{"1"}}})
		}
		handed := 0
		for _, n := range e.nodes {
			for _, entry := range n.inbox {
				handed += len(entry.origins)
			}
			if most := events * size.wide * len(rules); handed > most {
				t.Fatalf("%d wide and %d deep: an event was handed on %d times, more than %d", size.wide, size.deep, handed, most)
			}
			n.advance(math.MaxInt64)
		}
		e.Flush()
		if len(got) != 1 || got[0].Count != events || got[0].Value != events {
			t.Errorf("%d wide and %d deep: %+v, want one match of %d events whose sum is as much", size.wide, size.deep, got, events)
		}
	}
}
