package event

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// appendText appends a JSON string's characters to dst. raw lies between the
// quotes and is well-formed. Bytes that are not UTF-8 and lone surrogates become
// U+FFFD.
func appendText(dst, raw []byte, flags uint8) []byte {
	broken := flags&highByte != 0 && !utf8.Valid(raw)
	for flags&escaped != 0 {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			break
		}
		dst = appendUTF8(dst, raw[:i], broken)
		raw = raw[i:]
		if raw[1] != 'u' {
			dst = append(dst, plainEscape(raw[1]))
			raw = raw[2:]
			continue
		}
		r := hexRune(raw)
		raw = raw[6:]
		if utf16.IsSurrogate(r) {
			low := rune(utf8.RuneError)
			if len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
				low = hexRune(raw)
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				raw = raw[6:]
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
	return appendUTF8(dst, raw, broken)
}

func appendUTF8(dst, raw []byte, broken bool) []byte {
	if !broken {
		return append(dst, raw...)
	}
	for len(raw) > 0 {
		r, n := utf8.DecodeRune(raw)
		dst = utf8.AppendRune(dst, r)
		raw = raw[n:]
	}
	return dst
}

func plainEscape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// hexRune reads the four digits of a \uXXXX escape.
func hexRune(raw []byte) rune {
	var r rune
	for _, c := range raw[2:6] {
		r = r<<4 | rune(hexDigit(c))
	}
	return r
}

// appendQuoted appends text as a JSON string.
func appendQuoted(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
