package ingest

import (
	"errors"

	"github.com/huntbook/huntbook/event"
)

// record is one piece of a file that should be a JSON object.
type record struct {
	raw          []byte
	source       *event.Source
	line, number int
	broken       string // why it is none, known already; raw is nil then
}

// job is a run of records that a worker makes into batches.
type job struct {
	records []record
	bytes   int
	result  chan *result // of one result
}

type result struct {
	batches          []*event.Batch
	broken           []brokenRecord
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

// add takes a record; false means that reading is to end.
func (f *feed) add(rec record) bool {
	if f.job == nil {
		f.job = &job{result: make(chan *result, 1)}
	}
	j := f.job
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

// build is a worker: it makes batches of jobs until there are no more.
func (r *Reader) build() {
	builder := event.NewBuilder(event.Options{
		Location: r.options.Location, Since: r.options.Since, Until: r.options.Until, Fields: r.options.Fields,
	})
	for j := range r.work {
		b := work{builder: builder, result: &result{}}
		for i := range j.records {
			if r.ctx.Err() != nil {
				return
			}
			b.add(&j.records[i])
		}
		b.finish()
		j.result <- b.result
	}
}

// work is one job in a worker's hands.
type work struct {
	builder *event.Builder
	*result
}

func (w *work) add(rec *record) {
	number := rec.number + w.more[rec.source]
	if rec.broken != "" {
		w.broke(rec, number, rec.broken)
		return
	}
	err := w.append(rec.raw, rec.source, number)
	if err == nil {
		return
	}
	if objects := several(rec.raw); objects != nil {
		for i, raw := range objects {
			if err := w.append(raw, rec.source, number+i); err != nil {
				w.broke(rec, number+i, err.Error())
			}
		}
		if w.more == nil {
			w.more = map[*event.Source]int{}
		}
		w.more[rec.source] += len(objects) - 1
		return
	}
	w.broke(rec, number, err.Error())
}

// append adds an object to the batch. The error is one of reading the object.
func (w *work) append(raw []byte, source *event.Source, number int) error {
	err := w.builder.AppendJSON(raw, event.Record{Source: source, Number: number})
	switch {
	case errors.Is(err, event.ErrOutside):
		w.outside++
		return nil
	case errors.Is(err, event.ErrUndated):
		w.undated++
		return nil
	case err != nil:
		return err
	}
	if w.builder.Full() {
		w.finish()
	}
	return nil
}

func (w *work) broke(rec *record, number int, reason string) {
	place := Place{Name: rec.source.Name, Line: rec.line, Record: number, Reason: reason}
	w.broken = append(w.broken, brokenRecord{place, rec.source})
}

func (w *work) finish() {
	if w.builder.Rows() > 0 {
		w.batches = append(w.batches, w.builder.Batch())
	}
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
