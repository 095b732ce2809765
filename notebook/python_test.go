package notebook

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func TestPythonLiteral(t *testing.T) {
	cases := []struct {
		value any
		want  string
	}{
		{nil, "None"},
		{42, "42"},
		{"", `""`},
		{`a"b\c'`, `"a\"b\\c'"`},
		{"a\nb\r\t", `"a\nb\r\t"`},
		{"\x00\x1b\x7f\u0085", `"\x00\x1b\x7f\x85"`},
		{"é😀", `"é😀"`},
		{"\u202e\u2028\U000e0001", `"\u202e\u2028\U000e0001"`},
		{"\xff", "\"\uFFFD\""},
		{[]string{"a", `"`}, `["a", "\""]`},
		{[]string(nil), "[]"},
	}
	for _, c := range cases {
		if got, err := PythonLiteral(c.value); err != nil || got != c.want {
			t.Errorf("PythonLiteral(%q) = %s, %v; want %s", c.value, got, err, c.want)
		}
	}
	if _, err := PythonLiteral(1.5); err == nil {
		t.Error("a float became a literal")
	}
}

// A literal is one line of visible characters, in quotes that end at its end.
func TestPythonLiteralIsOneVisibleLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawText(t)
		literal, err := PythonLiteral(s)
		if err != nil {
			t.Fatal(err)
		}
		inner := literal[1 : len(literal)-1]
		if strings.ContainsFunc(inner, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q becomes %s", s, literal)
		}
		for i := 0; i < len(inner); i++ {
			switch inner[i] {
			case '\\':
				i++
			case '"':
				t.Fatalf("%q becomes %s, which ends too early", s, literal)
			}
		}
	})
}

// Python reads every literal as the text that it was made of.
func TestPythonReadsLiterals(t *testing.T) {
	path := python(t)
	texts := slices.Clone(hostileTexts)
	for i := range 300 {
		texts = append(texts, rapid.Custom(drawText).Example(i))
	}
	literals := make([]string, len(texts))
	for i, s := range texts {
		literals[i], _ = PythonLiteral(s)
		texts[i] = strings.ToValidUTF8(s, "\uFFFD")
	}
	input, err := json.Marshal(literals)
	if err != nil {
		t.Fatal(err)
	}
	script := `import ast, json, sys
json.dump([ast.literal_eval(s) for s in json.load(sys.stdin)], sys.stdout)`
	var got []string
	if err := json.Unmarshal(runPython(t, path, script, input), &got); err != nil {
		t.Fatal(err)
	}
	for i := range texts {
		if got[i] != texts[i] {
			t.Errorf("%s reads as %q, want %q", literals[i], got[i], texts[i])
		}
	}
}
