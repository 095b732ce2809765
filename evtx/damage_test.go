package evtx

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// smallRoot is a template as most are: a fixed part and some values.
var smallRoot = &el{"Event", []at1{{"xmlns", []node{text("urn:x")}}}, []node{
	el{"System", nil, []node{el{"EventID", nil, []node{slot(0)}}, el{"Channel", nil, []node{text("Test")}}}},
	el{"EventData", nil, []node{el{"Data", []at1{{"Name", []node{text("Text")}}}, []node{slot(1)}}}},
}}

func smallEvent(n int) *event {
	return &event{root: smallRoot, values: []val{
		{kind: typeUint16, data: le16(uint16(n))},
		{kind: typeString, data: wide("some text of record " + strings.Repeat("x", n%7))},
	}}
}

// smallChunk holds n records with ids from first on.
func smallChunk(first uint64, n int) []byte {
	c := newChunk()
	for i := range n {
		c.record(first+uint64(i), smallEvent(int(first)+i))
	}
	return c.finish()
}

// recordAt is where the record with an id begins in a chunk.
func recordAt(t testing.TB, chunk []byte, id uint64) int {
	t.Helper()
	for at := chunkHeader; bytes.HasPrefix(chunk[at:], recordMagic); at += int(binary.LittleEndian.Uint32(chunk[at+4:])) {
		if binary.LittleEndian.Uint64(chunk[at+8:]) == id {
			return at
		}
	}
	t.Fatalf("no record %d", id)
	return 0
}

func ids(records []Record) []uint64 {
	var all []uint64
	for _, r := range records {
		all = append(all, r.ID)
	}
	return all
}

func upTo(from, to uint64) []uint64 {
	var all []uint64
	for ; from <= to; from++ {
		all = append(all, from)
	}
	return all
}

