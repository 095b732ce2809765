package match

import (
	"unicode"
	"unicode/utf8"
)

// appendFold appends the text with upper and lower case made one: two texts
// are equal after it exactly when strings.EqualFold says so. The number of
// characters stays the same.
func appendFold[T string | []byte](dst []byte, s T) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf {
			return appendFoldUnicode(dst, string(s[i:]))
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

func appendFoldUnicode(dst []byte, s string) []byte {
	for _, r := range s {
		dst = utf8.AppendRune(dst, foldRune(r))
	}
	return dst
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
