package event

import (
	"bytes"
	"strings"
	"unsafe"
)

// Decoder reads one event after the other for a fixed set of fields, and stores
// nothing. It names fields exactly as a Builder does.
//
// Events of one kind write the same names in the same order, so what follows
// from the names alone (the shape, which value a field takes) is found once for
// each such layout and then looked up.
type Decoder struct {
	b       *Builder
	slots   []slot
	shape   int
	stamp   int64
	windows bool

	layouts map[uint64]*layout
	tree    *keyTree // whose keys the layouts hold
}

// slot is where a field's value is found: under its own name, or in flat events
// under another.
type slot struct{ own, alias *column }

// maxLayouts bounds the layouts that are remembered.
const maxLayouts = 4096

// NewDecoder makes a Decoder for fields by their names in rules; a field's place
// in the list is its number. Options.Fields is not looked at.
func NewDecoder(o Options, fields []string) *Decoder {
	o.Fields = map[string]bool{}
	for _, name := range fields {
		o.Fields[name] = true
	}
	d := &Decoder{b: NewBuilder(o)}
	for _, name := range fields {
		s := slot{own: d.b.column(name)}
		for _, a := range aliases {
			if a.to == name {
				s.alias = d.b.column(a.from)
			}
		}
		d.slots = append(d.slots, s)
	}
	return d
}

// Read reads one JSON object; raw must not change before the next call. The
// errors are those of Builder.AppendJSON, after which there is no event.
func (d *Decoder) Read(raw []byte) error {
	b := d.b
	if err := b.read(trim(raw)); err != nil {
		return err
	}
	d.assign()
	if repair := shapes[d.shape].repair; repair != nil {
		repair(b)
	}
	d.stamp = b.stamp()
	if err := b.inside(d.stamp); err != nil {
		return err
	}
	d.windows = shapes[d.shape].windows && b.fromWindows()
	return nil
}

// trim cuts white space off both ends, where mostly none is.
func trim(raw []byte) []byte {
	if n := len(raw); n > 0 && raw[0] > ' ' && raw[n-1] > ' ' {
		return raw
	}
	return bytes.Trim(raw, " \t\r\n")
}

// Time is the event's time in nanoseconds since 1970 UTC, or NoTime.
func (d *Decoder) Time() int64 { return d.stamp }

// Windows tells an event of a Windows event log.
func (d *Decoder) Windows() bool { return d.windows }

// JSON is the event's text, without the white space around it.
func (d *Decoder) JSON() []byte { return d.b.scan.data }

// Disguised tells that the event's text may not show what its values hold: it
// has a character written as \uXXXX, or characters beyond ASCII.
func (d *Decoder) Disguised() (escapes, beyondASCII bool) {
	return d.b.scan.unicode, d.b.scan.beyond
}

func (d *Decoder) find(field int) *entry {
	s := &d.slots[field]
	if e := d.b.winner(s.own); e != nil {
		return e
	}
	if s.alias != nil && d.shape == flatShape {
		return d.b.winner(s.alias)
	}
	return nil
}

// Raw returns a field's value as it stands in the event: of a list the text from
// its first element to its last, of a string what is between its quotes. Values
// of the same kind and bytes are the same. Same is false when nothing can be
// said about that; the kind is Absent when the event does not have the field.
func (d *Decoder) Raw(field int) (kind Kind, raw []byte, same bool) {
	e := d.find(field)
	if e == nil {
		return Absent, nil, true
	}
	data := d.b.scan.data
	if e.list == 0 {
		return e.kind, data[e.start:e.end], true
	}
	if e.list == bothList {
		return List, nil, false
	}
	last := e
	for last.next != 0 {
		last = &d.b.scan.entries[last.next]
	}
	from, to := e.start, last.end
	if e.kind == String {
		from--
	}
	if last.kind == String {
		to++
	}
	return List, data[from:to], true
}

// Value returns a field's value. Its texts are valid until the next call of
// Value or Read.
func (d *Decoder) Value(field int) Value {
	e := d.find(field)
	switch {
	case e == nil:
		return Value{}
	case e.list != 0:
		return Value{Kind: List, Elems: d.elements(e)}
	}
	return Value{Kind: e.kind, Text: d.b.plainText(e)}
}

// plainText is text without a copy.
func (b *Builder) plainText(e *entry) string {
	text := b.text(e)
	return unsafe.String(unsafe.SliceData(text), len(text)) //nolint:gosec // valid as long as documented
}

func (d *Decoder) elements(e *entry) []Value {
	elems := []Value{}
	for x := e; ; x = &d.b.scan.entries[x.next] {
		if x.kind != List {
			elems = append(elems, Value{Kind: x.kind, Text: strings.Clone(d.b.plainText(x))})
		}
		if x.next == 0 {
			return elems
		}
	}
}

// layout is what follows from an event's keys and lists alone.
type layout struct {
	keys  []*key
	lists []uint32
	shape int
	// plain is false when values have a say, too.
	plain   bool
	stamps  [stampCount]int32
	columns []layoutColumn
	// next continues the lists of columns.
	next []struct{ entry, next int32 }
}

// layoutColumn is a column that an event of the layout has.
type layoutColumn struct {
	column   *column
	weight   weight
	from, to int32
}

// assign finds the shape and gives each field its value.
func (d *Decoder) assign() {
	b := d.b
	s := &b.scan
	if s.dropped {
		d.shape = shapeOf(b.evidence())
		b.assign(d.shape)
		return
	}
	if d.tree != s.tree || len(d.layouts) > maxLayouts {
		d.tree, d.layouts = s.tree, map[uint64]*layout{}
	}
	l := d.layouts[s.layout]
	if l == nil || !l.fits(s.entries) {
		l = d.newLayout()
		d.layouts[s.layout] = l
		return
	}
	d.shape = l.shape
	if !l.plain {
		b.assign(d.shape)
		return
	}
	b.stamps, b.paired = l.stamps, false
	for i := range l.columns {
		f := &l.columns[i]
		c := f.column
		c.event, c.weight, c.from, c.to = s.event, f.weight, f.from, f.to
		s.entries[f.from].col = c
	}
	for _, n := range l.next {
		s.entries[n.entry].next = n.next
	}
}

// mixLayout adds an entry to a layout.
func mixLayout(layout uint64, k *key, list uint32) uint64 {
	return (layout ^ k.mark + uint64(list)) * 0x9E3779B97F4A7C15
}

func (l *layout) fits(entries []entry) bool {
	if len(entries) != len(l.keys) {
		return false
	}
	for i, k := range l.keys {
		if entries[i].key != k || entries[i].list != l.lists[i] {
			return false
		}
	}
	return true
}

// newLayout assigns the event's values without help and notes what came out.
func (d *Decoder) newLayout() *layout {
	b := d.b
	entries := b.scan.entries
	l := &layout{keys: make([]*key, len(entries)), lists: make([]uint32, len(entries))}
	for i := range entries {
		l.keys[i], l.lists[i] = entries[i].key, entries[i].list
	}
	d.shape = shapeOf(b.evidence())
	b.compared = false
	b.assign(d.shape)
	l.shape, l.plain, l.stamps = d.shape, !b.compared && !b.paired, b.stamps
	if !l.plain {
		return l
	}
	for i := range entries {
		e := &entries[i]
		if c := e.col; c != nil && c.event == b.scan.event && c.from == int32(i) {
			l.columns = append(l.columns, layoutColumn{c, c.weight, c.from, c.to})
			for x := int32(i); entries[x].next != 0; x = entries[x].next {
				l.next = append(l.next, struct{ entry, next int32 }{x, entries[x].next})
			}
		}
	}
	return l
}
