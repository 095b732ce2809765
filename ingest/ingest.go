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
//
// Who needs less than batches gives Process a worker that makes what is needed of
// each event as it comes by.
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
	// BatchRows and BatchBytes (of JSON) bound a batch, and a run of events
	// that a worker gets; 0 is 8,192 rows and 16 MiB, for a run 1 MiB.
	BatchRows, BatchBytes int
	// Limits guard against archive bombs.
	Limits Limits
	// Begin is called once, before the first event is read; nil for nothing.
	Begin func()
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

// Reader gives the events of its inputs, batch by batch, or to Process. Next,
// Process, Summary and Close are for one goroutine; Progress is for any.
type Reader struct {
	options Options
	files   []file

	ctx    context.Context
	cancel context.CancelFunc
	work   chan *job // to the workers
	queue  chan *job // to Next, in order
	done   sync.WaitGroup

	started bool
	job     *job           // the job that is waited for
	ready   []*event.Batch // batches that Next has not given yet
	shift   map[*event.Source]int
	blocks  *blockPool // nil when records outlive their job

	mu      sync.Mutex
	summary Summary

	bytesDone, bytesTotal atomic.Int64
}

// Open checks that every input is there; reading begins with the first Next, or
// with Process. Inputs are paths of files and folders, "-" for standard input, and
// names in Options.Embedded. The error joins one for each input that is missing,
// wrapping fs.ErrNotExist. ctx ends the reading, too.
func Open(ctx context.Context, inputs []string, o Options) (*Reader, error) {
	r := &Reader{options: o.withDefaults(), shift: map[*event.Source]int{}}
	if err := r.find(inputs); err != nil {
		return nil, err
	}
	for _, f := range r.files {
		r.bytesTotal.Add(f.size)
	}
	r.ctx, r.cancel = context.WithCancel(ctx)
	return r, nil
}

// start begins to read; each of the makers gets a goroutine.
func (r *Reader) start(makers []maker) {
	if r.options.Begin != nil {
		r.options.Begin()
	}
	r.started = true
	r.work = make(chan *job)
	r.queue = make(chan *job, len(makers))
	r.done.Add(len(makers) + 1)
	for _, m := range makers {
		go func() {
			defer r.done.Done()
			r.run(m)
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
}

// Next returns the next batch; io.EOF after the last. The batch has at least one
// row and is the caller's to keep.
func (r *Reader) Next(ctx context.Context) (*event.Batch, error) {
	if !r.started {
		set(&r.options.BatchBytes, 16<<20)
		makers := make([]maker, runtime.GOMAXPROCS(0))
		for i := range makers {
			makers[i] = &batches{builder: event.NewBuilder(r.Options())}
		}
		r.start(makers)
	}
	for len(r.ready) == 0 {
		j, err := r.result(ctx)
		if err != nil {
			return nil, err
		}
		r.ready = j.made.([]*event.Batch)
		for _, b := range r.ready {
			for i := range b.Records {
				b.Records[i].Number += r.shift[b.Records[i].Source]
			}
		}
		r.shiftMore(j)
	}
	batch := r.ready[0]
	r.ready = r.ready[1:]
	return batch, nil
}

// result waits for the next job's end.
func (r *Reader) result(ctx context.Context) (*job, error) {
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
	case <-r.job.finished:
		j := r.job
		r.job = nil
		r.take(j)
		return j, nil
	case <-r.ctx.Done():
		return nil, r.ctx.Err()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// take enters what came of a job into the summary.
func (r *Reader) take(j *job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.summary
	s.Events += j.events
	s.Bytes += j.read
	for _, p := range j.brokens {
		p.Record += r.shift[p.source]
		s.addBroken(p.Place)
	}
	s.Outside += j.outside
	s.Undated += j.undated
}

// shiftMore raises the numbers of records behind those that turned out to be
// several.
func (r *Reader) shiftMore(j *job) {
	for source, n := range j.more {
		r.shift[source] += n
	}
}

// Options of reading events, as the Reader was opened with them.
func (r *Reader) Options() event.Options {
	o := &r.options
	return event.Options{Location: o.Location, Since: o.Since, Until: o.Until, Fields: o.Fields}
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
