package ingest

import (
	"bytes"
	"context"
	"errors"
	"io"
)

// The size of the first block of a window and the greatest of a usual one.
// Blocks double in between, so that small files stay small.
const firstBlock, largestBlock = 32 << 10, 1 << 20

// window is the part of a stream that is looked at. Bytes that it has shown are
// never overwritten while somebody uses their block: records point into it.
type window struct {
	ctx   context.Context
	in    io.Reader
	pool  *blockPool
	block *block // filled up to its data's length; nil before the first
	from  int    // where the rest begins
	size  int    // of the next block
	err   error  // why the stream ended; io.EOF when all is read
}

func newWindow(ctx context.Context, in io.Reader, pool *blockPool) *window {
	return &window{ctx: ctx, in: in, pool: pool, size: firstBlock, block: &block{}}
}

// rest is what is loaded and not passed yet.
func (w *window) rest() []byte { return w.block.data[w.from:] }

// close gives the last block back.
func (w *window) close() { w.pool.release(w.block) }

func (w *window) advance(n int) { w.from += n }

// more loads at least one byte more; false when the stream has ended.
func (w *window) more() bool {
	if len(w.block.data) == cap(w.block.data) {
		rest := w.rest()
		next := w.pool.get(max(w.size, 2*len(rest)))
		next.data = append(next.data, rest...)
		w.pool.release(w.block)
		w.block, w.from = next, 0
		w.size = min(2*w.size, largestBlock)
	}
	for w.err == nil {
		if w.err = w.ctx.Err(); w.err != nil {
			break
		}
		data := w.block.data
		n, err := w.in.Read(data[len(data):cap(data)])
		w.block.data = data[:len(data)+n]
		w.err = err
		if n > 0 {
			return true
		}
	}
	return false
}

// load makes the rest n bytes long if the stream has as many; false when it
// could not make it longer at all.
func (w *window) load(n int) bool {
	grown := false
	for len(w.rest()) < n && w.more() {
		grown = true
	}
	return grown
}

// failure is the error that ended the stream, nil at its proper end.
func (w *window) failure() error {
	if errors.Is(w.err, io.EOF) {
		return nil
	}
	return w.err
}

// skipTo passes over everything before the next stop byte and returns how many
// lines that were; false when the stream ends before.
func (w *window) skipTo(stop byte) (lines int, found bool) {
	for {
		if i := bytes.IndexByte(w.rest(), stop); i >= 0 {
			lines += bytes.Count(w.rest()[:i], newline)
			w.advance(i)
			return lines, true
		}
		lines += bytes.Count(w.rest(), newline)
		w.advance(len(w.rest()))
		if !w.more() {
			return lines, false
		}
	}
}

var newline = []byte("\n")

func trimBlank(b []byte) []byte { return bytes.TrimLeft(b, " \t\r\n") }
