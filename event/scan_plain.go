package event

import (
	"encoding/binary"
	"math/bits"
)

// plainFields reads the fields of an object that need no thought: the name is the
// one that is expected, the value a text or a number of digits, a comma follows.
// Most fields of most events are such. It stops before the first that is not, and
// returns the name before it; what is wrong with that one is for the others to
// say.
func (s *scanner) plainFields(parent, before *key, object uint64) *key {
	data, pos := s.data, s.pos
	for {
		guess := parent.first
		if before != nil {
			guess = before.after
		}
		if guess == nil || guess.opening == "" || guess.object == object ||
			len(s.entries) >= maxValues || s.fields >= maxFields {
			break
		}
		start := pos + len(guess.opening)
		if start > len(data) || string(data[pos:start]) != guess.opening {
			break
		}
		if start < len(data) && data[start] == ' ' {
			start++
		}
		if start >= len(data) {
			break
		}
		var end, behind int
		var flags uint8
		kind := String
		switch c := data[start]; {
		case c == '"':
			start++
			if end, flags = passText(data, start); end >= len(data) || data[end] != '"' {
				s.pos = pos
				return before
			}
			if flags != 0 {
				s.note(flags)
				flags &^= unicodeEscape
			}
			behind = end + 1
		case '1' <= c && c <= '9':
			kind, end = Number, start+1
			for end < len(data) && data[end]-'0' <= 9 {
				end++
			}
			behind = end
		}
		if behind == 0 || behind >= len(data) || data[behind] != ',' || s.count(guess) != nil {
			break
		}
		n := len(s.entries)
		if n == cap(s.entries) {
			s.entries = append(s.entries, entry{})[:n]
		}
		s.entries = s.entries[:n+1]
		s.entries[n] = entry{key: guess, start: int32(start), end: int32(end), kind: kind, flags: flags, list: s.list, item: s.item}
		guess.object, guess.from, guess.to = object, n, n+1
		before = guess
		if pos = behind + 1; pos < len(data) && data[pos] == ' ' {
			pos++
		}
	}
	s.pos = pos
	return before
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
	return data[i] == '\\' && i+6 <= len(data) && data[i+1] == 'u' && isHex(data[i+2:i+6])
}

func isHex(digits []byte) bool {
	return hexDigit(digits[0])|hexDigit(digits[1])|hexDigit(digits[2])|hexDigit(digits[3]) >= 0
}

// isShortEscape tells which characters make an escape with a backslash alone.
var isShortEscape = [256]bool{'"': true, '\\': true, '/': true, 'b': true, 'f': true, 'n': true, 'r': true, 't': true}
