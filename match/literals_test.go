package match

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestLiteralsAreThoseThatOccur holds the search against strings.Contains.
func TestLiteralsAreThoseThatOccur(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfNDistinct(rapid.StringMatching(`[ab\\.@]{1,30}`), 1, 40, rapid.ID).Draw(t, "texts")
		value := rapid.StringMatching(`[abAB\\.@\x60ä]{0,80}`).Draw(t, "value")
		for _, text := range texts[:rapid.IntRange(0, min(3, len(texts))).Draw(t, "planted")] {
			at := rapid.IntRange(0, len(value)).Draw(t, "at")
			value = value[:at] + strings.ToUpper(text) + value[at:]
		}
		found := make([]bool, len(texts))
		newLiterals(texts).find(value, &marks{}, nil, func(i int32) { found[i] = true })
		for i, text := range texts {
			if want := strings.Contains(asciiLower(value), text); found[i] != want {
				t.Fatalf("%q in %q: %v, want %v", text, value, found[i], want)
			}
		}
	})
}

// TestTeddyFindsWhatLiteralsFind holds the vector search against the plain one.
func TestTeddyFindsWhatLiteralsFind(t *testing.T) {
	if !hasTeddy {
		t.Skip("this processor has no AVX2")
	}
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-e:\\.@ ]{3,12}`), 1, maxTeddy, rapid.ID).Draw(t, "texts")
		value := rapid.StringMatching(`[a-eA-E:\\.@\x60 ä]{0,150}`).Draw(t, "value")
		for _, text := range texts[:rapid.IntRange(0, min(3, len(texts))).Draw(t, "planted")] {
			at := rapid.IntRange(0, len(value)).Draw(t, "at")
			value = value[:at] + strings.ToUpper(text) + value[at:]
		}
		var got, want []int32
		newTeddy(texts).find(value, &marks{}, func(i int32) { got = append(got, i) })
		newLiterals(texts).find(value, &marks{}, nil, func(i int32) { want = append(want, i) })
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("%q in %q: %v, want %v", texts, value, got, want)
		}
	})
}

// TestLongValuesThatBeginAlike holds the search that remembers the value before
// against the one that does not.
func TestLongValuesThatBeginAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfNDistinct(rapid.StringMatching(`[ab\\]{1,12}`), 1, 30, rapid.ID).Draw(t, "texts")
		l := newLiterals(texts)
		base := []byte(strings.Repeat("-", shortestRecent+100))
		var last recent
		for range 4 {
			for range rapid.IntRange(0, 8).Draw(t, "plants") {
				text := rapid.SampledFrom(append(texts, "--------", "ab")).Draw(t, "text")
				copy(base[rapid.IntRange(0, len(base)-len(text)).Draw(t, "at"):], text)
			}
			value := string(base[:rapid.IntRange(shortestRecent-3, len(base)).Draw(t, "length")])
			var got, want []int32
			l.find(value, &marks{}, &last, func(i int32) { got = append(got, i) })
			l.find(value, &marks{}, nil, func(i int32) { want = append(want, i) })
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("%q in %q: %v, want %v", texts, value, got, want)
			}
		}
	})
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}
