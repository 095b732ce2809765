package match

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestOrderedLiteralsAreNecessary: no value that an expression matches fails the
// cheaper test.
func TestOrderedLiteralsAreNecessary(t *testing.T) {
	pieces := []string{"a", "set", "&&", ".*", "\\s?", "(?i)", "(b|cd)", "(?:x|.*y)", "[st]", "a+", "(ab){2,3}", "(ab)?", "k", "ſ", "^", "$", ".", "\\\\"}
	values := []string{"a", "A", "set", "SET", "&&", " ", "b", "CD", "x", "y", "ab", "abab", "K", "\u212a", "ſ", "s", "\n", "\\"}
	rapid.Check(t, func(t *rapid.T) {
		expr := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 6).Draw(t, "expression"), "")
		re, err := regexp.Compile(expr)
		if err != nil {
			t.Skip("no expression")
		}
		value := strings.Join(rapid.SliceOfN(rapid.SampledFrom(values), 0, 8).Draw(t, "value"), "")
		if re.MatchString(value) && !inOrder(orderedLiterals(expr), []byte(fold(value))) {
			t.Fatalf("%q matches %q, which fails %q", expr, value, orderedLiterals(expr))
		}
	})
}

func TestOrderedLiterals(t *testing.T) {
	sets := orderedLiterals(`(?i)(set).*&&\s?set.*(environment|invoke)`)
	for value, want := range map[string]bool{
		"set a && set x invoke":   true,
		"set a && x invoke":       false,
		"&& set set invoke":       false,
		"set && set environments": true,
		"se&&t":                   false,
	} {
		if got := inOrder(sets, []byte(value)); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}
