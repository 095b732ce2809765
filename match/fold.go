package match

import (
	"encoding/binary"
	"slices"
	"unicode"
	"unicode/utf8"
)

// appendFold appends the text with upper and lower case made one: two texts
// are equal after it exactly when strings.EqualFold says so. The number of
// characters stays the same.
func appendFold(dst []byte, s string) []byte {
	dst = slices.Grow(dst, len(s))
	for len(s) > 0 {
		n := len(dst)
		dst = dst[:n+len(s)]
		ascii := foldASCII(dst[n:], s)
		dst, s = dst[:n+ascii], s[ascii:]
		for len(s) > 0 && s[0] >= utf8.RuneSelf {
			r, width := utf8.DecodeRuneInString(s)
			dst, s = utf8.AppendRune(dst, foldRune(r)), s[width:]
		}
	}
	return dst
}

// foldASCII folds the ASCII text at the start of s into dst, which is as long,
// and returns its length.
func foldASCII(dst []byte, s string) int {
	const high = 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		if w&high != 0 {
			break
		}
		binary.LittleEndian.PutUint64(dst[i:], lowerWord(w))
	}
	for ; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf {
			break
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst[i] = c
	}
	return i
}

// foldRune is the least character that equals r under simple case folding,
// with ASCII letters in lower case.
func foldRune(r rune) rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	if 'A' <= least && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}

func fold(s string) string { return string(appendFold(nil, s)) }

func isASCII(s string) bool {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if load8(s[i:i+8])&0x8080808080808080 != 0 {
			return false
		}
	}
	for ; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
