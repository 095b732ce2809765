package event

import (
	"hash/maphash"
	"strings"
)

// column is a Column that is being built, with an index over its values.
type column struct {
	name   string
	codes  []uint32
	values []Value
	// hashes are the values' hashes. table is an open-addressed hash table
	// of codes, its size a power of two; 0 is a free slot.
	hashes []uint32
	table  []uint32
	// last is the code of the latest row that has the field: fields repeat
	// themselves from row to row.
	last uint32

	// The event that is being read: its number, what the value found so far
	// weighs, and the first and last entry that make it.
	event  uint64
	weight weight
	from   int32
	to     int32
}

func newColumn(name string) *column {
	return &column{name: name, values: make([]Value, 1, 4), hashes: make([]uint32, 1, 4)}
}

// set gives a row its value; rows between have none.
func (c *column) set(row int, code uint32) {
	if n := row + 1 - len(c.codes); n > 1 {
		c.codes = append(c.codes, make([]uint32, n-1)...)
	}
	c.codes = append(c.codes, code)
}

// find returns the code of a value, 0 when the column does not have it yet.
func (c *column) find(kind Kind, text []byte, hash uint32) uint32 {
	if len(c.table) == 0 {
		return 0
	}
	mask := uint32(len(c.table) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		code := c.table[i]
		if code == 0 {
			return 0
		}
		if c.hashes[code] == hash {
			if v := &c.values[code]; v.Kind == kind && v.Text == string(text) {
				return code
			}
		}
	}
}

// add gives a new value its code.
func (c *column) add(v Value, hash uint32) uint32 {
	code := uint32(len(c.values))
	c.values = append(c.values, v)
	c.hashes = append(c.hashes, hash)
	if 2*len(c.values) > len(c.table) {
		c.table = make([]uint32, max(8, 2*len(c.table)))
		for code, hash := range c.hashes[1:] {
			c.place(uint32(code)+1, hash)
		}
	} else {
		c.place(code, hash)
	}
	return code
}

func (c *column) place(code, hash uint32) {
	mask := uint32(len(c.table) - 1)
	i := hash & mask
	for c.table[i] != 0 {
		i = (i + 1) & mask
	}
	c.table[i] = code
}

// intern returns the code of a scalar.
func (b *Builder) intern(c *column, kind Kind, text []byte) uint32 {
	if v := &c.values[c.last]; v.Kind == kind && v.Text == string(text) {
		return c.last
	}
	hash := b.hash(kind, text)
	code := c.find(kind, text, hash)
	if code == 0 {
		code = c.add(Value{Kind: kind, Text: b.store.text(text)}, hash)
	}
	c.last = code
	return code
}

func (b *Builder) hash(kind Kind, text []byte) uint32 {
	return uint32(maphash.Bytes(b.seed, text)) + uint32(kind)*0x9e3779b9
}

// store keeps the texts of a batch in few large pieces of memory.
type store struct{ piece *strings.Builder }

const pieceSize = 64 << 10

func (s *store) text(b []byte) string {
	if len(b) > pieceSize/8 {
		return string(b)
	}
	if s.piece == nil || s.piece.Len()+len(b) > s.piece.Cap() {
		s.piece = &strings.Builder{}
		s.piece.Grow(pieceSize)
	}
	from := s.piece.Len()
	s.piece.Write(b)
	return s.piece.String()[from:]
}
