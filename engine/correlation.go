package engine

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/huntbook/huntbook/correlate"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/internal/parallel"
	"github.com/huntbook/huntbook/sigma"
)

// Correlation is a correlation that is ready to run: what it stands on is
// prepared, and shared with other correlations over the same rules.
type Correlation struct {
	rule   *sigma.Rule
	inputs []correlationInput
	// documents are the rules that the correlation stands on, itself last.
	documents []*sigma.Rule
	lateness  time.Duration
}

// correlationInput is a prepared rule or a correlation.
type correlationInput struct {
	base  *Prepared
	below *Correlation
}

// PrepareAll prepares rules that run together, correlations among them. Others
// are further rules that correlations may name. The errors have an entry a rule,
// nil or a diag.List. A rule that a correlation names is Quiet, unless some
// correlation that names it says "generate: true".
func (p *Preparer) PrepareAll(rules, others []*sigma.Rule) ([]Prepared, []error) {
	c := &preparation{
		preparer: p, library: sigma.NewLibrary(rules, others),
		bases: map[*sigma.Rule]*Prepared{}, errs: map[*sigma.Rule]error{}, correlations: map[*sigma.Rule]*Correlation{}, told: map[string]bool{},
	}
	out, errs := make([]Prepared, len(rules)), make([]error, len(rules))
	if p.prepare == nil {
		c.prepareBases(rules)
	}
	for i, r := range rules {
		out[i], errs[i] = c.prepare(r)
	}
	generated := c.library.Named(append(slices.Clone(rules), slices.Collect(maps.Keys(c.correlations))...))
	for i, r := range rules {
		own, named := generated[r]
		out[i].Quiet = named && !own
	}
	return out, errs
}

func (in correlationInput) rule() *sigma.Rule {
	if in.base != nil {
		return in.base.Rule
	}
	return in.below.rule
}

// preparation is one run of PrepareAll.
type preparation struct {
	preparer     *Preparer
	library      *sigma.Library
	bases        map[*sigma.Rule]*Prepared
	errs         map[*sigma.Rule]error
	correlations map[*sigma.Rule]*Correlation
	// told are the errors of correlations so far: what stands on a broken one
	// would repeat them.
	told map[string]bool
}

// prepareBases prepares the rules that are no correlations, several at once.
func (c *preparation) prepareBases(rules []*sigma.Rule) {
	bases, errs := make([]Prepared, len(rules)), make([]error, len(rules))
	parallel.Each(len(rules), func(i int) {
		if rules[i].Correlation == nil {
			bases[i], errs[i] = c.preparer.Prepare(rules[i])
		}
	})
	for i, r := range rules {
		if r.Correlation == nil {
			c.bases[r], c.errs[r] = &bases[i], errs[i]
		}
	}
}

func (c *preparation) prepare(r *sigma.Rule) (Prepared, error) {
	if r.Correlation == nil {
		base, err := c.base(r)
		return *base, err
	}
	documents, diags := c.library.Needs(r)
	if diags.HasErrors() {
		return Prepared{Rule: r}, c.untold(r, diags)
	}
	correlation, diags := c.correlation(r)
	if diags.HasErrors() {
		return Prepared{Rule: r}, c.untold(r, diags)
	}
	correlation.documents = documents
	return Prepared{Rule: r, Correlation: correlation, Notes: correlation.baseNotes()}, nil
}

// untold leaves out errors that were given for another correlation.
func (c *preparation) untold(r *sigma.Rule, diags diag.List) diag.List {
	var out diag.List
	for _, d := range diags {
		if text := d.Error(); !c.told[text] {
			c.told[text] = true
			out = append(out, d)
		}
	}
	if len(out) == 0 {
		out = diag.List{{Code: "correlation-chain", File: r.File, Pos: r.Correlation.Pos, Message: "the correlation stands on one that can't be used"}}
	}
	return out
}

func (c *preparation) base(r *sigma.Rule) (*Prepared, error) {
	if c.bases[r] == nil {
		prepared, err := c.preparer.Prepare(r)
		c.bases[r], c.errs[r] = &prepared, err
	}
	return c.bases[r], c.errs[r]
}

