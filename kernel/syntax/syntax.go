// Package syntax reads and writes cells of huntbook's cell language.
//
// A cell is one cell magic ("%%sigma", the rest of the cell is its body) or
// lines: a magic ("%data logs/"), a parameter ("rows = 50"), a comment ("# …")
// or nothing. A magic's line may go on with others behind "|" ("%last | top User"),
// and its result may get a name ("%shells = %last"). The package knows the language's form and none of its magics, so
// that writers of notebooks can use it as well as the interpreter. Data flows:
// source → Parse → Commands; any text → Quote → one word of a cell.
package syntax

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/huntbook/huntbook/diag"
)

// Kind tells what a Command is.
type Kind uint8

// The kinds of command.
const (
	LineMagic Kind = iota // %name words
	CellMagic             // %%name words, and a body
	Parameter             // name = word
)

// Command is one command of a cell.
type Command struct {
	Kind Kind
	// Name is the magic's without "%", or the parameter's.
	Name string
	// Pos is where the command starts, its "%" included; Width is the length
	// of that first word in characters.
	Pos   diag.Pos
	Width int
	// Words are what follows; a Parameter has exactly one.
	Words []Word
	// Save is the name that a LineMagic's result gets, its Text "" for none; Then
	// are the magics behind "|".
	Save Word
	Then []Command
	// Body is the rest of a CellMagic's cell, always ended by a newline
	// unless empty; BodyLine is the line of the cell that it starts on.
	Body     string
	BodyLine int
}

// Word is one word of a command, quotes and escapes resolved.
type Word struct {
	Text string
	// Quoted tells that the word starts with a quote: it is never a flag.
	Quoted bool
	Pos    diag.Pos
	Width  int
}

// Parse reads a cell. The messages point into the source, which is their file
// "cell"; commands of lines that can't be read are left out.
func Parse(source string) ([]Command, diag.List) {
	p := parser{file: &diag.File{Path: "cell", Data: []byte(source)}}
	var commands []Command
	line := 0
	for rest := source; rest != ""; {
		var text string
		text, rest, _ = strings.Cut(rest, "\n")
		line++
		text = strings.TrimSuffix(text, "\r")
		trimmed := strings.TrimLeft(text, " \t")
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		column := 1 + len(text) - len(trimmed)
		c, ok := p.command(trimmed, diag.Pos{Line: line, Column: column})
		if ok && c.Kind == CellMagic {
			if len(commands) > 0 {
				p.add(c.Pos, c.Width, "cell-magic-first", "%%"+c.Name+" must be the first line of its cell", "split the cell in two")
				return commands, p.diags
			}
			c.Body, c.BodyLine = rest, line+1
			if c.Body != "" {
				c.Body += "\n"
			}
			return append(commands, c), p.diags
		}
		if ok {
			commands = append(commands, c)
		}
	}
	return commands, p.diags
}

type parser struct {
	file  *diag.File
	diags diag.List
}

func (p *parser) add(pos diag.Pos, width int, code, message, hint string) {
	p.diags = append(p.diags, &diag.Diagnostic{Code: code, Message: message, Hint: hint, File: p.file, Pos: pos, Width: width})
}

// command reads one line that is neither empty nor a comment.
func (p *parser) command(text string, pos diag.Pos) (Command, bool) {
	c := Command{Kind: LineMagic, Pos: pos}
	after := text
	switch {
	case strings.HasPrefix(text, "%%"):
		c.Kind, after = CellMagic, text[2:]
	case strings.HasPrefix(text, "%"):
		after = text[1:]
	default:
		c.Kind = Parameter
	}
	c.Name = name(after)
	after = after[len(c.Name):]
	head := text[:len(text)-len(after)]
	c.Width = utf8.RuneCountInString(head)
	if c.Kind == Parameter {
		value := strings.TrimLeft(after, " \t")
		if c.Name == "" || !strings.HasPrefix(value, "=") {
			p.add(pos, max(c.Width, 1), "cell-command", "this line is no command", `write a magic ("%table"), a parameter ("rows = 50") or a comment ("# …")`)
			return c, false
		}
		after = value[1:]
	} else if c.Name == "" || after != "" && !strings.ContainsRune(" \t=", rune(after[0])) || strings.HasPrefix(after, "=") && c.Kind == CellMagic {
		p.add(pos, max(c.Width, 1), "cell-magic-name", "a magic is % and a name of letters", `write "%table", for example`)
		return c, false
	}
	start := pos.Shift(utf8.RuneCountInString(text[:len(text)-len(after)]))
	if rest := strings.TrimLeft(after, " \t"); c.Kind == LineMagic && strings.HasPrefix(rest, "=") {
		return p.saved(c, rest[1:], start.Shift(len(after)-len(rest)+1))
	}
	words, ok := p.words(after, start)
	if ok && c.Kind == LineMagic {
		return p.pipe(c, words)
	}
	if ok && c.Kind == Parameter && len(words) != 1 {
		p.add(pos, c.Width, "cell-parameter", "a parameter has one value, "+c.Name+" has not", `quote it: `+c.Name+` = "…"`)
		return c, false
	}
	c.Words = words
	return c, ok
}

// saved reads what stands behind "%name =".
func (p *parser) saved(c Command, text string, pos diag.Pos) (Command, bool) {
	rest := strings.TrimLeft(text, " \t")
	pos = pos.Shift(len(text) - len(rest))
	if !strings.HasPrefix(rest, "%") || strings.HasPrefix(rest, "%%") {
		p.add(c.Pos, c.Width, "cell-save", "a result of a magic is kept, and none stands behind %"+c.Name+" =", "write %"+c.Name+" = %last, for example")
		return c, false
	}
	source, ok := p.command(rest, pos)
	if ok && source.Save.Text != "" {
		p.add(source.Save.Pos, source.Save.Width, "cell-save", "a result gets one name", "write a line for each")
		return source, false
	}
	source.Save = Word{Text: c.Name, Pos: c.Pos, Width: c.Width}
	return source, ok
}

// pipe divides a magic's words at "|".
func (p *parser) pipe(c Command, words []Word) (Command, bool) {
	at := &c
	for i, w := range words {
		if w.Quoted || w.Text != "|" {
			at.Words = append(at.Words, w)
			continue
		}
		next := Command{Kind: LineMagic, Pos: w.Pos, Width: w.Width}
		if i+1 == len(words) || name(strings.TrimPrefix(words[i+1].Text, "%")) == "" {
			p.add(w.Pos, w.Width, "cell-pipe", "no magic stands behind |", `write "| table" or "| top User", for example`)
			return c, false
		}
		c.Then = append(c.Then, next)
		at = &c.Then[len(c.Then)-1]
	}
	for i := range c.Then {
		// The first word behind "|" is the magic's name.
		step := &c.Then[i]
		first := step.Words[0]
		step.Name, step.Pos, step.Width = strings.TrimPrefix(first.Text, "%"), first.Pos, first.Width
		step.Words = step.Words[1:]
	}
	return c, true
}

// name returns the name at the start of s: letters, digits and "_".
func name(s string) string {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return s[:i]
		}
	}
	return s
}
