package event

import (
	"bytes"
	"strconv"
)

// maxZeros is how many zeros a number's exponent may add before the number is
// written with an exponent.
const maxZeros = 40

// appendNumber appends a JSON number in its shortest form: "19.0" is "19", "1e2"
// is "100", "-0" is "0". No digit is lost. A number that would need many zeros
// keeps an exponent: "1e400".
func appendNumber(dst, raw []byte) []byte {
	negative := raw[0] == '-'
	if negative {
		raw = raw[1:]
	}
	mantissa, exponent := raw, 0
	if i := bytes.IndexAny(raw, "eE"); i >= 0 {
		n, err := strconv.Atoi(string(raw[i+1:]))
		if err != nil || n > 1_000_000 || n < -1_000_000 {
			return appendSigned(dst, raw, negative)
		}
		mantissa, exponent = raw[:i], n
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte("."))
	fraction = bytes.TrimRight(fraction, "0")
	if exponent == 0 {
		if len(fraction) == 0 {
			return appendSigned(dst, whole, negative)
		}
		if negative {
			dst = append(dst, '-')
		}
		return append(append(append(dst, whole...), '.'), fraction...)
	}
	digits := bytes.TrimLeft(append(bytes.Clone(whole), fraction...), "0")
	// The value is 0.digits times ten to the power of point.
	point := len(digits) - len(fraction) + exponent
	digits = bytes.TrimRight(digits, "0")
	if len(digits) == 0 {
		return append(dst, '0')
	}
	if negative {
		dst = append(dst, '-')
	}
	switch n := len(digits); {
	case point > n+maxZeros || point < -maxZeros:
		dst = append(dst, digits[0])
		if n > 1 {
			dst = append(append(dst, '.'), digits[1:]...)
		}
		dst = append(dst, 'e')
		return strconv.AppendInt(dst, int64(point-1), 10)
	case point >= n:
		return append(append(dst, digits...), zeros(point-n)...)
	case point > 0:
		return append(append(append(dst, digits[:point]...), '.'), digits[point:]...)
	default:
		return append(append(append(dst, "0."...), zeros(-point)...), digits...)
	}
}

func zeros(n int) []byte { return bytes.Repeat([]byte("0"), n) }

func appendSigned(dst, digits []byte, negative bool) []byte {
	if negative && !(len(digits) == 1 && digits[0] == '0') {
		dst = append(dst, '-')
	}
	return append(dst, digits...)
}
