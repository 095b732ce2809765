package evtx

import (
	"bytes"
	"encoding/binary"
)

var recordMagic = []byte("**\x00\x00")

const (
	recordHeader = 24 // bytes of a record before its XML
	recordFrame  = recordHeader + 4
)

// walk is how far the records of a chunk have been read.
type walk struct {
	pos, end int
	// free is where the chunk's header says that its records end. Behind it
	// may lie records of an older life of the chunk. With tail, those that go
	// on counting where the others end are read as well: Windows writes the
	// records of an open log before it writes the chunk's header.
	free int
	tail bool
	// trusted: a checksum says that the sizes of the records are right.
	trusted, recovered bool
	// lost: no record was where one should be, and that has been told.
	lost, damaged  bool
	last           uint64 // id of the record before
	counted, found int
}

// nextRecord returns the next record of the chunk; false when there is no more.
// Every turn of its loop moves on.
func (r *Reader) nextRecord() (Record, bool) {
	w := &r.walk
	for w.pos < w.end {
		b := r.decoder.chunk[w.pos:w.end]
		beyond := w.pos >= w.free && w.tail
		size := recordSize(b, w.trusted && !beyond)
		if size == 0 {
			if beyond || !r.skip(b) {
				break
			}
			continue
		}
		id := binary.LittleEndian.Uint64(b[8:])
		if beyond && id != w.last+1 {
			break
		}
		offset := r.base + int64(w.pos)
		start := w.pos
		w.pos += size
		w.last, w.lost = id, false
		w.found++
		json, reason := r.decoder.record(start+recordHeader, w.pos-4)
		if reason != "" {
			w.damaged = true
			r.summary.Lost++
			r.damage(BadRecord, offset, id, reason)
			continue
		}
		return Record{
			ID:        id,
			Time:      fileTime(binary.LittleEndian.Uint64(b[16:])),
			Offset:    offset,
			Recovered: w.recovered || beyond,
			JSON:      json,
		}, true
	}
	w.pos = w.end
	return Record{}, false
}

// recordSize is the size of the record at the start of b, 0 when there is none.
// Where no checksum vouches for it, its size must stand at its end once more.
func recordSize(b []byte, trusted bool) int {
	if len(b) < recordFrame || !bytes.HasPrefix(b, recordMagic) {
		return 0
	}
	size := binary.LittleEndian.Uint32(b[4:])
	if size < recordFrame || uint64(size) > uint64(len(b)) {
		return 0
	}
	if !trusted && binary.LittleEndian.Uint32(b[size-4:]) != size {
		return 0
	}
	return int(size)
}

// skip moves on to the next place that may hold a record; false when there is
// none. b is what the chunk has left.
func (r *Reader) skip(b []byte) bool {
	w := &r.walk
	if !w.lost && !allZero(b) {
		w.lost, w.damaged = true, true
		// A gap between chunks is told once, when it begins.
		if w.pos > 0 {
			r.damage(NoRecord, r.base+int64(w.pos), 0, "there is no record where one should be")
		}
	}
	i := bytes.Index(b[1:], recordMagic)
	if i < 0 {
		return false
	}
	w.pos += 1 + i
	return true
}
