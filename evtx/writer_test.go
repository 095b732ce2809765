package evtx

import (
	"encoding/binary"
	"hash/crc32"
	"unicode/utf16"
)

// What follows writes event logs as Windows does, as far as the tests need it.

// node is what an element may hold.
type node interface{ write(c *chunkWriter) }

type (
	el struct {
		name  string
		attrs []at1
		kids  []node
	}
	at1 struct {
		name string
		kids []node
	}
	text   string
	cdata  string
	entity string
	char   uint16
	pi     struct{ target, data string }
	slot   uint16 // an optional substitution
	must   uint16 // a normal substitution
)

// val is the value of a substitution. With an event, it is a fragment.
type val struct {
	kind  byte
	data  []byte
	event *event
}

// event is the XML of a record or of a fragment: an instance of a template, or
// an element of its own when plain is set.
type event struct {
	root   *el
	values []val
	plain  bool
}

// chunkWriter writes one chunk.
type chunkWriter struct {
	b         []byte
	names     map[string]int
	templates map[*el]int
	// noDependency: elements lack the number of the value they depend on.
	noDependency bool
	first, last  uint64
	lastAt       int
}

func newChunk() *chunkWriter {
	return &chunkWriter{b: make([]byte, chunkHeader, chunkSize), names: map[string]int{}, templates: map[*el]int{}}
}

func (c *chunkWriter) u8(n int)     { c.b = append(c.b, byte(n)) }
func (c *chunkWriter) u16(n int)    { c.b = binary.LittleEndian.AppendUint16(c.b, uint16(n)) }
func (c *chunkWriter) u32(n int)    { c.b = binary.LittleEndian.AppendUint32(c.b, uint32(n)) }
func (c *chunkWriter) u64(n uint64) { c.b = binary.LittleEndian.AppendUint64(c.b, n) }

func (c *chunkWriter) set16(at, n int) { binary.LittleEndian.PutUint16(c.b[at:], uint16(n)) }
func (c *chunkWriter) set32(at, n int) { binary.LittleEndian.PutUint32(c.b[at:], uint32(n)) }

