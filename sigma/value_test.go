package sigma

import (
	"testing"

	"pgregory.net/rapid"
)

// show writes a pattern so that a table can hold it: literals in brackets.
func show(p Pattern) string {
	s := ""
	for _, t := range p {
		switch t.Kind {
		case Literal:
			s += "[" + t.Text + "]"
		case AnyChars:
			s += "*"
		case OneChar:
			s += "?"
		case Placeholder:
			s += "%" + t.Text + "%"
		}
	}
	return s
}

func TestParsePattern(t *testing.T) {
	tests := []struct{ written, want string }{
		{``, ``},
		{`abc`, `[abc]`},
		{`*`, `*`},
		{`**`, `*`},
		{`a?c`, `[a]?[c]`},
		{`*.exe`, `*[.exe]`},
		{`C:\Windows\x.exe`, `[C:\Windows\x.exe]`},
		{`C:\\Windows`, `[C:\Windows]`},
		{`\\\\server\share`, `[\\server\share]`},
		{`\*lit`, `[*lit]`},
		{`\\*wild`, `[\]*[wild]`},
		{`a\\\*b`, `[a\*b]`},
		{`a\?b`, `[a?b]`},
		{`\\\`, `[\\]`},
		{`\\\\`, `[\\]`},
		{`ends\`, `[ends\]`},
		{`%APPDATA%`, `[%APPDATA%]`},
		{`ü*`, `[ü]*`},
	}
	for _, tt := range tests {
		if got := show(ParsePattern(tt.written)); got != tt.want {
			t.Errorf("ParsePattern(%q) = %s, want %s", tt.written, got, tt.want)
		}
	}
}

func TestPatternStringReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		written := rapid.StringMatching(`[ab\\*?%]{0,12}`).Draw(t, "written")
		p := ParsePattern(written)
		again := ParsePattern(p.String())
		if show(again) != show(p) {
			t.Fatalf("%q is %s, written as %q it is %s", written, show(p), p.String(), show(again))
		}
	})
}

func TestPatternAppendDoesNotShare(t *testing.T) {
	p := ParsePattern("a*b")
	x, y := p.Append(Token{Literal, "x"}), p.Append(Token{Literal, "y"})
	if show(p) != "[a]*[b]" || show(x) != "[a]*[bx]" || show(y) != "[a]*[by]" {
		t.Errorf("p %s, x %s, y %s", show(p), show(x), show(y))
	}
}
