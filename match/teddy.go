package match

import (
	"slices"
	"unsafe"
)

// teddy finds which of a few texts occur in a value, whatever the case of ASCII
// letters, by three bytes of each that logs seldom hold. It is named after the
// algorithm of Intel's Hyperscan: the texts are put into eight buckets, tables say
// for each half of each of the three bytes which buckets it fits, and one vector
// instruction looks 32 bytes up at once.
type teddy struct {
	texts   []string
	masks   teddyMasks
	buckets [teddyBuckets][]fragment
}

// teddyMasks are tables by half byte, each twice, as vectors want them: of the
// first byte's lower and upper half, of the second's and the third's.
type teddyMasks [2 * teddyBytes][32]byte

const teddyBuckets, teddyBytes = 8, 3

// maxTeddy is the number of texts up to which few positions fit a bucket.
const maxTeddy = 48

// fragment is a text and where its three bytes stand in it.
type fragment struct {
	text   int32
	offset int
}

// newTeddy returns nil for texts that are too many or too short. They are of ASCII.
func newTeddy(texts []string) *teddy {
	if !hasTeddy || len(texts) == 0 || len(texts) > maxTeddy {
		return nil
	}
	t := &teddy{texts: texts}
	counts := *commonWindows
	fragments := make([]fragment, len(texts))
	for i, text := range texts {
		if len(text) < teddyBytes {
			return nil
		}
		fragments[i] = fragment{int32(i), rarestPiece(text, teddyBytes, &counts)}
	}
	// Alike ones go into one bucket: its tables then let little else pass.
	slices.SortFunc(fragments, func(a, b fragment) int {
		return slices.Compare(t.bytes(a), t.bytes(b))
	})
	for i, f := range fragments {
		bucket := i * teddyBuckets / len(fragments)
		t.buckets[bucket] = append(t.buckets[bucket], f)
		for k, c := range t.bytes(f) {
			t.allow(bucket, k, c)
			if 'a' <= c && c <= 'z' {
				t.allow(bucket, k, c-'a'+'A')
			}
		}
	}
	return t
}

func (t *teddy) bytes(f fragment) []byte {
	return []byte(t.texts[f.text][f.offset : f.offset+teddyBytes])
}

func (t *teddy) allow(bucket, k int, c byte) {
	bit := byte(1) << bucket
	for _, lane := range []byte{0, 16} {
		t.masks[2*k][lane+c&15] |= bit
		t.masks[2*k+1][lane+c>>4] |= bit
	}
}

// fits returns the buckets that fit three bytes of the value.
func (t *teddy) fits(value string, at int) byte {
	fits := byte(0xFF)
	for k := range teddyBytes {
		c := value[at+k]
		fits &= t.masks[2*k][c&15] & t.masks[2*k+1][c>>4]
	}
	return fits
}

// find calls found once for every text that occurs in the value.
func (t *teddy) find(value string, m *marks, found func(text int32)) {
	m.begin(len(t.texts))
	at := 0
	for len(value)-at >= 34 {
		i := teddyAVX2(unsafe.StringData(value[at:]), len(value)-at, &t.masks) //nolint:gosec // reads the value, no further than its length
		if i < 0 {
			if at += ^i; at+teddyBytes <= len(value) {
				at = len(value) - 34 // the rest, with some that were looked at
			}
			continue
		}
		t.compare(value, at+i, m, found)
		at += i + 1
	}
	for ; at+teddyBytes <= len(value); at++ {
		t.compare(value, at, m, found)
	}
}

// compare looks at the texts of the buckets that fit at a position.
func (t *teddy) compare(value string, at int, m *marks, found func(text int32)) {
	fits := t.fits(value, at)
	for bucket := 0; fits != 0; bucket, fits = bucket+1, fits>>1 {
		if fits&1 == 0 {
			continue
		}
		for _, f := range t.buckets[bucket] {
			from, text := at-f.offset, t.texts[f.text]
			if m.at[f.text] != m.now && from >= 0 && from+len(text) <= len(value) && equalLower(value[from:from+len(text)], text) {
				m.at[f.text] = m.now
				found(f.text)
			}
		}
	}
}
