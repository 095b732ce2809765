// Package ingest reads events from files, folders, archives and standard input.
//
// It finds out by content what a file is, unpacks it as a stream, splits it into
// JSON objects and has them made into event batches, on all cores but in a fixed
// order: inputs as given, folder entries by name, archive members as stored. It
// knows nothing of rules. Data flows: inputs → files → (archive members) →
// records → jobs → batches.
//
//	r, err := ingest.Open(ctx, []string{"logs/"}, ingest.Options{})
//	for {
//		batch, err := r.Next(ctx) // io.EOF at the end
//	}
//	summary := r.Summary()
package ingest

import (
	"context"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/huntbook/huntbook/event"
)

// Options say what is read and how. The zero value is usable.
type Options struct {
	// Since, Until, Location and Fields are those of event.Options.
	Since, Until time.Time
	Location     *time.Location
	Fields       map[string]bool
	// Stdin is what the input "-" reads; nil is the process's own.
	Stdin io.Reader
	// Embedded are inputs that are no paths: "samples:" and its like.
	Embedded map[string]fs.FS
	// MaxEventBytes bounds one event; 0 is 16 MiB. A larger one is broken.
	MaxEventBytes int
	// BatchRows and BatchBytes (of JSON) bound a batch; 0 is 8,192 rows and
	// 16 MiB.
	BatchRows, BatchBytes int
	// Limits guard against archive bombs.
	Limits Limits
}

// Limits bound what an archive may expand to. A zero field has its default.
type Limits struct {
	// Ratio is the greatest ratio of unpacked to packed bytes of a file, in
	// sum over all that lies in it, once RatioAfter bytes are unpacked;
	// 1,000 and 64 MiB.
	Ratio, RatioAfter int64
	// MemberBytes bounds one unpacked member, 64 GiB; SpoolBytes an archive
	// inside an archive, which needs room on disk, 4 GiB.
	MemberBytes, SpoolBytes int64
}

func (o Options) withDefaults() Options {
	set(&o.MaxEventBytes, 16<<20)
	set(&o.BatchRows, 8192)
	set(&o.BatchBytes, 16<<20)
	set(&o.Limits.Ratio, 1000)
	set(&o.Limits.RatioAfter, 64<<20)
	set(&o.Limits.MemberBytes, 64<<30)
	set(&o.Limits.SpoolBytes, 4<<30)
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	return o
}

func set[N int | int64](field *N, value N) {
	if *field == 0 {
		*field = value
	}
}

// Reader gives the events of its inputs, batch by batch. Next, Summary and Close
// are for one goroutine; Progress is for any.
type Reader struct {
	options Options
	files   []file

	ctx    context.Context
	cancel context.CancelFunc
	work   chan *job // to the workers
	queue  chan *job // to Next, in order
	done   sync.WaitGroup

	job   *job           // the job that Next is waiting for or has
	ready []*event.Batch // its batches that Next has not given yet
	shift map[*event.Source]int

	mu      sync.Mutex
	summary Summary

	bytesDone, bytesTotal atomic.Int64
}

// Open checks that every input is there and begins to read. Inputs are paths of
// files and folders, "-" for standard input, and names in Options.Embedded. The
// error joins one for each input that is missing, wrapping fs.ErrNotExist. ctx
// ends the reading, too.
func Open(ctx context.Context, inputs []string, o Options) (*Reader, error) {
	r := &Reader{options: o.withDefaults(), shift: map[*event.Source]int{}}
	if err := r.find(inputs); err != nil {
		return nil, err
	}
	for _, f := range r.files {
		r.bytesTotal.Add(f.size)
	}
	workers := runtime.GOMAXPROCS(0)
	r.ctx, r.cancel = context.WithCancel(ctx)
	r.work = make(chan *job)
	r.queue = make(chan *job, workers)
	r.done.Add(workers + 1)
	for range workers {
		go func() {
			defer r.done.Done()
			r.build()
		}()
	}
	go func() {
		defer r.done.Done()
		defer close(r.queue)
		defer close(r.work)
		feed := feed{r: r}
		for _, f := range r.files {
			if r.ctx.Err() != nil {
				return
			}
			r.read(&feed, f)
		}
		feed.flush()
	}()
	return r, nil
}

// Next returns the next batch; io.EOF after the last. The batch has at least one
// row and is the caller's to keep.
func (r *Reader) Next(ctx context.Context) (*event.Batch, error) {
	for len(r.ready) == 0 {
		if r.job == nil {
			select {
			case j, ok := <-r.queue:
				if !ok {
					if err := r.ctx.Err(); err != nil {
						return nil, err
					}
					return nil, io.EOF
				}
				r.job = j
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		select {
		case result := <-r.job.result:
			r.job = nil
			r.take(result)
		case <-r.ctx.Done():
			return nil, r.ctx.Err()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	batch := r.ready[0]
	r.ready = r.ready[1:]
	return batch, nil
}

// take enters a job's result into the summary and puts its batches up.
func (r *Reader) take(res *result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.summary
	for _, b := range res.batches {
		for i := range b.Records {
			rec := &b.Records[i]
			rec.Number += r.shift[rec.Source]
			s.Bytes += int64(len(rec.Raw))
		}
		s.Events += b.Rows
	}
	for _, p := range res.broken {
		p.Record += r.shift[p.source]
		s.addBroken(p.Place)
	}
	for source, n := range res.more {
		r.shift[source] += n
	}
	s.Outside += res.outside
	s.Undated += res.undated
	r.ready = res.batches
}

// Summary says what has been read up to here; it is complete after io.EOF.
func (r *Reader) Summary() Summary {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.summary.clone()
}

// Progress returns how many bytes of the input files are read, and how many
// there are. What is read from a pipe counts in neither.
func (r *Reader) Progress() (done, total int64) {
	return r.bytesDone.Load(), r.bytesTotal.Load()
}

// Close ends the reading and waits until all is put away.
func (r *Reader) Close() error {
	r.cancel()
	r.done.Wait()
	return nil
}
