package standard

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/event"
)

// plan says how rows of one kind in one batch become JSON: its outputs, in the
// order of their names, so that nested objects open and close once.
type plan struct{ outputs []output }

// output is one name of the document.
type output struct {
	path string
	keys [][]byte // the path's parts as JSON, with a colon
	// special is for the times and the event itself. Of from, the cells that may
	// give the value, the first that does is taken; fixed, where none does.
	special special
	from    []*cells
	fixed   []byte
	// unless are cells of the fields that go before this one for the same name:
	// the output keeps what differs from theirs.
	unless []*cells
}

type special uint8

const (
	noSpecial special = iota
	eventTime
	receivedTime
	wholeEvent
)

// planner makes the plans of one batch.
type planner struct {
	s     *Standard
	cells map[cellKey]*cells
}

type cellKey struct {
	column *event.Column
	how    string
}

// plan makes the plan of rows of a kind, of the columns that they have.
func (p *planner) plan(k *kind, windows bool, columns []*event.Column) *plan {
	if p.s.ID == None {
		return nil
	}
	b := builder{planner: p, outputs: map[string]*output{}}
	b.special("@timestamp", eventTime)
	b.special(p.s.def.Original, wholeEvent)
	if windows {
		b.special(p.s.def.Time.Received, receivedTime)
	}
	columns = slices.Clone(columns)
	rank := func(c *event.Column) int {
		if r, ok := k.rank[c.Name]; ok {
			return r
		}
		return len(k.rank)
	}
	slices.SortStableFunc(columns, func(a, c *event.Column) int { return cmp.Compare(rank(a), rank(c)) })
	prefix := ""
	if windows {
		prefix = p.s.def.Unnamed
	}
	for _, c := range columns {
		names := k.names(c.Name, prefix)
		for _, name := range names {
			name, ok := b.free(usable(name))
			if !ok {
				continue
			}
			own := ""
			if !slices.Contains(names, prefix+c.Name) {
				own, _ = b.free(usable(prefix + c.Name))
			}
			b.direct(c, name, own)
		}
	}
	if windows {
		b.pairs(k.pairs, columns)
		b.derived()
		for _, c := range k.set {
			o := b.outputs[c.name]
			if o == nil {
				o = &output{path: c.name}
				b.outputs[c.name] = o
			}
			o.fixed = c.json
		}
	}
	return &plan{b.finish()}
}

// builder gathers the outputs of one plan.
type builder struct {
	*planner
	outputs map[string]*output
	written []written
}

// written is a name that fields of the event gave a value to.
type written struct {
	name string
	from []*event.Column
}

func (b *builder) special(path string, s special) {
	if path != "" {
		b.outputs[path] = &output{path: path, special: s}
	}
}

// usable makes a name one that Elasticsearch takes: no part of it is empty, and it
// does not begin as those of documents' own fields do.
func usable(name string) string {
	if strings.HasPrefix(name, "_") {
		name = "field" + name
	}
	if strings.TrimSpace(name) == name && name != "" && !strings.Contains(name, "..") && !strings.HasPrefix(name, ".") && !strings.HasSuffix(name, ".") {
		return name
	}
	parts := strings.Split(name, ".")
	for i, part := range parts {
		if parts[i] = strings.TrimSpace(part); parts[i] == "" {
			parts[i] = "field"
		}
	}
	return strings.Join(parts, ".")
}

// free gives the name of a field beside the times and the whole event: nothing can
// lie below them, and what lies above gets ".value" behind it.
func (b *builder) free(name string) (string, bool) {
	for _, taken := range []string{"@timestamp", b.s.def.Original, b.s.def.Time.Received} {
		switch {
		case taken == "":
		case strings.HasPrefix(name, taken+"."):
			return "", false
		case strings.HasPrefix(taken, name+"."):
			return name + ".value", true
		}
	}
	return name, true
}

// cell returns the cells of a column under a treatment, made once a batch.
func (p *planner) cell(c *event.Column, how string, t treatment) *cells {
	key := cellKey{c, how}
	x := p.cells[key]
	if x == nil {
		x = &cells{column: c, treatment: t, json: make([][]byte, len(c.Values)), made: make([]bool, len(c.Values))}
		p.cells[key] = x
	}
	return x
}

