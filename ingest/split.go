package ingest

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/standard"
)

// splitter cuts one stream into records and feeds them.
type splitter struct {
	w      *window
	feed   *feed
	source *event.Source
	max    int // bytes of a record
	line   int // of the rest's first byte, from 1
	number int // of the record before, from 1
	// restore is what the stream's first record asks for.
	restore *standard.Restorer
}

// emit feeds a record; false means that reading is to end.
func (s *splitter) emit(raw []byte) bool {
	if s.number++; s.number == 1 {
		s.restore = standard.RestorerOf(raw)
	}
	return s.feed.add(record{raw: raw, source: s.source, line: s.line, number: s.number, restore: s.restore}, s.w.block)
}

func (s *splitter) broken(reason string) bool {
	s.number++
	return s.feed.add(record{source: s.source, line: s.line, number: s.number, broken: reason}, nil)
}

func (s *splitter) tooLarge() string {
	return fmt.Sprintf("the event is larger than %s", size(int64(s.max)))
}

// lines reads one record a line.
func (s *splitter) lines() error {
	seen := 0 // bytes of the rest that hold no line break
	for {
		rest := s.w.rest()
		if i := bytes.IndexByte(rest[seen:], '\n'); i >= 0 {
			if !s.oneLine(rest[:seen+i]) {
				return nil
			}
			s.w.advance(seen + i + 1)
			s.line++
			seen = 0
			continue
		}
		if seen = len(rest); seen > s.max {
			if !s.broken(s.tooLarge()) {
				return nil
			}
			if _, ok := s.w.skipTo('\n'); !ok {
				return s.w.failure()
			}
			seen = 0
			continue
		}
		if !s.w.more() {
			break
		}
	}
	err := s.w.failure()
	if rest := s.w.rest(); err == nil || whole(rest) {
		s.oneLine(rest)
	}
	return err
}

var byteOrderMark = []byte("\xef\xbb\xbf")

func (s *splitter) oneLine(line []byte) bool {
	if n := len(line); n == 0 || line[0] != '{' || line[n-1] != '}' {
		line = bytes.Trim(bytes.TrimPrefix(line, byteOrderMark), " \t\r\n")
	}
	switch {
	case len(line) == 0:
		return true
	case len(line) > s.max:
		return s.broken(s.tooLarge())
	}
	return s.emit(line)
}

// whole says that b is one object and nothing else.
func whole(b []byte) bool {
	n, err := event.Scan(b)
	return err == nil && len(trimBlank(b[n:])) == 0
}

// stream reads objects one after the other, in lists or not, over lines or not.
//
// After an object that is broken it goes on at the next line that begins as the
// broken one's first line did, with the same indent and a brace.
func (s *splitter) stream() error {
	open := 0 // lists
	var indent []byte
	for {
		var ok bool
		if indent, ok = s.between(indent, &open); !ok {
			break
		}
		rest := s.w.rest()
		n, err := event.Scan(rest)
		var syntax *event.SyntaxError
		switch {
		case err == nil && n > s.max:
			ok = s.broken(s.tooLarge())
			s.pass(n)
		case err == nil:
			ok = s.emit(rest[:n])
			s.pass(n)
		case !errors.As(err, &syntax):
			ok = s.broken(err.Error())
			s.pass(n)
		case syntax.Incomplete && len(rest) > s.max:
			ok = s.broken(s.tooLarge())
			s.skipObject()
		case syntax.Incomplete && s.w.load(2*len(rest)):
			// Tried again with more.
		case syntax.Incomplete && s.w.failure() != nil:
			return s.w.failure()
		case syntax.Incomplete:
			ok = s.broken(err.Error())
			s.resume(0, indent)
		case syntax.TooBig:
			ok = s.broken(err.Error())
			s.skipObject()
		default:
			ok = s.broken(err.Error())
			s.resume(syntax.Offset, indent)
		}
		if !ok {
			return nil
		}
	}
	if err := s.w.failure(); err != nil {
		return err
	}
	if open > 0 {
		s.number++
		s.feed.add(record{source: s.source, line: s.line, number: s.number, broken: "the file ends before its list does: it is cut off"}, nil)
	}
	return nil
}

// pass moves on by n bytes and counts their lines.
func (s *splitter) pass(n int) {
	s.line += bytes.Count(s.w.rest()[:n], newline)
	s.w.advance(n)
}

// between skips what may stand between objects: white space, a list's brackets
// and commas, and the lines "Record 12" that evtx_dump writes. It returns the
// indent of the line it stops on, nil when more than that precedes; false at the
// end of the stream.
func (s *splitter) between(indent []byte, open *int) ([]byte, bool) {
	blank := s.number == 0 && s.line == 1
	for {
		if len(s.w.rest()) == 0 && !s.w.more() {
			return nil, false
		}
		rest := s.w.rest()
		switch c := rest[0]; c {
		case '\n':
			indent, blank = indent[:0], true
		case ' ', '\t', '\r':
			if blank {
				indent = append(indent, c)
			}
		case ',':
			blank = false
		case '[':
			*open++
			blank = false
		case ']':
			*open--
			blank = false
		case 'R':
			n := s.recordLine()
			if n == 0 {
				return indent, true
			}
			s.pass(n - 1)
		default:
			if !blank {
				indent = indent[:0]
			}
			return indent, true
		}
		s.pass(1)
	}
}

// recordLine returns the length of a line "Record 12" at the start of the rest,
// without its line break; 0 when there is none.
func (s *splitter) recordLine() int {
	const longest = len("Record 18446744073709551615\r\n")
	s.w.load(longest)
	rest := s.w.rest()
	rest = rest[:min(len(rest), longest)]
	line, _, found := bytes.Cut(rest, newline)
	number, ok := bytes.CutPrefix(bytes.TrimRight(line, "\r"), []byte("Record "))
	if !found || !ok || len(bytes.Trim(number, "0123456789")) > 0 {
		return 0
	}
	return len(line)
}

// resume moves to where reading goes on after an error at offset: the line of
// the error or a later one that begins with indent and a brace.
func (s *splitter) resume(offset int, indent []byte) {
	start := append([]byte("\n"), indent...)
	start = append(start, '{')
	rest := s.w.rest()
	if i := bytes.LastIndexByte(rest[:min(offset, len(rest))], '\n'); i > 0 {
		s.pass(i)
	} else {
		s.pass(min(1, len(rest)))
	}
	for {
		lines, found := s.w.skipTo('\n')
		s.line += lines
		if !found {
			return
		}
		s.w.load(len(start))
		if bytes.HasPrefix(s.w.rest(), start) {
			return
		}
		s.pass(1)
	}
}

// skipObject passes an object without keeping it, by its brackets alone.
func (s *splitter) skipObject() {
	depth, text := 0, false
	for {
		rest := s.w.rest()
		for i := 0; i < len(rest); i++ {
			switch c := rest[i]; {
			case c == '\\' && text:
				if i+1 == len(rest) && s.w.more() {
					rest = s.w.rest()
				}
				i++
			case c == '"':
				text = !text
			case text:
			case c == '{' || c == '[':
				depth++
			case c == '}' || c == ']':
				if depth--; depth == 0 {
					s.pass(i + 1)
					return
				}
			}
		}
		s.pass(len(rest))
		if !s.w.more() {
			return
		}
	}
}
