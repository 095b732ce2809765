package engine

import (
	"fmt"
	"strings"
	"unique"

	"github.com/huntbook/huntbook/correlate"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ir"
)

// keptBytes bounds the events that are kept whole for correlations at one time; of
// further ones it is known where they are.
const keptBytes = 256 << 20

// correlator stands between the matcher and whoever takes the hits: it passes on
// those of single rules, and makes hits of correlations of the others.
type correlator struct {
	rules []Prepared
	each  func(Hit) error
	// list is what the matcher gets: rules without correlations, and what these
	// stand on beside. own is the place of each in rules, -1 for none.
	list []Prepared
	own  []int
	// nodes are the correlations; ruleOf is the place of each in rules, -1 for
	// one that only others stand on.
	nodes  []*Correlation
	ruleOf []int
	based  []bool // which of list correlations stand on
	engine *correlate.Engine
	err    error

	// The event of the latest hit: its number, what is kept of it.
	batch *event.Batch
	row   int
	id    int64
	kept  *keptEvent
	bytes int // of all events that are kept
	limit int // of bytes
	// unkept counts the events that were not kept whole.
	unkept int
}

// keptEvent is what comes back of an event in a correlation's match.
type keptEvent struct {
	Captured
	host string
	// users counts the base rules whose match of the event is still needed.
	users int
}

func newCorrelator(rules []Prepared, each func(Hit) error) (*correlator, error) {
	c := &correlator{rules: rules, each: each, limit: keptBytes}
	// A rule in the list and the same rule below a correlation are one.
	place := map[*Prepared]int{}
	for i := range rules {
		if rules[i].Correlation == nil {
			c.add(rules[i], i)
		}
	}
	baseOf := func(base *Prepared) int {
		n, ok := place[base]
		if !ok {
			n = c.place(base)
			place[base], c.based[n] = n, true
		}
		return n
	}
	numbers := map[*Correlation]int{}
	var specs []correlate.Rule
	var visit func(*Correlation) int
	visit = func(correlation *Correlation) int {
		if n, ok := numbers[correlation]; ok {
			return n
		}
		spec := correlation.correlationRule(baseOf, visit)
		n := len(specs)
		numbers[correlation] = n
		spec.Quiet = true
		specs, c.nodes, c.ruleOf = append(specs, spec), append(c.nodes, correlation), append(c.ruleOf, -1)
		return n
	}
	for i := range rules {
		if rules[i].Correlation != nil {
			n := visit(rules[i].Correlation)
			c.ruleOf[n], specs[n].Quiet = i, rules[i].Quiet
		}
	}
	limits := correlate.Limits{}
	for _, node := range c.nodes {
		limits.Lateness = max(limits.Lateness, node.lateness)
	}
	var err error
	if c.engine, err = correlate.New(specs, limits, c.match); err != nil {
		return nil, err
	}
	c.engine.Release = func(ref any) { c.release(ref.(*keptEvent)) }
	return c, nil
}

func (c *correlator) add(p Prepared, own int) int {
	c.list, c.own, c.based = append(c.list, p), append(c.own, own), append(c.based, false)
	return len(c.list) - 1
}

// place finds a base rule in the list, or adds it.
func (c *correlator) place(base *Prepared) int {
	for i := range c.list {
		if c.list[i].Rule == base.Rule {
			return i
		}
	}
	return c.add(*base, -1)
}

// fields are the names of all fields that are read of events.
func (c *correlator) fields() []string {
	var names []string
	for i, p := range c.list {
		names = append(names, ir.Fields(p.Expr)...)
		names = append(names, c.engine.Fields(i)...)
	}
	return names
}

// hit takes a hit of the list.
func (c *correlator) hit(h Hit) error {
	place := h.Rule
	if c.based[place] {
		c.feed(place, h)
	}
	own := c.own[place]
	if c.err != nil || own < 0 || c.rules[own].Quiet {
		return c.err
	}
	h.Rule = own
	return c.each(h)
}

// feed hands a hit of a base rule to the correlations.
func (c *correlator) feed(base int, h Hit) {
	if h.Batch != c.batch || h.Row != c.row || c.kept == nil {
		c.batch, c.row = h.Batch, h.Row
		c.id++
		c.kept = c.keep(h)
	}
	ev := correlate.Event{Base: base, ID: c.id, Time: h.Batch.Times[h.Row], Ref: c.kept}
	for _, name := range c.engine.Fields(base) {
		ev.Values = append(ev.Values, fieldValues(h, name))
	}
	if c.kept.users++; c.kept.users == 1 {
		c.bytes += len(c.kept.Raw)
	}
	c.engine.Add(ev)
}

// release takes back what feed counted.
func (c *correlator) release(k *keptEvent) {
	if k.users--; k.users == 0 {
		c.bytes -= len(k.Raw)
	}
}

