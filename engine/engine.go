// Package engine says where a hunt's queries run, and what comes back.
//
// An Engine is opened on data and answers rules with results. The local engine
// reads files and matches in memory; others talk to servers. The package knows
// nothing of notebooks.
package engine

import (
	"context"
	"encoding/json"
	"time"
)

// Query is one question to an engine: a rule as YAML text, or a query string.
type Query struct {
	Rule string
	// Lucene is a query string of Lucene's, in the place of a rule.
	Lucene string
	// Limit is the greatest number of findings to return; the count stays
	// true. 0 means the engine's default.
	Limit int
}

// Data names what an engine is opened on. Paths are relative to the folder
// that the engine was made for; the address of a cluster stands alone, and then
// Index and the pipelines say where and under which names its events are.
type Data struct {
	Paths        []string
	Index        []string
	Pipelines    []string
	Configs      []string
	Since, Until time.Time      // zero: no bound
	Location     *time.Location // of times without a zone; nil: UTC
}

// DataInfo says what opening the data found.
type DataInfo struct {
	Events, Files  int
	Broken         int       // records that could not be read
	First, Last    time.Time // zero when no event has a time
	UnknownFormats int       // files that no decoder knows
	// Engine says which cluster answers, "" for files.
	Engine string
}

// Result answers a Query.
type Result struct {
	// Count is the number of events that match, however many are returned.
	Count int
	// Findings are the first matches in the order of the data.
	Findings []Finding
	// Correlation tells that a finding is several events that belong together.
	Correlation bool
	// Title is the rule's; Fields are the names to show: the rule's own
	// fields first, then those that it reads.
	Title  string
	Fields []string
	// Notes are remarks for the reader: warnings of the rule or pipeline.
	Notes []string
}

// Finding is one event that a rule matched.
type Finding struct {
	Source string
	Record int
	Time   time.Time // zero when the event has none
	// Event is the original object; it is cut to null when it is larger
	// than the engine's bound (Oversize is then its size in bytes). Of a
	// correlation it is an array of objects, as many as the bound lets in,
	// and Source, Record and Time are those of the last event.
	Event    json.RawMessage
	Oversize int
	// Values are the event's fields as rules name them, in the order of
	// the event; a list's value is its JSON text. Those of a correlation
	// are what its events share, their number and when they began.
	Values []Field
}

// Field is one named value of an event.
type Field struct{ Name, Value string }

// Value returns the value of the field of that name.
func (f *Finding) Value(name string) (string, bool) {
	for _, v := range f.Values {
		if v.Name == name {
			return v.Value, true
		}
	}
	return "", false
}

// Engine answers queries on the data that it was opened on.
type Engine interface {
	// Open reads the data, replacing what was open before.
	Open(ctx context.Context, data Data) (DataInfo, error)
	// Run answers a query. It fails when no data is open or when the rule
	// can't be used; a diag.List in the error says why.
	Run(ctx context.Context, q Query) (*Result, error)
}