func TestDamage(t *testing.T) {
	const perChunk = 20
	without := func(list []uint64, gone ...uint64) []uint64 {
		return slices.DeleteFunc(list, func(id uint64) bool { return slices.Contains(gone, id) })
	}
	at := func(chunk int) int { return headerBlock + chunk*chunkSize }
	for _, c := range []struct {
		name string
		// change gets a log of three chunks with 20 records each, from id 1.
		change    func(log []byte) []byte
		ids       []uint64
		recovered int
		lost      int
		bad       int // chunks
		kinds     []Kind
	}{
		{"none", func(log []byte) []byte { return log }, upTo(1, 60), 0, 0, 0, nil},
		{"the file's header has a wrong checksum", func(log []byte) []byte {
			log[24] = 1
			return log
		}, upTo(1, 60), 0, 0, 0, []Kind{BadHeader}},
		{"the file's header has no signature", func(log []byte) []byte {
			clear(log[:headerBlock])
			return log
		}, upTo(1, 60), 0, 0, 0, []Kind{BadHeader}},
		{"the file's header is gone", func(log []byte) []byte { return log[headerBlock:] }, upTo(1, 60), 0, 0, 0, []Kind{BadHeader}},
		{"room at the end", func(log []byte) []byte { return append(log, make([]byte, 3*chunkSize)...) }, upTo(1, 60), 0, 0, 0, nil},
		{"more chunks than counted", func(log []byte) []byte { return append(log, smallChunk(61, 2)...) }, upTo(1, 62), 0, 0, 0, nil},
		{"a chunk's header has a wrong checksum", func(log []byte) []byte {
			log[at(1)+130]++
			return log
		}, upTo(1, 60), 0, 0, 1, []Kind{BadChunk}},
		{"a chunk's header is gone", func(log []byte) []byte {
			clear(log[at(1) : at(1)+chunkHeader])
			return log
		}, upTo(1, 60), perChunk, 0, 0, []Kind{NoChunk, Truncated}},
		{"a chunk's header is garbage", func(log []byte) []byte {
			copy(log[at(1)+8:at(1)+chunkHeader], bytes.Repeat([]byte{0xee}, chunkHeader))
			return log
		}, upTo(1, 60), perChunk, 0, 1, []Kind{BadChunk}},
		{"a chunk is zeros", func(log []byte) []byte {
			clear(log[at(1):at(2)])
			return log
		}, without(upTo(1, 60), upTo(21, 40)...), 0, 0, 0, []Kind{Truncated}},
		{"a value is changed", func(log []byte) []byte {
			log[at(1)+recordAt(t, log[at(1):], 25)+80]++
			return log
		}, upTo(1, 60), perChunk, 0, 1, []Kind{BadChunk}},
		{"a record's signature is gone", func(log []byte) []byte {
			log[at(1)+recordAt(t, log[at(1):], 25)] = 0
			return log
		}, without(upTo(1, 60), 25), perChunk - 1, 0, 1, []Kind{BadChunk, NoRecord}},
		{"a record's size is wrong", func(log []byte) []byte {
			log[at(1)+recordAt(t, log[at(1):], 25)+4] += 8
			return log
		}, without(upTo(1, 60), 25), perChunk - 1, 0, 1, []Kind{BadChunk, NoRecord}},
		{"a record's size is huge", func(log []byte) []byte {
			log[at(1)+recordAt(t, log[at(1):], 25)+7] = 0xff
			return log
		}, without(upTo(1, 60), 25), perChunk - 1, 0, 1, []Kind{BadChunk, NoRecord}},
		{"a record's size is wrong under a right checksum", func(log []byte) []byte {
			log[at(1)+recordAt(t, log[at(1):], 25)+7] = 0xff
			seal(log[at(1):at(2)])
			return log
		}, without(upTo(1, 60), 25), 0, 0, 0, []Kind{NoRecord}},
		{"a record's XML is garbage", func(log []byte) []byte {
			log[at(1)+recordAt(t, log[at(1):], 25)+recordHeader] = 0xbb
			return log
		}, without(upTo(1, 60), 25), perChunk - 1, 1, 1, []Kind{BadChunk, BadRecord}},
		{"a template is garbage", func(log []byte) []byte {
			from := at(1) + recordAt(t, log[at(1):], 21) + recordHeader + 4 + 10 + templateHeader
			log[from+4] = 0xbb
			return log
		}, without(upTo(1, 60), upTo(21, 40)...), 0, perChunk, 1, slices.Concat([]Kind{BadChunk}, slices.Repeat([]Kind{BadRecord}, perChunk))},
		{"records overwritten by zeros", func(log []byte) []byte {
			clear(log[at(1)+recordAt(t, log[at(1):], 25) : at(1)+recordAt(t, log[at(1):], 28)])
			return log
		}, without(upTo(1, 60), 25, 26, 27), perChunk - 3, 0, 1, []Kind{BadChunk, NoRecord}},
		{"bytes lost within a chunk", func(log []byte) []byte {
			from := at(1) + recordAt(t, log[at(1):], 39)
			return slices.Delete(log, from, from+100)
		}, without(upTo(1, 60), 39), perChunk - 1, 0, 1, []Kind{BadChunk, NoRecord}},
		{"bytes put before a chunk", func(log []byte) []byte { return slices.Insert(log, at(1), []byte("garbage")...) }, upTo(1, 60), 0, 0, 0, []Kind{NoChunk}},
		{"bytes put before a chunk, its signature across 64 KiB", func(log []byte) []byte {
			return slices.Insert(log, at(1), bytes.Repeat([]byte{'x'}, chunkSize-3)...)
		}, upTo(1, 60), 0, 0, 0, []Kind{NoChunk}},
		{"a header that counts more records", func(log []byte) []byte {
			log[at(1)+16] += 5
			seal(log[at(1):at(2)])
			return log
		}, upTo(1, 60), 0, 0, 0, []Kind{MissedSome}},
		{"cut off in the header", func(log []byte) []byte { return log[:100] }, nil, 0, 0, 0, []Kind{Truncated}},
		{"cut off after the header", func(log []byte) []byte { return log[:headerBlock] }, nil, 0, 0, 0, []Kind{Truncated}},
		{"cut off in a chunk's header", func(log []byte) []byte { return log[:at(1)+300] }, upTo(1, 20), 0, 0, 1, []Kind{Truncated, Truncated}},
		{"cut off in a record", func(log []byte) []byte { return log[:at(2)+recordAt(t, log[at(2):], 45)+50] }, upTo(1, 44), 4, 0, 1, []Kind{Truncated, NoRecord}},
		{"cut off in a chunk's room", func(log []byte) []byte { return log[:at(3)-1000] }, upTo(1, 60), 0, 0, 0, nil},
		{"records of an older life in a chunk's room", func(log []byte) []byte {
			old := smallChunk(1000, 20)
			free := binary.LittleEndian.Uint32(log[at(1)+48:])
			from := recordAt(t, old, 1010)
			copy(log[at(1)+int(free):at(2)], old[from:])
			return log
		}, upTo(1, 60), 0, 0, 0, nil},
		{"records of an older life behind a header with a wrong checksum", func(log []byte) []byte {
			old := smallChunk(1000, 20)
			free := binary.LittleEndian.Uint32(log[at(1)+48:])
			copy(log[at(1)+int(free):at(2)], old[recordAt(t, old, 1010):])
			log[at(1)+130]++
			return log
		}, upTo(1, 60), 0, 0, 1, []Kind{BadChunk}},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := c.change(file(0, smallChunk(1, perChunk), smallChunk(21, perChunk), smallChunk(41, perChunk)))
			records, s := readAll(t, bytes.NewReader(log))
			if got := ids(records); !slices.Equal(got, c.ids) {
				t.Errorf("records %v, want %v", got, c.ids)
			}
			var kinds []Kind
			for _, d := range s.Damage {
				kinds = append(kinds, d.Kind)
			}
			if s.Recovered != c.recovered || s.Lost != c.lost || s.BadChunks != c.bad || !slices.Equal(kinds, c.kinds) || s.Damages != len(kinds) {
				t.Errorf("recovered %d, lost %d, bad chunks %d, damage %v; want %d, %d, %d, %v", s.Recovered, s.Lost, s.BadChunks, s.Damage, c.recovered, c.lost, c.bad, c.kinds)
			}
		})
	}
}

