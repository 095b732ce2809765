package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"golang.org/x/text/encoding/unicode"

	"github.com/huntbook/huntbook/event"
)

// member is a stream that is being read: a file of the inputs, or what lies in
// an archive.
type member struct {
	name     string
	named    bool // the user gave this very file
	archives int  // around it
	layers   int  // of packing around it, archives not counted
	budget   *budget
}

// The bounds on archives in archives, and on packing in packing.
const maxArchives, maxLayers = 3, 4

// read reads a file of the inputs.
func (r *Reader) read(feed *feed, f file) {
	before := r.bytesDone.Load()
	defer func() { r.bytesDone.Store(before + f.size) }()
	in, err := f.open()
	if err != nil {
		r.fail(f.name, fmt.Errorf("can't be opened: %w", err))
		return
	}
	defer in.Close()
	counted := &counted{in: in, size: f.size, done: &r.bytesDone}
	m := member{name: f.name, named: f.named, budget: &budget{Limits: r.options.Limits, packed: counted.packed}}
	if at, ok := in.(io.ReaderAt); ok && f.size > 0 {
		r.stream(feed, m, counted, &countedAt{at: at, done: &r.bytesDone, most: before + f.size}, f.size)
	} else {
		r.stream(feed, m, counted, nil, 0)
	}
}

// stream finds out what a stream is and reads it. at reads the same bytes at
// any place; nil when there is no such reader.
func (r *Reader) stream(feed *feed, m member, in io.Reader, at io.ReaderAt, size int64) {
	head := bufio.NewReaderSize(in, 64<<10)
	start, err := head.Peek(512)
	if err != nil && err != io.EOF {
		// What came before the error is read; the error comes after it.
		head = bufio.NewReader(io.MultiReader(bytes.NewReader(bytes.Clone(start)), errorReader{err}))
	}
	switch format, is := detect(start); format {
	case gzipFormat:
		r.unpack(feed, m, head, newGzip)
	case zstdFormat:
		r.unpack(feed, m, head, newZstd)
	case tarFormat:
		r.tar(feed, m, head)
	case zipFormat:
		r.zip(feed, m, head, at, size)
	case eventLogFormat:
		r.eventLog(feed, m, head)
	case foreignFormat:
		r.unknown(m, is)
	default:
		r.text(feed, m, head)
	}
}

// text reads a stream of JSON text.
func (r *Reader) text(feed *feed, m member, in io.Reader) {
	w := newWindow(r.ctx, in, r.blocks)
	defer func() { w.close() }()
	w.load(firstBlock)
	switch rest := w.rest(); {
	case bytes.HasPrefix(rest, byteOrderMark):
		w.advance(len(byteOrderMark))
	case bytes.HasPrefix(rest, []byte("\xff\xfe")), bytes.HasPrefix(rest, []byte("\xfe\xff")):
		decoder := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()
		w = newWindow(r.ctx, decoder.Reader(io.MultiReader(bytes.NewReader(rest), w.tail())), nil)
		w.load(firstBlock)
	}
	s := splitter{w: w, feed: feed, source: &event.Source{Name: m.name}, max: r.options.MaxEventBytes, line: 1}
	var err error
	switch layoutOf(w.rest()) {
	case lineLayout:
		err = s.lines()
	case streamLayout:
		err = s.stream()
	default:
		if err = w.failure(); err == nil {
			r.unknown(m, describe(w.rest()))
			return
		}
	}
	if s.number > 0 || err == nil {
		r.note(func(sum *Summary) { sum.Files++ })
	}
	if err != nil {
		r.fail(m.name, unpackError(err))
	}
}

// tail reads what the window has not loaded.
func (w *window) tail() io.Reader {
	if w.err != nil {
		return errorReader{w.err}
	}
	return w.in
}

type errorReader struct{ err error }

func (e errorReader) Read([]byte) (int, error) { return 0, e.err }

// note enters something into the summary.
func (r *Reader) note(change func(*Summary)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.summary)
}

// fail reports that something asked for can't be read. The end of the context
// is no such thing: Next returns it.
func (r *Reader) fail(name string, err error) {
	if r.ctx.Err() != nil && errors.Is(err, r.ctx.Err()) {
		return
	}
	r.note(func(s *Summary) { s.Failed = append(s.Failed, fmt.Errorf("%s: %w", name, err)) })
}

// unknown reports a file that holds no events that can be read.
func (r *Reader) unknown(m member, is string) {
	if m.named && m.archives == 0 {
		r.fail(m.name, errors.New(is))
		return
	}
	r.note(func(s *Summary) { s.Unknown = append(s.Unknown, Place{Name: m.name, Reason: is}) })
}

// counted counts what is read of a file.
type counted struct {
	in   io.Reader
	size int64
	n    int64
	done *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	if c.size > 0 {
		c.done.Add(int64(n))
	}
	return n, err
}

// packed is the size of the file, as far as it is known.
func (c *counted) packed() int64 { return max(c.size, c.n) }

// countedAt counts what is read at places, up to most in all.
type countedAt struct {
	at   io.ReaderAt
	done *atomic.Int64
	most int64
}

func (c *countedAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.at.ReadAt(p, off)
	if c.done.Load()+int64(n) <= c.most {
		c.done.Add(int64(n))
	}
	return n, err
}
