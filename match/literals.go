package match

import (
	"encoding/binary"
	"math/bits"
)

// literals finds which of many texts occur in a value, in one pass over it.
//
// Of every text a window of four bytes is chosen, the rarest by a static
// table. At each position of the value the next four bytes are hashed into a
// bit set that stays in the cache; only where the bit is set a table is looked
// up and the text compared. Texts of one to three bytes have windows of their
// own size. Both the texts and the values are folded.
type literals struct {
	texts   []string
	windows [5]window // by size, 1 to 4
}

// window holds the texts whose window has one size.
type window struct {
	size    int
	mask    uint32 // of the bytes that belong to the window
	filter  []uint64
	shift   uint8 // of the hash, so that it indexes filter's bits
	buckets map[uint32][]entry
}

// entry is a text and where its window stands in it.
type entry struct {
	text   int32
	offset int32
}

func newLiterals(texts []string) *literals {
	l := &literals{texts: texts}
	var counts [5]int
	for _, t := range texts {
		counts[min(len(t), 4)]++
	}
	for size := 1; size <= 4; size++ {
		if counts[size] == 0 {
			continue
		}
		bitsWanted := max(12, bits.Len(uint(counts[size]*32)))
		l.windows[size] = window{
			size:    size,
			mask:    uint32(1<<(8*size) - 1),
			filter:  make([]uint64, 1<<(bitsWanted-6)),
			shift:   uint8(32 - bitsWanted),
			buckets: map[uint32][]entry{},
		}
	}
	for i, t := range texts {
		w := &l.windows[min(len(t), 4)]
		offset := rarestWindow(t, w.size)
		key := load(t[offset:], w.size)
		w.buckets[key] = append(w.buckets[key], entry{int32(i), int32(offset)})
		h := hash(key) >> w.shift
		w.filter[h>>6] |= 1 << (h & 63)
	}
	return l
}

func load(s string, size int) uint32 {
	var key uint32
	for i := range size {
		key |= uint32(s[i]) << (8 * i)
	}
	return key
}

func hash(key uint32) uint32 { return key * 0x9E3779B1 }

// slack is what must be readable behind a value given to find.
const slack = 4

// find calls found for every text that occurs in the value, once an
// occurrence. The value's buffer must be readable for slack bytes beyond its
// length.
func (l *literals) find(value []byte, found func(text int32)) {
	padded := value[:len(value)+slack]
	for size := 4; size >= 1; size-- {
		w := &l.windows[size]
		if w.filter == nil {
			continue
		}
		filter, mask, shift := w.filter, w.mask, w.shift&31
		for i := 0; i+size <= len(value); i++ {
			key := binary.LittleEndian.Uint32(padded[i:i+4]) & mask
			h := hash(key) >> shift
			if filter[h>>6]&(1<<(h&63)) == 0 {
				continue
			}
			for _, e := range w.buckets[key] {
				t := l.texts[e.text]
				from := i - int(e.offset)
				if from >= 0 && from+len(t) <= len(value) && string(value[from:from+len(t)]) == t {
					found(e.text)
				}
			}
		}
	}
}

// rarestWindow is the offset of the window that logs hold least often.
func rarestWindow(t string, size int) int {
	best, bestScore := 0, 1<<30
	for i := 0; i+size <= len(t); i++ {
		score := 0
		for _, c := range []byte(t[i : i+size]) {
			score += commonness(c)
		}
		if score < bestScore {
			best, bestScore = i, score
		}
	}
	return best
}

// commonness ranks bytes by how often they stand in paths, command lines and
// scripts; the ranks need not be exact, only tell common from rare.
func commonness(c byte) int {
	switch {
	case c == ' ' || c == '\\' || c == 'e' || c == 's' || c == 'i' || c == 't' || c == 'o' || c == 'n' || c == 'r':
		return 10
	case c == '.' || c == 'x' || c == 'd' || c == 'c' || c == 'm' || c == 'w' || c == 'a' || c == 'l' || c == 'p' || c == 'u':
		return 8
	case c >= 'a' && c <= 'z' || c == '-' || c == '/' || c == ':' || c == '0':
		return 6
	case c >= '1' && c <= '9':
		return 5
	}
	return 3
}
