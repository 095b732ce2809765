package evtx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"strconv"
)

// nextChunk moves on to the next chunk, or to what lies where one should be.
func (r *Reader) nextChunk() error {
	r.finishChunk()
	copy(r.buf, r.buf[r.done:r.n])
	r.base += int64(r.done)
	r.n -= r.done
	r.done = 0
	r.fill(chunkSize)
	if r.n == 0 {
		return r.end()
	}
	if bytes.HasPrefix(r.buf[:r.n], chunkMagic) {
		r.startChunk()
	} else {
		r.startGap()
	}
	return nil
}

// end is the end of the stream: it tells whether the file should be longer.
func (r *Reader) end() error {
	if errors.Is(r.err, io.EOF) && r.counted > r.summary.Chunks {
		r.damage(Truncated, r.base, 0, "the file's header counts "+strconv.Itoa(r.counted)+
			" chunks, but there are "+strconv.Itoa(r.summary.Chunks))
		r.counted = -1 // said once
	}
	return r.err
}

// startGap looks for records in bytes that do not begin with a chunk, up to the
// next signature of one. Zeros are room that the log has not used yet.
func (r *Reader) startGap() {
	b := r.buf[:r.n]
	if i := bytes.Index(b, chunkMagic); i > 0 {
		b = b[:i]
	} else if r.n == chunkSize {
		b = b[:r.n-halfMagic(b)]
	}
	r.done = len(b)
	if allZero(b) {
		r.walk = walk{}
		return
	}
	r.damage(NoChunk, r.base, 0, "there is no chunk where one should be")
	r.decoder.start(b)
	r.walk = walk{end: len(b), recovered: true}
}

// halfMagic is how many bytes at the end of b may begin a chunk's signature.
func halfMagic(b []byte) int {
	for n := len(chunkMagic) - 1; n > 0; n-- {
		if bytes.HasSuffix(b, chunkMagic[:n]) {
			return n
		}
	}
	return 0
}

// startChunk checks a chunk's checksums and decides how far its records reach.
func (r *Reader) startChunk() {
	s := &r.summary
	s.Chunks++
	if r.counted >= 0 && s.Chunks > r.counted {
		s.ExtraChunks++
	}
	b := r.buf[:r.n]
	r.done = r.n
	if len(b) < chunkHeader {
		s.BadChunks++
		r.damage(Truncated, r.base+int64(len(b)), 0, "the file is cut off within the header of a chunk")
		r.walk = walk{}
		return
	}
	free := int(binary.LittleEndian.Uint32(b[48:]))
	unchecked := r.noChecksum || b[120]&flagNoChecksum != 0
	inRange := free >= chunkHeader && free <= chunkSize
	header := crc32.Update(crc32.ChecksumIEEE(b[:120]), crc32.IEEETable, b[128:chunkHeader])
	headerOK := inRange && (unchecked || header == binary.LittleEndian.Uint32(b[124:]))
	whole := inRange && free <= len(b)
	dataOK := whole && (unchecked || crc32.ChecksumIEEE(b[chunkHeader:free]) == binary.LittleEndian.Uint32(b[52:]))

	switch {
	case headerOK:
	case inRange:
		r.damage(BadChunk, r.base, 0, "the checksum of a chunk's header is wrong")
	default:
		r.damage(BadChunk, r.base, 0, "a chunk's header says that its records end outside of it")
	}
	switch {
	case dataOK:
	case len(b) < chunkSize && inRange && !whole:
		r.damage(Truncated, r.base+int64(len(b)), 0, "the file is cut off within a chunk")
	case inRange:
		r.damage(BadChunk, r.base, 0, "the checksum of a chunk's records is wrong")
	}
	if !headerOK || !dataOK {
		s.BadChunks++
		// Bytes may have been lost in the middle: then the next chunk begins
		// within this one's 64 KiB.
		if i := bytes.Index(b[chunkHeader:], chunkMagic); i >= 0 {
			b = b[:chunkHeader+i]
			r.done = len(b)
		}
	}
	r.decoder.start(b)
	r.walk = walk{pos: chunkHeader, end: len(b), free: len(b), recovered: !dataOK, trusted: dataOK}
	if headerOK || dataOK {
		r.walk.free = min(free, len(b))
		r.walk.tail = unchecked || s.Dirty || !dataOK
		if !r.walk.tail {
			r.walk.end = r.walk.free
		}
	}
	if headerOK && dataOK {
		first, last := binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])
		if last >= first && last-first < chunkSize {
			r.walk.counted = int(last-first) + 1
		}
	}
}

// finishChunk tells when a chunk that looked whole held too few records.
func (r *Reader) finishChunk() {
	w := &r.walk
	if w.counted > w.found && !w.damaged {
		r.damage(MissedSome, r.base, 0, "a chunk's header counts "+strconv.Itoa(w.counted)+
			" records, but there are "+strconv.Itoa(w.found))
	}
	r.walk = walk{}
}

func allZero(b []byte) bool {
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b) != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
