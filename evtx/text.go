package evtx

import (
	"encoding/binary"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// One in each of the four 16-bit lanes of a word.
const lanes = 0x0001_0001_0001_0001

// plain says whether four UTF-16 characters are ASCII that JSON takes as it is.
func plain(w uint64) bool {
	if w&(0xff80*lanes) != 0 {
		return false
	}
	// Every lane is below 0x80, so the sums stay in their lanes; a sum's top
	// bit tells that the lane is not below 0x20, no quote and no backslash.
	ok := (w + (0x8000-0x20)*lanes) & ((w ^ '"'*lanes) + 0x7fff*lanes) & ((w ^ '\\'*lanes) + 0x7fff*lanes)
	return ok&(0x8000*lanes) == 0x8000*lanes
}

// appendUTF16 writes UTF-16 as text within a JSON string, up to its first zero
// character: what Windows puts behind that is not part of the text.
func appendUTF16(dst, src []byte) []byte {
	dst = slices.Grow(dst, len(src)/2+8)
	for len(src) >= 2 {
		n := len(dst)
		room := dst[n:cap(dst)]
		i := 0
		for len(src)-2*i >= 8 && len(room)-i >= 4 {
			w := binary.LittleEndian.Uint64(src[2*i:])
			if !plain(w) {
				break
			}
			w |= w >> 8
			binary.LittleEndian.PutUint32(room[i:], uint32(w&0xffff|w>>16&0xffff_0000))
			i += 4
		}
		dst, src = dst[:n+i], src[2*i:]
		if len(src) < 2 {
			break
		}
		// The characters that stopped the loop, and what is left at the end.
		for range min(4, len(src)/2) {
			c := rune(binary.LittleEndian.Uint16(src))
			src = src[2:]
			if c == 0 {
				return dst
			}
			if utf16.IsSurrogate(c) {
				low := rune(0)
				if len(src) >= 2 {
					low = rune(binary.LittleEndian.Uint16(src))
				}
				if c = utf16.DecodeRune(c, low); c != utf8.RuneError {
					src = src[2:]
				}
			}
			dst = appendRune(dst, c)
			if len(src) < 2 {
				break
			}
		}
		dst = slices.Grow(dst, len(src)/2+8)
	}
	return dst
}

// appendRune writes a character within a JSON string.
func appendRune(dst []byte, c rune) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(dst, '\\', byte(c))
	case c >= 0x20:
		return utf8.AppendRune(dst, c)
	case c == '\n':
		return append(dst, '\\', 'n')
	case c == '\r':
		return append(dst, '\\', 'r')
	case c == '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', lowerHex[c>>4], lowerHex[c&15])
}

// windows1252 are the characters 0x80 to 0x9f, where the code page differs from
// Latin-1.
var windows1252 = [32]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8d, 'Ž', 0x8f,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9d, 'ž', 'Ÿ',
}

// appendANSI writes text in Windows-1252, the code page that most systems have;
// a log does not tell its own.
func appendANSI(dst, src []byte) []byte {
	for _, c := range src {
		switch {
		case c == 0:
			return dst
		case c >= 0x80 && c < 0xa0:
			dst = utf8.AppendRune(dst, windows1252[c-0x80])
		default:
			dst = appendRune(dst, rune(c))
		}
	}
	return dst
}
