package explain

import (
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
)

// Search looks through events for the one to explain: the first that the rule
// matches, else the nearest. An event of the rule's log source is nearer than
// any other; of those, the one that makes most of the condition true.
type Search struct {
	// Events counts the events looked at, Concerned those of the rule's log
	// source.
	Events, Concerned int
	// Best is nil before any event was looked at.
	Best *Explanation
	// Misses passes events over that the rule matches: what is wanted is the
	// nearest of the others.
	Misses bool

	rule *Rule
	near float64
}

// NewSearch begins a search.
func NewSearch(r *Rule) *Search { return &Search{rule: r} }

// Add looks at the wanted events of a batch and tells whether the search is over.
func (s *Search) Add(b *event.Batch, wanted func(event.Record) bool) bool {
	for row, record := range b.Records {
		if !wanted(record) {
			continue
		}
		e := s.rule.Event(b, row)
		s.Events++
		near, concerned := s.rule.nearness(e)
		if concerned {
			s.Concerned++
		}
		matches := s.rule.Matches(e)
		if matches && s.Misses {
			continue
		}
		if matches || s.Best == nil || near > s.near {
			s.Best, s.near = s.rule.Explain(e), near
		}
		if matches {
			return true
		}
	}
	return false
}

// nearness is 2 for a match, above 1 for an event of the log source.
func (r *Rule) nearness(e *Event) (near float64, concerned bool) {
	for _, w := range r.ways {
		if r.concerns(e) && e.all(w.Added) {
			concerned = true
			for _, c := range w.Conditions {
				near = max(near, 1+e.share(c.Expr))
			}
			continue
		}
		n := share(len(w.Added)+1, func(i int) float64 {
			if i < len(w.Added) {
				return e.share(w.Added[i].Expr)
			}
			return shareOfAny(w.Conditions, e)
		})
		if !r.concerns(e) {
			n /= 2
		}
		near = max(near, n)
	}
	return near, concerned
}

func shareOfAny(pieces []*pipeline.Piece, e *Event) float64 {
	best := 0.0
	for _, p := range pieces {
		best = max(best, e.share(p.Expr))
	}
	return best
}

// share is how much of a tree is true, 0 to 1: the mean of what an And demands,
// the best that an Or offers.
func (e *Event) share(x ir.Expr) float64 {
	switch x := x.(type) {
	case *ir.And:
		return share(len(x.X), func(i int) float64 { return e.share(x.X[i]) })
	case *ir.Or:
		best := 0.0
		for _, y := range x.X {
			if best = max(best, e.share(y)); best == 1 {
				break
			}
		}
		return best
	}
	if e.Matches(x) {
		return 1
	}
	return 0
}

func share(n int, of func(int) float64) float64 {
	if n == 0 {
		return 1
	}
	sum := 0.0
	for i := range n {
		sum += of(i)
	}
	return sum / float64(n)
}
