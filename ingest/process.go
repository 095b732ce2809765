package ingest

import (
	"context"
	"errors"
	"io"
	"runtime"

	"github.com/huntbook/huntbook/event"
)

// Worker makes something of events; each goroutine has its own.
type Worker[T any] interface {
	// Take reads one event, whose bytes are valid during the call only. The
	// number counts the records of the source from 1. The errors are those of
	// event.Builder.AppendJSON.
	Take(raw []byte, source *event.Source, number int) error
	// Finish returns what was made of the events since the last call: those of
	// some hundred kilobytes.
	Finish() T
}

// Shift tells by how much a record's number is to be raised, since lines before
// it held several records. Of most sources that is 0.
type Shift func(*event.Source) int

// Process reads everything with several workers, 0 for one a processor, and
// calls emit with what they made, in the order of the data. An error of emit
// ends the reading. It is called instead of Next.
func Process[T any](ctx context.Context, r *Reader, workers int, newWorker func() Worker[T], emit func(T, Shift) error) error {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	set(&r.options.BatchBytes, 1<<20)
	r.blocks = &blockPool{}
	makers := make([]maker, workers)
	for i := range makers {
		makers[i] = process[T]{newWorker()}
	}
	r.start(makers)
	shift := func(source *event.Source) int { return r.shift[source] }
	for {
		j, err := r.result(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = emit(j.made.(T), shift)
		}
		if err != nil {
			r.cancel()
			return err
		}
		r.shiftMore(j)
	}
}

// process is a Worker as Reader runs it.
type process[T any] struct{ worker Worker[T] }

func (p process[T]) take(raw []byte, source *event.Source, number int) error {
	return p.worker.Take(raw, source, number)
}

func (p process[T]) finish() any { return p.worker.Finish() }
