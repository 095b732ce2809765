package engine

import (
	"context"
	"slices"
	"time"

	"github.com/huntbook/huntbook/ingest"
)

// Memo answers queries from one pass over the data that is already done. A
// query is looked up by its exact text; a query or data that the pass did not
// have goes to the engine behind. A Memo is filled before it is used and then
// only read, so any number of notebooks may share it.
type Memo struct {
	data   Data
	read   []string // the paths as the pass was given them
	ingest ingest.Options
	info   DataInfo
	bounds Bounds
	byRule map[string]*Answer
}

// Answer is what the pass found for one rule.
type Answer struct {
	Result Result // without findings
	Events []*Captured
	// Err is why the rule could not be asked, nil when it was.
	Err error
}

// NewMemo makes a Memo of the pass over the data. Read are the paths as the pass
// was given them; data.Paths are the same ones, absolute.
func NewMemo(data Data, read []string, o ingest.Options, info DataInfo, bounds Bounds) *Memo {
	return &Memo{data: data, read: read, ingest: o, info: info, bounds: bounds, byRule: map[string]*Answer{}}
}

// Put files the answer to a rule's text as a cell hands it over.
func (m *Memo) Put(rule string, a *Answer) { m.byRule[rule] = a }

// For returns an engine for notebooks in a folder. Behind answers what the
// memo does not know; it is only asked when needed.
func (m *Memo) For(dir string, behind func() (Engine, error)) Engine {
	return &memoEngine{memo: m, dir: dir, behind: behind}
}

type memoEngine struct {
	memo   *Memo
	dir    string
	behind func() (Engine, error)
	open   *Data
	engine Engine // behind, once it was asked
}

func (e *memoEngine) Open(ctx context.Context, data Data) (DataInfo, error) {
	e.open, e.engine = &data, nil
	if e.isMemo() {
		return e.memo.info, nil
	}
	engine, err := e.behind()
	if err != nil {
		return DataInfo{}, err
	}
	e.engine = engine
	return engine.Open(ctx, data)
}

func (e *memoEngine) isMemo() bool {
	d, m := e.open, &e.memo.data
	return slices.Equal(Resolve(e.dir, d.Paths, e.memo.ingest), m.Paths) && d.Since.Equal(m.Since) && d.Until.Equal(m.Until) &&
		zone(d.Location) == zone(m.Location) && slices.Equal(d.Index, m.Index) &&
		slices.Equal(ResolvePipelines(e.dir, d.Pipelines), m.Pipelines) && slices.Equal(ResolvePipelines(e.dir, d.Configs), m.Configs)
}

func zone(l *time.Location) string {
	if l == nil {
		return time.UTC.String()
	}
	return l.String()
}

func (e *memoEngine) Run(ctx context.Context, q Query) (*Result, error) {
	if e.open == nil {
		return nil, ErrNoData
	}
	limit := e.memo.bounds.limit(q)
	if a := e.memo.byRule[q.Rule]; a != nil && e.engine == nil && (limit <= len(a.Events) || len(a.Events) == a.Result.Count) {
		if a.Err != nil {
			return nil, a.Err
		}
		result := a.Result
		for _, c := range a.Events[:min(limit, len(a.Events))] {
			result.Findings = append(result.Findings, c.Finding(e.memo.bounds))
		}
		rename(result.Findings, e.memo.read, e.open.Paths)
		return &result, nil
	}
	if e.engine == nil {
		engine, err := e.behind()
		if err != nil {
			return nil, err
		}
		if _, err := engine.Open(ctx, *e.open); err != nil {
			return nil, err
		}
		e.engine = engine
	}
	return e.engine.Run(ctx, q)
}
