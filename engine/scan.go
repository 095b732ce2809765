package engine

import (
	"cmp"
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/match"
)

// Hit is one event that one rule matched. It is valid during the call that
// gets it.
type Hit struct {
	// Rule is the index of the rule in the list given to Scan.
	Rule  int
	Batch *event.Batch
	Row   int
	// Match is set instead of Batch and Row when the rule is a correlation. It
	// stays valid.
	Match *Match
}

// Time of the event, zero when it has none.
func (h Hit) Time() time.Time {
	if h.Match != nil {
		return h.Match.Last
	}
	return eventTime(h.Batch.Times[h.Row])
}

func eventTime(ns int64) time.Time {
	if ns == event.NoTime {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// Record says where the event came from, the last one of a correlation.
func (h Hit) Record() event.Record {
	if h.Match != nil {
		last := h.Match.last()
		return event.Record{Source: &event.Source{Name: last.Source}, Number: last.Number, Raw: last.Raw}
	}
	return h.Batch.Records[h.Row]
}

var hostFields = []string{"Computer", "host.name", "host.hostname", "hostname"}

// Host is the computer that the event names, "" when none.
func (h Hit) Host() string {
	if h.Match != nil {
		return h.Match.Host
	}
	for _, name := range hostFields {
		if c := h.Batch.Column(name); c != nil {
			if v := c.Values[c.Codes[h.Row]]; v.Kind == event.String && v.Text != "" {
				return v.Text
			}
		}
	}
	return ""
}

// ScanInfo says what a scan read.
type ScanInfo struct {
	ingest.Summary
	// First and Last are the times of the oldest and the newest event.
	First, Last time.Time
	// Sources are the files and members that events came from, in order.
	Sources []SourceCount
	// Correlations are those of the rules, and those that they stand on.
	Correlations []CorrelationInfo
}

// SourceCount is the number of events of one source.
type SourceCount struct {
	Name   string
	Events int
}

// count adds the events of a batch, whose records stand in the order of their
// sources.
func (i *ScanInfo) count(b *event.Batch) {
	for row, r := range b.Records {
		if t := eventTime(b.Times[row]); !t.IsZero() {
			if i.First.IsZero() || t.Before(i.First) {
				i.First = t
			}
			if t.After(i.Last) {
				i.Last = t
			}
		}
		name := ""
		if r.Source != nil {
			name = r.Source.Name
		}
		if n := len(i.Sources); n == 0 || i.Sources[n-1].Name != name {
			i.Sources = append(i.Sources, SourceCount{Name: name})
		}
		i.Sources[len(i.Sources)-1].Events++
	}
}

// Data is the form in which Open tells of it.
func (i *ScanInfo) Data() DataInfo {
	return DataInfo{
		Events: i.Events, Files: i.Files, Broken: i.Broken,
		First: i.First, Last: i.Last, UnknownFormats: len(i.Unknown),
	}
}

// Open begins to read events for rules: only the fields that they read, and
// those that tell where an event comes from, are kept.
func Open(ctx context.Context, inputs []string, o ingest.Options, rules []Prepared) (*ingest.Reader, error) {
	o.Fields = map[string]bool{}
	for _, name := range hostFields {
		o.Fields[name] = true
	}
	c, err := newCorrelator(rules, nil)
	if err != nil {
		return nil, err
	}
	for _, name := range c.fields() {
		o.Fields[name] = true
	}
	return ingest.Open(ctx, inputs, o)
}

// Scan matches all rules against all events of a reader in one pass, and calls
// each for every hit: in the order of the events, and for one event in the
// order of the rules; correlations come at the end, in the order of time. An error of each ends the scan. Workers is the number of
// goroutines that match, 0 for one a processor.
func Scan(ctx context.Context, r *ingest.Reader, rules []Prepared, workers int, each func(Hit) error) (*ScanInfo, error) {
	c, err := newCorrelator(rules, each)
	if err != nil {
		return nil, err
	}
	program, err := compile(c.list)
	if err != nil {
		return nil, err
	}
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	jobs := make(chan *job)
	ordered := make(chan *job, workers+1)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(jobs)
		defer close(ordered)
		if err := feed(ctx, r, jobs, ordered); err != nil {
			cancel(err)
		}
	})
	for range workers {
		wg.Go(func() {
			m := match.NewMatcher(program)
			for j := range jobs {
				j.match(m)
			}
		})
	}
	info := &ScanInfo{}
	for j := range ordered {
		<-j.done
		if err := j.emit(ctx, info, c.hit); err != nil {
			cancel(err)
		}
	}
	wg.Wait()
	info.Summary = r.Summary()
	if err := context.Cause(ctx); err != nil {
		return info, err
	}
	err = c.finish()
	info.Correlations = c.infos()
	return info, err
}

func compile(rules []Prepared) (*match.Program, error) {
	list := make([]match.Rule, len(rules))
	for i, p := range rules {
		list[i] = match.Rule{Expr: p.Expr, Scope: p.Scope}
	}
	program, errs := match.Compile(list)
	return program, errors.Join(errs...)
}

// job is one batch on its way.
type job struct {
	batch *event.Batch
	hits  []rowHit
	done  chan struct{}
}

type rowHit struct{ row, rule int }

// feed reads batches and hands each to a worker and to the collector, which
// waits for them in the order of the data.
func feed(ctx context.Context, r *ingest.Reader, jobs, ordered chan<- *job) error {
	for {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		j := &job{batch: b, done: make(chan struct{})}
		select {
		case ordered <- j:
		case <-ctx.Done():
			return nil
		}
		jobs <- j
	}
}

func (j *job) match(m *match.Matcher) {
	defer close(j.done)
	m.Match(j.batch, func(rule int, rows []int) {
		for _, row := range rows {
			j.hits = append(j.hits, rowHit{row, rule})
		}
	})
	slices.SortFunc(j.hits, func(a, b rowHit) int {
		return cmp.Or(cmp.Compare(a.row, b.row), cmp.Compare(a.rule, b.rule))
	})
}

func (j *job) emit(ctx context.Context, info *ScanInfo, each func(Hit) error) error {
	info.count(j.batch)
	for _, h := range j.hits {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := each(Hit{Rule: h.rule, Batch: j.batch, Row: h.row}); err != nil {
			return err
		}
	}
	return nil
}
