package event

import (
	"encoding/binary"
	"hash/maphash"
	"strings"
)

// key is one name at one place of nested objects. The tree of keys outlives
// batches: it remembers what each path means, so that a known name costs a
// comparison.
type key struct {
	path    string // names from the top, joined with dots
	mark    uint64 // a random number that tells keys apart
	quoted  string // the name as it stands in JSON; "" when it needs escapes
	opening string // quoted and a colon
	// head are the first eight bytes of opening, or what there is of them, mask
	// covers these; tail are the last eight.
	head, mask, tail uint64
	children         map[string]*key
	// first are the names that began the object, after those that followed this
	// name, the last one first.
	first, after guesses
	// object numbers the object in which the key was seen last, from and to
	// are its entries there; event numbers the event.
	object   uint64
	from, to int
	event    uint64

	evidence evidence
	stamp    int8 // place in the order of time stamps, 0: none
	fields   [shapeCount]keyField
}

// begins tells that a name and a colon may stand where these eight bytes do.
func (k *key) begins(word uint64) bool { return word&k.mask == k.head }

// ends tells that they do, where they begin so.
func (k *key) ends(data []byte, pos int) bool {
	n := len(k.opening)
	if n <= 8 {
		return n > 0
	}
	if n > len(data)-pos {
		return false
	}
	at := data[pos : pos+n]
	return binary.LittleEndian.Uint64(at[n-8:]) == k.tail && (n <= 16 || string(at[8:n-8]) == k.opening[8:n-8])
}

// guesses are a few names that may come next: events of one kind write their names in
// the same order, and a log has events of some kinds.
type guesses [4]*key

// find returns the guess that stands at the start of text and puts it before the others.
func (g *guesses) find(text []byte) *key {
	for i, k := range g {
		if k == nil {
			return nil
		}
		if n := len(k.quoted); n > 0 && n <= len(text) && string(text[:n]) == k.quoted {
			return g.front(i)
		}
	}
	return nil
}

// opening returns the guess that stands with a colon at pos, where the eight bytes
// are, and puts it before the others.
func (g *guesses) opening(data []byte, pos int, word uint64) *key {
	for i, k := range g {
		if k == nil {
			return nil
		}
		if k.begins(word) && k.ends(data, pos) {
			return g.front(i)
		}
	}
	return nil
}

// front puts the guess at a place before the others.
func (g *guesses) front(i int) *key {
	k := g[i]
	copy(g[1:], g[:i])
	g[0] = k
	return k
}

func (g *guesses) add(k *key) {
	copy(g[1:], g[:])
	g[0] = k
}

// keyField is what a key is called in events of one shape.
type keyField struct {
	field
	known bool
	// column holds the field in the batch of that number.
	column *column
	batch  uint64
}

// maxKeys bounds the tree of keys; beyond it the tree starts anew.
const maxKeys = 1 << 16

type keyTree struct {
	root  *key
	size  int
	seed  maphash.Seed
	plain []byte
}

func newKeyTree() *keyTree { return &keyTree{root: &key{}, seed: maphash.MakeSeed()} }

// child finds the key of a name as it stands in JSON (without quotes).
func (t *keyTree) child(parent *key, name []byte, flags uint8) *key {
	if flags != 0 {
		t.plain = appendText(t.plain[:0], name, flags)
		name = t.plain
	}
	if k := parent.children[string(name)]; k != nil {
		return k
	}
	k := &key{path: string(name)}
	if parent != t.root {
		k.path = parent.path + "." + k.path
	}
	if !strings.ContainsFunc(string(name), func(r rune) bool { return r < 0x20 || r == '"' || r == '\\' }) {
		k.opening = `"` + string(name) + `":`
		k.quoted = k.opening[:len(k.opening)-1]
		k.mask = 1<<(8*min(8, len(k.opening))) - 1
		k.head = binary.LittleEndian.Uint64([]byte(k.opening+"        ")) & k.mask
		if n := len(k.opening); n >= 8 {
			k.tail = binary.LittleEndian.Uint64([]byte(k.opening[n-8:]))
		}
	}
	k.mark = maphash.String(t.seed, k.path)
	k.evidence = evidenceOf(k.path)
	k.stamp = stampOf(k.path)
	if parent.children == nil {
		parent.children = map[string]*key{}
	}
	parent.children[string(name)] = k
	t.size++
	return k
}

// in returns what the key is called in events of that shape.
func (k *key) in(shape int) *keyField {
	f := &k.fields[shape]
	if !f.known {
		f.known = true
		f.field = fieldOf(shape, k.path)
	}
	return f
}
