package evtx

import (
	"encoding/binary"
	"math"
	"strconv"
)

// The types of values. typeArray is added to those of arrays.
const (
	typeNull       = 0x00
	typeString     = 0x01 // UTF-16
	typeANSI       = 0x02
	typeInt8       = 0x03
	typeUint8      = 0x04
	typeInt16      = 0x05
	typeUint16     = 0x06
	typeInt32      = 0x07
	typeUint32     = 0x08
	typeInt64      = 0x09
	typeUint64     = 0x0a
	typeFloat      = 0x0b
	typeDouble     = 0x0c
	typeBool       = 0x0d
	typeBinary     = 0x0e
	typeGUID       = 0x0f
	typeSize       = 0x10
	typeFileTime   = 0x11
	typeSystemTime = 0x12
	typeSID        = 0x13
	typeHex32      = 0x14
	typeHex64      = 0x15
	typeHandle     = 0x20
	typeXML        = 0x21 // binary XML
	typeXMLText    = 0x23 // UTF-16
	typeArray      = 0x80
)

// sizes are the bytes of a value by type; 0: any number.
var sizes = [256]uint8{
	typeInt8: 1, typeUint8: 1, typeInt16: 2, typeUint16: 2, typeInt32: 4, typeUint32: 4,
	typeInt64: 8, typeUint64: 8, typeFloat: 4, typeDouble: 8, typeBool: 4, typeGUID: 16,
	typeFileTime: 8, typeSystemTime: 16, typeHex32: 4, typeHex64: 8,
}

// appendValue writes a value as JSON: numbers and truth values as they are, all
// else as a string.
func appendValue(dst []byte, kind byte, b []byte) []byte {
	if bare(kind, b) {
		return appendText(dst, kind, b)
	}
	dst = append(dst, '"')
	dst = appendText(dst, kind, b)
	return append(dst, '"')
}

// bare says whether a value is a JSON number or truth value.
func bare(kind byte, b []byte) bool {
	switch {
	case kind < typeInt8 || kind > typeBool || len(b) != int(sizes[kind]):
		return false
	case kind == typeFloat:
		return finite(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
	case kind == typeDouble:
		return finite(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}
	return true
}

func finite(f float64) bool { return !math.IsInf(f, 0) && !math.IsNaN(f) }

// appendText writes a value's text within a JSON string. The bytes of what is no
// valid value of its type are written in hex, so that nothing is lost.
func appendText(dst []byte, kind byte, b []byte) []byte {
	if size := int(sizes[kind]); size > 0 && len(b) != size {
		return appendHex(dst, b)
	}
	switch kind {
	case typeNull, typeXML:
		return dst
	case typeString, typeXMLText:
		return appendUTF16(dst, b)
	case typeANSI:
		return appendANSI(dst, b)
	case typeInt8:
		return strconv.AppendInt(dst, int64(int8(b[0])), 10)
	case typeUint8:
		return strconv.AppendUint(dst, uint64(b[0]), 10)
	case typeInt16:
		return strconv.AppendInt(dst, int64(int16(binary.LittleEndian.Uint16(b))), 10)
	case typeUint16:
		return strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint16(b)), 10)
	case typeInt32:
		return strconv.AppendInt(dst, int64(int32(binary.LittleEndian.Uint32(b))), 10)
	case typeUint32:
		return strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint32(b)), 10)
	case typeInt64:
		return strconv.AppendInt(dst, int64(binary.LittleEndian.Uint64(b)), 10)
	case typeUint64:
		return strconv.AppendUint(dst, binary.LittleEndian.Uint64(b), 10)
	case typeFloat:
		return strconv.AppendFloat(dst, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 'g', -1, 32)
	case typeDouble:
		return strconv.AppendFloat(dst, math.Float64frombits(binary.LittleEndian.Uint64(b)), 'g', -1, 64)
	case typeBool:
		return strconv.AppendBool(dst, binary.LittleEndian.Uint32(b) != 0)
	case typeGUID:
		return appendGUID(dst, b)
	case typeFileTime:
		return appendFileTime(dst, binary.LittleEndian.Uint64(b))
	case typeSystemTime:
		return appendSystemTime(dst, b)
	case typeSID:
		return appendSID(dst, b)
	case typeSize, typeHandle, typeHex32, typeHex64:
		switch len(b) {
		case 4:
			return appendHexNumber(dst, uint64(binary.LittleEndian.Uint32(b)))
		case 8:
			return appendHexNumber(dst, binary.LittleEndian.Uint64(b))
		}
	}
	return appendHex(dst, b) // binary, and types that nobody knows
}

// appendItems writes the items of an array, put between them.
func appendItems(dst []byte, array byte, b []byte, put string, write func([]byte, byte, []byte) []byte) []byte {
	kind := itemKind(array, len(b))
	for first := true; len(b) > 0; first = false {
		var item []byte
		item, b = nextItem(kind, b)
		if !first {
			dst = append(dst, put...)
		}
		dst = write(dst, kind, item)
	}
	return dst
}

// itemKind is the type of an array's items. Those of type size are of 8 bytes if
// the array's length allows.
func itemKind(array byte, size int) byte {
	kind := array &^ typeArray
	switch {
	case kind == typeSize && size%8 == 0:
		return typeHex64
	case kind == typeSize:
		return typeHex32
	}
	return kind
}

