package explain

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// group is what of a correlation's events share the values of group-by.
type group struct {
	key     string
	entries []*entry // in the order of time
}

// entry is something that happened in a group: an event that a base rule matched,
// or a time at which a correlation below held.
type entry struct {
	time  int64
	input int
	// values are those of group-by, as the event has them.
	values []string
	// hits are one event, or those that came to the correlation below at this
	// time.
	hits []*hit
	run  *run // the match of the correlation below, nil for a base rule
	// again says that the event stands before already, through another input.
	again bool
	// tuples and numbers are what value correlations look at; the numbers are those
	// of each hit.
	tuples  []tuple
	numbers [][]float64
}

// tuple is values of several fields. The keys of equal ones are equal; they differ in
// case at most.
type tuple struct {
	key    string
	values []string
}

// run is a match of a correlation: largest windows in a row that hold and share
// events.
type run struct {
	group   *group
	windows []window
	values  []string // of group-by
	// value is the greatest of the windows; greatest is the first that has it.
	value    float64
	greatest window
	holds    []hold
	// until remembers what hits found.
	until map[int64][]*hit
}

// hold is a time at which the condition is met, and the events that count then for
// the correlations above.
type hold struct {
	time int64
	hits []*hit
}

// maxTuples bounds the groups, and the values, of one event whose fields are lists.
const maxTuples = 100

// tuples combines the values of fields, all of the first with all of the second;
// there are none when one is absent.
func (in *input) tuples(h *hit, names []string) []tuple {
	lists := [][]string{nil}
	for _, name := range names {
		var next [][]string
		for _, t := range lists {
			for _, v := range in.values(h, name) {
				if len(next) < maxTuples {
					next = append(next, append(slices.Clone(t), v))
				}
			}
		}
		lists = next
	}
	var out []tuple
	for _, values := range lists {
		quoted := make([]string, len(values))
		for i, v := range values {
			quoted[i] = strconv.Quote(strings.ToLower(v))
		}
		out = append(out, tuple{strings.Join(quoted, ","), values})
	}
	return out
}

// lacks names what an event would need to take part, "" when it takes part.
func (r *relation) lacks(in *input, h *hit) (lacks, name string) {
	for _, name := range r.names() {
		if len(in.values(h, name)) == 0 {
			return "field", name
		}
	}
	if r.rule.Correlation.Numeric() {
		for _, name := range r.looksAt() {
			if len(in.numbers(h, name)) == 0 {
				return "number", name
			}
		}
	}
	return "", ""
}

func (in *input) numbers(h *hit, name string) []float64 {
	var out []float64
	for _, v := range in.values(h, name) {
		if f, ok := decimal(v); ok {
			out = append(out, f)
		}
	}
	return out
}

// takes tells whether an event takes part; it is counted when it does not.
func (r *relation) takes(in *input, h *hit) bool {
	lacks, name := r.lacks(in, h)
	if lacks == "" {
		return true
	}
	field := in.fields[h.base][name]
	i := slices.IndexFunc(in.omitted, func(o *omission) bool { return o.lacks == lacks && o.name == name && o.field == field })
	if i < 0 {
		i = len(in.omitted)
		in.omitted = append(in.omitted, &omission{lacks: lacks, name: name, field: field, seen: map[int]bool{}})
	}
	if o := in.omitted[i]; !o.seen[h.number] {
		o.seen[h.number] = true
		o.add(h.place)
	}
	return false
}

// group puts what happened into groups.
func (r *relation) group() []*group {
	groups := map[string]*group{}
	for i := range r.inputs {
		in := &r.inputs[i]
		if in.base != nil {
			for _, h := range in.base.hits {
				r.add(groups, i, h.time, []*hit{h}, nil)
			}
			continue
		}
		for _, run := range in.below.runs {
			for _, h := range run.holds {
				r.add(groups, i, h.time, h.hits, run)
			}
		}
	}
	out := slices.SortedFunc(maps.Values(groups), func(a, b *group) int { return cmp.Compare(a.key, b.key) })
	for _, g := range out {
		g.sort()
	}
	return out
}

// add makes an entry in each group that one of the hits is in.
func (r *relation) add(groups map[string]*group, input int, at int64, hits []*hit, run *run) {
	in := &r.inputs[input]
	made := map[string]*entry{}
	var groupBy []string
	for _, g := range r.rule.Correlation.GroupBy {
		groupBy = append(groupBy, g.Name)
	}
	for _, h := range hits {
		if !r.takes(in, h) {
			continue
		}
		for _, t := range in.tuples(h, groupBy) {
			e := made[t.key]
			switch {
			case e == nil:
				e = &entry{time: at, input: input, values: t.values, run: run}
				made[t.key] = e
				if groups[t.key] == nil {
					groups[t.key] = &group{key: t.key}
				}
				groups[t.key].entries = append(groups[t.key].entries, e)
			case run == nil:
				continue // values of a list that differ in case
			}
			r.addHit(e, h)
		}
	}
}

func (r *relation) addHit(e *entry, h *hit) {
	in := &r.inputs[e.input]
	e.hits = append(e.hits, h)
	switch names := r.looksAt(); {
	case r.rule.Correlation.Numeric():
		e.numbers = append(e.numbers, in.numbers(h, names[0]))
	case len(names) > 0:
		e.tuples = append(e.tuples, in.tuples(h, names)...)
	}
}

// from are the values of the group that an entry comes from, in lower case.
func (e *entry) from() []string {
	var out []string
	if e.run != nil {
		for _, v := range e.run.values {
			out = append(out, strings.ToLower(v))
		}
	}
	return out
}

