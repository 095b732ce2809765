package standard

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"

	"github.com/huntbook/huntbook/event"
)

// Document is one event as it is to be stored.
type Document struct {
	// Index is where it belongs, ID its name there: the same event always has
	// the same.
	Index, ID string
	// JSON is one object on one line.
	JSON []byte
	// Row is the event's row in its batch.
	Row int
}

// ID is the name of the document that an event becomes, by the event's JSON
// alone, as event.Record.Raw has it: whoever sends the event again, from
// wherever, names the same document.
func ID(raw []byte) string {
	sum := sha256.Sum256(raw)
	return base64.RawURLEncoding.EncodeToString(sum[:15])
}

// Writer makes documents of batches. It is for one goroutine; keep it for many
// batches.
type Writer struct {
	s     *Standard
	kinds map[kindKey]*kind
	names map[indexKey]string
	last  [][]byte // the keys of the objects that are open
}

type indexKey struct {
	log string
	day int64
}

// Writer returns a new Writer of the standard.
func (s *Standard) Writer() *Writer {
	return &Writer{s: s, kinds: map[kindKey]*kind{}, names: map[indexKey]string{}}
}

// rows are the rows of a batch that are of one kind.
type rows struct {
	key     kindKey
	windows bool
	columns []*event.Column
	plan    *plan
}

// Documents makes a document of each row, in order. They stay valid as long as
// the batch.
func (w *Writer) Documents(b *event.Batch) []Document {
	of, kinds := w.sort(b)
	p := planner{s: w.s, cells: map[cellKey]*cells{}}
	for _, r := range kinds {
		k := w.kinds[r.key]
		if k == nil {
			k = w.s.kind(r.key)
			w.kinds[r.key] = k
		}
		r.plan = p.plan(k, r.windows, r.columns)
	}
	size := 0
	for i := range b.Records {
		size += 3 * len(b.Records[i].Raw)
	}
	var times []*event.Column
	for _, name := range w.s.def.Time.Fields {
		times = append(times, b.Column(name))
	}
	text := make([]byte, 0, size)
	docs := make([]Document, b.Rows)
	for row := range docs {
		r := of[row]
		when := b.Times[row]
		if t, ok := ownTime(times, row); ok && r.windows {
			when = t
		}
		from := len(text)
		if r.plan == nil {
			text = appendPlain(text, b, row, when)
		} else {
			text = w.append(text, r.plan, b, row, when)
		}
		docs[row] = Document{
			Index: w.index(r.key.log, when),
			ID:    ID(b.Records[row].Raw),
			JSON:  text[from:len(text):len(text)],
			Row:   row,
		}
	}
	return docs
}

// sort tells the kinds of the rows, and which columns they have.
func (w *Writer) sort(b *event.Batch) (of []*rows, kinds []*rows) {
	of = make([]*rows, b.Rows)
	byKey := map[kindKey]*rows{}
	channels, ids := b.Column("Channel"), b.Column("EventID")
	providers := b.Column("Provider_Name")
	for row := range of {
		var key kindKey
		if b.Windows[row] && w.s.ID != None {
			key = kindKey{w.s.log(text(channels, row), text(providers, row)), text(ids, row)}
		}
		r := byKey[key]
		if r == nil {
			r = &rows{key: key, windows: b.Windows[row]}
			byKey[key] = r
			kinds = append(kinds, r)
		}
		of[row] = r
	}
	for _, c := range b.Columns {
		for row, code := range c.Codes {
			if code == 0 {
				continue
			}
			if r := of[row]; len(r.columns) == 0 || r.columns[len(r.columns)-1] != c {
				r.columns = append(r.columns, c)
			}
		}
	}
	return of, kinds
}

// text is a row's value; of a list, its first.
func text(c *event.Column, row int) string {
	if c == nil {
		return ""
	}
	v := &c.Values[c.Codes[row]]
	if v.Kind == event.List && len(v.Elems) > 0 {
		return v.Elems[0].Text
	}
	return v.Text
}

// log is the log of a channel; of an event without one, that of its provider.
func (s *Standard) log(name, provider string) string {
	if name == "" {
		name = provider + "/Operational"
	}
	if c, ok := s.channels[strings.ToLower(name)]; ok {
		return c.log
	}
	return s.def.OtherLogs
}