func (c *correlator) keep(h Hit) *keptEvent {
	k := &keptEvent{host: unique.Make(h.Host()).Value()}
	if c.bytes+len(h.Record().Raw) <= c.limit {
		k.Captured = *Capture(h)
		return k
	}
	c.unkept++
	k.Number, k.Time = h.Record().Number, h.Batch.Times[h.Row]
	if s := h.Record().Source; s != nil {
		k.Source = s.Name
	}
	return k
}

// fieldValues are the values of a field: none when it is absent or null, several
// of a list.
func fieldValues(h Hit, name string) []string {
	column := h.Batch.Column(name)
	if column == nil {
		return nil
	}
	var out []string
	add := func(v event.Value) {
		if v.Kind != event.Absent && v.Kind != event.Null {
			out = append(out, unique.Make(v.Text).Value())
		}
	}
	v := column.Values[column.Codes[h.Row]]
	if v.Kind != event.List {
		add(v)
		return out
	}
	for _, e := range v.Elems {
		add(e)
	}
	return out
}

// finish gives out the matches that no event can be added to any more.
func (c *correlator) finish() error {
	c.engine.Flush()
	return c.err
}

// match makes a hit of a match.
func (c *correlator) match(m correlate.Match) {
	if c.err != nil {
		return
	}
	spec := c.nodes[m.Rule].rule.Correlation
	out := &Match{Count: m.Count, First: eventTime(m.First()), Last: eventTime(m.Last()), Value: m.Value, ValueName: valueName(spec)}
	for i, g := range spec.GroupBy {
		out.Group = append(out.Group, Field{g.Name, m.Group[i]})
	}
	for _, ref := range m.Events {
		k := ref.Ref.(*keptEvent)
		out.Events = append(out.Events, &k.Captured)
		out.Host = k.host
	}
	c.err = c.each(Hit{Rule: c.ruleOf[m.Rule], Match: out})
}

// CorrelationInfo says what a correlation could not use.
type CorrelationInfo struct {
	// Rule is the place of the correlation in the list given to Scan, -1 when
	// only others stand on it.
	Rule  int
	Title string
	// File and Pos are where it stands.
	File *diag.File
	Pos  diag.Pos
	// Notes are sentences for the reader.
	Notes []string
	// Most is the greatest number of events that it kept at one time.
	Most int

	below []*Correlation
	self  *Correlation
}

// infos tell what each correlation could not use.
func (c *correlator) infos() []CorrelationInfo {
	var out []CorrelationInfo
	for n, node := range c.nodes {
		stats := c.engine.Stats(n)
		info := CorrelationInfo{Rule: c.ruleOf[n], Title: node.rule.Title, File: node.rule.File, Pos: node.rule.Correlation.Pos, Notes: correlationNotes(stats), Most: stats.Most, self: node}
		if c.unkept > 0 {
			info.Notes = append(info.Notes, fmt.Sprintf("of %d events of all correlations only the place was kept, to save memory", c.unkept))
		}
		for _, in := range node.inputs {
			if in.below != nil {
				info.below = append(info.below, in.below)
			}
		}
		out = append(out, info)
	}
	return out
}

func correlationNotes(s correlate.Stats) []string {
	var out []string
	for _, n := range []struct {
		count     int
		one, many string
	}{
		{s.Undated, "event has no time and was left out", "events have no time and were left out"},
		{s.Incomplete, "event lacks a field to group by or to look at and was left out", "events lack a field to group by or to look at and were left out"},
		{s.Late, "event came so much later than newer ones that it was not counted", "events came so much later than newer ones that they were not counted"},
		{s.Dropped, "event was left out to save memory", "events were left out to save memory"},
	} {
		switch n.count {
		case 0:
		case 1:
			out = append(out, "1 "+n.one)
		default:
			out = append(out, fmt.Sprintf("%d %s", n.count, n.many))
		}
	}
	return out
}

// CorrelationNotes are what the reader of a correlation's results must know: what
// it, and what it stands on, could not use.
func (i *ScanInfo) CorrelationNotes(rule int) []string {
	var out []string
	seen := map[*Correlation]bool{}
	var visit func(info CorrelationInfo, prefix string)
	visit = func(info CorrelationInfo, prefix string) {
		if seen[info.self] {
			return
		}
		seen[info.self] = true
		for _, n := range info.Notes {
			out = append(out, prefix+n)
		}
		for _, below := range info.below {
			for _, other := range i.Correlations {
				if other.self == below {
					visit(other, strings.TrimSpace(other.Title)+": ")
				}
			}
		}
	}
	for _, info := range i.Correlations {
		if info.Rule == rule {
			visit(info, "")
		}
	}
	return out
}