// TestOpenLog reads logs that were copied while Windows wrote them: the headers
// are behind the records.
func TestOpenLog(t *testing.T) {
	dataSum, headerSum := [2]int{52, 56}, [2]int{124, 128}
	for _, c := range []struct {
		name      string
		flags     uint32
		chunkFlag byte
		follow    uint64   // id of the first record behind the end that the header knows
		zero      [][2]int // what of the chunk's header is zeroed at last
		ids       []uint64
		damages   int
	}{
		{"open", flagDirty, 1, 6, nil, upTo(1, 10), 0},
		{"open, with an older life's records", flagDirty, 1, 100, nil, upTo(1, 5), 0},
		{"closed", 0, 1, 6, nil, upTo(1, 5), 0},
		{"open, with wrong checksums", flagDirty, 1, 6, [][2]int{dataSum, headerSum}, upTo(1, 10), 2},
		{"closed, with a wrong checksum of the records", 0, 1, 6, [][2]int{dataSum}, upTo(1, 10), 1},
		{"closed, with an older life's records and a wrong checksum", 0, 1, 100, [][2]int{dataSum}, upTo(1, 5), 1},
		{"a file without checksums", flagNoChecksum, 1, 6, [][2]int{dataSum, headerSum}, upTo(1, 10), 0},
		{"a chunk without checksums", 0, flagNoChecksum, 6, [][2]int{dataSum, headerSum}, upTo(1, 10), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newChunk()
			free := 0
			for i := range 10 {
				id := uint64(i + 1)
				if i == 5 {
					free = len(w.b)
				}
				if i >= 5 {
					id += c.follow - 6
				}
				w.record(id, smallEvent(i))
			}
			chunk := w.finish()
			binary.LittleEndian.PutUint64(chunk[16:], 5)
			binary.LittleEndian.PutUint32(chunk[48:], uint32(free))
			chunk[120] = c.chunkFlag
			seal(chunk)
			for _, z := range c.zero {
				clear(chunk[z[0]:z[1]])
			}
			if len(c.zero) == 1 { // the header's own is right
				sum := crc32.Update(crc32.ChecksumIEEE(chunk[:120]), crc32.IEEETable, chunk[128:chunkHeader])
				binary.LittleEndian.PutUint32(chunk[124:], sum)
			}
			records, s := readAll(t, bytes.NewReader(file(c.flags, chunk)))
			if !slices.Equal(ids(records), c.ids) || s.Dirty != (c.flags&flagDirty != 0) || s.Damages != c.damages {
				t.Errorf("records %v, want %v; %+v", ids(records), c.ids, s)
			}
		})
	}
}

