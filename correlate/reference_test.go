package correlate

import (
	"math"
	"slices"
	"sort"
	"strings"
)

// reference finds matches as the package's comment says it, with all events at
// hand: every group, every window, every count from scratch.
type reference struct {
	rules  []Rule
	events []Event
	fields map[int][]string
	runs   map[int][]*refRun
}

type refRun struct {
	rule  int
	group []string
	parts []refPart
	value float64
	holds []refHold
}

type refPart struct {
	at    int64
	event Event
}

type refHold struct {
	time    int64
	origins []Event
}

type refEntry struct {
	time    int64
	input   int
	id      int64
	values  []string
	origins []Event
	run     *refRun
}

func (r *reference) matches() []Match {
	r.runs = map[int][]*refRun{}
	var out []Match
	for rule := range r.rules {
		for _, run := range r.of(rule) {
			if r.rules[rule].Quiet {
				continue
			}
			m := Match{Rule: rule, Group: run.group, Value: run.value}
			seen := map[int64]bool{}
			for _, p := range run.parts {
				if !seen[p.event.ID] {
					seen[p.event.ID] = true
					m.Events = append(m.Events, EventRef{p.event.ID, p.event.Time, p.event.Ref})
				}
			}
			sort.Slice(m.Events, func(i, j int) bool {
				a, b := m.Events[i], m.Events[j]
				return a.Time < b.Time || a.Time == b.Time && a.ID < b.ID
			})
			m.Count = len(m.Events)
			out = append(out, m)
		}
	}
	return out
}

// name follows a name down to the field of a base rule's events.
func (r *reference) name(rule, input, base int, name string) string {
	for _, byInput := range []bool{true, false} {
		for _, a := range r.rules[rule].Aliases {
			if a.Name == name && (byInput && a.Input == input || !byInput && a.Base == base) {
				name = a.Field
				return r.below(rule, input, base, name)
			}
		}
	}
	return r.below(rule, input, base, name)
}

func (r *reference) below(rule, input, base int, name string) string {
	in := r.rules[rule].Inputs[input]
	if !in.Correlation {
		return name
	}
	for i := range r.rules[in.Rule].Inputs {
		if r.leads(in.Rule, i, base) {
			return r.name(in.Rule, i, base, name)
		}
	}
	return name
}

func (r *reference) leads(rule, input, base int) bool {
	in := r.rules[rule].Inputs[input]
	if !in.Correlation {
		return in.Rule == base
	}
	for i := range r.rules[in.Rule].Inputs {
		if r.leads(in.Rule, i, base) {
			return true
		}
	}
	return false
}

func (r *reference) combos(rule, input int, ev Event, names []string) [][]string {
	out := [][]string{{}}
	for _, name := range names {
		i := slices.Index(r.fields[ev.Base], r.name(rule, input, ev.Base, name))
		var next [][]string
		for _, t := range out {
			for _, v := range ev.Values[i] {
				next = append(next, append(slices.Clone(t), v))
			}
		}
		out = next
	}
	return out
}

func folded(tuple []string) string { return strings.ToLower(strings.Join(tuple, "\x00")) }

func (r *reference) usable(rule, input int, ev Event) bool {
	combos := r.combos(rule, input, ev, r.rules[rule].Fields)
	switch r.rules[rule].Kind {
	case Sum, Avg, Min, Max, Percentile:
		for _, c := range combos {
			if _, ok := number(c[0]); ok {
				return true
			}
		}
		return false
	}
	return len(combos) > 0
}

