package syntax

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/huntbook/huntbook/diag"
)

// words splits a line as a shell does: 'as it is', "with \" and \\", and
// $'with \n, \xHH, \uXXXX'. Unlike in a shell a backslash outside quotes is
// plain, so that Windows paths can be typed. A word that starts with "#" begins
// a comment.
func (p *parser) words(s string, pos diag.Pos) ([]Word, bool) {
	var words []Word
	column := func(i int) diag.Pos { return pos.Shift(utf8.RuneCountInString(s[:i])) }
	for i := 0; ; {
		for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
			i++
		}
		if i == len(s) || s[i] == '#' {
			return words, true
		}
		start := i
		var text strings.Builder
		for i < len(s) && s[i] != ' ' && s[i] != '\t' {
			rest := s[i:]
			var part string
			var n int
			var wrong string
			switch {
			case rest[0] == '\'':
				part, n, wrong = singleQuoted(rest)
			case rest[0] == '"':
				part, n, wrong = doubleQuoted(rest)
			case strings.HasPrefix(rest, "$'"):
				part, n, wrong = escaped(rest)
			default:
				part, n = rest[:1], 1
			}
			if wrong != "" {
				p.add(column(i), max(utf8.RuneCountInString(rest[:n]), 1), "cell-quoting", wrong, `quote as a shell does: 'my file.json'`)
				return nil, false
			}
			text.WriteString(part)
			i += n
		}
		written := s[start:i]
		words = append(words, Word{
			Text:   text.String(),
			Quoted: strings.HasPrefix(written, "'") || strings.HasPrefix(written, `"`) || strings.HasPrefix(written, "$'"),
			Pos:    column(start),
			Width:  utf8.RuneCountInString(written),
		})
	}
}

// The readers of quoted parts return the text, the length of what they read in
// bytes and, if they can't, what is wrong with it.

func singleQuoted(s string) (text string, n int, wrong string) {
	end := strings.IndexByte(s[1:], '\'')
	if end < 0 {
		return "", len(s), "the quote ' is not closed"
	}
	return s[1 : 1+end], end + 2, ""
}

func doubleQuoted(s string) (text string, n int, wrong string) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), i + 1, ""
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", len(s), `the quote " is not closed`
}

func escaped(s string) (text string, n int, wrong string) {
	var b strings.Builder
	for i := 2; i < len(s); {
		if s[i] == '\'' {
			return b.String(), i + 1, ""
		}
		if s[i] != '\\' {
			b.WriteByte(s[i])
			i++
			continue
		}
		// UnquoteChar knows Go's escapes, which hold those of a shell that
		// Quote writes.
		r, multibyte, tail, err := strconv.UnquoteChar(s[i:], '\'')
		if err != nil {
			return "", i + 1, `this escape is not known (known are \n \r \t \\ \' \xHH \uXXXX \UXXXXXXXX)`
		}
		if multibyte {
			b.WriteRune(r)
		} else {
			b.WriteByte(byte(r))
		}
		i = len(s) - len(tail)
	}
	return "", len(s), "the quote $' is not closed"
}

// Quote writes any text as one word of a cell, in the plainest form that reads
// back as the same bytes. The word has no newline and no character that hides.
func Quote(s string) string {
	if isBare(s) {
		return s
	}
	if !strings.Contains(s, "'") && isVisible(s) {
		return "'" + s + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for i, w := 0, 0; i < len(s); i += w {
		var r rune
		r, w = utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && w == 1, r < 0x20, r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\'' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

// QuoteValue is Quote for the value of a parameter: it prefers "double quotes".
func QuoteValue(s string) string {
	if isVisible(s) && !strings.ContainsAny(s, `"\`) {
		return `"` + s + `"`
	}
	return Quote(s)
}

func isBare(s string) bool {
	if s == "" || s[0] == '-' || s[0] == '=' {
		return false
	}
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_./:@%+,=~-", r) {
			return false
		}
	}
	return true
}

func isVisible(s string) bool {
	for i, r := range s {
		if !unicode.IsPrint(r) || r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return false
		}
	}
	return true
}
