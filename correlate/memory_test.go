package correlate

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// With a lateness no more events are kept than windows and lateness need, however
// long the stream is; without one all are.
func TestMemoryIsBounded(t *testing.T) {
	const (
		span     = 60 // seconds, an event each
		lateness = 30
		listed   = 10
		users    = 7
	)
	byUser := []string{"user"}
	rule := func(kind Kind, op Op, n float64, inputs ...Input) Rule {
		return Rule{Kind: kind, Inputs: inputs, GroupBy: byUser, Span: span * time.Second, Bounds: []Bound{{op, n}}}
	}
	quiet := rule(EventCount, GreaterEqual, 3, over(0)...)
	quiet.Quiet = true
	sum := rule(Sum, Greater, 1e9, over(0)...)
	sum.Fields = []string{"size"}
	const plain, chained = 2*span + 2*lateness, 4*span + 2*lateness
	for _, c := range []struct {
		name  string
		rules []Rule
		most  int // seconds whose events are kept
	}{
		{"never", []Rule{rule(EventCount, Greater, 1000, over(0, 1)...)}, plain},
		{"now and then", []Rule{rule(ValueCount, GreaterEqual, 9, over(0)...)}, plain},
		{"sum", []Rule{sum}, plain},
		{"order", []Rule{rule(Ordered, GreaterEqual, 2, over(0, 1)...)}, plain},
		{"always", []Rule{rule(EventCount, GreaterEqual, 1, over(0, 1)...)}, plain},
		{"chain", []Rule{quiet, rule(Temporal, GreaterEqual, 2, Input{0, true}, Input{1, false})}, chained},
	} {
		for i := range c.rules {
			if c.rules[i].Kind == ValueCount {
				c.rules[i].Fields = []string{"size"}
			}
		}
		kept := func(n int, lateness time.Duration) int {
			random := rand.New(rand.NewPCG(1, 2))
			e, err := New(c.rules, Limits{Lateness: lateness, Events: listed}, func(Match) {})
			if err != nil {
				t.Fatal(err)
			}
			most := 0
			for i := range n {
				at := int64(i - random.IntN(int(max(lateness/time.Second, 1))+1))
				ev := Event{Base: i % 2, ID: int64(i), Time: at * int64(time.Second)}
				for _, f := range e.Fields(ev.Base) {
					ev.Values = append(ev.Values, []string{map[string]string{"user": fmt.Sprint(random.IntN(users)), "size": fmt.Sprint(i % 50)}[f]})
				}
				e.Add(ev)
				most = max(most, e.kept)
			}
			for i := range c.rules {
				if s := e.Stats(i); s.Late > 0 || s.Dropped > 0 || lateness > 0 && s.Most > c.most {
					t.Errorf("%s: %+v after %d events", c.name, s, n)
				}
			}
			e.Flush()
			return most
		}
		// A match that goes on lists the first of its events, and the last, for
		// each user; a correlation above lists its own.
		bound := c.most + len(c.rules)*users*(listed+1)
		for _, n := range []int{2_000, 50_000} {
			if got := kept(n, lateness*time.Second); got > bound {
				t.Errorf("%s: %d of %d events were kept at a time, more than %d", c.name, got, n, bound)
			}
		}
		if got := kept(2_000, 0); got < 900 {
			t.Errorf("%s: without a lateness only %d events are kept: the test shows nothing", c.name, got)
		}
	}
}