// ownTime is when an event's own data says that it happened.
func ownTime(columns []*event.Column, row int) (int64, bool) {
	for _, c := range columns {
		if s := text(c, row); s != "" {
			if t, ok := parseTime(s); ok {
				return t, true
			}
		}
	}
	return 0, false
}

// index is the name of the index of an event of that log at that time.
func (w *Writer) index(log string, nanoseconds int64) string {
	key := indexKey{log, -1 << 62}
	if nanoseconds != event.NoTime {
		key.day = time.Unix(0, nanoseconds).UTC().Unix() / 86400
	}
	name, ok := w.names[key]
	if ok {
		return name
	}
	name = w.s.def.Index.Windows
	if log == "" {
		name = w.s.def.Index.Other
	}
	date := "undated"
	if nanoseconds != event.NoTime {
		date = time.Unix(0, nanoseconds).UTC().Format("2006.01.02")
	}
	name = strings.NewReplacer("{log}", log, "{date}", date).Replace(name)
	w.names[key] = name
	return name
}

// append writes a row as a JSON object.
func (w *Writer) append(text []byte, p *plan, b *event.Batch, row int, when int64) []byte {
	text = append(text, '{')
	w.last = w.last[:0]
	first, scalar := true, ""
	for i := range p.outputs {
		o := &p.outputs[i]
		value := o.value(b, row, when)
		if value == nil && o.special != wholeEvent {
			continue
		}
		// JSON can't have "a" and "a.b"; an event with both keeps both as a whole.
		if scalar != "" && strings.HasPrefix(o.path, scalar) && o.path[len(scalar)] == '.' {
			continue
		}
		scalar = o.path
		depth := len(o.keys) - 1
		same := 0
		for same < min(depth, len(w.last)) && bytes.Equal(o.keys[same], w.last[same]) {
			same++
		}
		for range len(w.last) - same {
			text = append(text, '}')
		}
		if !first {
			text = append(text, ',')
		}
		first = false
		for _, key := range o.keys[same:depth] {
			text = append(append(text, key...), '{')
		}
		w.last = append(w.last[:same], o.keys[same:depth]...)
		text = append(text, o.keys[depth]...)
		if o.special == wholeEvent {
			text = appendQuoted(text, b.Records[row].Raw)
		} else {
			text = append(text, value...)
		}
	}
	for range w.last {
		text = append(text, '}')
	}
	return append(text, '}')
}

// value is what a row has under the output's name; nil for nothing.
func (o *output) value(b *event.Batch, row int, when int64) []byte {
	switch o.special {
	case eventTime:
		return timeJSON(when)
	case receivedTime:
		if when == b.Times[row] {
			return nil
		}
		return timeJSON(b.Times[row])
	case wholeEvent:
		return nil
	}
	for _, c := range o.from {
		if value := c.get(row); value != nil && o.lost(c, row) {
			return value
		}
	}
	return o.fixed
}

// lost tells for an output that keeps what another field was written instead of
// whether there is such a value in the row, and it says something else.
func (o *output) lost(c *cells, row int) bool {
	for _, u := range o.unless {
		if u.get(row) != nil {
			return u.text(row) != c.text(row)
		}
	}
	return len(o.unless) == 0
}

func timeJSON(nanoseconds int64) []byte {
	if nanoseconds == event.NoTime {
		return nil
	}
	return append(appendTime([]byte{'"'}, nanoseconds), '"')
}

// appendPlain writes the event as it came, with @timestamp before it when it has
// none.
func appendPlain(text []byte, b *event.Batch, row int, when int64) []byte {
	raw := b.Records[row].Raw
	from := len(text)
	if c := b.Column("@timestamp"); when != event.NoTime && (c == nil || c.Codes[row] == 0) {
		text = append(text, `{"@timestamp":`...)
		text = append(text, timeJSON(when)...)
		if rest := bytes.TrimLeft(raw[1:], " \t\r\n"); rest[0] != '}' {
			text = append(text, ',')
		}
		raw = raw[1:]
	}
	text = append(text, raw...)
	for i, c := range text[from:] {
		if c == '\n' || c == '\r' {
			text[from+i] = ' '
		}
	}
	return text
}
