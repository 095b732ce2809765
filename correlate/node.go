package correlate

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
	"strconv"
	"strings"
)

// node is one correlation at work.
type node struct {
	engine *Engine
	index  int
	rule   *Rule
	span   int64
	// lag is how far behind the watermark the node works, since what comes from
	// correlations below comes later.
	lag     int64
	columns []map[int]columns // by input and base rule
	above   []inputOf
	inbox   inbox
	windows int // entries in the windows of groups
	groups  map[string]*group
	// recent is a ring of the groups, the one with the oldest events first.
	recent group
}

// entry is something in a group: a match of a base rule, or a time at which a
// correlation below held.
type entry struct {
	time  int64
	id    int64 // that of the last origin
	input int
	// group is the key of the group, values are its values as written.
	group  string
	values []string
	// origins are the events that came at this time; run is the match of the
	// correlation below, nil for a base rule.
	origins []*Event
	run     *run
	// again says that the same event is in the window already, through another
	// input.
	again bool
}

// leave lets go of what an entry holds.
func (e *entry) leave(engine *Engine) {
	engine.leave(e.origins...)
	if e.run != nil {
		e.run.leave()
	}
}

// maxTuples bounds the groups and values of one event whose fields are lists.
const maxTuples = 100

// tuples combines the values of several fields: all of the first with all of the
// second. There are none when a field is absent.
func tuples(values [][]string, fields []int) [][]string {
	out := [][]string{nil}
	for _, f := range fields {
		var next [][]string
		for _, t := range out {
			for _, v := range values[f] {
				if len(next) < maxTuples {
					next = append(next, append(t[:len(t):len(t)], v))
				}
			}
		}
		out = next
	}
	return out
}

// key makes one text of a tuple; equal ones differ in case at most.
func key(tuple []string) string {
	var b strings.Builder
	for _, v := range tuple {
		v = strings.ToLower(v)
		b.WriteString(strconv.Itoa(len(v)))
		b.WriteByte(':')
		b.WriteString(v)
	}
	return b.String()
}

// usable tells whether an event has what the kind calculates with.
func (n *node) usable(ev *Event, fields []int) bool {
	if n.rule.Kind == ValueCount {
		return len(tuples(ev.Values, fields)) > 0
	}
	for _, f := range fields {
		if len(numbers(ev.Values[f])) == 0 {
			return false
		}
	}
	return true
}

// take puts a match of a base rule into the inbox, once for every group; false
// says that it lacks a field.
func (n *node) take(input int, ev *Event) bool {
	c := n.columns[input][ev.Base]
	groups := tuples(ev.Values, c.groupBy)
	if len(groups) == 0 || !n.usable(ev, c.fields) {
		return false
	}
	in := make([]string, 0, 1)
	for _, values := range groups {
		if k := key(values); !slices.Contains(in, k) {
			in = append(in, k)
			n.push(&entry{time: ev.Time, id: ev.ID, input: input, group: k, values: values, origins: []*Event{ev}})
		}
	}
	return true
}

// takeRun puts a time at which a correlation below held into the inbox, for every
// group that its events then are in.
func (n *node) takeRun(input int, time int64, r *run, origins []*Event) {
	entries := map[string]*entry{}
	var order []*entry
	for _, ev := range origins {
		c := n.columns[input][ev.Base]
		if !n.usable(ev, c.fields) {
			continue
		}
		for _, values := range tuples(ev.Values, c.groupBy) {
			k := key(values)
			e := entries[k]
			if e == nil {
				e = &entry{time: time, input: input, group: k, values: values, run: r}
				entries[k] = e
				order = append(order, e)
			}
			e.id = ev.ID
			e.origins = append(e.origins, ev)
		}
	}
	for _, e := range order {
		n.push(e)
	}
}

func (n *node) push(e *entry) {
	n.engine.use(e.origins...)
	if e.run != nil {
		e.run.users++
	}
	heap.Push(&n.inbox, e)
	n.engine.pending++
	stats := &n.engine.stats[n.index]
	stats.Most = max(stats.Most, len(n.inbox)+n.windows)
}

// pop takes the first entry out of the inbox.
func (n *node) pop() *entry {
	n.engine.pending--
	return heap.Pop(&n.inbox).(*entry)
}

// hold counts entries that came into a window or left it.
func (n *node) hold(entries int) {
	n.windows += entries
	n.engine.held += entries
}

// advance works off what came before a time, and closes the groups to which
// nothing can be added any more.
func (n *node) advance(to int64) {
	last := to == math.MaxInt64
	for len(n.inbox) > 0 && (last || n.inbox[0].time < to) {
		e := n.pop()
		n.group(e).add(e)
		for n.engine.held > n.engine.limits.Total {
			n.shed()
		}
	}
	for g := n.recent.next; g != &n.recent && (last || plus(g.now, n.span) < to); g = n.recent.next {
		g.close()
	}
}

// group returns the group of an entry, as the most recent one.
func (n *node) group(e *entry) *group {
	g := n.groups[e.group]
	if g == nil {
		g = &group{node: n, key: e.group, now: e.time, state: newState(n.rule)}
		n.groups[e.group] = g
	} else {
		g.unlink()
	}
	g.prev, g.next = n.recent.prev, &n.recent
	g.prev.next, g.next.prev = g, g
	return g
}

