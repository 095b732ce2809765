package diag

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// maxSourceLine bounds the part of a source line that is shown, in characters.
const maxSourceLine = 160

// WriteText writes messages for a terminal: a line that stands alone, then the
// source line with a caret. Colour marks severities and carets.
func WriteText(w io.Writer, list List, colour bool) error {
	paint := func(code, s string) string {
		if !colour || s == "" {
			return s
		}
		return "\x1b[" + code + "m" + s + "\x1b[0m"
	}
	codes := [...]string{Error: "31;1", Warning: "33;1", Note: "36;1"}
	var lines lineReader
	for _, d := range list {
		where := ""
		if d.File != nil && d.File.Path != "" {
			where = Printable(d.File.Path) + ": "
			if d.Pos.Line > 0 {
				where = fmt.Sprintf("%s:%d:%d: ", Printable(d.File.Path), d.Pos.Line, d.Pos.Column)
			}
		}
		text := Printable(d.Message)
		if d.Hint != "" {
			text += "; " + Printable(d.Hint)
		}
		if _, err := fmt.Fprintf(w, "%s%s %s\n", where, paint(codes[d.Severity], d.Severity.String()+":"), text); err != nil {
			return err
		}
		line, caret := lines.line(d)
		if caret == "" {
			continue
		}
		number := fmt.Sprintf("%5d", d.Pos.Line)
		if _, err := fmt.Fprintf(w, "%s | %s\n%s | %s\n", number, line, strings.Repeat(" ", len(number)), paint(codes[d.Severity], caret)); err != nil {
			return err
		}
	}
	return nil
}

// lineReader finds lines of files. Messages mostly stand in the order of their
// lines, so it goes on from where the last one was.
type lineReader struct {
	file   *File
	number int
	rest   []byte // from the line of that number on
}

// line returns the line that a message is about and the caret line under it, both
// cut to a sane width around the position; "" when there is no line.
func (r *lineReader) line(d *Diagnostic) (line, caret string) {
	if d.File == nil || d.Pos.Line < 1 {
		return "", ""
	}
	if r.file != d.File || d.Pos.Line < r.number {
		*r = lineReader{d.File, 1, d.File.Data}
	}
	for r.number < d.Pos.Line {
		i := bytes.IndexByte(r.rest, '\n')
		if i < 0 {
			return "", ""
		}
		r.number, r.rest = r.number+1, r.rest[i+1:]
	}
	data := r.rest
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		data = data[:i]
	}
	runes := []rune(strings.TrimRight(string(data), "\r"))
	column := min(max(d.Pos.Column-1, 0), len(runes))
	from := 0
	if column > maxSourceLine*3/4 {
		from = column - maxSourceLine/2
	}
	to := min(len(runes), from+maxSourceLine)
	before := Printable(string(runes[from:column]))
	width := min(max(d.Width, 1), max(to-column, 1))
	return before + Printable(string(runes[column:to])),
		strings.Repeat(" ", runewidth.StringWidth(before)) + "^" + strings.Repeat("~", width-1)
}

// Printable replaces what would move a terminal's cursor, change its colours or
// reverse its text: control and format characters are shown as U+XXXX, a tab
// and a newline become a space, broken UTF-8 the replacement character.
func Printable(s string) string {
	if isPrintable(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\t' || r == '\n':
			b.WriteByte(' ')
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029':
			fmt.Fprintf(&b, "<U+%04X>", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isPrintable(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError {
			return false
		}
	}
	return true
}

// jsonDiagnostic is the form in which WriteJSON writes a message.
type jsonDiagnostic struct {
	Path     *string `json:"path"`
	Line     *int    `json:"line"`
	Column   *int    `json:"column"`
	Severity string  `json:"severity"`
	Code     string  `json:"code"`
	Message  string  `json:"message"`
	Hint     *string `json:"hint"`
}

// WriteJSON writes one object a message and line: path, line, column, severity,
// code, message, hint; what is not known is null.
func WriteJSON(w io.Writer, list List) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, d := range list {
		j := jsonDiagnostic{Severity: d.Severity.String(), Code: d.Code, Message: d.Message}
		if d.File != nil && d.File.Path != "" {
			j.Path = &d.File.Path
		}
		if d.Pos.Line > 0 {
			j.Line, j.Column = &d.Pos.Line, &d.Pos.Column
		}
		if d.Hint != "" {
			j.Hint = &d.Hint
		}
		if err := enc.Encode(j); err != nil {
			return err
		}
	}
	return nil
}

// WriteSARIF writes one SARIF 2.1.0 log with a run of the tool of that name and
// version, as code hosts read it. describe says in a sentence what a code stands
// for, and may be nil.
func WriteSARIF(w io.Writer, list List, tool, version string, describe func(code string) string) error {
	type object = map[string]any
	rules, ruleIndex := []object{}, map[string]int{}
	results := []object{}
	for _, d := range list {
		text := d.Message
		if d.Hint != "" {
			text += "; " + d.Hint
		}
		result := object{"level": d.Severity.String(), "message": object{"text": text}}
		if d.Code != "" {
			i, ok := ruleIndex[d.Code]
			if !ok {
				i = len(rules)
				ruleIndex[d.Code] = i
				rule := object{"id": d.Code}
				if describe != nil {
					if text := describe(d.Code); text != "" {
						rule["fullDescription"] = object{"text": text}
					}
				}
				rules = append(rules, rule)
			}
			result["ruleId"], result["ruleIndex"] = d.Code, i
		}
		if d.File != nil && d.File.Path != "" {
			physical := object{"artifactLocation": object{"uri": fileURI(d.File.Path)}}
			if d.Pos.Line > 0 {
				physical["region"] = object{
					"startLine": d.Pos.Line, "startColumn": d.Pos.Column,
					"endColumn": d.Pos.Column + max(d.Width, 1),
				}
			}
			result["locations"] = []object{{"physicalLocation": physical}}
		}
		results = append(results, result)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(object{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json",
		"version": "2.1.0",
		"runs": []object{{
			"tool":       object{"driver": object{"name": tool, "version": version, "rules": rules}},
			"columnKind": "unicodeCodePoints",
			"results":    results,
		}},
	})
}

// fileURI writes a path as a relative or file URI reference.
func fileURI(path string) string {
	slashed := filepath.ToSlash(path)
	var b strings.Builder
	if strings.HasPrefix(slashed, "/") {
		b.WriteString("file://")
	}
	for i := 0; i < len(slashed); i++ {
		c := slashed[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~/", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