// correlation prepares what a correlation stands on; Needs has seen that it is
// all there, and that nothing stands on itself.
func (c *preparation) correlation(r *sigma.Rule) (*Correlation, diag.List) {
	if done := c.correlations[r]; done != nil {
		return done, nil
	}
	out := &Correlation{rule: r, lateness: c.preparer.Lateness}
	rules, diags := c.library.Resolve(r)
	for i, below := range rules {
		if below.Correlation != nil {
			child, more := c.correlation(below)
			diags = append(diags, more...)
			out.inputs = append(out.inputs, correlationInput{below: child})
			continue
		}
		base, err := c.base(below)
		if err != nil {
			first := diag.Of(err).Errors()[0]
			ref := r.Correlation.Rules[i]
			diags = append(diags, &diag.Diagnostic{
				Code: first.Code, File: r.File, Pos: ref.Pos, Width: len([]rune(ref.Name)),
				Message: fmt.Sprintf("rule %q can't be used: %s", ref.Name, first.Message), Hint: first.Hint,
			})
			continue
		}
		out.inputs = append(out.inputs, correlationInput{base: base})
	}
	if !diags.HasErrors() {
		c.correlations[r] = out
	}
	return out, diags
}

// baseNotes are the warnings of all rules below, each once.
func (c *Correlation) baseNotes() diag.List {
	var notes diag.List
	c.each(func(base *Prepared) {
		for _, n := range base.Notes {
			if !slices.Contains(notes, n) {
				notes = append(notes, n)
			}
		}
	})
	return notes
}

// each calls f once for every prepared rule below, however many ways lead to it.
func (c *Correlation) each(f func(*Prepared)) {
	bases, seen := map[*Prepared]bool{}, map[*Correlation]bool{}
	var visit func(*Correlation)
	visit = func(c *Correlation) {
		if seen[c] {
			return
		}
		seen[c] = true
		for _, in := range c.inputs {
			switch {
			case in.below != nil:
				visit(in.below)
			case !bases[in.base]:
				bases[in.base] = true
				f(in.base)
			}
		}
	}
	visit(c)
}

// Text is the YAML of the rule; of a correlation with the rules that it stands on
// before it. Read alone it gives the same rule.
func (p Prepared) Text() string {
	if p.Correlation == nil {
		return p.Rule.Text
	}
	var b strings.Builder
	for i, r := range p.Correlation.documents {
		if i > 0 {
			// What is global in one document must not reach into the next.
			if strings.Contains(p.Correlation.documents[i-1].Text, "action:") {
				b.WriteString("---\naction: reset\n")
			}
			b.WriteString("---\n")
		}
		b.WriteString(strings.TrimRight(strings.TrimLeft(r.Text, "\n"), "\n") + "\n")
	}
	return b.String()
}

// queried chooses the rule that a text of several is about: the last one that no
// correlation of the text names.
func queried(rules []*sigma.Rule) *sigma.Rule {
	below := sigma.NewLibrary(rules).Named(rules)
	for _, r := range slices.Backward(rules) {
		if _, named := below[r]; !named {
			return r
		}
	}
	return rules[len(rules)-1]
}

// Match is what a correlation found: events that belong together.
type Match struct {
	// Events are in the order of time, the last one always among them; Count is
	// how many there are.
	Events []*Captured
	Count  int
	// Group are the values that the events share, by the names of group-by.
	Group []Field
	// First and Last are the times of the first and the last event, Host the
	// computer that the last one names.
	First, Last time.Time
	Host        string
	// Value is the number that was compared, the greatest of all windows, and
	// ValueName what it is: value_sum.
	Value     float64
	ValueName string
}

func (m *Match) last() *Captured { return m.Events[len(m.Events)-1] }

// The names of the values that a correlation's finding has beside its group.
const (
	eventCountField = "event_count"
	firstTimeField  = "first_time"
)

// fields are the match as a finding's values.
func (m *Match) fields() []Field {
	out := append(slices.Clone(m.Group), Field{eventCountField, strconv.Itoa(m.Count)})
	if m.ValueName != "" {
		out = append(out, Field{m.ValueName, strconv.FormatFloat(m.Value, 'f', -1, 64)})
	}
	return append(out, Field{firstTimeField, m.First.Format("2006-01-02 15:04:05.999Z")})
}