// sort brings the entries into the order of time and marks the events that came
// through another input before.
func (g *group) sort() {
	number := func(e *entry) int { return e.hits[len(e.hits)-1].number }
	slices.SortStableFunc(g.entries, func(a, b *entry) int {
		order := cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(number(a), number(b)), cmp.Compare(a.input, b.input), slices.Compare(a.values, b.values))
		if order == 0 {
			order = slices.Compare(a.from(), b.from())
		}
		return order
	})
	seen := map[int]bool{}
	for _, e := range g.entries {
		if e.run == nil {
			e.again = seen[e.hits[0].number]
			seen[e.hits[0].number] = true
		}
	}
}

// window is entries[from:to] of a group, of which the last is at most the timespan
// after the first. It ends with all entries of one time, which begin at now.
type window struct {
	from, now, to int
	// largest says that the next window does not hold all of this one.
	largest bool
}

// windows are those that end at each time, in order. A span of 0 is endless.
func (g *group) windows(span time.Duration) []window {
	fits := func(first, last int) bool {
		// As unsigned numbers, since times may be further apart than a Duration.
		return span == 0 || uint64(g.entries[last].time)-uint64(g.entries[first].time) <= uint64(span)
	}
	var out []window
	w := window{}
	for w.to < len(g.entries) {
		w.now = w.to
		for w.to < len(g.entries) && g.entries[w.to].time == g.entries[w.now].time {
			w.to++
		}
		for !fits(w.from, w.now) {
			w.from++
		}
		w.largest = w.to == len(g.entries) || !fits(w.from, w.to)
		out = append(out, w)
	}
	return out
}

// maxHanded bounds the events that the matches of a group hand to the correlations
// above: matches that come and go hand on a whole window each time.
const maxHanded = 1_000_000

var errTooMany = errors.New("a correlation hands on too many events to the ones above it to be explained")

// judge looks at every window of a group. A correlation holds in largest windows
// only; those in a row that hold and share entries are one run.
func (r *relation) judge(ctx context.Context, g *group) ([]*run, error) {
	var runs []*run
	var current *run
	var since []window // those since the last largest one
	handed := 0
	for _, w := range g.windows(r.rule.Correlation.Span) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if current != nil && w.from >= current.windows[len(current.windows)-1].to {
			current = nil // nothing is shared
		}
		since = append(since, w)
		if !w.largest {
			continue
		}
		m := r.measure(g.entries[w.from:w.to])
		if m.holds && current == nil {
			current = &run{group: g, values: g.spelling(w.from, r.rule.Correlation.Span)}
			runs = append(runs, current)
		}
		if m.holds {
			current.extend(w, m.value)
			if handed += r.addHolds(current, since); handed > maxHanded {
				return nil, errTooMany
			}
		} else {
			r.consider(g, w, m)
			current = nil
		}
		since = nil
	}
	return runs, nil
}

// spelling is how the first of the entries that stand together without a gap of
// more than the timespan spells the values of the group.
func (g *group) spelling(i int, span time.Duration) []string {
	for i > 0 && (span == 0 || uint64(g.entries[i].time)-uint64(g.entries[i-1].time) <= uint64(span)) {
		i--
	}
	return g.entries[i].values
}

func (x *run) extend(w window, value float64) {
	x.windows = append(x.windows, w)
	if value > x.value || len(x.windows) == 1 {
		x.value, x.greatest = value, w
	}
}

func (x *run) entries() []*entry {
	return x.group.entries[x.windows[0].from:x.windows[len(x.windows)-1].to]
}

// addHolds notes the times at which the condition was met, for the correlations
// above: at first with all events of the window, then with those of the time. It
// returns how many events these are.
func (r *relation) addHolds(x *run, since []window) (handed int) {
	if !r.named {
		return 0
	}
	g := x.group
	for _, w := range since {
		if !r.measure(g.entries[w.from:w.to]).holds {
			continue
		}
		from := w.now
		if len(x.holds) == 0 {
			from = w.from
		}
		h := hold{time: g.entries[w.now].time}
		seen := map[*hit]bool{}
		for _, e := range g.entries[from:w.to] {
			for _, x := range e.hits {
				if !e.again && !seen[x] {
					seen[x] = true
					h.hits = append(h.hits, x)
				}
			}
		}
		x.holds = append(x.holds, h)
		handed += len(h.hits)
	}
	return handed
}

// hits are the events that took part until a time, each once and in order.
func (x *run) hits(until int64) []*hit {
	if found, done := x.until[until]; done {
		return found
	}
	byNumber := map[int]*hit{}
	below := map[*run]int64{}
	for _, e := range x.entries() {
		switch {
		case e.time > until:
		case e.run != nil:
			below[e.run] = e.time
		default:
			byNumber[e.hits[0].number] = e.hits[0]
		}
	}
	for run, last := range below {
		for _, h := range run.hits(last) {
			byNumber[h.number] = h
		}
	}
	if x.until == nil {
		x.until = map[int64][]*hit{}
	}
	x.until[until] = slices.SortedFunc(maps.Values(byNumber), func(a, b *hit) int {
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.number, b.number))
	})
	return x.until[until]
}

func (x *run) all() []*hit { return x.hits(math.MaxInt64) }

func (x *run) match() Match {
	m := Match{Group: x.values, Value: x.value}
	for _, h := range x.all() {
		m.Events = append(m.Events, *h.place)
	}
	return m
}

// sortRuns orders runs by their last events, as findings are.
func sortRuns(runs []*run) {
	type ends struct{ first, last int64 }
	times := map[*run]ends{}
	for _, x := range runs {
		hits := x.all()
		times[x] = ends{hits[0].time, hits[len(hits)-1].time}
	}
	slices.SortFunc(runs, func(a, b *run) int {
		return cmp.Or(cmp.Compare(times[a].last, times[b].last), slices.Compare(a.values, b.values), cmp.Compare(times[a].first, times[b].first))
	})
}
