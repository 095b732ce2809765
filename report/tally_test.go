package report

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestTally(t *testing.T) {
	end := start.Add(time.Hour)
	tally := NewTally(3)
	tally.Add(0, start, "B")
	tally.Add(0, end, "A")
	tally.Add(0, start.Add(30*time.Minute), "B")
	tally.Add(1, time.Time{}, "A")

	a := tally.Activity(0, start, end)
	if !a.First.Equal(start) || !a.Last.Equal(end) {
		t.Errorf("from %v to %v, want %v to %v", a.First, a.Last, start, end)
	}
	if want := []HostCount{{"B", 2}, {"A", 1}}; !slices.Equal(a.Hosts, want) {
		t.Errorf("hosts %v, want %v", a.Hosts, want)
	}
	want := make([]int, buckets)
	want[0], want[29], want[59] = 1, 1, 1
	if !slices.Equal(a.Buckets, want) {
		t.Errorf("buckets %v, want %v", a.Buckets, want)
	}
	if a := tally.Activity(1, start, end); a.Buckets != nil || !a.First.IsZero() || len(a.Hosts) != 1 {
		t.Errorf("a finding without a time gave %+v", a)
	}
	if a := tally.Activity(2, start, end); a.Buckets != nil || a.Hosts != nil {
		t.Errorf("a rule without findings gave %+v", a)
	}
}

// The order in which findings come makes no difference, none is lost, and
// memory stays bounded.
func TestTallyIsOrderlessAndBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.SliceOfN(rapid.Int64Range(-1e10, 1e10), 1, 5000).Draw(t, "seconds")
		forward, backward := NewTally(1), NewTally(1)
		for i := range seconds {
			forward.Add(0, time.Unix(seconds[i], 0), "h")
			backward.Add(0, time.Unix(seconds[len(seconds)-1-i], 0), "h")
		}
		first, last := time.Unix(slices.Min(seconds), 0), time.Unix(slices.Max(seconds), 0)
		a, b := forward.Activity(0, first, last), backward.Activity(0, first, last)
		if d := cmp.Diff(a, b); d != "" {
			t.Fatal(d)
		}
		sum := 0
		for _, n := range a.Buckets {
			sum += n
		}
		if sum != len(seconds) || !a.First.Equal(first) || !a.Last.Equal(last) {
			t.Fatalf("%d of %d findings, from %v to %v", sum, len(seconds), a.First, a.Last)
		}
		if n := len(forward.rules[0].slots); n > slotsPerRule {
			t.Fatalf("%d slots", n)
		}
	})
}

func TestTallyBoundsHosts(t *testing.T) {
	tally := NewTally(1)
	for i := range 3 * hostsPerRule {
		tally.Add(0, start, number(i))
	}
	hosts := tally.Activity(0, start, start).Hosts
	if len(hosts) != hostsPerRule+1 || hosts[0] != (HostCount{otherHosts, 2 * hostsPerRule}) {
		t.Errorf("%d hosts, the first %v", len(hosts), hosts[0])
	}
}
