package notebook

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// PythonLiteral writes a value as a literal of Python that evaluates to it:
// text, numbers, lists of text, and None for nil. It is one line, and no
// character in it hides or reverses others.
func PythonLiteral(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "None", nil
	case string:
		return pythonString(v), nil
	case int:
		return strconv.Itoa(v), nil
	case []string:
		return "[" + strings.Join(each(v, pythonString), ", ") + "]", nil
	}
	return "", fmt.Errorf("no Python literal for a value of type %T", v)
}

// RLiteral writes a value as an expression of R that evaluates to it: text, integers,
// and lists of text as character vectors. It is one line, and no character in it hides
// or reverses others. R's texts can't hold U+0000, which becomes U+FFFD.
func RLiteral(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return rString(v), nil
	case int:
		return strconv.Itoa(v) + "L", nil
	case []string:
		if len(v) == 0 {
			return "character()", nil
		}
		return "c(" + strings.Join(each(v, rString), ", ") + ")", nil
	}
	return "", fmt.Errorf("no R literal for a value of type %T", v)
}

func each(texts []string, write func(string) string) []string {
	out := make([]string, len(texts))
	for i, s := range texts {
		out[i] = write(s)
	}
	return out
}

func pythonString(s string) string { return Quote(s, unicode.IsPrint, PythonEscape) }

func rString(s string) string {
	return Quote(strings.ReplaceAll(s, "\x00", "\uFFFD"), unicode.IsPrint, REscape)
}

// Quote writes text in double quotes as most languages have it: quotes, backslashes,
// line breaks and tabs behind a backslash, and what is not plain by its escape. Bytes
// that are no UTF-8 become the replacement character.
func Quote(s string, plain func(rune) bool, escape func(rune) string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case plain(r):
			b.WriteRune(r)
		default:
			b.WriteString(escape(r))
		}
	}
	b.WriteByte('"')
	return b.String()
}

// PythonEscape differs from JSON's and Go's: Python joins no surrogate pairs, and reads
// \x80 as a character, not a byte.
func PythonEscape(r rune) string {
	if r < 0x100 {
		return fmt.Sprintf(`\x%02x`, r)
	}
	return REscape(r)
}

// REscape uses no \x, since R takes \xe9 for a byte and no text that has both \x and \u.
func REscape(r rune) string {
	if r < 0x10000 {
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}