// shed gives up the group whose events are the oldest; when there is but one, its
// oldest event.
func (n *node) shed() {
	g := n.recent.next
	stats := &n.engine.stats[n.index]
	if g.next == &n.recent && len(g.window) > 1 {
		g.drop()
		stats.Dropped++
		return
	}
	stats.Dropped += len(g.window)
	g.close()
}

// group is the events of one correlation that share the values of GroupBy.
type group struct {
	node   *node
	key    string
	values []string
	// window holds the entries of the last timespan; popped counts those that
	// stood before them.
	window []*entry
	popped int
	// now is the time of the last entries; fresh of them stand at the end of the
	// window.
	now   int64
	fresh int
	state state
	// holds are the times since the last largest window at which the condition
	// was met.
	holds      []hold
	run        *run
	prev, next *group
}

// hold is a time at which the condition is met, and the events that count then
// for the correlations above.
type hold struct {
	time    int64
	origins []*Event
}

func (g *group) unlink() { g.prev.next, g.next.prev = g.next, g.prev }

// add takes the next entry; entries come in the order of their times.
func (g *group) add(e *entry) {
	if e.time > g.now {
		g.settle()
		if from := minus(e.time, g.node.span); len(g.window) > 0 && g.window[0].time < from {
			g.judge()
			for len(g.window) > 0 && g.window[0].time < from {
				g.drop()
			}
			if len(g.window) == 0 {
				g.end()
			}
		}
		g.now, g.fresh = e.time, 0
	}
	if len(g.window) == 0 {
		g.values = e.values
	}
	for i := len(g.window) - 1; i >= len(g.window)-g.fresh && g.window[i].id == e.id; i-- {
		e.again = e.again || e.run == nil && g.window[i].run == nil
	}
	g.window = append(g.window, e)
	g.fresh++
	g.node.hold(1)
	g.state.add(e, g.node.columns)
	if len(g.window) > g.node.engine.limits.Group {
		g.drop()
		g.node.engine.stats[g.node.index].Dropped++
	}
}

// drop takes the oldest entry out of the window.
func (g *group) drop() {
	e := g.window[0]
	g.window[0] = nil
	g.window = g.window[1:]
	g.popped++
	g.fresh = min(g.fresh, len(g.window))
	g.node.hold(-1)
	g.state.remove(e, g.node.columns)
	e.leave(g.node.engine)
}

// settle is called when all entries of a time are there.
func (g *group) settle() {
	g.state.settle(g.now)
	if len(g.node.above) == 0 || !g.met() {
		return
	}
	entries := g.window[len(g.window)-g.fresh:]
	if g.run == nil && len(g.holds) == 0 {
		entries = g.window
	}
	h := hold{g.now, origins(entries)}
	g.node.engine.use(h.origins...)
	g.holds = append(g.holds, h)
}

// origins are the events of entries, each once: correlations below may have handed on
// the same one.
func origins(entries []*entry) []*Event {
	var out []*Event
	seen := map[*Event]bool{}
	for _, e := range entries {
		if e.again {
			continue
		}
		for _, ev := range e.origins {
			if !seen[ev] {
				seen[ev] = true
				out = append(out, ev)
			}
		}
	}
	return out
}

// met tells whether the window fulfils the condition.
func (g *group) met() bool {
	v, ok := g.state.value(minus(g.now, g.node.span))
	if !ok {
		return false
	}
	for _, b := range g.node.rule.Bounds {
		if !b.holds(v) {
			return false
		}
	}
	return g.node.rule.Expr == nil || g.node.rule.Expr(g.state.has)
}

// judge is called when the window is a largest one.
func (g *group) judge() {
	holds := g.holds
	g.holds = nil
	defer func() {
		for _, h := range holds {
			g.node.engine.leave(h.origins...)
		}
	}()
	if !g.met() {
		g.end()
		return
	}
	if g.run == nil {
		g.run = g.node.engine.newRun(g.values, g.popped)
	}
	r := g.run
	for _, e := range g.window[max(r.seen-g.popped, 0):] {
		r.append(e)
	}
	r.seen = g.popped + len(g.window)
	v, _ := g.state.value(minus(g.now, g.node.span))
	r.value = max(r.value, v)
	for _, h := range holds {
		for _, a := range g.node.above {
			a.node.takeRun(a.input, h.time, r, h.origins)
		}
	}
}

// end gives out the match that has ended, if there is one.
func (g *group) end() {
	if g.run != nil && len(g.run.events) > 0 && !g.node.rule.Quiet {
		g.node.engine.ready = append(g.node.engine.ready, g.run.match(g.node.index))
	}
	if g.run != nil {
		g.run.leave()
	}
	g.run = nil
}

// close ends the group.
func (g *group) close() {
	g.settle()
	g.judge()
	g.end()
	g.node.hold(-len(g.window))
	for _, e := range g.window {
		e.leave(g.node.engine)
	}
	g.unlink()
	delete(g.node.groups, g.key)
}

// compareEvents orders events by time.
func compareEvents(a, b *Event) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.ID, b.ID))
}
