package match

import "math/bits"

// literals finds which of many texts occur in a value, whatever the case of
// ASCII letters, in one pass over the value.
//
// Of every text some windows of four bytes are taken. At positions of the value
// four bytes are hashed, letters in lower case, into a bit set that stays in the
// cache; only where the bit is set a table is looked up and the text compared.
// Long texts are looked for at every fourth or eighth position only: as many
// windows of them, one after the other, are in the table, and one of these must
// stand at such a position. Texts of one to three bytes have windows of their
// own size. The texts are folded; the value may be.
type literals struct {
	texts   []string
	classes []class
}

// class holds the texts that are looked for with one stride and one size of
// windows.
type class struct {
	size, stride int
	mask         uint32 // of the bytes that belong to the window
	filter       []uint64
	shift        uint8 // of the hash, so that it indexes filter's bits
	buckets      map[uint32][]entry
}

// entry is a text and where a window stands in it.
type entry struct {
	text   int32
	offset int32
}

// classForms are the classes by the shortest text that each is for; the first
// that fits takes a text.
var classForms = []struct{ shortest, size, stride int }{
	{11, 4, 8}, {7, 4, 4}, {4, 4, 1}, {3, 3, 1}, {2, 2, 1}, {1, 1, 1},
}

func classOf(text string) int {
	for i, f := range classForms {
		if len(text) >= f.shortest {
			return i
		}
	}
	return len(classForms) - 1
}

func newLiterals(texts []string) *literals {
	l := &literals{texts: texts}
	members := make([][]int32, len(classForms))
	for i, t := range texts {
		c := classOf(t)
		members[c] = append(members[c], int32(i))
	}
	for i, m := range members {
		if len(m) > 0 {
			l.classes = append(l.classes, newClass(classForms[i].size, classForms[i].stride, texts, m))
		}
	}
	return l
}

func newClass(size, stride int, texts []string, members []int32) class {
	bitsWanted := min(22, max(12, bits.Len(uint(len(members)*stride*16))))
	c := class{
		size: size, stride: stride,
		mask:    uint32(1<<(8*size) - 1),
		filter:  make([]uint64, 1<<(bitsWanted-6)),
		shift:   uint8(32 - bitsWanted),
		buckets: map[uint32][]entry{},
	}
	for _, i := range members {
		t := texts[i]
		first := rarestWindow(t, size+stride-1)
		for offset := first; offset < first+stride; offset++ {
			key := load(t[offset:], size)
			c.buckets[key] = append(c.buckets[key], entry{i, int32(offset)})
			h := hash(key) >> c.shift
			c.filter[h>>6] |= 1 << (h & 63)
		}
	}
	return c
}

// lowerBits make ASCII letters of a window lower case; other bytes may change
// too, in texts and values alike.
const lowerBits = 0x20202020

func load(s string, size int) uint32 {
	var key uint32
	for i := range size {
		key |= (uint32(s[i]) | 0x20) << (8 * i)
	}
	return key
}

func hash(key uint32) uint32 { return key * 0x9E3779B1 }

// find calls found for every text that occurs in the value, at least once.
func (l *literals) find(value string, found func(text int32)) {
	for i := range l.classes {
		l.findClass(&l.classes[i], value, found)
	}
}

func (l *literals) findClass(c *class, value string, found func(text int32)) {
	filter, shift, stride := c.filter, c.shift&31, c.stride
	if c.size < 4 {
		for i := 0; i+c.size <= len(value); i++ {
			if key := load(value[i:], c.size); filter[hash(key)>>shift>>6]&(1<<(hash(key)>>shift&63)) != 0 {
				l.compare(c, value, i, key, found)
			}
		}
		return
	}
	for i := 0; i+4 <= len(value); i += stride {
		s := value[i : i+4]
		key := (uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24) | lowerBits
		h := hash(key) >> shift
		if filter[h>>6]&(1<<(h&63)) != 0 {
			l.compare(c, value, i, key, found)
		}
	}
}

// compare looks at the texts that have the window that stands at i.
func (l *literals) compare(c *class, value string, i int, key uint32, found func(text int32)) {
	for _, e := range c.buckets[key] {
		t := l.texts[e.text]
		from := i - int(e.offset)
		if from >= 0 && from+len(t) <= len(value) && equalLower(value[from:from+len(t)], t) {
			found(e.text)
		}
	}
}

// equalLower tells whether a value equals a text that has no ASCII capitals,
// whatever the case of the value's ASCII letters.
func equalLower(value, lower string) bool {
	for i := range len(value) {
		c := value[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// rarestWindow is the offset of the piece of that length that logs hold least
// often.
func rarestWindow(t string, length int) int {
	best, bestScore := 0, 1<<30
	for i := 0; i+length <= len(t); i++ {
		score := 0
		for _, c := range []byte(t[i : i+length]) {
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