// json is the events as an array of at most so many bytes, unless the first is
// larger.
func (m *Match) json(size int) []byte {
	b := []byte{'['}
	for _, c := range m.Events {
		if len(c.Raw) == 0 {
			continue
		}
		if len(b) > 1 {
			if len(b)+len(c.Raw)+2 > size {
				break
			}
			b = append(b, ',')
		}
		b = append(b, c.Raw...)
	}
	return append(b, ']')
}

// valueName names what a correlation compares beside a number of events or rules.
func valueName(c *sigma.Correlation) string {
	if c.Type == "event_count" || c.Temporal() {
		return ""
	}
	return c.Type
}

// fieldNames are the names of a match's values.
func (c *Correlation) fieldNames() []string {
	var out []string
	for _, g := range c.rule.Correlation.GroupBy {
		out = append(out, g.Name)
	}
	out = append(out, eventCountField)
	if name := valueName(c.rule.Correlation); name != "" {
		out = append(out, name)
	}
	return append(out, firstTimeField)
}

var correlationKinds = map[string]correlate.Kind{
	"event_count": correlate.EventCount, "value_count": correlate.ValueCount, "temporal": correlate.Temporal, "temporal_ordered": correlate.Ordered,
	"value_sum": correlate.Sum, "value_avg": correlate.Avg, "value_min": correlate.Min, "value_max": correlate.Max,
	"value_percentile": correlate.Percentile, "value_median": correlate.Percentile,
}

var correlationOps = map[string]correlate.Op{
	"gt": correlate.Greater, "gte": correlate.GreaterEqual, "lt": correlate.Less, "lte": correlate.LessEqual, "eq": correlate.Equal, "neq": correlate.NotEqual,
}

// correlationRule is the correlation as package correlate takes it; baseOf and
// ruleOf number what it stands on.
func (c *Correlation) correlationRule(baseOf func(*Prepared) int, ruleOf func(*Correlation) int) correlate.Rule {
	s := c.rule.Correlation
	out := correlate.Rule{Kind: correlationKinds[s.Type], Span: s.Span, Percentile: s.Condition.Percentile}
	for _, in := range c.inputs {
		if in.base != nil {
			out.Inputs = append(out.Inputs, correlate.Input{Rule: baseOf(in.base)})
		} else {
			out.Inputs = append(out.Inputs, correlate.Input{Rule: ruleOf(in.below), Correlation: true})
		}
	}
	for _, g := range s.GroupBy {
		out.GroupBy = append(out.GroupBy, g.Name)
	}
	if s.Type == "value_count" || s.Numeric() { // the others do not look at one
		for _, f := range s.Condition.Fields {
			out.Fields = append(out.Fields, f.Name)
		}
	}
	for _, b := range s.Condition.Bounds {
		out.Bounds = append(out.Bounds, correlate.Bound{Op: correlationOps[b.Op], Value: b.Value})
	}
	for _, a := range s.Aliases {
		for _, f := range a.Fields {
			out.Aliases = append(out.Aliases, c.alias(a.Name, f, baseOf)...)
		}
	}
	if s.Expr != nil {
		index := map[string]int{}
		for i, ref := range slices.Backward(s.Rules) {
			index[ref.Name] = i
		}
		out.Expr = func(has func(int) bool) bool {
			return sigma.Evaluate(s.Expr, func(name string) bool { return has(index[name]) })
		}
	}
	return out
}

// alias says what an alias means: in what comes through an input that is the rule,
// and in the events of the rule at any depth.
func (c *Correlation) alias(name string, f sigma.AliasField, baseOf func(*Prepared) int) []correlate.Alias {
	ref := sigma.RuleRef{Name: f.Rule}
	var out []correlate.Alias
	for i, in := range c.inputs {
		if ref.Names(in.rule()) {
			out = append(out, correlate.Alias{Name: name, Input: i, Base: -1, Field: f.Field})
		}
	}
	c.each(func(base *Prepared) {
		if ref.Names(base.Rule) {
			out = append(out, correlate.Alias{Name: name, Input: -1, Base: baseOf(base), Field: f.Field})
		}
	})
	return out
}
