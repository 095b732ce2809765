// Package inspect says what events hold: where they come from, which shapes,
// channels and event ids they have, when they happened, and which fields with
// which values.
//
// It counts batch by batch, a column's distinct values at once, and keeps no
// event. Memory is bounded: of a field with very many values the frequent ones
// are kept, and the field says so. The package knows nothing of files or rules.
// Data flows: event.Batch → Collector → Report.
package inspect

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/huntbook/huntbook/event"
)

// Report is what a Collector counted. Lists are in the order of their counts,
// the greatest first.
type Report struct {
	Events int
	// First and Last are the times of the oldest and the newest event, zero
	// when no event has one; Undated are the events without.
	First, Last time.Time
	Undated     int
	// Sources are the files and members in the order of the data.
	Sources []Count
	Shapes  []Count
	// Channels are those of Windows event logs and, under "", all other events.
	Channels []Channel
	Fields   []Field
	// MoreSources, MoreChannels and MoreFields tell that there are others, which
	// were too many to keep.
	MoreSources, MoreChannels, MoreFields bool
}

// Count is how often a value occurs.
type Count struct {
	Value  string
	Events int
}

// Channel is a channel with the event ids in it.
type Channel struct {
	Name     string
	Events   int
	EventIDs []Count
}

// Field is one field of the events, under the name that rules use.
type Field struct {
	Name string
	// Events have the field, Nulls of them as null.
	Events, Nulls int
	// Distinct is the number of distinct values but for null, Values are the
	// frequent ones: ten, or all of the field that was asked for. More tells
	// that there were too many to keep: there are more than Distinct, and a
	// value may occur more often than its count says. A long value is cut, a
	// list is its JSON text.
	Distinct int
	Values   []Count
	More     bool
}

// The bounds of what a Collector keeps.
const (
	maxSources  = 10_000
	maxChannels = 10_000 // pairs of channel and event id
	maxFields   = 10_000
	// maxValues bounds the values of all fields together; a field has its
	// share, within these two.
	maxValues           = 200_000
	leastShare, ofField = 16, 1000
	// shown are the values of a field in a report about all of them.
	shown = 10
	// ofOne are the values of the one field that was asked for.
	ofOne = 100_000
	// maxText bounds a value that is kept, in bytes.
	maxText = 256
)

// Collector counts what batches hold. It is for one goroutine.
type Collector struct {
	only     string
	report   Report
	shapes   map[string]int
	channels map[[2]string]int
	fields   map[string]*field
}

// New makes a Collector. Only is the one field whose values are wanted, "" for
// all fields.
func New(only string) *Collector {
	return &Collector{only: only, shapes: map[string]int{}, channels: map[[2]string]int{}, fields: map[string]*field{}}
}

// Add counts a batch.
func (c *Collector) Add(b *event.Batch) {
	c.report.Events += b.Rows
	for row := range b.Rows {
		c.shapes[b.Shape(row)]++
		c.source(b.Records[row].Source)
		c.time(b.Times[row])
	}
	c.channel(b)
	if c.only != "" {
		if column := b.Column(c.only); column != nil {
			c.column(column)
		}
		return
	}
	for _, column := range b.Columns {
		c.column(column)
	}
}

func (c *Collector) source(s *event.Source) {
	name := ""
	if s != nil {
		name = s.Name
	}
	n := len(c.report.Sources)
	switch {
	case n > 0 && c.report.Sources[n-1].Value == name:
		c.report.Sources[n-1].Events++
	case n == maxSources:
		c.report.MoreSources = true
	default:
		c.report.Sources = append(c.report.Sources, Count{name, 1})
	}
}

func (c *Collector) time(ns int64) {
	if ns == event.NoTime {
		c.report.Undated++
		return
	}
	t := time.Unix(0, ns).UTC()
	if c.report.First.IsZero() || t.Before(c.report.First) {
		c.report.First = t
	}
	if t.After(c.report.Last) {
		c.report.Last = t
	}
}

// channel counts pairs of channel and event id.
func (c *Collector) channel(b *event.Batch) {
	channel, id := b.Column("Channel"), b.Column("EventID")
	counts := map[[2]uint32]int{}
	for row := range b.Rows {
		var codes [2]uint32
		if channel != nil {
			codes[0] = channel.Codes[row]
		}
		if id != nil && codes[0] != 0 {
			codes[1] = id.Codes[row]
		}
		counts[codes]++
	}
	for codes, n := range counts {
		pair := [2]string{first(channel, codes[0]), first(id, codes[1])}
		if _, known := c.channels[pair]; !known && len(c.channels) >= maxChannels {
			c.report.MoreChannels = true
			continue
		}
		c.channels[pair] += n
	}
}

// first is a value's text, of a list that of its first element: the event's own
// channel, not the one that it is about.
func first(c *event.Column, code uint32) string {
	if c == nil {
		return ""
	}
	v := c.Values[code]
	if v.Kind == event.List && len(v.Elems) > 0 {
		v = v.Elems[0]
	}
	return cut(v.Text)
}

// Report sums up.
func (c *Collector) Report() *Report {
	r := c.report
	r.Shapes = sorted(c.shapes)
	byChannel := map[string]map[string]int{}
	for pair, n := range c.channels {
		if byChannel[pair[0]] == nil {
			byChannel[pair[0]] = map[string]int{}
		}
		byChannel[pair[0]][pair[1]] += n
	}
	for name, ids := range byChannel {
		channel := Channel{Name: name}
		for _, n := range ids {
			channel.Events += n
		}
		delete(ids, "")
		channel.EventIDs = sorted(ids)
		r.Channels = append(r.Channels, channel)
	}
	slices.SortFunc(r.Channels, func(a, b Channel) int {
		return cmp.Or(b.Events-a.Events, cmp.Compare(a.Name, b.Name))
	})
	for _, name := range slices.Sorted(maps.Keys(c.fields)) {
		r.Fields = append(r.Fields, c.fieldReport(name))
	}
	slices.SortStableFunc(r.Fields, func(a, b Field) int { return b.Events - a.Events })
	return &r
}

func sorted(counts map[string]int) []Count {
	list := make([]Count, 0, len(counts))
	for value, n := range counts {
		list = append(list, Count{value, n})
	}
	slices.SortFunc(list, byCount)
	return list
}

func byCount(a, b Count) int { return cmp.Or(b.Events-a.Events, cmp.Compare(a.Value, b.Value)) }