// nextItem cuts the first item off an array: strings end with a zero character,
// a SID says its length, others are of one size. b is not empty; the rest is
// shorter than b.
func nextItem(kind byte, b []byte) (item, rest []byte) {
	n := int(sizes[kind])
	switch kind {
	case typeString, typeXMLText:
		for i := 0; i+1 < len(b); i += 2 {
			if b[i]|b[i+1] == 0 {
				return b[:i], b[i+2:]
			}
		}
	case typeANSI:
		for i, c := range b {
			if c == 0 {
				return b[:i], b[i+1:]
			}
		}
	case typeSID:
		if len(b) >= 2 {
			n = 8 + 4*int(b[1])
		}
	}
	if n == 0 || n > len(b) {
		n = len(b)
	}
	return b[:n], b[n:]
}

const (
	lowerHex = "0123456789abcdef"
	upperHex = "0123456789ABCDEF"
)

// appendHex writes bytes in hex, upper case.
func appendHex(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, upperHex[c>>4], upperHex[c&15])
	}
	return dst
}

// appendHexNumber writes 0x1f.
func appendHexNumber(dst []byte, n uint64) []byte {
	dst = append(dst, "0x"...)
	return strconv.AppendUint(dst, n, 16)
}

// guidOrder are the bytes of a GUID in the order in which they are written; -1 is
// a hyphen.
var guidOrder = [20]int8{3, 2, 1, 0, -1, 5, 4, -1, 7, 6, -1, 8, 9, -1, 10, 11, 12, 13, 14, 15}

// appendGUID writes 5770385F-C22A-43E0-BF4C-06F5698FFBD9.
func appendGUID(dst, b []byte) []byte {
	for _, i := range guidOrder {
		if i < 0 {
			dst = append(dst, '-')
			continue
		}
		dst = append(dst, upperHex[b[i]>>4], upperHex[b[i]&15])
	}
	return dst
}

// appendSID writes S-1-5-18.
func appendSID(dst, b []byte) []byte {
	if len(b) < 8 || len(b) != 8+4*int(b[1]) {
		return appendHex(dst, b)
	}
	dst = append(dst, "S-"...)
	dst = strconv.AppendUint(dst, uint64(b[0]), 10)
	dst = append(dst, '-')
	authority := uint64(binary.BigEndian.Uint16(b[2:]))<<32 | uint64(binary.BigEndian.Uint32(b[4:]))
	dst = strconv.AppendUint(dst, authority, 10)
	for b = b[8:]; len(b) > 0; b = b[4:] {
		dst = append(dst, '-')
		dst = strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint32(b)), 10)
	}
	return dst
}

const (
	ticksPerSecond = 10_000_000
	ticksPerDay    = 24 * 60 * 60 * ticksPerSecond
	ticksTo10000   = 2650467744000000000
)

// appendFileTime writes units of 100 ns since 1601 as RFC 3339 with microseconds,
// what lies beyond the year 9999 ("never") as a number in hex.
func appendFileTime(dst []byte, ticks uint64) []byte {
	if ticks >= ticksTo10000 {
		return appendHexNumber(dst, ticks)
	}
	year, month, day := civil(int(ticks / ticksPerDay))
	inDay := int(ticks % ticksPerDay)
	seconds := inDay / ticksPerSecond
	return appendTime(dst, year, month, day, seconds/3600, seconds/60%60, seconds%60, inDay%ticksPerSecond/10)
}

// civil is the Gregorian date so many days after 1601-01-01, which begins a cycle
// of 400 years. Counted from March, the leap day is the last of a year.
func civil(days int) (year, month, day int) {
	const cycle, century, four, one = 146097, 36524, 1461, 365
	days += 306 // from 1600-03-01
	year = 1600 + days/cycle*400
	days %= cycle
	n := min(days/century, 3)
	year += n * 100
	days -= n * century
	n = days / four
	year += n * 4
	days -= n * four
	n = min(days/one, 3)
	year += n
	days -= n * one
	m := (5*days + 2) / 153 // months since March
	day = days - (153*m+2)/5 + 1
	if m >= 10 {
		return year + 1, m - 9, day
	}
	return year, m + 3, day
}

// appendSystemTime writes a SYSTEMTIME: year, month, day of the week, day, hour,
// minute, second, millisecond, of two bytes each.
func appendSystemTime(dst, b []byte) []byte {
	var f [8]int
	for i := range f {
		f[i] = int(binary.LittleEndian.Uint16(b[2*i:]))
	}
	if f[0] > 9999 || f[1] < 1 || f[1] > 12 || f[3] < 1 || f[3] > 31 || f[4] > 23 || f[5] > 59 || f[6] > 59 || f[7] > 999 {
		return appendHex(dst, b)
	}
	return appendTime(dst, f[0], f[1], f[3], f[4], f[5], f[6], f[7]*1000)
}

func appendTime(dst []byte, year, month, day, hour, minute, second, micro int) []byte {
	var b [27]byte
	copy(b[:], "0000-00-00T00:00:00.000000Z")
	digits(b[0:4], year)
	digits(b[5:7], month)
	digits(b[8:10], day)
	digits(b[11:13], hour)
	digits(b[14:16], minute)
	digits(b[17:19], second)
	digits(b[20:26], micro)
	return append(dst, b[:]...)
}

// digits fills b with the decimal digits of n.
func digits(b []byte, n int) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
}
