package engine

import (
	"bytes"
	"context"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/match"
)

// run is what came of some events: those that rules match, and counts of all.
type run struct {
	batch *event.Batch // of events that matched
	// hits are the rules of the batch's rows, in their order.
	hits        []rowHit
	first, last int64 // times; event.NoTime when no event has one
	sources     []sourceEvents
}

type rowHit struct{ row, rule int }

type sourceEvents struct {
	source *event.Source
	events int
}

func (s *sourceEvents) name() string {
	if s.source == nil {
		return ""
	}
	return s.source.Name
}

// worker matches events. Only those that match are kept, in columns.
type worker struct {
	matcher *match.Matcher
	kept    *event.Builder
	run     *run
}

func newWorker(p *match.Program, o event.Options) *worker {
	w := &worker{matcher: match.NewMatcher(p, o), kept: event.NewBuilder(o)}
	w.begin()
	return w
}

func (w *worker) begin() { w.run = &run{first: event.NoTime, last: event.NoTime} }

// Take implements ingest.Worker.
func (w *worker) Take(raw []byte, source *event.Source, number int) error {
	rules, time, err := w.matcher.Match(raw)
	if err != nil {
		return err
	}
	w.count(source, time)
	if len(rules) == 0 {
		return nil
	}
	row := w.kept.Rows()
	if err := w.kept.AppendJSON(bytes.Clone(raw), event.Record{Source: source, Number: number}); err != nil {
		return err
	}
	for _, rule := range rules {
		w.run.hits = append(w.run.hits, rowHit{row, int(rule)})
	}
	return nil
}

func (w *worker) count(source *event.Source, time int64) {
	r := w.run
	if time != event.NoTime {
		if r.first == event.NoTime || time < r.first {
			r.first = time
		}
		r.last = max(r.last, time)
	}
	if n := len(r.sources); n == 0 || r.sources[n-1].source != source {
		r.sources = append(r.sources, sourceEvents{source: source})
	}
	r.sources[len(r.sources)-1].events++
}

// Finish implements ingest.Worker.
func (w *worker) Finish() *run {
	r := w.run
	if len(r.hits) > 0 {
		r.batch = w.kept.Batch()
	}
	w.begin()
	return r
}

// emit calls each for every hit.
func (r *run) emit(ctx context.Context, shift ingest.Shift, each func(Hit) error) error {
	if r.batch != nil {
		for i := range r.batch.Records {
			rec := &r.batch.Records[i]
			rec.Number += shift(rec.Source)
		}
	}
	for _, h := range r.hits {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := each(Hit{Rule: h.rule, Batch: r.batch, Row: h.row}); err != nil {
			return err
		}
	}
	return nil
}
