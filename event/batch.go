// Package event holds events in columns.
//
// Logs repeat themselves, so a Batch stores each column as a dictionary of its
// distinct values and one code per row; a matcher looks at every distinct value
// once. The package knows how the shapes in which events come (winlogbeat,
// flat, Event.System/EventData, any other JSON) are named as Sigma's rules name
// them, and nothing of files. Data flows: bytes of one JSON object → Builder →
// Batch.
package event

import "math"

// Kind tells what a Value is.
type Kind uint8

// The kinds. Absent is only ever the value of code 0.
const (
	Absent Kind = iota
	Null
	Bool
	Number
	String
	List
)

// Value is one distinct value of a column.
type Value struct {
	Kind Kind
	// Text is the value as text: a string's characters, a number in its
	// shortest form ("19", "0.5"), "true", "false"; a list's JSON text.
	Text string
	// Elems are a list's values (never lists themselves).
	Elems []Value
}

// Column is one field of a batch.
type Column struct {
	Name string
	// Codes has an entry a row: an index into Values. Code 0 means that the
	// row has no such field.
	Codes []uint32
	// Values are the distinct values; Values[0] is Absent.
	Values []Value
}

// NoTime is the time of an event that carries none.
const NoTime = math.MinInt64

// Source is where events came from.
type Source struct {
	// Name is the path as it was given, with "!member" behind it for a
	// member of an archive.
	Name string
}

// Record is where one event came from.
type Record struct {
	Source *Source
	// Number counts the records of the source from 1, broken ones included.
	Number int
	// Raw is the original JSON object, without surrounding white space. It
	// is valid as long as the batch is in use.
	Raw []byte
}

// Batch is some thousands of events in columns.
type Batch struct {
	Rows    int
	Columns []*Column
	// Records, Times and Windows have an entry a row. Times are nanoseconds
	// since 1970 UTC, or NoTime. Windows tells the rows that come from a
	// Windows event log.
	Records []Record
	Times   []int64
	Windows []bool

	names  map[string]*Column
	shapes []uint8
}

// Shape names the shape in which the event came, as the producer wrote it.
func (b *Batch) Shape(row int) string { return shapes[b.shapes[row]].name }

// Column returns the column that holds the field of that name, nil when no row
// has it. A field may be known under several names (Computer, Hostname).
func (b *Batch) Column(name string) *Column { return b.names[name] }

// Pair is one named value of an event, as text.
type Pair struct{ Name, Text string }

// Row returns the fields of an event in the order in which the batch met them
// first; names that are only another name of a field come last. A list is its
// JSON text, null is "".
func (b *Batch) Row(i int) []Pair {
	var pairs []Pair
	for _, c := range b.Columns {
		if code := c.Codes[i]; code != 0 {
			pairs = append(pairs, Pair{c.Name, c.Values[code].Text})
		}
	}
	return pairs
}