// wide is text in UTF-16.
func wide(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// name writes where a name is, and the name when it is new to the chunk.
func (c *chunkWriter) name(s string) {
	if offset, ok := c.names[s]; ok {
		c.u32(offset)
		return
	}
	c.u32(len(c.b) + 4)
	c.names[s] = len(c.b)
	w := wide(s)
	c.u32(0)
	c.u16(0) // the hash, which nobody reads
	c.u16(len(w) / 2)
	c.b = append(c.b, w...)
	c.u16(0)
}

func (c *chunkWriter) counted(s string) {
	w := wide(s)
	c.u16(len(w) / 2)
	c.b = append(c.b, w...)
}

func (e el) write(c *chunkWriter) {
	token := tokenOpen
	if len(e.attrs) > 0 {
		token |= moreFollows
	}
	c.u8(token)
	if !c.noDependency {
		c.u16(0xffff)
	}
	size := len(c.b)
	c.u32(0)
	c.name(e.name)
	if len(e.attrs) > 0 {
		list := len(c.b)
		c.u32(0)
		for i, a := range e.attrs {
			token := tokenAttribute
			if i < len(e.attrs)-1 {
				token |= moreFollows
			}
			c.u8(token)
			c.name(a.name)
			for _, k := range a.kids {
				k.write(c)
			}
		}
		c.set32(list, len(c.b)-list-4)
	}
	if len(e.kids) == 0 {
		c.u8(tokenCloseEmpty)
	} else {
		c.u8(tokenCloseOpen)
		for _, k := range e.kids {
			k.write(c)
		}
		c.u8(tokenClose)
	}
	c.set32(size, len(c.b)-size-4)
}

func (t text) write(c *chunkWriter) {
	c.u8(tokenText)
	c.u8(typeString)
	c.counted(string(t))
}

func (t cdata) write(c *chunkWriter) {
	c.u8(tokenCDATA)
	c.counted(string(t))
}

func (t entity) write(c *chunkWriter) {
	c.u8(tokenEntity)
	c.name(string(t))
}

func (t char) write(c *chunkWriter) {
	c.u8(tokenCharacter)
	c.u16(int(t))
}

func (t pi) write(c *chunkWriter) {
	c.u8(tokenPITarget)
	c.name(t.target)
	c.u8(tokenPIData)
	c.counted(t.data)
}

func (s slot) write(c *chunkWriter) {
	c.u8(tokenOptional)
	c.u16(int(s))
	c.u8(typeString)
}

func (s must) write(c *chunkWriter) {
	c.u8(tokenSubstitution)
	c.u16(int(s))
	c.u8(typeString)
}

func (c *chunkWriter) fragmentHeader() { c.b = append(c.b, tokenFragment, 1, 1, 0) }

// write writes a fragment.
func (e *event) write(c *chunkWriter) {
	c.fragmentHeader()
	if e.plain {
		e.root.write(c)
		c.u8(tokenEnd)
		return
	}
	c.u8(tokenTemplate)
	c.u8(1)
	c.u32(0)
	if offset, ok := c.templates[e.root]; ok {
		c.u32(offset)
	} else {
		offset := len(c.b) + 4
		c.templates[e.root] = offset
		c.u32(offset)
		c.b = append(c.b, make([]byte, templateHeader)...)
		c.fragmentHeader()
		e.root.write(c)
		c.u8(tokenEnd)
		c.set32(offset+templateHeader-4, len(c.b)-offset-templateHeader)
	}
	c.u32(len(e.values))
	table := len(c.b)
	for _, v := range e.values {
		c.u16(0)
		c.u8(int(v.kind))
		c.u8(0)
	}
	for i, v := range e.values {
		start := len(c.b)
		if v.event != nil {
			v.event.write(c)
		}
		c.b = append(c.b, v.data...)
		c.set16(table+4*i, len(c.b)-start)
	}
	c.u8(tokenEnd)
}

// record writes a record. Its time is id seconds after 1970.
func (c *chunkWriter) record(id uint64, e *event) {
	start := len(c.b)
	if c.first == 0 {
		c.first = id
	}
	c.last, c.lastAt = id, start
	c.b = append(c.b, recordMagic...)
	c.u32(0)
	c.u64(id)
	c.u64(ticksTo1970 + id*ticksPerSecond)
	e.write(c)
	for len(c.b)%8 != 4 {
		c.u8(0)
	}
	c.set32(start+4, len(c.b)+4-start)
	c.u32(len(c.b) + 4 - start)
}

// finish writes the header and fills the chunk up.
func (c *chunkWriter) finish() []byte {
	free := len(c.b)
	c.b = append(c.b, make([]byte, chunkSize-len(c.b))...)
	copy(c.b, chunkMagic)
	for i, n := range []uint64{c.first, c.last, c.first, c.last} {
		binary.LittleEndian.PutUint64(c.b[8+8*i:], n)
	}
	c.set32(40, 128)
	c.set32(44, c.lastAt)
	c.set32(48, free)
	c.set32(120, 1)
	seal(c.b)
	return c.b
}

// seal sets a chunk's checksums right.
func seal(chunk []byte) {
	free := binary.LittleEndian.Uint32(chunk[48:])
	binary.LittleEndian.PutUint32(chunk[52:], crc32.ChecksumIEEE(chunk[chunkHeader:free]))
	sum := crc32.Update(crc32.ChecksumIEEE(chunk[:120]), crc32.IEEETable, chunk[128:chunkHeader])
	binary.LittleEndian.PutUint32(chunk[124:], sum)
}

// file is a whole log.
func file(flags uint32, chunks ...[]byte) []byte {
	b := make([]byte, headerBlock)
	copy(b, fileMagic)
	binary.LittleEndian.PutUint32(b[32:], 128)
	b[36], b[38] = 1, 3
	binary.LittleEndian.PutUint16(b[40:], headerBlock)
	binary.LittleEndian.PutUint16(b[42:], uint16(len(chunks)))
	binary.LittleEndian.PutUint32(b[120:], flags)
	binary.LittleEndian.PutUint32(b[124:], crc32.ChecksumIEEE(b[:120]))
	for _, c := range chunks {
		b = append(b, c...)
	}
	return b
}

// logOf is a log of one chunk that holds events, with ids from 1.
func logOf(events ...*event) []byte {
	c := newChunk()
	for i, e := range events {
		c.record(uint64(i+1), e)
	}
	return file(0, c.finish())
}
