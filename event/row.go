package event

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// knownColumns are the columns of a batch whose values mean something here.
type knownColumns struct {
	channel, eventID, provider, sourceName *column
	eventType, eventTypeOriginal           *column
}

// identifying are the names of the knownColumns.
var identifying = []string{"Channel", "EventID", "Provider_Name", "SourceName", "EventType", "EventTypeOrignal"}

func (k *knownColumns) note(c *column) {
	switch c.name {
	case "Channel":
		k.channel = c
	case "EventID":
		k.eventID = c
	case "Provider_Name":
		k.provider = c
	case "SourceName":
		k.sourceName = c
	case "EventType":
		k.eventType = c
	case "EventTypeOrignal":
		k.eventTypeOriginal = c
	}
}

// identifies says that a column tells which event of which log a row is.
func (k *knownColumns) identifies(c *column) bool {
	return c == k.channel || c == k.eventID || c == k.provider
}

// column returns the batch's column of that name.
func (b *Builder) column(name string) *column {
	if c := b.names[name]; c != nil {
		return c
	}
	c := newColumn(name)
	b.names[name] = c
	b.columns = append(b.columns, c)
	b.known.note(c)
	return c
}

// wantedColumn is nil for a field that is not kept.
func (b *Builder) wantedColumn(name string) *column {
	if b.wanted == nil || b.wanted[name] {
		return b.column(name)
	}
	return nil
}

// evidence says what the event's paths tell about its shape.
func (b *Builder) evidence() evidence {
	var all evidence
	for i := range b.scan.entries {
		if e := &b.scan.entries[i]; !e.dead {
			all |= e.key.evidence
		}
	}
	return all
}

// assign gives each entry its column. Where several want the same one, the
// heavier wins, then the later; the values of one list share it.
func (b *Builder) assign(shape int) {
	b.stamps = [stampCount]int32{}
	b.paired = false
	for i := range b.scan.entries {
		e := &b.scan.entries[i]
		if e.dead {
			continue
		}
		if s := e.key.stamp; s != 0 && e.list == 0 {
			b.stamps[s] = int32(i) + 1
		}
		f := e.key.in(shape)
		if e.part = f.part; e.part != whole {
			b.paired = true
			continue
		}
		if f.batch != b.number {
			f.column, f.batch = b.wantedColumn(f.name), b.number
		}
		b.offer(int32(i), f.column, f.weight)
	}
}

func (b *Builder) offer(i int32, c *column, w weight) {
	if c == nil {
		return
	}
	entries := b.scan.entries
	e := &entries[i]
	if c.event != b.scan.event {
		e.col = c
		c.event, c.weight, c.from, c.to = b.scan.event, w, i, i
		return
	}
	last := &entries[c.to]
	switch {
	case w == c.weight && e.list != 0 && e.list == last.list:
		e.col, last.next, c.to = c, i, i
	case b.known.identifies(c) && w != c.weight && min(w, c.weight) == ordinary:
		b.both(i, c)
	case w >= c.weight:
		e.col = c
		c.weight, c.from, c.to = w, i, i
	}
}

// bothList marks the entries of a list that is made of two scalars.
const bothList = ^uint32(0)

// both gives a field that says which event it is, and occurs in the event's data
// too, both values: rules for the clearing of a log ask for the Channel that
// was cleared, their log source for the Channel that says so.
func (b *Builder) both(i int32, c *column) {
	b.compared = true
	entries := b.scan.entries
	first, second := &entries[c.from], &entries[i]
	if first.list != 0 || second.list != 0 || bytes.Equal(bytes.Clone(b.text(first)), b.text(second)) {
		return
	}
	first.list, second.list = bothList, bothList
	second.col, first.next, c.to = c, i, i
}

// winner returns the entry that gives a column its value in this event.
func (b *Builder) winner(c *column) *entry {
	if c == nil || c.event != b.scan.event {
		return nil
	}
	return &b.scan.entries[c.from]
}

// fromWindows tells whether the event says which event of which Windows log it
// is. Sysmon for Linux uses the same fields.
func (b *Builder) fromWindows() bool {
	id := b.winner(b.known.eventID)
	if id == nil || id.kind == Null {
		return false
	}
	if channel := b.winner(b.known.channel); channel != nil && channel.kind == String {
		const linux = "Linux-"
		text := b.text(channel)
		return len(text) < len(linux) || text[0]|0x20 != 'l' || !strings.EqualFold(string(text[:len(linux)]), linux)
	}
	provider := b.winner(b.known.provider)
	if provider == nil {
		provider = b.winner(b.known.sourceName)
	}
	return provider != nil && provider.kind == String
}

// commit writes the event's values into their columns.
func (b *Builder) commit() {
	row := b.batch.Rows
	for i := range b.scan.entries {
		e := &b.scan.entries[i]
		c := e.col
		if c == nil || c.event != b.scan.event || c.from != int32(i) {
			continue
		}
		if e.list != 0 {
			c.set(row, b.internList(c, e))
		} else {
			c.set(row, b.intern(c, e.kind, b.text(e)))
		}
	}
}

// text returns the characters of a scalar; they are valid until the next call.
func (b *Builder) text(e *entry) []byte {
	raw := b.scan.data[e.start:e.end]
	switch {
	case e.kind == Null:
		return nil
	case e.kind == String && (e.flags&escaped != 0 || e.flags&highByte != 0 && !utf8.Valid(raw)):
		b.scratch = appendText(b.scratch[:0], raw, e.flags)
		return b.scratch
	case e.kind == Number && e.flags&rewrite != 0:
		b.scratch = appendNumber(b.scratch[:0], raw)
		return b.scratch
	}
	return raw
}

// internList returns the code of the list that begins with entry e.
func (b *Builder) internList(c *column, e *entry) uint32 {
	b.json = append(b.json[:0], '[')
	for x := e; ; x = &b.scan.entries[x.next] {
		if x.kind != List {
			if len(b.json) > 1 {
				b.json = append(b.json, ',')
			}
			switch text := b.text(x); x.kind {
			case String:
				b.json = appendQuoted(b.json, text)
			case Null:
				b.json = append(b.json, "null"...)
			default:
				b.json = append(b.json, text...)
			}
		}
		if x.next == 0 {
			break
		}
	}
	b.json = append(b.json, ']')
	if v := &c.values[c.last]; v.Kind == List && v.Text == string(b.json) {
		return c.last
	}
	hash := b.hash(List, b.json)
	c.last = c.find(List, b.json, hash)
	if c.last == 0 {
		c.last = c.add(Value{Kind: List, Text: b.store.text(b.json), Elems: b.elements(e)}, hash)
	}
	return c.last
}

func (b *Builder) elements(e *entry) []Value {
	elems := []Value{}
	for x := e; ; x = &b.scan.entries[x.next] {
		if x.kind != List {
			elems = append(elems, Value{Kind: x.kind, Text: b.store.text(b.text(x))})
		}
		if x.next == 0 {
			return elems
		}
	}
}
