// Package diag holds messages about text that a person wrote: rules, pipelines,
// configurations, cells.
//
// A message names a file, a line and a column, says what is wrong and what to
// do. The source line and the caret under it are computed only when a message
// is rendered, so that carrying positions costs nothing while all goes well.
// The package knows nothing of Sigma and imports no other package of huntbook.
package diag

import (
	"errors"
	"fmt"
	"strings"
)

// File is a text that messages point into. Path is as the user gave it.
type File struct {
	Path string
	Data []byte
}

// Pos is a place in a file: line and column count from 1, columns in
// characters. The zero Pos means "the whole file".
type Pos struct {
	Line, Column int
}

// Shift moves a position to the right within its line.
func (p Pos) Shift(columns int) Pos {
	if p.Line == 0 {
		return p
	}
	return Pos{p.Line, p.Column + columns}
}

// Severity says what a message does to its rule.
type Severity uint8

// The severities: an Error makes the rule or pipeline unusable, a Warning
// changes what it means to the reader, a Note is advice.
const (
	Error Severity = iota
	Warning
	Note
)

func (s Severity) String() string {
	return [...]string{"error", "warning", "note"}[s]
}

// Diagnostic is one message.
type Diagnostic struct {
	// Code is stable and names the kind of message: "unknown-modifier".
	Code     string
	Severity Severity
	// Message is one line that stands alone, without position.
	Message string
	// Hint says what to do: `did you mean "contains"?`. May be empty.
	Hint string
	File *File
	Pos  Pos
	// Width is the length of the marked text in characters; 0 marks one.
	Width int
}

// Error is the first line of the message: "rule.yml:3:5: what is wrong: hint".
func (d *Diagnostic) Error() string {
	var b strings.Builder
	if d.File != nil && d.File.Path != "" {
		b.WriteString(d.File.Path)
		if d.Pos.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", d.Pos.Line, d.Pos.Column)
		}
		b.WriteString(": ")
	}
	b.WriteString(d.Message)
	if d.Hint != "" {
		b.WriteString("; ")
		b.WriteString(d.Hint)
	}
	return b.String()
}

// List is what a parser collected. A List with errors in it is itself an error.
type List []*Diagnostic

// HasErrors tells whether the list holds a message of severity Error.
func (l List) HasErrors() bool {
	for _, d := range l {
		if d.Severity == Error {
			return true
		}
	}
	return false
}

// Errors returns the messages of severity Error.
func (l List) Errors() List {
	var out List
	for _, d := range l {
		if d.Severity == Error {
			out = append(out, d)
		}
	}
	return out
}

// Err returns the list's errors as one error, nil when there is none.
func (l List) Err() error {
	if e := l.Errors(); len(e) > 0 {
		return e
	}
	return nil
}

// Error joins the first lines of all messages.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, d := range l {
		lines[i] = d.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find the single messages.
func (l List) Unwrap() []error {
	out := make([]error, len(l))
	for i, d := range l {
		out[i] = d
	}
	return out
}

// Of returns the messages that an error carries; an error without any becomes
// one message without a position.
func Of(err error) List {
	var l List
	if errors.As(err, &l) {
		return l
	}
	var d *Diagnostic
	if errors.As(err, &d) {
		return List{d}
	}
	if err == nil {
		return nil
	}
	return List{{Severity: Error, Message: err.Error()}}
}
