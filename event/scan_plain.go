package event

import (
	"encoding/binary"
	"math/bits"
)

// plainFields reads the fields of an object that need no thought: the name is one
// that is expected, the value a text or a whole number, a comma or the object's end
// follows. Most fields of most events are such. It stops before the first that is
// not, and returns the name before it; what is wrong with that one is for the others
// to say. At the object's end, done is true.
func (s *scanner) plainFields(parent, before *key, object uint64) (_ *key, done bool) {
	data, pos := s.data, s.pos
	for {
		next := &parent.first
		if before != nil {
			next = &before.after
		}
		if len(data)-pos < 8 {
			break
		}
		word := binary.LittleEndian.Uint64(data[pos:])
		guess := next[0]
		if guess == nil || !guess.begins(word) || !guess.ends(data, pos) {
			if guess = next.opening(data, pos, word); guess == nil {
				break
			}
		}
		if guess.object == object || len(s.entries) >= maxValues || s.fields >= maxFields {
			break
		}
		start := pos + len(guess.opening)
		if start < len(data) && data[start] == ' ' {
			start++
		}
		if start >= len(data) {
			break
		}
		var end, behind int
		var flags uint8
		kind := String
		if data[start] == '"' {
			start++
			if end, flags = passText(data, start); end >= len(data) || data[end] != '"' {
				break
			}
			if flags != 0 {
				s.note(flags)
				flags &^= unicodeEscape
			}
			behind = end + 1
		} else {
			kind, end = Number, passInteger(data, start)
			behind = end
		}
		if behind == 0 || behind >= len(data) || data[behind] != ',' && data[behind] != '}' || s.count(guess) != nil {
			break
		}
		n := len(s.entries)
		if n == cap(s.entries) {
			s.entries = append(s.entries, entry{})[:n]
		}
		s.entries = s.entries[:n+1]
		s.entries[n].set(guess, kind, flags, start, end, s.list, s.item)
		s.layout = mixLayout(s.layout, guess, s.list)
		guess.object, guess.from, guess.to = object, n, n+1
		before = guess
		pos = behind + 1
		if data[behind] == '}' {
			s.pos = pos
			return before, true
		}
		if pos < len(data) && data[pos] == ' ' {
			pos++
		}
	}
	s.pos = pos
	return before, false
}

// passInteger returns where a whole number in its shortest form ends, 0 where none
// stands.
func passInteger(data []byte, i int) int {
	if data[i] == '-' {
		i++
	} else if data[i] == '0' {
		return i + 1
	}
	if i >= len(data) || data[i]-'1' > 8 {
		return 0
	}
	for i < len(data) && data[i]-'0' <= 9 {
		i++
	}
	return i
}

// passText passes the characters of a text from i on. It returns where something
// stands that is none, such as the closing quote, and the flags of what it passed.
func passText(data []byte, i int) (end int, flags uint8) {
	for hasPass && len(data)-i >= 32 {
		n, seen := passAVX2(&data[i], len(data)-i)
		i, flags = i+n, flags|seen&^stopped
		if seen&stopped != 0 {
			return i, flags
		}
		if !isUnicode(data, i) {
			break
		}
		flags |= escaped | unicodeEscape
		i += 6
	}
	for i+8 <= len(data) {
		w := binary.LittleEndian.Uint64(data[i:])
		m := (w | (w - each*0x20) | ((w ^ quotes) - each) | ((w ^ slants) - each)) & high
		if m == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(m) / 8
		// Line breaks and what indents lines stand together.
		for data[i] == '\\' && i+1 < len(data) && isShortEscape[data[i+1]] {
			flags |= escaped
			if i += 2; i == len(data) {
				return i, flags
			}
		}
		switch c := data[i]; {
		case isUnicode(data, i):
			flags |= escaped | unicodeEscape
			i += 6
		case c >= 0x80:
			flags |= highByte
			i++
		case c == '"' || c < 0x20 || c == '\\':
			return i, flags
		}
	}
	return passByte(data, i, flags)
}

// passByte is passText for the last bytes of an event.
func passByte(data []byte, i int, flags uint8) (int, uint8) {
	for ; i < len(data); i++ {
		switch c := data[i]; {
		case c == '\\' && i+1 < len(data) && isShortEscape[data[i+1]]:
			flags |= escaped
			i++
		case isUnicode(data, i):
			flags |= escaped | unicodeEscape
			i += 5
		case c >= 0x80:
			flags |= highByte
		case c == '"' || c < 0x20 || c == '\\':
			return i, flags
		}
	}
	return i, flags
}

// note keeps what an event's texts hold.
func (s *scanner) note(flags uint8) {
	s.unicode = s.unicode || flags&unicodeEscape != 0
	s.beyond = s.beyond || flags&highByte != 0
}

// isUnicode tells whether a \uXXXX stands at i.
func isUnicode(data []byte, i int) bool {
	return i+6 <= len(data) && data[i] == '\\' && data[i+1] == 'u' && isHex(data[i+2:i+6])
}

func isHex(digits []byte) bool {
	return hexDigit(digits[0])|hexDigit(digits[1])|hexDigit(digits[2])|hexDigit(digits[3]) >= 0
}

// isShortEscape tells which characters make an escape with a backslash alone.
var isShortEscape = [256]bool{'"': true, '\\': true, '/': true, 'b': true, 'f': true, 'n': true, 'r': true, 't': true}

// AppendCompact appends JSON that was read without an error, without the white space
// between its parts.
func AppendCompact(dst, data []byte) []byte {
	from := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			i, _ = passText(data, i+1)
		case ' ', '\t', '\n', '\r':
			dst = append(dst, data[from:i]...)
			from = i + 1
		}
	}
	return append(dst, data[from:]...)
}
