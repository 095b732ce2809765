package inspect

import (
	"fmt"
	"strings"

	"github.com/huntbook/huntbook/event"
)

// field is what is known of a field. Values hold at most twice its share between
// batches.
type field struct {
	events, nulls int
	values        map[string]int
	more          bool
}

// share is how many values a field may keep.
func (c *Collector) share() int {
	if c.only != "" {
		return ofOne
	}
	return min(max(maxValues/max(len(c.fields), 1), leastShare), ofField)
}

// column counts the values of a column.
func (c *Collector) column(column *event.Column) {
	f := c.fields[column.Name]
	if f == nil {
		if len(c.fields) >= maxFields {
			c.report.MoreFields = true
			return
		}
		f = &field{values: map[string]int{}}
		c.fields[column.Name] = f
	}
	counts := make([]int, len(column.Values))
	for _, code := range column.Codes {
		counts[code]++
	}
	for code, n := range counts[1:] {
		f.events += n
		if v := column.Values[code+1]; v.Kind == event.Null {
			f.nulls += n
		} else if n > 0 {
			f.values[cut(v.Text)] += n
		}
	}
	if share := c.share(); len(f.values) > 2*share {
		f.drop(share)
	}
}

// drop keeps the most frequent values.
func (f *field) drop(keep int) {
	f.more = true
	kept := make(map[string]int, 2*keep)
	for _, v := range sorted(f.values)[:keep] {
		kept[v.Value] = v.Events
	}
	f.values = kept
}

func (c *Collector) fieldReport(name string) Field {
	f := c.fields[name]
	r := Field{Name: name, Events: f.events, Nulls: f.nulls, Distinct: len(f.values), Values: sorted(f.values), More: f.more}
	most := shown
	if c.only != "" {
		most = c.share()
	}
	r.Values = r.Values[:min(most, len(r.Values))]
	return r
}

// cut shortens a value that is too long to keep; its length keeps it apart from
// others that begin in the same way.
func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + fmt.Sprintf("… (%d bytes)", len(s))
}
