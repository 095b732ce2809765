package correlate

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Engine finds where correlations hold. It is for one goroutine.
type Engine struct {
	// Release, when set, gets the Ref of each event once it is not needed any
	// more: at once when no correlation can use the event, else after it was in
	// a last window or Match.
	Release func(ref any)

	limits Limits
	each   func(Match)
	nodes  []*node // those that others stand on first
	bases  map[int][]inputOf
	fields map[int][]string
	stats  []Stats

	// Matches of base rules before the watermark are late. newest is the
	// greatest time seen.
	watermark, newest int64
	// pending counts entries in inboxes, held those in windows, kept the events
	// that something still holds, runs the matches that were begun; since counts
	// the events since the nodes were last told of the watermark, told what it was.
	pending, held, kept, since int
	runs                       int64
	told                       int64
	// every is the number of events after which matches may come out.
	every int
	ready []Match
}

// inputOf is a node and the number of one of its inputs.
type inputOf struct {
	node  *node
	input int
}

// Fields names the fields whose values the events of a base rule must carry.
func (e *Engine) Fields(base int) []string { return e.fields[base] }

// Stats counts what a correlation could not use.
func (e *Engine) Stats(rule int) Stats { return e.stats[rule] }

// Add takes a match of a base rule.
func (e *Engine) Add(ev Event) {
	o := &ev
	e.use(o)
	defer e.leave(o)
	users := e.bases[ev.Base]
	if len(users) == 0 {
		return
	}
	if ev.Time > e.newest && ev.Time != NoTime {
		e.newest = ev.Time
		if e.limits.Lateness > 0 {
			e.watermark = max(e.watermark, minus(ev.Time, int64(e.limits.Lateness)))
		}
	}
	for len(ev.Values) < len(e.fields[ev.Base]) {
		ev.Values = append(ev.Values, nil)
	}
	for _, u := range users {
		stats := &e.stats[u.node.index]
		switch {
		case ev.Time == NoTime:
			stats.Undated++
		case ev.Time < e.watermark:
			stats.Late++
		case !u.node.take(u.input, o):
			stats.Incomplete++
		}
	}
	e.since++
	for e.pending > e.limits.Pending && e.squeeze() {
	}
	if e.limits.Lateness > 0 && (e.since >= e.every || minus(e.watermark, int64(e.limits.Lateness)) >= e.told) {
		e.advance()
	}
}

// use says that something more holds an event.
func (e *Engine) use(events ...*Event) {
	for _, ev := range events {
		if ev.users++; ev.users == 1 {
			e.kept++
		}
	}
}

// leave says that one of those that hold an event does not need it any more.
func (e *Engine) leave(events ...*Event) {
	for _, ev := range events {
		if ev.users--; ev.users > 0 {
			continue
		}
		e.kept--
		if e.Release != nil {
			e.Release(ev.Ref)
		}
	}
}

// squeeze lets the oldest waiting entries go on before their time has come; false
// says that there is none that can.
func (e *Engine) squeeze() bool {
	next := int64(math.MaxInt64)
	for _, n := range e.nodes {
		if len(n.inbox) > 0 && n.lag < math.MaxInt64 {
			next = min(next, plus(plus(n.inbox[0].time, n.lag), 1))
		}
	}
	if next == math.MaxInt64 {
		return e.giveUp()
	}
	e.watermark = max(e.watermark, next)
	e.advance()
	return true
}

// giveUp drops the oldest entry of the fullest inbox, when all of them wait for
// correlations without an end of time.
func (e *Engine) giveUp() bool {
	full := slices.MaxFunc(e.nodes, func(a, b *node) int { return cmp.Compare(len(a.inbox), len(b.inbox)) })
	if len(full.inbox) == 0 {
		return false
	}
	full.pop().leave(e)
	e.stats[full.index].Dropped++
	return true
}

// Flush says that no event comes any more.
func (e *Engine) Flush() {
	e.watermark = math.MaxInt64
	e.advance()
}

// advance tells the nodes how far time has come, and gives out what is ready.
func (e *Engine) advance() {
	e.since, e.told = 0, e.watermark
	for _, n := range e.nodes {
		if e.watermark == math.MaxInt64 {
			n.advance(math.MaxInt64)
		} else {
			n.advance(minus(e.watermark, n.lag))
		}
	}
	slices.SortFunc(e.ready, func(a, b Match) int {
		return cmp.Or(cmp.Compare(a.Last(), b.Last()), cmp.Compare(a.Rule, b.Rule), slices.Compare(a.Group, b.Group), cmp.Compare(a.First(), b.First()))
	})
	for _, m := range e.ready {
		e.each(m)
	}
	e.ready = e.ready[:0]
}

// inbox is a heap of the entries that wait for their time.
type inbox []*entry

func (b inbox) Len() int { return len(b) }

func (b inbox) Less(i, j int) bool {
	order := cmp.Or(cmp.Compare(b[i].time, b[j].time), cmp.Compare(b[i].id, b[j].id), cmp.Compare(b[i].input, b[j].input), slices.Compare(b[i].values, b[j].values))
	if order == 0 && b[i].run != nil {
		order = slices.CompareFunc(b[i].run.group, b[j].run.group, compareFolded)
	}
	return order < 0
}

func compareFolded(a, b string) int { return cmp.Compare(strings.ToLower(a), strings.ToLower(b)) }

func (b inbox) Swap(i, j int) { b[i], b[j] = b[j], b[i] }

// Push is what container/heap calls.
func (b *inbox) Push(x any) { *b = append(*b, x.(*entry)) }

// Pop is what container/heap calls.
func (b *inbox) Pop() any {
	last := len(*b) - 1
	x := (*b)[last]
	(*b)[last] = nil
	*b = (*b)[:last]
	return x
}
