package correlate

import (
	"math"
	"slices"
	"sort"
)

// run is a Match that grows: largest windows in a row that hold.
type run struct {
	engine *Engine
	number int64
	users  int // the group, while the match goes on, and entries of it
	group  []string
	// seen is the place behind the last entry of the group that was appended.
	seen int
	// events are in the order in which they took part, at that time each.
	events []part
	more   int // events beyond the limit
	last   *Event
	value  float64
	// copied is how many events of each run below, by its number, are in events,
	// and known the ids of all in it, where there are such runs.
	copied map[int64]int
	known  map[int64]bool
}

type part struct {
	at    int64
	event *Event
}

func (e *Engine) newRun(group []string, seen int) *run {
	e.runs++
	return &run{engine: e, number: e.runs, users: 1, group: group, seen: seen, value: math.Inf(-1)}
}

// leave says that one of those that hold the run does not need it any more.
func (r *run) leave() {
	if r.users--; r.users > 0 {
		return
	}
	for _, p := range r.events {
		r.engine.leave(p.event)
	}
	if r.last != nil {
		r.engine.leave(r.last)
	}
}

// append takes the events of an entry.
func (r *run) append(e *entry) {
	if e.run == nil {
		if !e.again || r.last == nil {
			r.add(e.time, e.origins[0])
		}
		return
	}
	if r.copied == nil {
		r.copied, r.known = map[int64]int{}, map[int64]bool{}
		for _, p := range r.events {
			r.known[p.event.ID] = true
		}
	}
	below := e.run
	until := sort.Search(len(below.events), func(i int) bool { return below.events[i].at > e.time })
	for _, p := range below.events[min(r.copied[below.number], until):until] {
		r.add(e.time, p.event)
	}
	r.copied[below.number] = max(r.copied[below.number], until)
}

func (r *run) add(at int64, ev *Event) {
	if r.known[ev.ID] {
		return
	}
	if r.last == nil || compareEvents(r.last, ev) < 0 {
		r.engine.use(ev)
		if r.last != nil {
			r.engine.leave(r.last)
		}
		r.last = ev
	}
	if len(r.events) >= r.engine.limits.Events {
		r.more++
		return
	}
	if r.known != nil {
		r.known[ev.ID] = true
	}
	r.engine.use(ev)
	r.events = append(r.events, part{at, ev})
}

func (r *run) match(rule int) Match {
	m := Match{Rule: rule, Group: r.group, Count: len(r.events) + r.more, Value: r.value}
	events := make([]*Event, len(r.events))
	for i, p := range r.events {
		events[i] = p.event
	}
	slices.SortFunc(events, compareEvents)
	if events[len(events)-1] != r.last {
		events[len(events)-1] = r.last
	}
	for _, ev := range events {
		m.Events = append(m.Events, EventRef{ev.ID, ev.Time, ev.Ref})
	}
	return m
}
