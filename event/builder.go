package event

import (
	"errors"
	"hash/maphash"
	"maps"
	"math"
	"time"
)

// Options say how events are read. The zero value is usable.
type Options struct {
	// Location is the zone of times that name none; nil is UTC.
	Location *time.Location
	// Since and Until bound the events' times: Since ≤ time < Until. A zero
	// time is no bound. With a bound, an event without a time is left out.
	Since, Until time.Time
	// Fields are the only fields that are kept, by their names in rules; nil
	// keeps all. What says which event it is is always kept.
	Fields map[string]bool
}

// Errors of AppendJSON for events that Options leave out.
var (
	ErrOutside = errors.New("the event's time is outside the wanted range")
	ErrUndated = errors.New("the event has no time, and a range of times is wanted")
)

// maxCells bounds columns × rows of a batch.
const maxCells = 8 << 20

// Builder makes batches of JSON objects, one object after the other. It is for
// one goroutine; keep it for many batches, since it learns the events' names.
type Builder struct {
	location     *time.Location
	since, until int64
	bounded      bool
	wanted       map[string]bool // nil: all

	scan    scanner
	seed    maphash.Seed
	scratch []byte // the text of a value
	json    []byte // a list's JSON
	stamps  [stampCount]int32
	paired  bool // the event has Data elements with their names beside them
	// compared tells that values had a say in which column takes which.
	compared bool

	// The batch that is being built.
	number  uint64
	batch   *Batch
	bytes   int
	columns []*column
	names   map[string]*column
	known   knownColumns
	shapes  []uint8 // of each row
	store   store
}

// NewBuilder returns a Builder with an empty batch.
func NewBuilder(o Options) *Builder {
	b := &Builder{location: o.Location, seed: maphash.MakeSeed(), since: NoTime, until: math.MaxInt64}
	if b.location == nil {
		b.location = time.UTC
	}
	if !o.Since.IsZero() {
		b.since, b.bounded = nanoseconds(o.Since), true
	}
	if !o.Until.IsZero() {
		b.until, b.bounded = nanoseconds(o.Until), true
	}
	b.scan.tree = newKeyTree()
	if o.Fields != nil {
		b.wanted = wantedFields(o.Fields)
	}
	b.start()
	return b
}

// wantedFields adds to the wanted fields those that they are made of.
func wantedFields(asked map[string]bool) map[string]bool {
	wanted := maps.Clone(asked)
	for _, name := range identifying {
		wanted[name] = true
	}
	for _, a := range aliases {
		if wanted[a.to] {
			wanted[a.from] = true
		}
	}
	return wanted
}

func (b *Builder) start() {
	b.number++
	b.batch = &Batch{}
	b.bytes = 0
	b.columns = nil
	b.names = map[string]*column{}
	b.known = knownColumns{}
	b.shapes = nil
	b.store = store{}
}

// Rows returns the number of events in the batch so far.
func (b *Builder) Rows() int { return b.batch.Rows }

// Bytes returns the size of the JSON in the batch so far.
func (b *Builder) Bytes() int { return b.bytes }

// Full says that the batch has so many columns for its rows that it should be
// finished. How many rows and bytes it may have is the caller's choice.
func (b *Builder) Full() bool { return len(b.columns)*(b.batch.Rows+1) > maxCells }

// AppendJSON adds one JSON object as a row; rec.Raw becomes the object without
// the white space around it, and raw must not change while the batch is in use.
// On an error the batch is as before. Errors are *SyntaxError, ErrNotObject,
// ErrOutside and ErrUndated.
func (b *Builder) AppendJSON(raw []byte, rec Record) error {
	rec.Raw = trim(raw)
	if err := b.read(rec.Raw); err != nil {
		return err
	}
	shape := shapeOf(b.evidence())
	b.assign(shape)
	if repair := shapes[shape].repair; repair != nil {
		repair(b)
	}
	stamp := b.stamp()
	if err := b.inside(stamp); err != nil {
		return err
	}
	windows := shapes[shape].windows && b.fromWindows()
	b.commit()

	b.batch.Records = append(b.batch.Records, rec)
	b.batch.Times = append(b.batch.Times, stamp)
	b.batch.Windows = append(b.batch.Windows, windows)
	b.shapes = append(b.shapes, uint8(shape))
	b.batch.Rows++
	b.bytes += len(rec.Raw)
	return nil
}

// inside is an error when an event of that time is left out.
func (b *Builder) inside(stamp int64) error {
	switch {
	case !b.bounded:
		return nil
	case stamp == NoTime:
		return ErrUndated
	case stamp < b.since || stamp >= b.until:
		return ErrOutside
	}
	return nil
}

// read collects the entries of an object.
func (b *Builder) read(raw []byte) error {
	s := &b.scan
	if len(raw) > math.MaxInt32 {
		return &SyntaxError{Reason: "it is larger than 2 GiB", TooBig: true}
	}
	if s.tree.size > maxKeys {
		s.tree = newKeyTree()
	}
	s.data, s.pos, s.entries, s.layout, s.depth, s.fields = raw, 0, s.entries[:0], 0, 0, 0
	s.lists, s.list, s.item, s.inside = 0, 0, 0, 0
	s.dropped, s.unicode, s.beyond = false, false, false
	s.event++
	if len(raw) == 0 || raw[0] != '{' {
		if n, err := Scan(raw); !errors.Is(err, ErrNotObject) {
			return err
		} else if n < len(raw) {
			return &SyntaxError{Offset: n, Reason: "text is behind the value"}
		}
		return ErrNotObject
	}
	if err := s.object(s.tree.root); err != nil {
		return err
	}
	if s.space(); s.pos < len(raw) {
		return &SyntaxError{Offset: s.pos, Reason: "text is behind the object"}
	}
	return nil
}
