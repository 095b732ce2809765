package ingest

import (
	"errors"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/standard"
)

// record is one piece of a file that should be a JSON object.
type record struct {
	raw          []byte
	source       *event.Source
	line, number int
	broken       string // why it is none, known already; raw is nil then
	// restore gives a standardized event its own form back; nil for others.
	restore *standard.Restorer
}

// job is a run of records that a worker makes something of.
type job struct {
	records []record
	blocks  []*block // that the records point into
	bytes   int

	finished chan struct{}
	made     any
	// What was found: events and their bytes, and what was left out.
	events           int
	read             int64
	brokens          []brokenRecord
	outside, undated int
	// more counts, by source, objects beyond the first of a line: what
	// follows them in the source is numbered higher by so many.
	more map[*event.Source]int
}

type brokenRecord struct {
	Place
	source *event.Source
}

// feed gathers records into jobs.
type feed struct {
	r   *Reader
	job *job
}

// add takes a record that lies in a block, if any; false means that reading is
// to end.
func (f *feed) add(rec record, in *block) bool {
	if f.job == nil {
		f.job = &job{records: f.r.blocks.records(), finished: make(chan struct{})}
	}
	j := f.job
	if n := len(j.blocks); in != nil && (n == 0 || j.blocks[n-1] != in) {
		in.use()
		j.blocks = append(j.blocks, in)
	}
	j.records = append(j.records, rec)
	j.bytes += len(rec.raw)
	if len(j.records) >= f.r.options.BatchRows || j.bytes >= f.r.options.BatchBytes {
		return f.flush()
	}
	return f.r.ctx.Err() == nil
}

// flush hands the job over, to a worker and to Next.
func (f *feed) flush() bool {
	if f.job == nil {
		return true
	}
	j := f.job
	f.job = nil
	for _, to := range []chan *job{f.r.queue, f.r.work} {
		select {
		case to <- j:
		case <-f.r.ctx.Done():
			return false
		}
	}
	return true
}

// maker makes something of records; it is for one goroutine.
type maker interface {
	// take reads one object. The errors are those of event.Builder.
	take(raw []byte, source *event.Source, number int) error
	// finish returns what was made since the last call.
	finish() any
}

// run is a worker: it works on jobs until there are no more.
func (r *Reader) run(m maker) {
	for j := range r.work {
		for i := range j.records {
			if r.ctx.Err() != nil {
				return
			}
			j.add(&j.records[i], m)
		}
		j.made = m.finish()
		r.blocks.done(j.records)
		j.records = nil
		for _, b := range j.blocks {
			r.blocks.release(b)
		}
		j.blocks = nil
		close(j.finished)
	}
}

func (j *job) add(rec *record, m maker) {
	number := rec.number + j.more[rec.source]
	if rec.broken != "" {
		j.broke(rec, number, rec.broken)
		return
	}
	if rec.restore != nil {
		rec.raw = rec.restore.Restore(rec.raw)
	}
	err := j.give(m, rec.raw, rec.source, number)
	if err == nil {
		return
	}
	if objects := several(rec.raw); objects != nil {
		for i, raw := range objects {
			if err := j.give(m, raw, rec.source, number+i); err != nil {
				j.broke(rec, number+i, err.Error())
			}
		}
		if j.more == nil {
			j.more = map[*event.Source]int{}
		}
		j.more[rec.source] += len(objects) - 1
		return
	}
	j.broke(rec, number, err.Error())
}

// give hands an object over. The error is one of reading the object.
func (j *job) give(m maker, raw []byte, source *event.Source, number int) error {
	err := m.take(raw, source, number)
	switch {
	case err == nil:
		j.events++
		j.read += int64(len(raw))
	case errors.Is(err, event.ErrOutside):
		j.outside++
	case errors.Is(err, event.ErrUndated):
		j.undated++
	default:
		return err
	}
	return nil
}

func (j *job) broke(rec *record, number int, reason string) {
	place := Place{Name: rec.source.Name, Line: rec.line, Record: number, Reason: reason}
	j.brokens = append(j.brokens, brokenRecord{place, rec.source})
}

// several splits a line that holds objects only, and more than one; nil when it
// does not.
func several(line []byte) [][]byte {
	var objects [][]byte
	for rest := line; ; {
		n, err := event.Scan(rest)
		if err != nil {
			return nil
		}
		objects = append(objects, rest[:n])
		if rest = trimBlank(rest[n:]); len(rest) == 0 {
			break
		}
	}
	if len(objects) < 2 {
		return nil
	}
	return objects
}

// batches makes batches of columns.
type batches struct {
	builder *event.Builder
	full    []*event.Batch
}

func (b *batches) take(raw []byte, source *event.Source, number int) error {
	if err := b.builder.AppendJSON(raw, event.Record{Source: source, Number: number}); err != nil {
		return err
	}
	if b.builder.Full() {
		b.cut()
	}
	return nil
}

func (b *batches) cut() {
	if b.builder.Rows() > 0 {
		b.full = append(b.full, b.builder.Batch())
	}
}

func (b *batches) finish() any {
	b.cut()
	full := b.full
	b.full = nil
	return full
}
