package ship

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/kafka"
	"github.com/huntbook/huntbook/sink"
)

// Topic ships the messages of a topic, until the consumer says that there are no
// more or the context ends. Each message is one event. Offsets move on when a run of
// messages is stored or kept as dead letters.
func Topic(ctx context.Context, c *kafka.Consumer, read event.Options, o Options) (*Outcome, error) {
	s := start(o)
	return &s.outcome, s.topic(ctx, c, read)
}

func (s *shipment) topic(ctx context.Context, c *kafka.Consumer, read event.Options) error {
	if err := s.Sink.Prepare(ctx, s.Standard.Templates()); err != nil {
		return err
	}
	run := run{shipment: s, builder: event.NewBuilder(read), sources: map[string]*event.Source{}}
	for {
		messages, err := c.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := run.ship(ctx, messages); err != nil {
			return err
		}
		if err := c.Done(ctx); err != nil {
			return err
		}
	}
}

// run makes messages into batches.
type run struct {
	*shipment
	builder *event.Builder
	sources map[string]*event.Source
}

func (r *run) ship(ctx context.Context, messages []kafka.Message) error {
	w := r.Standard.Writer()
	var broken []sink.Dead
	for _, m := range messages {
		value := bytes.TrimSpace(m.Value)
		if len(value) == 0 {
			continue
		}
		source := r.sources[m.Source]
		if source == nil {
			source = &event.Source{Name: m.Source}
			r.sources[m.Source] = source
		}
		err := r.builder.AppendJSON(value, event.Record{Source: source, Number: int(m.Offset)})
		switch {
		case err == nil:
		case errors.Is(err, event.ErrOutside):
			r.outcome.Outside++
		case errors.Is(err, event.ErrUndated):
			r.outcome.Undated++
		default:
			r.outcome.Broken++
			broken = append(broken, sink.Dead{Source: m.Source, Record: int(m.Offset), Reason: err.Error(), Event: m.Value})
		}
		if r.builder.Full() {
			if err := r.batch(ctx, w, r.builder.Batch(), broken); err != nil {
				return err
			}
			broken = nil
		}
	}
	return r.batch(ctx, w, r.builder.Batch(), broken)
}