// of finds the runs of a rule.
func (r *reference) of(rule int) []*refRun {
	if runs, done := r.runs[rule]; done {
		return runs
	}
	groups := map[string][]refEntry{}
	for input, in := range r.rules[rule].Inputs {
		if in.Correlation {
			for _, run := range r.of(in.Rule) {
				for _, h := range run.holds {
					r.spread(groups, rule, input, h, run)
				}
			}
			continue
		}
		for _, ev := range r.events {
			if ev.Base == in.Rule && ev.Time != NoTime && r.usable(rule, input, ev) {
				in := map[string]bool{}
				for _, values := range r.combos(rule, input, ev, r.rules[rule].GroupBy) {
					if k := folded(values); !in[k] {
						in[k] = true
						groups[k] = append(groups[k], refEntry{ev.Time, input, ev.ID, values, []Event{ev}, nil})
					}
				}
			}
		}
	}
	runs := []*refRun{}
	for _, entries := range groups {
		sort.SliceStable(entries, func(i, j int) bool {
			a, b := entries[i], entries[j]
			if a.time != b.time {
				return a.time < b.time
			}
			if a.id != b.id {
				return a.id < b.id
			}
			if a.input != b.input {
				return a.input < b.input
			}
			if c := slices.Compare(a.values, b.values); c != 0 || a.run == nil {
				return c < 0
			}
			return folded(a.run.group) < folded(b.run.group)
		})
		runs = append(runs, r.group(rule, entries)...)
	}
	r.runs[rule] = runs
	return runs
}

func (r *reference) spread(groups map[string][]refEntry, rule, input int, h refHold, run *refRun) {
	byGroup := map[string]*refEntry{}
	for _, ev := range h.origins {
		if !r.usable(rule, input, ev) {
			continue
		}
		for _, values := range r.combos(rule, input, ev, r.rules[rule].GroupBy) {
			e := byGroup[folded(values)]
			if e == nil {
				e = &refEntry{time: h.time, input: input, values: values, run: run}
				byGroup[folded(values)] = e
			}
			e.id = ev.ID
			e.origins = append(e.origins, ev)
		}
	}
	for k, e := range byGroup {
		groups[k] = append(groups[k], *e)
	}
}

// group judges the windows of a group, whose entries are in order.
func (r *reference) group(rule int, entries []refEntry) []*refRun {
	span := int64(r.rules[rule].Span)
	if span == 0 {
		span = math.MaxInt64 / 2
	}
	var times []int64
	for _, e := range entries {
		times = append(times, e.time)
	}
	times = slices.Compact(times)
	window := func(t int64) []refEntry {
		var w []refEntry
		for _, e := range entries {
			if e.time >= t-span && e.time <= t {
				w = append(w, e)
			}
		}
		return w
	}
	var runs []*refRun
	var current *refRun
	var since []int64 // times since the last largest window
	for i, t := range times {
		since = append(since, t)
		w := window(t)
		if i+1 < len(times) && times[i+1]-span <= w[0].time {
			continue // the next window holds this one
		}
		if v, ok := r.holds(rule, w); ok {
			if current == nil {
				current = &refRun{rule: rule, group: firstOf(entries, w, span), value: v}
				runs = append(runs, current)
			}
			current.value = max(current.value, v)
			r.extend(current, rule, w, since, window)
		} else {
			current = nil
		}
		since = nil
		if i+1 < len(times) && times[i+1]-span > t {
			current = nil // nothing is shared
		}
	}
	return runs
}

// firstOf is the spelling of the group's values in the first of the events that
// stand together without a gap of more than the span.
func firstOf(entries []refEntry, w []refEntry, span int64) []string {
	i := slices.IndexFunc(entries, func(e refEntry) bool { return e.time == w[0].time })
	for i > 0 && entries[i].time-entries[i-1].time <= span {
		i--
	}
	return entries[i].values
}

