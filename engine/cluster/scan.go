package cluster

import (
	"context"
	"fmt"
	"slices"

	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/ir"
)

// question is a rule that is asked, and what came of it.
type question struct {
	rule  engine.Prepared
	place int // in the list of rules to look for
	ask   *ask
	index *index
	query any // a clause
	// exprs are the conditions of which query is made, parts the questions asked in its
	// place when the cluster takes no query of so many clauses.
	exprs []ir.Expr
	parts []*question
	info  engine.RuleInfo
	// most is the number of documents to fetch, correlated tells that
	// correlations need them.
	most       int
	correlated bool
	// docs are those that were fetched and not handed over yet.
	docs []document
	// failed is the error of the latest try to count, away tells that what it lacks may
	// be back later; lacks is what the latest try to fetch did not get.
	failed error
	away   bool
	lacks  error
}

// Scan asks for all rules, and calls each for the hits of one after the other, in
// the order of the rules and then of time; those of correlations come at the end.
// An error is about the cluster as a whole, or that of each.
func (c *Cluster) Scan(ctx context.Context, rules []engine.Prepared, each func(engine.Hit) error) (*engine.ScanInfo, error) {
	return c.scan(ctx, rules, c.Bounds, each)
}

func (c *Cluster) scan(ctx context.Context, rules []engine.Prepared, bounds engine.Bounds, each func(engine.Hit) error) (*engine.ScanInfo, error) {
	hits, err := engine.NewHits(rules, each)
	if err != nil {
		return nil, err
	}
	c.stayedAway.Store(false)
	info, err := c.overview(ctx)
	if err != nil {
		return nil, err
	}
	questions, own := c.questions(hits, bounds)
	c.Progress.Rules.Store(int64(len(questions)))
	if err := c.formulate(ctx, questions); err != nil {
		return info, err
	}
	err = c.answer(ctx, questions, func(q *question) error { return c.emit(q, hits) })
	info.Rules = make([]engine.RuleInfo, len(rules))
	for i, q := range questions {
		if own[i] >= 0 {
			info.Rules[own[i]] = q.info
		}
	}
	if err != nil {
		return info, err
	}
	info.Correlations, err = hits.Finish()
	c.tellCorrelations(info, rules, questions)
	return info, err
}

// mostCorrelated bounds the documents of a rule that correlations relate.
const mostCorrelated = 100_000

func (c *Cluster) questions(hits *engine.Hits, bounds engine.Bounds) ([]*question, []int) {
	list, own := hits.Rules()
	out := make([]*question, len(list))
	for i, p := range list {
		out[i] = &question{rule: p, place: i, ask: c.about[p.Rule], most: bounds.Findings()}
		if _, out[i].correlated = hits.Correlated(i); out[i].correlated {
			out[i].most = mostCorrelated
		}
	}
	return out, own
}

// formulate writes the queries, after a look at the indices.
func (c *Cluster) formulate(ctx context.Context, questions []*question) error {
	fields := map[string][]string{}
	asked := map[*index][]*question{}
	var indices []*index
	for _, q := range questions {
		key := list(c.indexOf(q.ask))
		fields[key] = append(fields[key], ir.Fields(q.rule.Expr)...)
	}
	for _, q := range questions {
		names := c.indexOf(q.ask)
		x, err := c.look(ctx, names, fields[list(names)])
		if err != nil {
			return err
		}
		q.index = x
		if !x.exist {
			q.info.Absent = "there is no index like " + list(names)
			continue
		}
		if x.note != "" {
			q.info.Notes = append(q.info.Notes, x.note)
		}
		if q.ask.text != "" {
			q.query = textQuery(q.ask.text)
			continue
		}
		missing := absent(q.rule.Expr, x.has)
		if possible(q.rule.Expr, x.has) == never {
			q.info.Absent = fmt.Sprintf("%s %s", inNone(missing), list(names))
			continue
		}
		if len(missing) > 0 && x.mapping == nil { // with a mapping the target tells of each
			q.info.Notes = append(q.info.Notes, fmt.Sprintf("%s %s; what the rule says about %s is taken as not so", inNone(missing), list(names), them(missing)))
		}
		asked[x] = append(asked[x], q)
		indices = append(indices, x)
	}
	for _, x := range slices.Compact(indices) {
		if err := c.write(ctx, x, asked[x]); err != nil {
			return err
		}
		delete(asked, x)
	}
	return nil
}

// write makes queries of the questions about some indices. Where there are many, or
// one looks for a text in any field, they are held against the values that the indices
// have first.
func (c *Cluster) write(ctx context.Context, x *index, questions []*question) error {
	simplify := func(e ir.Expr) ir.Expr { return e }
	if len(questions) >= fewRules || slices.ContainsFunc(questions, (*question).anywhere) {
		trees := make([]ir.Expr, len(questions))
		for i, q := range questions {
			trees[i] = q.rule.Expr
		}
		known, err := c.learn(ctx, x, trees)
		if err != nil {
			return err
		}
		simplify = known.simplify
	}
	for _, q := range questions {
		// What can't be expressed is told whatever values there are.
		conditions := q.ask.conditions(x)
		whole, remarks, err := c.query(q.ask, conditions, x.mapping)
		if err != nil {
			q.info.Err = err
			continue
		}
		q.info.Notes = append(q.info.Notes, engine.NoteTexts(remarks)...)
		var exprs []ir.Expr
		for _, e := range conditions {
			if e = simplify(e); !isNothing(e) {
				exprs = append(exprs, e)
			}
		}
		if len(exprs) == 0 {
			continue
		}
		q.exprs = exprs
		if q.query, _, err = c.query(q.ask, exprs, x.mapping); err != nil {
			q.query, q.exprs = whole, conditions
		}
	}
	return nil
}

func inNone(fields []string) string {
	if len(fields) == 1 {
		return "the field " + fields[0] + " is in no index like"
	}
	return "the fields " + list(fields) + " are in no index like"
}

func them(fields []string) string {
	if len(fields) == 1 {
		return "it"
	}
	return "them"
}

// anywhere tells whether a question looks for a text in any field.
func (q *question) anywhere() bool {
	found := false
	ir.Walk(q.rule.Expr, func(m *ir.Match) { found = found || m.Field == "" })
	return found
}

// tellCorrelations says of each correlation what its rules lack.
func (c *Cluster) tellCorrelations(info *engine.ScanInfo, rules []engine.Prepared, questions []*question) {
	for i, p := range rules {
		if p.Correlation == nil {
			continue
		}
		for _, q := range questions {
			if !p.Correlation.StandsOn(q.rule.Rule) {
				continue
			}
			about := q.info
			if about.Err != nil {
				info.Rules[i].Incomplete = join(info.Rules[i].Incomplete, fmt.Sprintf("%s could not be asked: %s", q.rule.Rule.Title, about.Err))
			}
			if about.Incomplete != "" {
				info.Rules[i].Incomplete = join(info.Rules[i].Incomplete, q.rule.Rule.Title+": "+about.Incomplete)
			}
			if about.Count > q.most {
				info.Rules[i].Incomplete = join(info.Rules[i].Incomplete, fmt.Sprintf("of %d events of %s the first %d were related", about.Count, q.rule.Rule.Title, q.most))
			}
			for _, n := range slices.Concat(about.Notes, nonEmpty(about.Absent)) {
				info.Rules[i].Notes = append(info.Rules[i].Notes, q.rule.Rule.Title+": "+n)
			}
		}
	}
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
