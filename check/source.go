package check

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/huntbook/huntbook/diag"
)

// source is a file whose bytes are looked at and edited.
type source struct {
	*diag.File
	lines []int // where each line begins
	ascii bool  // every character is a byte
	// odd says that YAML counts other lines than everybody else, so that places
	// are not to be trusted.
	odd bool
}

func newSource(f *diag.File) *source {
	s := &source{File: f, lines: []int{0}, ascii: true, odd: oddBreak.Match(f.Data)}
	if bytes.HasPrefix(f.Data, byteOrderMark) {
		s.lines[0] = len(byteOrderMark)
	}
	for i, c := range f.Data {
		s.ascii = s.ascii && c < utf8.RuneSelf
		if c == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

// oddBreak is what YAML takes for the end of a line and nobody else does.
var oddBreak = regexp.MustCompile("\r[^\n]|\r$|[\u0085\u2028\u2029]")

var byteOrderMark = []byte("\uFEFF")

// line returns the bytes of a line without its break, from 1.
func (s *source) line(n int) []byte {
	if n < 1 || n > len(s.lines) {
		return nil
	}
	end := len(s.Data)
	if n < len(s.lines) {
		end = s.lines[n] - 1
	}
	return bytes.TrimSuffix(s.Data[s.lines[n-1]:end], []byte("\r"))
}

// offset is where a place of the file is among its bytes, -1 for none.
func (s *source) offset(p diag.Pos) int {
	if s.odd || p.Line < 1 || p.Line > len(s.lines) || p.Column < 1 {
		return -1
	}
	line := s.line(p.Line)
	if s.ascii {
		if p.Column > len(line)+1 {
			return -1
		}
		return s.lines[p.Line-1] + p.Column - 1
	}
	at := 0
	for range p.Column - 1 {
		_, n := utf8.DecodeRune(line[at:])
		if n == 0 {
			return -1
		}
		at += n
	}
	return s.lines[p.Line-1] + at
}

// position is the place of a byte.
func (s *source) position(offset int) diag.Pos {
	n, found := 0, len(s.lines)
	for n < found {
		if mid := (n + found) / 2; s.lines[mid] <= offset {
			n = mid + 1
		} else {
			found = mid
		}
	}
	if n == 0 {
		return diag.Pos{Line: 1, Column: 1}
	}
	return diag.Pos{Line: n, Column: 1 + utf8.RuneCount(s.Data[s.lines[n-1]:offset])}
}

// token is a scalar as it stands in a file: on one line, from Start to End, in
// Quote's quotes or in none.
type token struct {
	start, end int
	quote      byte // ', " or 0
	text       string
}

// plainEnd is where a scalar without quotes ends at the latest: at a comment, a
// colon that makes it a key, or at what ends an entry of a list or map that is
// written in brackets.
var plainEnd = regexp.MustCompile(`\s*$|\s+#|:(\s|$)|\s*[\]},]`)

// scalar reads the scalar at a place. It does not read what spans lines, nor
// double-quoted text with escapes: those are left alone.
func (s *source) scalar(p diag.Pos) (token, bool) {
	start := s.offset(p)
	if start < 0 || start >= len(s.Data) {
		return token{}, false
	}
	line := s.line(p.Line)
	rest := string(line[start-s.lines[p.Line-1]:])
	if rest == "" {
		return token{}, false
	}
	switch c := rest[0]; c {
	case '\'':
		for i := 1; i < len(rest); i++ {
			if rest[i] != '\'' {
				continue
			}
			if i+1 < len(rest) && rest[i+1] == '\'' {
				i++
				continue
			}
			return token{start, start + i + 1, c, strings.ReplaceAll(rest[1:i], "''", "'")}, true
		}
		return token{}, false
	case '"':
		end := strings.IndexByte(rest[1:], '"')
		if end < 0 || strings.Contains(rest[1:end+1], `\`) {
			return token{}, false
		}
		return token{start, start + end + 2, c, rest[1 : end+1]}, true
	case '|', '>', '&', '*', '!', '[', '{', '#', '%', '@', '`':
		return token{}, false
	}
	return token{start: start, end: start + len(rest), text: rest}, true
}

// scalarOf reads the scalar at a place that is known to be read as some text.
func (s *source) scalarOf(p diag.Pos, text string) (token, bool) {
	t, ok := s.scalar(p)
	if !ok || t.quote != 0 {
		return t, ok && t.text == text
	}
	if text == "" || !strings.HasPrefix(t.text, text) {
		return token{}, false
	}
	if at := plainEnd.FindStringIndex(t.text[len(text):]); at == nil || at[0] != 0 {
		return token{}, false
	}
	t.end, t.text = t.start+len(text), text
	return t, true
}

// width is the number of characters of the scalar at a place, 1 when it can't
// be told.
func (s *source) width(p diag.Pos, text string) int {
	if t, ok := s.scalarOf(p, text); ok {
		return utf8.RuneCount(s.Data[t.start:t.end])
	}
	return 1
}

// Edit replaces the bytes from Start to End of a file.
type Edit struct {
	Start, End int
	Text       string
}

// plainSafe are texts that YAML reads back without quotes as the same text: the
// first character is a letter, so that it is no number, date or null.
var plainSafe = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./()|-]*( [A-Za-z0-9_./()|-]+)*$`)

// yamlWords are what YAML readers take for something else than text.
var yamlWords = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null|nan|inf)$`)

// replace puts another text in the place of a scalar, in the same quotes; nil
// when the scalar can't be edited.
func (s *source) replace(p diag.Pos, was, now string) []Edit {
	t, ok := s.scalarOf(p, was)
	if !ok || strings.ContainsAny(now, "\r\n") {
		return nil
	}
	switch {
	case t.quote == '"' && !strings.ContainsAny(now, `"\`):
		now = `"` + now + `"`
	case t.quote == 0 && plainSafe.MatchString(now) && !yamlWords.MatchString(now):
	default:
		now = "'" + strings.ReplaceAll(now, "'", "''") + "'"
	}
	return []Edit{{t.start, t.end, now}}
}

// removeEntry takes a list's entry away that has lines of its own; nil when
// something else stands there.
func (s *source) removeEntry(p diag.Pos, text string) []Edit {
	return s.removeLine(p, text, "-")
}

// removeKey takes a key and its value away that have a line of their own.
func (s *source) removeKey(key, value diag.Pos, text string) []Edit {
	if key.Line != value.Line {
		return nil
	}
	from, to := s.offset(key), s.offset(value)
	if from < 0 || to < from {
		return nil
	}
	return s.removeLine(value, text, string(s.Data[from:to]))
}

// removeLine takes a line away on which a scalar stands behind some text and
// blanks.
func (s *source) removeLine(p diag.Pos, text, before string) []Edit {
	t, ok := s.scalarOf(p, text)
	if !ok {
		return nil
	}
	start, end := s.lines[p.Line-1], len(s.Data)
	if p.Line < len(s.lines) {
		end = s.lines[p.Line]
	}
	if strings.TrimSpace(string(s.Data[start:t.start])) != strings.TrimSpace(before) || strings.TrimSpace(string(s.Data[t.end:end])) != "" {
		return nil
	}
	return []Edit{{Start: start, End: end}}
}