// sound checks what holds for any input: the JSON is JSON, and there is not more
// of it than the bytes justify.
func sound(t testing.TB, log []byte) (int, Summary) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(log))
	if err != nil {
		if !errors.Is(err, ErrFormat) {
			t.Fatal(err)
		}
		return 0, Summary{}
	}
	size, records := 0, 0
	end := int64(-1)
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(rec.JSON) {
			t.Fatalf("no JSON: %q", rec.JSON)
		}
		if rec.Offset <= end || rec.Offset >= int64(len(log)) {
			t.Fatalf("a record at %d after one at %d, of %d bytes", rec.Offset, end, len(log))
		}
		end = rec.Offset
		size += len(rec.JSON)
		records++
	}
	s := r.Summary()
	if s.Records != records || s.Recovered > records || (s.Records+s.Lost)*recordFrame > len(log) || s.BadChunks > s.Chunks || len(s.Damage) > min(s.Damages, MaxDamage) {
		t.Fatalf("%d records of %d bytes: %+v", records, len(log), s)
	}
	if most := outputPerByte*len(log) + outputBase*(2+len(log)/chunkHeader); size > most {
		t.Fatalf("%d bytes of JSON of %d", size, len(log))
	}
	return records, s
}

func TestCutAnywhere(t *testing.T) {
	log := file(0, smallChunk(1, 30), smallChunk(31, 30))
	before := 0
	for n := 0; n <= len(log); n += 512 {
		records, s := sound(t, log[:n])
		if records < before {
			t.Errorf("%d records of %d bytes, but %d of fewer", records, n, before)
		}
		if n >= headerBlock && records < 60 && s.Damages == 0 {
			t.Errorf("%d of 60 records of %d bytes, and no damage", records, n)
		}
		before = records
	}
	if before != 60 {
		t.Errorf("%d records of the whole", before)
	}
}

// TestFlippedBits changes one byte at a time: whatever is not as it was, is told.
func TestFlippedBits(t *testing.T) {
	chunk := smallChunk(1, 8)
	used := int(binary.LittleEndian.Uint32(chunk[48:]))
	log := file(0, chunk)
	whole, _ := readAll(t, bytes.NewReader(log))
	for at := 0; at < headerBlock+used; at++ {
		if at >= 128 && at < headerBlock {
			continue // nothing is there
		}
		changed := bytes.Clone(log)
		changed[at] ^= 1 << (at % 8)
		_, s := sound(t, changed)
		records, _ := readAllOrNone(t, changed)
		same := slices.EqualFunc(records, whole, func(a, b Record) bool { return a.ID == b.ID && bytes.Equal(a.JSON, b.JSON) })
		if !same && s.Damages == 0 {
			t.Errorf("byte %d changed: the records are others, and no damage", at)
		}
		if len(records) == 0 && at >= headerBlock+recordAt(t, chunk, 2) {
			t.Errorf("byte %d changed: no records", at)
		}
	}
}

func readAllOrNone(t *testing.T, log []byte) ([]Record, Summary) {
	if !IsEVTX(log) {
		return nil, Summary{}
	}
	return readAll(t, bytes.NewReader(log))
}

// TestBombs reads records that are made to cost far more than their bytes.
func TestBombs(t *testing.T) {
	many := func(n int, k node) []node { return slices.Repeat([]node{k}, n) }
	deep := func(n int, inner node) *el {
		e := el{"E", nil, []node{inner}}
		for range n {
			e = el{"E", nil, []node{e}}
		}
		return &e
	}
	// Each fragment holds the next one twice.
	doubling := &event{root: &el{"E", nil, []node{text("x")}}}
	twice := &el{"E", nil, []node{el{"A", nil, []node{slot(0)}}, el{"B", nil, []node{slot(0)}}}}
	for range 28 {
		doubling = &event{root: twice, values: []val{{kind: typeXML, event: doubling}}}
	}
	nested := &event{root: &el{"E", nil, []node{text("x")}}}
	once := &el{"E", nil, []node{slot(0)}}
	for range 200 {
		nested = &event{root: once, values: []val{{kind: typeXML, event: nested}}}
	}
	var names []node
	for i := range 1500 {
		names = append(names, el{fmt.Sprintf("N%d", i), nil, []node{slot(0)}})
	}
	for _, c := range []struct {
		name   string
		event  *event
		reason string
	}{
		{"one long value many times", &event{root: &el{"E", nil, many(2000, slot(0))}, values: []val{{kind: typeString, data: wide(strings.Repeat("\x01", 20_000))}}}, brokenWork},
		{"an array many times", &event{root: &el{"E", nil, many(2000, el{"A", nil, []node{slot(0)}})}, values: []val{{kind: typeArray | typeInt8, data: make([]byte, 20_000)}}}, brokenWork},
		{"fragments that double", doubling, brokenWork},
		{"fragments nested deeply", nested, brokenDepth},
		{"elements nested deeply", &event{root: deep(100, text("x"))}, brokenDepth},
		{"elements nested deeply, without a template", &event{root: deep(100, text("x")), plain: true}, brokenDepth},
		{"JSON that is too long by its last value", &event{root: &el{"E", nil, many(9, slot(0))}, values: []val{{kind: typeString, data: wide(strings.Repeat("\x01", 20_000))}}}, brokenWork},
		{"as many elements as fit", &event{root: &el{"E", nil, many(3500, el{"A", nil, []node{slot(0)}})}}, ""},
		{"as many names as fit", &event{root: &el{"E", nil, names}}, ""},
		{"elements nested not too deeply", &event{root: deep(maxDepth-3, text("x"))}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newChunk()
			w.record(1, c.event)
			if len(w.b) > chunkSize {
				t.Fatal("the record is larger than a chunk")
			}
			log := file(0, w.finish())
			records, s := sound(t, log)
			if c.reason == "" {
				if records != 1 || s.Damages > 0 {
					t.Errorf("%d records, %v", records, s.Damage)
				}
			} else if records != 0 || s.Lost != 1 || s.Damage[0].Reason != c.reason {
				t.Errorf("%d records, %v", records, s.Damage)
			}
		})
	}
}

