package explain

import (
	"context"
	"slices"
	"time"
	"unique"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// maxHits bounds the matches of rules that a correlation looks at; every window
// is worked out from scratch, so the time that it takes grows with their square.
const maxHits = 50_000

// Correlation is a correlation that can be explained, with the rules that it
// stands on. Events are added, all of them, and then it is asked. Like the
// Evaluator it works in the plainest way: it keeps what every rule matched and
// looks at every group and every window by itself. It is for one goroutine.
type Correlation struct {
	top       *relation
	relations []*relation // those that others stand on first
	bases     []*base
	events    int
	kept, hit int // hits that are looked at, and all
	solved    bool
}

// relation is one correlation of a chain.
type relation struct {
	rule   *sigma.Rule
	inputs []input
	// bases are the base rules at any depth, each once.
	bases []*base
	// named tells that other correlations stand on it.
	named bool

	groups  []*group
	runs    []*run
	nearest nearest // of the windows that do not fire
}

// input is what a correlation stands on: a base rule or a correlation below.
type input struct {
	ref   sigma.Correlated
	base  *base
	below *relation
	// fields are what the names that the correlation reads mean in the events of
	// each base rule.
	fields map[*base]map[string]string
	// omitted are the events that lack a field, by its name in the correlation.
	omitted []*omission
}

type omission struct {
	lacks       string // as LeftOut
	name, field string
	count       int
	places      []*Place // the first few
	seen        map[int]bool
}

// base is a rule without a correlation.
type base struct {
	rule *Rule
	// fields are what correlations read of its events.
	fields  map[string]bool
	matched int
	undated omission
	hits    []*hit
}

// hit is an event that a base rule matched.
type hit struct {
	base *base
	// number tells events apart, in the order of the data.
	number int
	time   int64
	place  *Place
	values map[string][]string
}

// Place is where an event stands in the data; Time is zero when it has none.
type Place struct {
	Source string
	Record int
	Time   time.Time
}

// NewCorrelation makes a correlation explainable. The rules that it names are
// looked for in the library; lower makes trees of them. What is wrong with them
// is told by the list, and then there is no Correlation.
func NewCorrelation(r *sigma.Rule, library *sigma.Library, lower func(*sigma.Rule) (*pipeline.Lowered, diag.List)) (*Correlation, diag.List) {
	if _, diags := library.Needs(r); diags.HasErrors() {
		return nil, diags
	}
	b := &correlationBuilder{library: library, lower: lower, out: &Correlation{}, relations: map[*sigma.Rule]*relation{}, bases: map[*sigma.Rule]*base{}}
	b.out.top = b.relation(r)
	if b.diags.HasErrors() {
		return nil, b.diags
	}
	for _, rel := range b.out.relations {
		rel.findFields()
	}
	return b.out, b.diags
}

type correlationBuilder struct {
	library   *sigma.Library
	lower     func(*sigma.Rule) (*pipeline.Lowered, diag.List)
	out       *Correlation
	relations map[*sigma.Rule]*relation
	bases     map[*sigma.Rule]*base
	diags     diag.List
}

func (b *correlationBuilder) relation(r *sigma.Rule) *relation {
	if done := b.relations[r]; done != nil {
		return done
	}
	rel := &relation{rule: r}
	b.relations[r] = rel
	rules, diags := b.library.Resolve(r)
	b.diags = append(b.diags, diags...)
	for i, below := range rules {
		in := input{ref: r.Correlation.Rules[i]}
		if below.Correlation != nil {
			in.below = b.relation(below)
			in.below.named = true
		} else {
			in.base = b.base(below)
		}
		rel.inputs = append(rel.inputs, in)
		for _, base := range in.bases() {
			if !slices.Contains(rel.bases, base) {
				rel.bases = append(rel.bases, base)
			}
		}
	}
	b.out.relations = append(b.out.relations, rel)
	return rel
}

func (b *correlationBuilder) base(r *sigma.Rule) *base {
	if done := b.bases[r]; done != nil {
		return done
	}
	out := &base{fields: map[string]bool{}, undated: omission{lacks: "time"}}
	b.bases[r] = out
	lowered, diags := b.lower(r)
	b.diags = append(b.diags, diags...)
	if lowered != nil {
		out.rule = NewRule(lowered)
		b.out.bases = append(b.out.bases, out)
	}
	return out
}

// Rules are the rules without a correlation that it stands on, each once.
func (c *Correlation) Rules() []*Rule {
	var out []*Rule
	for _, b := range c.bases {
		out = append(out, b.rule)
	}
	return out
}

// Rule is the rule as it was read.
func (r *Rule) Rule() *sigma.Rule { return r.lowered.Rule }

// names are the fields and aliases that a correlation reads.
func (r *relation) names() []string {
	var out []string
	for _, g := range r.rule.Correlation.GroupBy {
		out = append(out, g.Name)
	}
	return append(out, r.looksAt()...)
}

// looksAt are the fields whose values are counted or calculated with.
func (r *relation) looksAt() []string {
	c := r.rule.Correlation
	if c.Type != "value_count" && !c.Numeric() {
		return nil
	}
	var out []string
	for _, f := range c.Condition.Fields {
		out = append(out, f.Name)
	}
	return out
}

// findFields finds what the names that the correlation reads mean, and tells the
// base rules.
func (r *relation) findFields() {
	for i := range r.inputs {
		in := &r.inputs[i]
		in.fields = map[*base]map[string]string{}
		for _, b := range in.bases() {
			in.fields[b] = map[string]string{}
			for _, name := range r.names() {
				f := r.field(in, b, name)
				in.fields[b][name], b.fields[f] = f, true
			}
		}
	}
}

// values are the event's values of what a name means.
func (in *input) values(h *hit, name string) []string { return h.values[in.fields[h.base][name]] }

// bases are the base rules below an input.
func (in *input) bases() []*base {
	if in.base != nil {
		return []*base{in.base}
	}
	return in.below.bases
}

func (in *input) rule() *sigma.Rule {
	if in.base != nil {
		return in.base.rule.Rule()
	}
	return in.below.rule
}

// field is the field that a name of the correlation means in the events of a base
// rule that come through an input. Correlations between may have aliases too.
func (r *relation) field(in *input, b *base, name string) string {
	name = r.unalias(in, b, name)
	if in.base != nil {
		return name
	}
	for i := range in.below.inputs {
		if below := &in.below.inputs[i]; slices.Contains(below.bases(), b) {
			return in.below.field(below, b, name)
		}
	}
	return name
}

// unalias is what a name stands for: what an alias says of the rule that the
// correlation names goes before what it says of one further down.
func (r *relation) unalias(in *input, b *base, name string) string {
	for _, rule := range []*sigma.Rule{in.rule(), b.rule.Rule()} {
		for _, a := range r.rule.Correlation.Aliases {
			for _, f := range a.Fields {
				if a.Name == name && (sigma.RuleRef{Name: f.Rule}).Names(rule) {
					return f.Field
				}
			}
		}
	}
	return name
}

// Add looks at the wanted events of a batch and returns how many they are.
func (c *Correlation) Add(b *event.Batch, wanted func(event.Record) bool) int {
	before := c.events
	for row, record := range b.Records {
		if !wanted(record) {
			continue
		}
		c.events++
		e := c.bases[0].rule.Event(b, row)
		var place *Place
		for _, base := range c.bases {
			if !base.rule.Matches(e) {
				continue
			}
			base.matched++
			if place == nil {
				place = placeOf(b, row)
			}
			c.take(base, e, place)
		}
	}
	return c.events - before
}

func placeOf(b *event.Batch, row int) *Place {
	p := &Place{Record: b.Records[row].Number}
	if s := b.Records[row].Source; s != nil {
		p.Source = s.Name
	}
	if t := b.Times[row]; t != event.NoTime {
		p.Time = time.Unix(0, t).UTC()
	}
	return p
}

func (c *Correlation) take(b *base, e *Event, place *Place) {
	if place.Time.IsZero() {
		b.undated.add(place)
		return
	}
	if c.hit++; c.kept == maxHits {
		return
	}
	c.kept++
	h := &hit{base: b, number: c.events, time: e.batch.Times[e.row], place: place, values: map[string][]string{}}
	for f := range b.fields {
		h.values[f] = single(e.Value(f))
	}
	b.hits = append(b.hits, h)
}

// single are the values of a field: those of a list, none when it is absent or
// null.
func single(v event.Value) []string {
	list := []event.Value{v}
	if v.Kind == event.List {
		list = v.Elems
	}
	var out []string
	for _, x := range list {
		if x.Kind != event.Absent && x.Kind != event.Null {
			out = append(out, unique.Make(x.Text).Value()) // a copy, so that the batch can go
		}
	}
	return out
}

// maxPlaces bounds the events that are named where they are left out.
const maxPlaces = 3

// add counts an event.
func (o *omission) add(place *Place) {
	if o.count++; o.count <= maxPlaces {
		o.places = append(o.places, place)
	}
}

// solve finds where the correlations fire, once all events are there.
func (c *Correlation) solve(ctx context.Context) error {
	if c.solved {
		return nil
	}
	for _, r := range c.relations {
		r.groups, r.runs, r.nearest = r.group(), nil, nearest{}
		for _, g := range r.groups {
			if err := ctx.Err(); err != nil {
				return err
			}
			runs, err := r.judge(ctx, g)
			if err != nil {
				return err
			}
			r.runs = append(r.runs, runs...)
		}
		sortRuns(r.runs)
	}
	c.solved = true
	return nil
}

// Match is a place in the data where a correlation fires: events that belong
// together.
type Match struct {
	// Group are the values of group-by, as the first event has them.
	Group []string
	// Events are in the order of time.
	Events []Place
	// Value is the greatest number that was compared.
	Value float64
}

// First and Last are the times of the first and the last event.
func (m Match) First() time.Time { return m.Events[0].Time }

// Last is the time of the last event.
func (m Match) Last() time.Time { return m.Events[len(m.Events)-1].Time }

// Matches are the places where the correlation fires, in the order of their last
// events. The error is that of the context, or says that it is too much.
func (c *Correlation) Matches(ctx context.Context) ([]Match, error) {
	if err := c.solve(ctx); err != nil {
		return nil, err
	}
	var out []Match
	for _, r := range c.top.runs {
		out = append(out, r.match())
	}
	return out, nil
}
