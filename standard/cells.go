package standard

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/huntbook/huntbook/event"
)

// treatment is what happens to a field's values on their way into a document.
type treatment struct {
	drop    []string
	lower   bool
	take    take // nil: as they are
	rewrite take // nil: none; what it makes nothing of stays
	kind    fieldType
	misfits bool // only what does not fit the type, as text
}

// cells are a column's values under a treatment, as JSON, each made when it is
// needed first.
type cells struct {
	column *event.Column
	treatment
	json [][]byte // by code, and whether it is made
	made []bool
}

// get is a row's value as JSON; nil when there is none.
func (c *cells) get(row int) []byte {
	code := c.column.Codes[row]
	if code == 0 {
		return nil
	}
	if !c.made[code] {
		c.json[code], c.made[code] = c.value(&c.column.Values[code]), true
	}
	return c.json[code]
}

// text is a row's value as it came.
func (c *cells) text(row int) string { return c.column.Values[c.column.Codes[row]].Text }

// value writes a value; nil when there is nothing to write.
func (c *cells) value(v *event.Value) []byte {
	switch v.Kind {
	case event.Absent, event.Null:
		return nil
	case event.List:
		var list [][]byte
		for i := range v.Elems {
			if v.Elems[i].Kind != event.Null {
				list = append(list, c.scalars(v.Elems[i].Text)...)
			}
		}
		return join(list)
	}
	return join(c.scalars(v.Text))
}

// scalars writes a text; a function may make several values of it.
func (c *cells) scalars(s string) [][]byte {
	if slices.Contains(c.drop, s) {
		return nil
	}
	if c.lower {
		s = strings.ToLower(s)
	}
	values := []string{s}
	if c.take != nil {
		values = c.take(s)
	}
	var out [][]byte
	for _, v := range values {
		if c.rewrite != nil {
			if made := c.rewrite(v); made != nil {
				v = made[0]
			}
		}
		fitting, bare, fits := c.kind.fit(v)
		switch {
		case c.misfits && !fits:
			out = append(out, texts(v)...)
		case c.misfits || !fits:
		case bare:
			out = append(out, []byte(fitting))
		default:
			out = append(out, texts(fitting)...)
		}
	}
	return out
}

func join(list [][]byte) []byte {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	out := []byte{'['}
	for i, x := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, x...)
	}
	return append(out, ']')
}

// longest is the most bytes that Lucene takes as one term, and overlap how much
// of a piece is in the next one, too.
const longest, overlap = 32766, 2048

// texts writes a text as JSON strings: one, or overlapping pieces of a text that
// is longer than a term may be, so that every part of it can be found.
func texts(s string) [][]byte {
	var out [][]byte
	for len(s) > longest {
		end := longest
		for end > longest-4 && !runeStart(s[end]) {
			end--
		}
		out = append(out, quoted(s[:end]))
		from := end - overlap
		for from > end-overlap-4 && !runeStart(s[from]) {
			from--
		}
		s = s[from:]
	}
	return append(out, quoted(s))
}

func runeStart(c byte) bool { return c&0xc0 != 0x80 }

// quoted writes a text as a JSON string.
func quoted(s string) []byte { return appendQuoted(nil, []byte(s)) }

// appendQuoted writes a text as a JSON string. Bytes that are not UTF-8 become
// U+FFFD.
func appendQuoted(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	if !utf8.Valid(s) {
		s = bytes.ToValidUTF8(s, []byte("\ufffd"))
	}
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(dst, s[from:]...), '"')
}
