package report

import (
	"cmp"
	"slices"
	"time"
)

// buckets is the number of equal parts into which a hunt's time is cut.
const buckets = 60

// slotsPerRule bounds the counts over time that a rule holds while it is
// counted: more make every slot twice as wide.
const slotsPerRule = 2048

// hostsPerRule bounds the hosts that a rule is counted on; the findings on
// further ones are counted together under otherHosts.
const hostsPerRule = 1000

const otherHosts = "(other hosts)"

// Tally counts the findings of a hunt as they come, in any order, in memory
// that the number of rules bounds. It is not safe for use by several goroutines
// at once.
type Tally struct {
	rules []tallied
}

type tallied struct {
	first, last time.Time
	width       int64         // seconds a slot
	slots       map[int64]int // by Unix seconds / width
	hosts       map[string]int
}

// NewTally counts for that many rules.
func NewTally(rules int) *Tally { return &Tally{make([]tallied, rules)} }

// Add counts a finding of a rule, given by its index. The time is zero when the
// event has none, the host "" likewise.
func (t *Tally) Add(rule int, when time.Time, host string) {
	t.AddHost(rule, host, 1)
	t.AddTime(rule, when, 1)
}

// Clear forgets the findings of a rule, for counts of all that come from elsewhere.
func (t *Tally) Clear(rule int) { t.rules[rule] = tallied{} }

// AddHost counts n findings of a rule on a host, "" for none.
func (t *Tally) AddHost(rule int, host string, n int) {
	if host == "" {
		return
	}
	r := &t.rules[rule]
	if r.hosts == nil {
		r.hosts = map[string]int{}
	}
	if _, known := r.hosts[host]; !known && len(r.hosts) >= hostsPerRule {
		host = otherHosts
	}
	r.hosts[host] += n
}

// AddTime counts n findings of a rule at about a time, zero for none.
func (t *Tally) AddTime(rule int, when time.Time, n int) {
	if when.IsZero() {
		return
	}
	r := &t.rules[rule]
	when = when.UTC()
	if r.slots == nil {
		r.slots, r.width, r.first, r.last = map[int64]int{}, 1, when, when
	}
	if when.Before(r.first) {
		r.first = when
	}
	if when.After(r.last) {
		r.last = when
	}
	r.slots[floorDiv(when.Unix(), r.width)] += n
	for len(r.slots) > slotsPerRule {
		r.widen()
	}
}

func (r *tallied) widen() {
	wider := make(map[int64]int, len(r.slots)/2)
	for slot, n := range r.slots {
		wider[floorDiv(slot, 2)] += n
	}
	r.slots, r.width = wider, r.width*2
}

// Activity is what was counted for a rule, in buckets of the time from first
// to last (the hunt's, not the rule's).
func (t *Tally) Activity(rule int, first, last time.Time) Activity {
	r := &t.rules[rule]
	a := Activity{First: r.first, Last: r.last}
	for host, n := range r.hosts {
		a.Hosts = append(a.Hosts, HostCount{host, n})
	}
	slices.SortFunc(a.Hosts, func(x, y HostCount) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.Host, y.Host))
	})
	if len(r.slots) == 0 || first.IsZero() || last.Before(first) {
		return a
	}
	a.Buckets = make([]int, buckets)
	from, span := first.Unix(), last.Unix()-first.Unix()+1
	for slot, n := range r.slots {
		// The middle of a slot stands for all of it. Divided in floating
		// point, since the product overflows for times far apart.
		at := float64(slot*r.width+r.width/2-from) / float64(span) * buckets
		a.Buckets[int(min(max(at, 0), buckets-1))] += n
	}
	return a
}

// floorDiv rounds towards the past, so that slots before 1970 are as wide as others.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