// TestOverlappingTemplates has a thousand records, each with a template of its
// own at every other byte of one run of elements.
func TestOverlappingTemplates(t *testing.T) {
	w := newChunk()
	w.record(1, &event{root: &el{"E", nil, slices.Repeat([]node{el{"A", nil, []node{slot(0)}}}, 1000)}})
	first := w.lastAt
	for i := range 400 {
		root := &el{name: "E"}
		w.templates[root] = first + 100 + 2*i
		w.record(uint64(i+2), &event{root: root})
	}
	sound(t, file(0, w.finish()))
}

func TestExtraChunks(t *testing.T) {
	log := append(file(0, smallChunk(1, 2)), smallChunk(3, 2)...)
	records, s := readAll(t, bytes.NewReader(log))
	if len(records) != 4 || s.Chunks != 2 || s.ExtraChunks != 1 || s.Damages > 0 {
		t.Errorf("%d records, %+v", len(records), s)
	}
}

// hesitant returns nothing, and no error, so many times before each read.
type hesitant struct {
	io.Reader
	times, left int
}

func (h *hesitant) Read(b []byte) (int, error) {
	if h.left--; h.left >= 0 {
		return 0, nil
	}
	h.left = h.times
	return h.Reader.Read(b[:min(len(b), 4096)])
}

func TestReading(t *testing.T) {
	log := file(0, smallChunk(1, 20), smallChunk(21, 20))
	for name, src := range map[string]io.Reader{
		"byte by byte":       iotest.OneByteReader(bytes.NewReader(log)),
		"data with the EOF":  iotest.DataErrReader(bytes.NewReader(log)),
		"halves of requests": iotest.HalfReader(bytes.NewReader(log)),
		"nothing at times":   &hesitant{Reader: bytes.NewReader(log), times: 20},
	} {
		if records, s := readAll(t, src); len(records) != 40 || s.Damages > 0 {
			t.Errorf("%s: %d records, %v", name, len(records), s.Damage)
		}
	}

	if _, err := NewReader(&hesitant{left: math.MaxInt}); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("NewReader of a stream that gives nothing: %v", err)
	}
	short, err := NewReader(bytes.NewReader(log[:headerBlock+chunkSize]))
	if err != nil {
		t.Fatal(err)
	}
	for range 25 {
		_, err = short.Next()
	}
	if s := short.Summary(); !errors.Is(err, io.EOF) || s.Records != 20 || s.Damages != 1 {
		t.Errorf("Next after the end: %v, %+v", err, s)
	}

	broken := errors.New("the disk is broken")
	r, err := NewReader(io.MultiReader(bytes.NewReader(log[:headerBlock+chunkSize+20_000]), iotest.ErrReader(broken)))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; err == nil; n++ {
		_, err = r.Next()
	}
	if n-1 != 40 || !errors.Is(err, broken) {
		t.Errorf("%d records and %v: what was read before the error is given, and then the error", n-1, err)
	}
	if _, err := NewReader(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("NewReader of a broken stream: %v", err)
	}
	for _, text := range []string{"", "ElfFil", "PK\x03\x04", strings.Repeat(`{"a":1}`, 10_000)} {
		if _, err := NewReader(strings.NewReader(text)); !errors.Is(err, ErrFormat) {
			t.Errorf("NewReader of %.10q: %v", text, err)
		}
	}
}
