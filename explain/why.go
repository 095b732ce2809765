package explain

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/huntbook/huntbook/sigma"
)

// Explain says why the correlation fired or did not. The error is that of the
// context, or says that it is too much.
func (c *Correlation) Explain(ctx context.Context) (*CorrelationExplanation, error) {
	if err := c.solve(ctx); err != nil {
		return nil, err
	}
	x := c.explain(c.top, nil, map[*relation]bool{})
	x.Unused = c.hit - c.kept
	return x, nil
}

// explain explains one correlation; preferred is the match that a correlation above
// is about, nil for the first one.
func (c *Correlation) explain(r *relation, preferred *run, done map[*relation]bool) *CorrelationExplanation {
	done[r] = true
	x := &CorrelationExplanation{Rule: r.rule, Fired: len(r.runs) > 0, Events: c.events, Groups: len(r.groups)}
	for _, run := range r.runs {
		x.Matches = append(x.Matches, run.match())
	}
	g, w := r.best(preferred)
	var entries []*entry
	if g != nil {
		entries = g.entries[w.from:w.to]
		x.Window = r.window(g, w)
	}
	for i := range r.inputs {
		in := &r.inputs[i]
		shown := r.shown(in)
		if in.below != nil {
			shown.Matched = len(in.below.runs)
			if shown.Above = done[in.below]; !shown.Above {
				shown.Correlation = c.explain(in.below, runOf(entries, i), done)
			}
		}
		x.Inputs = append(x.Inputs, shown)
	}
	return x
}

// runOf is the match of a correlation below that is in a window.
func runOf(entries []*entry, input int) *run {
	for _, e := range entries {
		if e.input == input {
			return e.run
		}
	}
	return nil
}

// shown is an input without what it stands on.
func (r *relation) shown(in *input) Input {
	out := Input{Name: in.ref.Name, Title: in.rule().Title, Pos: in.ref.Pos}
	if in.base != nil {
		out.Matched = in.base.matched
		if in.base.undated.count > 0 {
			out.LeftOut = append(out.LeftOut, in.base.undated.leftOut())
		}
	}
	for _, o := range in.omitted {
		out.LeftOut = append(out.LeftOut, o.leftOut())
	}
	for _, name := range r.names() {
		for _, b := range in.bases() {
			field := in.fields[b][name]
			out.Fields = append(out.Fields, Resolved{name, field, nameOf(b.rule.Rule()), field != name || r.hasAlias(name)})
		}
	}
	return out
}

func (o *omission) leftOut() LeftOut {
	out := LeftOut{Lacks: o.lacks, Name: o.name, Field: o.field, Count: o.count}
	for _, p := range o.places {
		out.Places = append(out.Places, *p)
	}
	return out
}

func nameOf(r *sigma.Rule) string { return cmp.Or(r.Name, r.Title, r.ID) }

func (r *relation) hasAlias(name string) bool {
	return slices.ContainsFunc(r.rule.Correlation.Aliases, func(a sigma.Alias) bool { return a.Name == name })
}

// best is the window to show: of the preferred match, else of the first one, the
// window with the value of the match. When there is no match it is the nearest.
func (r *relation) best(preferred *run) (*group, window) {
	if preferred == nil && len(r.runs) > 0 {
		preferred = r.runs[0]
	}
	if preferred != nil {
		return preferred.group, preferred.greatest
	}
	return r.nearest.group, r.nearest.window
}

// nearest is the window that comes nearest to firing; of equally near ones that with
// the most entries.
type nearest struct {
	group  *group
	window window
	near   float64
}

// consider takes a window that does not fire for the nearest when it is.
func (r *relation) consider(g *group, w window, m measured) {
	near, best := r.nearness(g.entries[w.from:w.to], m), r.nearest
	if best.group == nil || near > best.near || near == best.near && w.to-w.from > best.window.to-best.window.from {
		r.nearest = nearest{g, w, near}
	}
}

// nearness is how near a window comes to firing, from 0 to 1.
func (r *relation) nearness(entries []*entry, m measured) float64 {
	c := r.rule.Correlation
	if c.Expr != nil {
		return r.conditionShare(c.Expr, entries)
	}
	return share(len(c.Condition.Bounds), func(i int) float64 {
		b := c.Condition.Bounds[i]
		switch {
		case !m.ok:
			return 0
		case within(b, m.value):
			return 1
		}
		return 1 / (2 + math.Abs(m.value-b.Value)/(1+math.Abs(b.Value)))
	})
}

// conditionShare is how much of a condition is true.
func (r *relation) conditionShare(e sigma.ConditionExpr, entries []*entry) float64 {
	each := func(x []sigma.ConditionExpr) []float64 {
		var out []float64
		for _, y := range x {
			out = append(out, r.conditionShare(y, entries))
		}
		return out
	}
	switch e := e.(type) {
	case *sigma.CondAnd:
		shares := each(e.X)
		return share(len(shares), func(i int) float64 { return shares[i] })
	case *sigma.CondOr:
		return slices.Max(each(e.X))
	}
	if sigma.Evaluate(e, func(name string) bool { return r.has(entries, name) }) {
		return 1
	}
	return 0
}

// maxHappenings bounds what is told of a window.
const maxHappenings = 1000

