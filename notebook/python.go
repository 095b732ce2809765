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
		items := make([]string, len(v))
		for i, s := range v {
			items[i] = pythonString(s)
		}
		return "[" + strings.Join(items, ", ") + "]", nil
	}
	return "", fmt.Errorf("no Python literal for a value of type %T", v)
}

// pythonString differs from JSON and from Go: Python joins no surrogate pairs,
// and reads \x80 as a character, not a byte. Bytes that are no UTF-8 become the
// replacement character.
func pythonString(s string) string {
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
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
