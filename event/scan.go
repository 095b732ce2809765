package event

import (
	"errors"
	"fmt"
	"slices"
)

// The bounds of one event. Events of real logs stay far below them.
const (
	maxDepth  = 512     // nested objects and lists
	maxFields = 10_000  // distinct paths
	maxValues = 200_000 // scalars, those in lists included
)

// SyntaxError says why bytes are no JSON object that can be read.
type SyntaxError struct {
	// Offset is where in the given bytes reading stopped, from 0.
	Offset int
	// Reason is one clause without position: "a comma or } is missing".
	Reason string
	// Incomplete says that the bytes end too early: more of them may help.
	Incomplete bool
	// TooBig says that a bound on depth, fields or values was reached: the
	// bytes may well be JSON.
	TooBig bool
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s (byte %d)", e.Reason, e.Offset+1)
}

// ErrNotObject is why a JSON value that is no object is no event.
var ErrNotObject = errors.New("a JSON value that is not an object")

// Scan checks the JSON value at the start of data and returns the number of its
// bytes, white space before it included. More may follow it in data. The error
// is a *SyntaxError, or ErrNotObject beside the length of a well-formed value
// that is not an object.
func Scan(data []byte) (int, error) {
	s := scanner{data: data}
	s.space()
	object := s.pos < len(data) && data[s.pos] == '{'
	if err := s.value(nil); err != nil {
		return 0, err
	}
	if !object {
		return s.pos, ErrNotObject
	}
	return s.pos, nil
}

// entry is one scalar of the event that is being read, or the mark of a list
// that holds no objects.
type entry struct {
	key *key
	col *column
	// start and end bound the value's bytes, a string's without its quotes.
	start, end int32
	// list numbers the outermost list around the value within the event,
	// item the outermost list's entry; 0: in no list.
	list, item uint32
	// next is the entry that continues the same field's list, 0: none.
	next  int32
	kind  Kind // List: the mark
	flags uint8
	part  part
	dead  bool // a later value of the same key has replaced it
}

// set gives every field a value, one by one: a literal is made elsewhere and copied
// in wider pieces than it was written in, for which the processor waits.
func (e *entry) set(k *key, kind Kind, flags uint8, start, end int, list, item uint32) {
	e.key, e.col = k, nil
	e.start, e.end = int32(start), int32(end)
	e.list, e.item, e.next = list, item, 0
	e.kind, e.flags, e.part, e.dead = kind, flags, whole, false
}

// Flags of an entry.
const (
	escaped  uint8 = 1 << iota // a string with a backslash
	highByte                   // a string with bytes beyond ASCII
	// unicodeEscape is a string with a \uXXXX; values do not keep it.
	unicodeEscape
	rewrite // a number not in its shortest form
	// stopped is not kept either: passAVX2 came to the end of a text.
	stopped = 0x80
)

// scanner reads one JSON object in a single pass. With a key tree it collects
// entries; without one (nil keys) it only checks.
type scanner struct {
	data    []byte
	pos     int
	entries []entry
	depth   int
	layout  uint64 // mixes the keys and lists of the entries
	objects uint64 // objects begun; never reset, so a number names one object
	event   uint64 // number of the event, for counting its distinct paths
	fields  int
	lists   uint32 // outermost lists begun in the event
	list    uint32 // number of the outermost list here and of its item, 0: none
	item    uint32
	inside  uint32 // depth of lists here
	tree    *keyTree
	flags   uint8 // of the string or number read last
	// dropped tells that a key occurred again in its object; unicode that a
	// text has a \uXXXX escape, beyond that one has bytes beyond ASCII.
	dropped, unicode, beyond bool
}

func (s *scanner) fail(reason string) error {
	if s.pos >= len(s.data) {
		return &SyntaxError{Offset: len(s.data), Reason: "it ends in the middle of an object", Incomplete: true}
	}
	return &SyntaxError{Offset: s.pos, Reason: reason}
}

