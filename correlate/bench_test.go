package correlate

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkAdd counts events of a thousand groups, and near ones above them.
func BenchmarkAdd(b *testing.B) {
	rules := []Rule{
		{Kind: EventCount, Inputs: over(0), GroupBy: []string{"user"}, Span: 10 * time.Minute, Bounds: []Bound{{GreaterEqual, 100}}, Quiet: true},
		{Kind: Ordered, Inputs: []Input{{0, true}, {1, false}}, GroupBy: []string{"user"}, Span: time.Hour, Bounds: []Bound{{GreaterEqual, 2}}},
	}
	users := make([][]string, 1000)
	for i := range users {
		users[i] = []string{fmt.Sprint("user", i)}
	}
	b.ReportAllocs()
	for b.Loop() {
		e, err := New(rules, Limits{}, func(Match) {})
		if err != nil {
			b.Fatal(err)
		}
		for i := range 200_000 {
			base := 0
			if i%100 == 0 {
				base = 1
			}
			// Two files, one after the other, over the same days.
			at := int64(i%100_000) * int64(time.Second)
			e.Add(Event{Base: base, ID: int64(i), Time: at, Values: [][]string{users[i*7919%1000]}})
		}
		e.Flush()
	}
}
