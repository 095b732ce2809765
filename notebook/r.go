package notebook

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

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
		items := make([]string, len(v))
		for i, s := range v {
			items[i] = rString(s)
		}
		if len(items) == 0 {
			return "character()", nil
		}
		return "c(" + strings.Join(items, ", ") + ")", nil
	}
	return "", fmt.Errorf("no R literal for a value of type %T", v)
}

// rString writes what is beyond ASCII and not to be seen as \uXXXX. R takes no text
// that has both \x and \u, so \x is not used.
func rString(s string) string {
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
		case r == 0:
			b.WriteString(`\uFFFD`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