// from adds a column, treated so, as a source of the output of that name.
func (b *builder) from(name, how string, column *event.Column, t treatment) *output {
	if how := b.s.def.Rewrite[name]; how != "" {
		t.rewrite, _ = b.s.take(how)
	}
	c := b.cell(column, how+" "+name, t)
	o := b.outputs[name]
	if o == nil {
		o = &output{path: name}
		b.outputs[name] = o
	}
	if o.special == noSpecial {
		o.from = append(o.from, c)
	}
	return o
}

// direct writes a column under a name, in the name's type. Where another column
// goes before it there, what it says is kept under its own name, if it has one.
func (b *builder) direct(c *event.Column, name, own string) {
	t := b.base(c.Name)
	t.kind = b.s.typeOf(name)
	before := b.outputs[name]
	if before != nil && len(before.from) > 0 && own != "" {
		keep := b.base(c.Name)
		keep.kind = b.s.typeOf(own)
		o := b.from(own, "own", c, keep)
		o.unless = append(o.unless, before.from...)
	}
	b.from(name, "as", c, t)
	b.note(name, c)
	if misfit := t; t.kind != textType && t.kind != keywordType && b.s.def.Misfits != "" {
		misfit.misfits = true
		to := strings.NewReplacer("{name}", name, "{field}", c.Name).Replace(b.s.def.Misfits)
		if to != name {
			b.from(to, "misfit", c, misfit)
		}
	}
}

func (b *builder) note(name string, c *event.Column) {
	for i := range b.written {
		if w := &b.written[i]; w.name == name {
			w.from = append(w.from, c)
			return
		}
	}
	b.written = append(b.written, written{name, []*event.Column{c}})
}

// base is how every value of a field is treated.
func (b *builder) base(field string) treatment {
	t := treatment{lower: b.s.lows[field]}
	if b.s.drop[field] {
		t.drop = b.s.def.Drop.Values
	}
	return t
}

// pairs writes what fields hold as names and values.
func (b *builder) pairs(all []pairs, columns []*event.Column) {
	for _, p := range all {
		i := slices.IndexFunc(columns, func(c *event.Column) bool { return c.Name == p.Field })
		if i < 0 {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(p.To)) {
			name := p.To[key]
			t := treatment{kind: b.s.typeOf(name), take: func(s string) []string { return pair(s, p.Between, p.Equals, key) }}
			b.from(name, "pair "+p.Between+p.Equals+key, columns[i], t)
		}
	}
}

// pair finds the value of a name in "NAME=VALUE,NAME=VALUE".
func pair(s, between, equals, name string) []string {
	for part := range strings.SplitSeq(s, between) {
		key, value, ok := strings.Cut(part, equals)
		if ok && strings.EqualFold(strings.TrimSpace(key), name) {
			return some(strings.TrimSpace(value))
		}
	}
	return nil
}

// derived writes what is made of fields written directly. What the event itself
// gives goes before.
func (b *builder) derived() {
	for _, d := range b.s.def.Derived {
		i := slices.IndexFunc(b.written, func(w written) bool { return w.name == d.From })
		if i < 0 {
			continue
		}
		take, _ := b.s.take(d.Take)
		for _, c := range b.written[i].from {
			t := b.base(c.Name)
			t.kind, t.take = b.s.typeOf(d.To), take
			b.from(d.To, "derived "+d.Take, c, t)
		}
	}
}

// finish orders the outputs and makes their keys.
func (b *builder) finish() []output {
	list := make([]output, 0, len(b.outputs))
	parts := map[string][]string{}
	for _, path := range slices.Sorted(maps.Keys(b.outputs)) {
		o := *b.outputs[path]
		parts[path] = strings.Split(path, ".")
		for _, part := range parts[path] {
			o.keys = append(o.keys, append(quoted(part), ':'))
		}
		list = append(list, o)
	}
	slices.SortStableFunc(list, func(a, c output) int {
		return cmp.Or(cmp.Compare(first(a), first(c)), slices.Compare(parts[a.path], parts[c.path]))
	})
	return list
}

// first puts the time of an event before everything else.
func first(o output) int {
	if o.special == eventTime {
		return 0
	}
	return 1
}
