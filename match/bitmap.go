package match

import "math/bits"

// bitmap is a set of rows, a bit each. nil is the empty set.
type bitmap []uint64

func words(rows int) int { return (rows + 63) / 64 }

func (b bitmap) set(row uint32) { b[row>>6] |= 1 << (row & 63) }

func (b bitmap) empty() bool {
	for _, w := range b {
		if w != 0 {
			return false
		}
	}
	return true
}

func (b bitmap) and(o bitmap) {
	for i := range b {
		b[i] &= o[i]
	}
}

func (b bitmap) or(o bitmap) {
	for i := range o {
		b[i] |= o[i]
	}
}

func (b bitmap) without(o bitmap) {
	for i := range b {
		b[i] &^= o[i]
	}
}

// not complements within rows.
func (b bitmap) not(rows int) {
	for i := range b {
		b[i] = ^b[i]
	}
	if rest := rows & 63; rest != 0 {
		b[len(b)-1] &= 1<<rest - 1
	}
}

// appendRows appends the set's rows in ascending order.
func (b bitmap) appendRows(dst []int) []int {
	for i, w := range b {
		for ; w != 0; w &= w - 1 {
			dst = append(dst, i<<6+bits.TrailingZeros64(w))
		}
	}
	return dst
}