func (r *relation) window(g *group, w window) *Window {
	entries := g.entries[w.from:w.to]
	c := r.rule.Correlation
	out := &Window{Group: g.spelling(w.from, c.Span), First: timeOf(entries[0]), Last: timeOf(entries[len(entries)-1])}
	m := r.measure(entries)
	out.Fired, out.Value, out.HasValue = m.holds, m.value, m.ok
	for _, b := range c.Condition.Bounds {
		out.Bounds = append(out.Bounds, BoundMark{b, out.HasValue && within(b, out.Value)})
	}
	if c.Expr != nil {
		n := r.condition(c.Expr, entries)
		out.Condition = &n
	}
	if c.Type == "value_count" {
		out.Distinct = r.distinctInOrder(entries)
	}
	for i := range r.inputs {
		out.Rules = append(out.Rules, r.seen(i, g, entries))
	}
	if c.Type == "temporal_ordered" {
		r.markOrder(out.Rules, entries)
	}
	happenings := r.happenings(entries)
	out.Count = len(happenings)
	out.Happenings = happenings[:min(len(happenings), maxHappenings)]
	return out
}

func timeOf(e *entry) time.Time { return time.Unix(0, e.time).UTC() }

func (r *relation) distinctInOrder(entries []*entry) [][]string {
	left := distinct(entries)
	var out [][]string
	for _, e := range entries {
		for _, t := range e.tuples {
			if values, ok := left[t.key]; ok {
				out = append(out, values)
				delete(left, t.key)
			}
		}
	}
	return out
}

// condition is a condition over rules with marks.
func (r *relation) condition(e sigma.ConditionExpr, entries []*entry) Node {
	n := Node{True: sigma.Evaluate(e, func(name string) bool { return r.has(entries, name) })}
	list := func(kind Kind, x ...sigma.ConditionExpr) {
		n.Kind = kind
		for _, y := range x {
			n.Nodes = append(n.Nodes, r.condition(y, entries))
		}
	}
	switch e := e.(type) {
	case *sigma.CondAnd:
		list(All, e.X...)
	case *sigma.CondOr:
		list(Any, e.X...)
	case *sigma.CondNot:
		list(Not, e.X)
	case *sigma.CondRef:
		n.Kind, n.Label, n.Pos = InWindow, e.Name, e.Pos
	case *sigma.CondOf:
		var refs []sigma.ConditionExpr
		for _, name := range e.Names {
			refs = append(refs, &sigma.CondRef{Name: name, Pos: e.Pos})
		}
		kind, label := Any, "1 of "
		if e.All {
			kind, label = All, "all of "
		}
		list(kind, refs...)
		n.Label, n.Pos = label+e.Pattern, e.Pos
	}
	return n
}

// seen is what of an input is in a window, or where it is else.
func (r *relation) seen(input int, g *group, entries []*entry) Seen {
	ref := r.inputs[input].ref
	s := Seen{Name: ref.Name, Pos: ref.Pos, State: Nowhere}
	of := func(e *entry) bool { return e.input == input }
	for _, other := range r.groups {
		if slices.ContainsFunc(other.entries, of) {
			s.Groups++
			s.State = OtherGroup
		}
	}
	inside := slices.DeleteFunc(slices.Clone(entries), func(e *entry) bool { return !of(e) })
	if len(inside) > 0 {
		s.State, s.Count, s.Time = Here, countEvents(inside), timeOf(inside[0])
		return s
	}
	first, last := timeOf(entries[0]), timeOf(entries[len(entries)-1])
	for _, e := range g.entries {
		if t := timeOf(e); of(e) && (s.State != TooFar || distance(t, first, last) < distance(s.Time, first, last)) {
			s.State, s.Time = TooFar, t
		}
	}
	return s
}

// distance is how far a time is from a window that it is not in.
func distance(t, first, last time.Time) time.Duration {
	return max(first.Sub(t), t.Sub(last))
}

// markOrder tells the inputs that follow each other from those that don't.
func (r *relation) markOrder(seen []Seen, entries []*entry) {
	for i := range seen {
		if seen[i].State == Here {
			seen[i].State = OutOfOrder
		}
	}
	var ordered []int
	for _, e := range r.inOrder(entries) {
		seen[e.input].State, seen[e.input].Time = Here, timeOf(e)
		ordered = append(ordered, e.input)
	}
	for i := range seen {
		if seen[i].State != OutOfOrder {
			continue
		}
		for _, j := range ordered {
			neighbour := &Neighbour{seen[j].Name, seen[j].Time}
			if j < i {
				seen[i].After = neighbour
			} else if seen[i].Before == nil {
				seen[i].Before = neighbour
			}
		}
	}
}

// happenings are the events of a window, each once, and the matches below.
func (r *relation) happenings(entries []*entry) []Happening {
	var out []Happening
	at := map[any]int{} // by the number of an event, or the match
	for _, e := range entries {
		var key any = e.run
		if e.run == nil {
			key = e.hits[0].number
		}
		name := r.inputs[e.input].ref.Name
		i, known := at[key]
		if known {
			if !slices.Contains(out[i].Rules, name) {
				out[i].Rules = append(out[i].Rules, name)
			}
			continue
		}
		h := Happening{Time: timeOf(e), Rules: []string{name}}
		if e.run != nil {
			m := e.run.match()
			h.Match = &m
		} else {
			h.Place = *e.hits[0].place
			for _, field := range r.looksAt() {
				h.Values = append(h.Values, NamedValues{field, r.inputs[e.input].values(e.hits[0], field)})
			}
		}
		at[key] = len(out)
		out = append(out, h)
	}
	return out
}