func (r *reference) extend(run *refRun, rule int, w []refEntry, since []int64, window func(int64) []refEntry) {
	until := int64(math.MinInt64)
	for _, p := range run.parts {
		until = max(until, p.at)
	}
	for _, e := range w {
		if e.time <= until {
			continue
		}
		if e.run == nil {
			run.parts = append(run.parts, refPart{e.time, e.origins[0]})
			continue
		}
		for _, p := range e.run.parts {
			if p.at <= e.time {
				run.parts = append(run.parts, refPart{e.time, p.event})
			}
		}
	}
	for _, t := range since {
		part := window(t)
		if _, ok := r.holds(rule, part); !ok {
			continue
		}
		h := refHold{time: t}
		type match struct {
			id   int64
			base int
		}
		handed := map[match]bool{}
		for i, e := range part {
			if len(run.holds) > 0 && e.time != t || again(part, i) {
				continue
			}
			for _, ev := range e.origins {
				if !handed[match{ev.ID, ev.Base}] {
					handed[match{ev.ID, ev.Base}] = true
					h.origins = append(h.origins, ev)
				}
			}
		}
		run.holds = append(run.holds, h)
	}
}

// again tells whether an event stands before in the window.
func again(w []refEntry, i int) bool {
	for _, e := range w[:i] {
		if e.run == nil && w[i].run == nil && e.id == w[i].id {
			return true
		}
	}
	return false
}

func (r *reference) holds(rule int, w []refEntry) (float64, bool) {
	v, ok := r.value(rule, w)
	for _, b := range r.rules[rule].Bounds {
		ok = ok && b.holds(v)
	}
	if expr := r.rules[rule].Expr; ok && expr != nil {
		ok = expr(func(input int) bool {
			return slices.ContainsFunc(w, func(e refEntry) bool { return e.input == input })
		})
	}
	return v, ok
}

func (r *reference) value(rule int, w []refEntry) (float64, bool) {
	rl := r.rules[rule]
	switch rl.Kind {
	case EventCount:
		things := map[any]bool{}
		for _, e := range w {
			if e.run != nil {
				things[e.run] = true
			} else {
				things[e.id] = true
			}
		}
		return float64(len(things)), true
	case ValueCount:
		values := map[string]bool{}
		for _, e := range w {
			for _, ev := range e.origins {
				for _, t := range r.combos(rule, e.input, ev, rl.Fields) {
					values[folded(t)] = true
				}
			}
		}
		return float64(len(values)), true
	case Temporal:
		inputs := map[int]bool{}
		for _, e := range w {
			inputs[e.input] = true
		}
		return float64(len(inputs)), true
	case Ordered:
		return float64(longest(w, len(rl.Inputs))), true
	}
	var all []float64
	counted := map[int64]bool{}
	for _, e := range w {
		for _, ev := range e.origins {
			if counted[ev.ID] {
				continue
			}
			counted[ev.ID] = true
			for _, t := range r.combos(rule, e.input, ev, rl.Fields) {
				if f, ok := number(t[0]); ok {
					all = append(all, f)
				}
			}
		}
	}
	if len(all) == 0 {
		return 0, false
	}
	slices.Sort(all)
	sum := 0.0
	for _, f := range all {
		sum += f
	}
	switch rl.Kind {
	case Sum:
		return sum, true
	case Avg:
		return sum / float64(len(all)), true
	case Min:
		return all[0], true
	case Max:
		return all[len(all)-1], true
	}
	at := float64(len(all)-1) * rl.Percentile / 100
	low, high := int(math.Floor(at)), int(math.Ceil(at))
	if low == high {
		return all[low], true
	}
	return all[low] + (at-float64(low))*(all[high]-all[low]), true
}

// longest tries all sets of inputs: whether their events can follow each other.
func longest(w []refEntry, inputs int) int {
	best := 0
	for set := range 1 << inputs {
		at, n, ok := int64(math.MinInt64), 0, true
		for input := range inputs {
			if set&(1<<input) == 0 {
				continue
			}
			i := slices.IndexFunc(w, func(e refEntry) bool { return e.input == input && e.time >= at })
			if i < 0 {
				ok = false
				break
			}
			at, n = w[i].time, n+1
		}
		if ok {
			best = max(best, n)
		}
	}
	return best
}
