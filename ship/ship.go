// Package ship takes events from files or a topic to where they are to stay: it has
// them standardized, sends them, and keeps apart what can't be stored.
//
// Whatever ends it, what was acknowledged stays, and the rest can be shipped again:
// a document's id comes from its event, so nothing is stored twice. Data flows:
// batches or messages → standard.Writer → sink.Sink → (for a topic) offsets. The
// package knows nothing of rules, flags and terminals.
package ship

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/sink"
	"github.com/huntbook/huntbook/standard"
)

// Options say how events are shipped.
type Options struct {
	Standard *standard.Standard
	Sink     sink.Sink
	// Dead keeps what can't be stored; nil: it is only told of.
	Dead sink.DeadLetters
	// Workers is how many batches of files are under way at once, 0 is 2; 1 keeps
	// the order of the events.
	Workers int
	// Progress may be nil.
	Progress *Progress
}

// Progress can be read while events are shipped.
type Progress struct {
	// Reader is set while files are read.
	Reader atomic.Pointer[ingest.Reader]
	// Events counts those that were read, Done those of them whose fate is known.
	Events, Done atomic.Int64
}

// Outcome says what came of it.
type Outcome struct {
	// Events were read, of which Stored are new where they are now, Known were
	// there already, and Refused were not taken. Broken records were no events.
	Events, Stored, Known, Refused, Broken int
	// Outside and Undated were left out for their time.
	Outside, Undated int
	// Reasons tells of the refused and, from a topic, of the broken ones.
	Reasons []Reason
	// Files is what reading files found; nil for a topic.
	Files *ingest.Summary
}

// Reason is one cause for which records were not stored.
type Reason struct {
	Text  string
	Count int
	// First is one of them.
	First sink.Dead
}

// maxReasons bounds the reasons that are kept apart.
const maxReasons = 100

func (o *Outcome) reason(d sink.Dead) {
	i := slices.IndexFunc(o.Reasons, func(r Reason) bool { return r.Text == d.Reason })
	switch {
	case i >= 0:
		o.Reasons[i].Count++
	case len(o.Reasons) < maxReasons:
		o.Reasons = append(o.Reasons, Reason{Text: d.Reason, Count: 1, First: d})
	default:
		o.Reasons[maxReasons-1].Count++
	}
}

// shipment is one run.
type shipment struct {
	Options
	mu      sync.Mutex
	outcome Outcome
}

// Files ships all that the reader gives. The Outcome says what was done, beside an
// error, too.
func Files(ctx context.Context, r *ingest.Reader, o Options) (*Outcome, error) {
	s := start(o)
	s.Progress.Reader.Store(r)
	err := s.files(ctx, r)
	summary := r.Summary()
	s.outcome.Files = &summary
	s.outcome.Broken, s.outcome.Outside, s.outcome.Undated = summary.Broken, summary.Outside, summary.Undated
	return &s.outcome, err
}

func start(o Options) *shipment {
	if o.Workers == 0 {
		o.Workers = 2
	}
	if o.Progress == nil {
		o.Progress = &Progress{}
	}
	return &shipment{Options: o}
}

func (s *shipment) files(ctx context.Context, r *ingest.Reader) error {
	if err := s.Sink.Prepare(ctx, s.Standard.Templates()); err != nil {
		return err
	}
	batches := make(chan *event.Batch)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(batches)
		for {
			b, err := r.Next(ctx)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			select {
			case batches <- b:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	})
	for range s.Workers {
		group.Go(func() error {
			w := s.Standard.Writer()
			for b := range batches {
				if err := s.batch(ctx, w, b, nil); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// batch sends a batch and keeps what is refused, together with the letters that
// there are already.
func (s *shipment) batch(ctx context.Context, w *standard.Writer, b *event.Batch, letters []sink.Dead) error {
	s.Progress.Events.Add(int64(b.Rows))
	result, err := s.Sink.Send(ctx, w.Documents(b))
	refused := make([]sink.Dead, 0, len(result.Refused))
	for _, r := range result.Refused {
		rec := &b.Records[r.Doc.Row]
		refused = append(refused, sink.Dead{Source: rec.Source.Name, Record: rec.Number, Reason: r.Err.Error(), Event: rec.Raw})
	}
	s.note(b.Rows, result, append(letters, refused...))
	if err != nil {
		return err
	}
	return s.keep(ctx, append(letters, refused...))
}

func (s *shipment) keep(ctx context.Context, letters []sink.Dead) error {
	if s.Dead == nil || len(letters) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.Dead.Keep(ctx, letters); err != nil {
		return fmt.Errorf("%d records could not be stored, and not be kept either: %w", len(letters), err)
	}
	return nil
}

func (s *shipment) note(events int, r sink.Result, letters []sink.Dead) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcome.Events += events
	s.outcome.Stored += r.Stored
	s.outcome.Known += r.Known
	s.outcome.Refused += len(r.Refused)
	for _, l := range letters {
		s.outcome.reason(l)
	}
	s.Progress.Done.Add(int64(r.Stored + r.Known + len(r.Refused)))
}
