// Package evtx reads Windows event logs (.evtx) as a stream of JSON objects.
//
// A file is a header and chunks of 64 KiB; a chunk holds records; a record is
// XML in a binary form whose constant parts, the templates, stand once in a
// chunk. Each record becomes one JSON object in the shape that evtx_dump gives:
//
//	{"Event":{"System":{"EventID":4624,…},"EventData":{"TargetUserName":"…"}}}
//
// Data flows: stream → chunk (chunk.go) → records (walk.go) → instances of templates
// (instance.go), which are read and compiled once a chunk (parse.go, compile.go)
// → JSON (render.go, value.go, text.go). What is damaged is counted and passed
// over, and records are looked for in what is left. The package knows nothing of
// rules or fields, and imports no other of huntbook.
//
//	r, err := evtx.NewReader(file)
//	for {
//		record, err := r.Next() // io.EOF at the end
//	}
//	summary := r.Summary()
package evtx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"time"
)

var (
	fileMagic  = []byte("ElfFile\x00")
	chunkMagic = []byte("ElfChnk\x00")
)

// HeadSize is how many bytes of a file IsEVTX wants to see.
const HeadSize = 8

// IsEVTX says whether a file that begins with head is a Windows event log, or a
// chunk of one.
func IsEVTX(head []byte) bool {
	return bytes.HasPrefix(head, fileMagic) || bytes.HasPrefix(head, chunkMagic)
}

// ErrFormat is the error of NewReader for what is no Windows event log.
var ErrFormat = errors.New("not a Windows event log: neither a file header (ElfFile) nor a chunk (ElfChnk) is where one should be")

// Record is one event.
type Record struct {
	// ID is the record's number in this file. Windows counts anew when it
	// exports a log: System.EventRecordID is the number that it had there.
	ID uint64
	// Time is when the record was written, UTC, in steps of 100 ns.
	Time time.Time
	// Offset is where the record begins in the stream, in bytes.
	Offset int64
	// Recovered says that the record was found where no header and no valid
	// checksum vouches for it.
	Recovered bool
	// JSON is the event, one object on one line, at most 1 MiB. It is
	// valid until the next call of Next.
	JSON []byte
}

const (
	headerBlock = 4096    // bytes of the file header
	chunkSize   = 1 << 16 // bytes of a chunk
	chunkHeader = 512     // bytes of a chunk before its first record
)

// Flags of a file's header; noChecksum is one of a chunk's, too.
const (
	flagDirty      = 1
	flagFull       = 2
	flagNoChecksum = 4
)

// Reader gives the records of a file in the order in which they are stored. It
// holds one chunk at a time. It is for one goroutine.
type Reader struct {
	src io.Reader
	err error // what reading the stream ended with

	buf  []byte // a chunk, or what lies between chunks
	n    int    // bytes of buf that are filled
	done int    // bytes of buf that are dealt with
	base int64  // where buf begins in the stream

	counted    int  // chunks, as the file's header has them; -1: not known
	noChecksum bool // the file says that it has none

	walk    walk
	decoder decoder
	summary Summary
}

// NewReader reads the file's header. The error wraps ErrFormat, or what reading
// the stream failed with.
func NewReader(src io.Reader) (*Reader, error) {
	r := &Reader{src: src, buf: make([]byte, chunkSize), counted: -1}
	r.decoder.names.reset()
	r.fill(headerBlock)
	head := r.buf[:r.n]
	if r.err != nil && !errors.Is(r.err, io.EOF) && r.n < HeadSize {
		return nil, r.err
	}
	if bytes.HasPrefix(head, chunkMagic) {
		r.damage(BadHeader, 0, 0, "the file begins with a chunk: its header is missing")
		return r, nil
	}
	if !bytes.HasPrefix(head, fileMagic) {
		r.fill(headerBlock + len(chunkMagic))
		if !bytes.Equal(r.buf[min(headerBlock, r.n):r.n], chunkMagic) {
			return nil, ErrFormat
		}
	}
	r.readHeader(head)
	r.done = len(head)
	return r, nil
}

// readHeader takes from the file's header what it is good for: with or without
// it, all chunks are read.
func (r *Reader) readHeader(head []byte) {
	switch {
	case len(head) < 128:
		r.damage(Truncated, int64(len(head)), 0, "the file is cut off within its header")
		return
	case !bytes.HasPrefix(head, fileMagic):
		r.damage(BadHeader, 0, 0, "the file's header has lost its signature")
		return
	}
	flags := binary.LittleEndian.Uint32(head[120:])
	r.noChecksum = flags&flagNoChecksum != 0
	r.summary.Dirty = flags&flagDirty != 0
	r.summary.Full = flags&flagFull != 0
	if !r.noChecksum && crc32.ChecksumIEEE(head[:120]) != binary.LittleEndian.Uint32(head[124:]) {
		r.damage(BadHeader, 0, 0, "the checksum of the file's header is wrong")
		return
	}
	r.counted = int(binary.LittleEndian.Uint16(head[42:]))
}

// fill reads until buf holds n bytes or the stream ends.
func (r *Reader) fill(n int) {
	for idle := 0; r.n < n && r.err == nil; idle++ {
		var got int
		got, r.err = r.src.Read(r.buf[r.n:n])
		r.n += got
		if got > 0 {
			idle = 0
		} else if idle == 100 {
			r.err = io.ErrNoProgress
		}
	}
}

// Next returns the next record that can be read. The error is io.EOF after the
// last, or what reading the stream failed with; damage is no error, see Summary.
func (r *Reader) Next() (Record, error) {
	for {
		if rec, ok := r.nextRecord(); ok {
			r.summary.Records++
			if rec.Recovered {
				r.summary.Recovered++
			}
			return rec, nil
		}
		if err := r.nextChunk(); err != nil {
			return Record{}, err
		}
	}
}

const ticksTo1970 = 116444736000000000 // of 100 ns, from 1601

// fileTime makes a time of a FILETIME: units of 100 ns since 1601.
func fileTime(ticks uint64) time.Time {
	const second = 10_000_000
	return time.Unix(int64(ticks/second)-ticksTo1970/second, int64(ticks%second)*100).UTC()
}
