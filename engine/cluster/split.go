package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/ir"
)

// mostParts bounds the requests for one question.
const mostParts = 64

// split counts a question in parts that the cluster takes: what matches one of them
// matches the rule. A question that can't be cut keeps the cluster's refusal. The count
// is the sum of the parts, until fetchParts knows better.
func (c *Cluster) split(ctx context.Context, q *question) error {
	var parts []*question
	todo := slices.Clone(q.exprs)
	if len(todo) == 1 {
		todo = halves(todo[0])
	}
	for asked := 0; len(todo) > 0; asked++ {
		if asked == mostParts {
			return nil
		}
		e := todo[0]
		todo = todo[1:]
		part := &question{rule: q.rule, place: q.place, ask: q.ask, index: q.index, most: q.most, correlated: q.correlated}
		part.query, _, part.failed = c.query(q.ask, []ir.Expr{e}, q.index.mapping)
		if !part.hasFailed() {
			if err := c.count(ctx, []*question{part}, 1); err != nil {
				return err
			}
		}
		if errors.Is(part.failed, elastic.ErrClauses) {
			smaller := halves(e)
			if smaller == nil {
				return nil
			}
			todo = append(smaller, todo...)
			continue
		}
		if part.hasFailed() {
			q.failed = part.failed
			return nil
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return nil
	}
	q.failed, q.parts = nil, parts
	for _, part := range parts {
		q.info.Count += part.info.Count
		q.info.Incomplete = join(q.info.Incomplete, part.info.Incomplete)
	}
	return nil
}

func (q *question) hasFailed() bool { return q.failed != nil }

// halves are two trees of about half the size of which one is true where the given
// one is; nil where there is no alternative to cut at.
func halves(e ir.Expr) []ir.Expr {
	switch e := e.(type) {
	case *ir.Or:
		switch half := len(e.X) / 2; half {
		case 0:
			if len(e.X) == 1 {
				return halves(e.X[0])
			}
		default:
			return []ir.Expr{ir.Any(e.X[:half]...), ir.Any(e.X[half:]...)}
		}
	case *ir.And:
		// The greatest part is the one to cut, if it can be.
		order := make([]int, len(e.X))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(leaves(e.X[b]), leaves(e.X[a])) })
		for _, i := range order {
			if two := halves(e.X[i]); two != nil {
				for j := range two {
					x := slices.Clone(e.X)
					x[i] = two[j]
					two[j] = ir.All(x...)
				}
				return two
			}
		}
	case *ir.Not:
		if all, ok := e.X.(*ir.And); ok && len(all.X) > 1 {
			half := len(all.X) / 2
			return []ir.Expr{&ir.Not{X: ir.All(all.X[:half]...)}, &ir.Not{X: ir.All(all.X[half:]...)}}
		}
	}
	return nil
}

func leaves(e ir.Expr) int {
	n := 0
	ir.Walk(e, func(*ir.Match) { n++ })
	return n
}

// fetchParts gets the documents of a question's parts, each document once.
func (c *Cluster) fetchParts(ctx context.Context, q *question) error {
	if err := c.fetchBatch(ctx, q.parts); err != nil {
		return err
	}
	q.forget()
	seen := map[string]bool{}
	q.info.Incomplete = ""
	whole := true
	for _, part := range q.parts {
		q.info.Incomplete = join(q.info.Incomplete, part.info.Incomplete)
		whole = whole && len(part.docs) == part.info.Count
		for _, d := range part.docs {
			if !seen[d.name()] {
				seen[d.name()] = true
				q.docs = append(q.docs, d)
			}
		}
		part.docs = nil
	}
	slices.SortStableFunc(q.docs, func(a, b document) int { return cmp.Compare(a.millis(), b.millis()) })
	if whole {
		q.info.Count = len(q.docs)
	} else {
		q.info.Notes = append(q.info.Notes, fmt.Sprintf("was asked in %d parts, as it has more clauses than the cluster takes: events that several of them match are counted more than once", len(q.parts)))
	}
	q.docs = q.docs[:min(len(q.docs), q.most)]
	return nil
}

// millis is the time of a document as the cluster sorts it; without one it comes last.
func (d document) millis() int64 {
	n, err := strconv.ParseInt(string(d.first()), 10, 64)
	if err != nil {
		return 1<<63 - 1
	}
	return n
}