func (s *scanner) tooBig(reason string) error {
	return &SyntaxError{Offset: s.pos, Reason: reason, TooBig: true}
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// value reads the value of key k.
func (s *scanner) value(k *key) error {
	if s.pos >= len(s.data) {
		return s.fail("")
	}
	start := s.pos
	switch c := s.data[start]; c {
	case '"':
		if err := s.text(); err != nil {
			return err
		}
		return s.add(k, String, start+1, s.pos-1)
	case '{':
		return s.object(k)
	case '[':
		return s.array(k)
	case 't':
		return s.word(k, "true", Bool)
	case 'f':
		return s.word(k, "false", Bool)
	case 'n':
		return s.word(k, "null", Null)
	default:
		if c != '-' && (c < '0' || c > '9') {
			return s.fail("a value is missing")
		}
		if err := s.number(); err != nil {
			return err
		}
		return s.add(k, Number, start, s.pos)
	}
}

// add notes a value of key k.
func (s *scanner) add(k *key, kind Kind, start, end int) error {
	if k == nil {
		return nil
	}
	if len(s.entries) >= maxValues {
		return s.tooBig(fmt.Sprintf("more than %d values in one event", maxValues))
	}
	n := len(s.entries)
	if n == cap(s.entries) {
		s.entries = slices.Grow(s.entries, 1)
	}
	s.entries = s.entries[:n+1]
	s.entries[n].set(k, kind, s.flags, start, end, s.list, s.item)
	s.layout = mixLayout(s.layout, k, s.list)
	return nil
}

func (s *scanner) word(k *key, word string, kind Kind) error {
	start := s.pos
	for i := 0; i < len(word); i++ {
		if s.pos >= len(s.data) || s.data[s.pos] != word[i] {
			return s.fail("a value is neither text, number, true, false nor null")
		}
		s.pos++
	}
	return s.add(k, kind, start, s.pos)
}

func (s *scanner) enter() error {
	if s.depth++; s.depth > maxDepth {
		return s.tooBig(fmt.Sprintf("more than %d objects and lists in each other", maxDepth))
	}
	s.pos++
	s.space()
	return nil
}

func (s *scanner) object(k *key) error {
	if err := s.enter(); err != nil {
		return err
	}
	s.objects++
	id := s.objects
	if s.pos < len(s.data) && s.data[s.pos] == '}' {
		s.pos++
		s.depth--
		return nil
	}
	var before *key
	for {
		if k != nil {
			var done bool
			if before, done = s.plainFields(k, before, id); done {
				s.depth--
				return nil
			}
			s.space()
		}
		child, err := s.key(k, before)
		if err != nil {
			return err
		}
		s.space()
		if s.pos >= len(s.data) || s.data[s.pos] != ':' {
			return s.fail("a colon is missing after a name")
		}
		s.pos++
		s.space()
		if child != nil {
			if child.object == id {
				s.drop(child.from, child.to)
			}
			child.object, child.from = id, len(s.entries)
		}
		if err := s.value(child); err != nil {
			return err
		}
		if child != nil {
			child.to = len(s.entries)
		}
		before = child
		s.space()
		if s.pos >= len(s.data) {
			return s.fail("")
		}
		switch s.data[s.pos] {
		case ',':
			s.pos++
			s.space()
		case '}':
			s.pos++
			s.depth--
			return nil
		default:
			return s.fail("a comma or } is missing after a value")
		}
	}
}

// key reads a name and finds its key under parent.
func (s *scanner) key(parent, before *key) (*key, error) {
	var next *guesses
	if before != nil {
		next = &before.after
	} else if parent != nil {
		next = &parent.first
	}
	if next != nil {
		if guess := next.find(s.data[s.pos:]); guess != nil {
			s.pos += len(guess.quoted)
			return guess, s.count(guess)
		}
	}
	if s.pos >= len(s.data) || s.data[s.pos] != '"' {
		return nil, s.fail("a name in double quotes is missing")
	}
	start := s.pos + 1
	if err := s.text(); err != nil || parent == nil {
		return nil, err
	}
	child := s.tree.child(parent, s.data[start:s.pos-1], s.flags)
	next.add(child)
	return child, s.count(child)
}

func (s *scanner) count(k *key) error {
	if k.event == s.event {
		return nil
	}
	k.event = s.event
	if s.fields++; s.fields > maxFields {
		return s.tooBig(fmt.Sprintf("more than %d fields in one event", maxFields))
	}
	return nil
}

// drop forgets the entries of a key that occurs again in its object.
func (s *scanner) drop(from, to int) {
	s.dropped = true
	for i := from; i < to; i++ {
		s.entries[i].dead = true
	}
}

func (s *scanner) array(k *key) error {
	if s.inside++; s.inside == 1 {
		s.lists++
		s.list = s.lists
	}
	err := s.items(k)
	if s.inside--; s.inside == 0 {
		s.list, s.item = 0, 0
	}
	return err
}

// items reads a list. A list without objects is a value even when nothing is in
// it, which a mark says; what lies in a list's objects belongs to their paths.
func (s *scanner) items(k *key) error {
	if err := s.enter(); err != nil {
		return err
	}
	objects := false
	if s.pos < len(s.data) && s.data[s.pos] == ']' {
		s.pos++
	} else {
		for more := true; more; {
			if s.inside == 1 {
				s.item++
			}
			if s.pos < len(s.data) && s.data[s.pos] == '{' {
				objects = true
			}
			if err := s.value(k); err != nil {
				return err
			}
			s.space()
			if s.pos >= len(s.data) {
				return s.fail("")
			}
			switch s.data[s.pos] {
			case ',':
				s.pos++
				s.space()
			case ']':
				s.pos++
				more = false
			default:
				return s.fail("a comma or ] is missing in a list")
			}
		}
	}
	s.depth--
	if objects {
		return nil
	}
	return s.add(k, List, s.pos, s.pos)
}

const (
	each   = 0x0101010101010101
	high   = each * 0x80
	quotes = each * '"'
	slants = each * '\\'
)

// text reads a string; the position is then behind its closing quote.
func (s *scanner) text() error {
	i, flags := passText(s.data, s.pos+1)
	s.note(flags)
	s.pos, s.flags = i, flags&^unicodeEscape
	switch {
	case i == len(s.data):
		return s.fail("")
	case s.data[i] == '"':
		s.pos++
		return nil
	case s.data[i] == '\\':
		n, _ := escapeLength(s.data[i:])
		s.pos = min(i+n, len(s.data))
		return s.fail("an escape that JSON does not know in a text")
	}
	return s.fail("a line break or control character in a text")
}

// escapeLength returns the length of the escape at the start of b; when it is
// none, the number of bytes that are right.
func escapeLength(b []byte) (int, bool) {
	if len(b) < 2 {
		return len(b), false
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, true
	case 'u':
		for i := 2; i < 6; i++ {
			if i >= len(b) || hexDigit(b[i]) < 0 {
				return i, false
			}
		}
		return 6, true
	}
	return 1, false
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// number reads a number and notes whether it is written in its shortest form.
func (s *scanner) number() error {
	s.flags = 0
	start := s.pos
	if s.data[s.pos] == '-' {
		s.pos++
	}
	whole := s.pos
	if s.digits() == 0 {
		return s.fail("a number has no digits")
	}
	if s.data[whole] == '0' {
		if s.pos-whole > 1 {
			s.pos = whole + 1
			return s.fail("a number begins with 0")
		}
		if whole > start {
			s.flags = rewrite
		}
	}
	if s.pos < len(s.data) && s.data[s.pos] == '.' {
		s.flags = rewrite
		s.pos++
		if s.digits() == 0 {
			return s.fail("a number ends with its point")
		}
	}
	if s.pos < len(s.data) && s.data[s.pos]|0x20 == 'e' {
		s.flags = rewrite
		s.pos++
		if s.pos < len(s.data) && (s.data[s.pos] == '+' || s.data[s.pos] == '-') {
			s.pos++
		}
		if s.digits() == 0 {
			return s.fail("a number has no exponent behind its e")
		}
	}
	return nil
}

func (s *scanner) digits() int {
	start := s.pos
	for s.pos < len(s.data) && s.data[s.pos]-'0' <= 9 {
		s.pos++
	}
	return s.pos - start
}
