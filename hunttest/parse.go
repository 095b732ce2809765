package hunttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
)

// maxScript bounds a script, in bytes.
const maxScript = 4 << 20

// Parse reads a script. What can't be read is left out, and the list says why.
func Parse(file *diag.File) (*Script, diag.List) {
	p := &parser{script: &Script{File: file}}
	switch {
	case len(file.Data) > maxScript:
		p.errorf(diag.Pos{}, "the script has %d bytes, more than %d", len(file.Data), maxScript)
		return p.script, p.diags
	case !utf8.Valid(file.Data):
		p.errorf(diag.Pos{}, "the script is not UTF-8 text")
		return p.script, p.diags
	}
	p.lines = strings.Split(strings.ReplaceAll(string(file.Data), "\r\n", "\n"), "\n")
	for p.at < len(p.lines) {
		p.command()
	}
	if p.rule != nil {
		p.errorf(p.rule.Pos, "nothing is expected of this rule").Hint = `add "expect" with ids, "expect none" or "expect error"`
	}
	return p.script, p.diags
}

type parser struct {
	script *Script
	diags  diag.List
	lines  []string
	at     int // the next line

	events []Event
	beside string // documents that stand before rules
	rule   *Case  // waits for its expectation
}

func (p *parser) errorf(pos diag.Pos, format string, args ...any) *diag.Diagnostic {
	d := &diag.Diagnostic{Code: "script", Message: fmt.Sprintf(format, args...), File: p.script.File, Pos: pos}
	p.diags = append(p.diags, d)
	return d
}

// command reads a line that begins in the first column, and what belongs to it.
func (p *parser) command() {
	line := p.lines[p.at]
	pos := diag.Pos{Line: p.at + 1, Column: 1}
	p.at++
	word, rest, _ := strings.Cut(line, " ")
	switch {
	case strings.TrimSpace(line) == "" || line[0] == '#':
	case word == "load":
		if strings.TrimSpace(rest) != "" {
			p.errorf(pos.Shift(5), "events stand below load, a line each")
		}
		p.load()
	case word == "with":
		p.with(pos, rest)
	case word == "rule":
		if p.rule != nil {
			p.errorf(p.rule.Pos, "nothing is expected of this rule").Hint = `add "expect" with ids, "expect none" or "expect error"`
		}
		p.readRule(pos, rest)
	case word == "expect":
		p.expect(pos, rest)
	case line[0] == ' ' || line[0] == '\t':
		p.errorf(pos, "this indented line belongs to nothing")
	default:
		p.errorf(pos, "unknown command %q", word).Hint = "there are load, with, rule and expect"
	}
}

// block takes the indented lines that follow, without their common indentation,
// and says where they begin.
func (p *parser) block() (lines []string, begin diag.Pos) {
	begin = diag.Pos{Line: p.at + 1}
	indent := -1
	for ; p.at < len(p.lines); p.at++ {
		line := p.lines[p.at]
		trimmed := strings.TrimLeft(line, " ")
		if trimmed == "" {
			lines = append(lines, "")
			continue
		}
		n := len(line) - len(trimmed)
		if n == 0 {
			break
		}
		if indent < 0 {
			indent = n
		}
		lines = append(lines, line[min(n, indent):])
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	begin.Column = max(indent, 0) + 1
	return lines, begin
}

var eventID = regexp.MustCompile(`^[A-Za-z_][\w-]*`)

func (p *parser) load() {
	p.events = nil
	lines, begin := p.block()
	seen := map[string]bool{}
	for i, line := range lines {
		pos := diag.Pos{Line: begin.Line + i, Column: begin.Column}
		if line == "" || line[0] == '#' {
			continue
		}
		id := eventID.FindString(line)
		object := strings.TrimSpace(line[len(id):])
		if id == "" {
			id = strconv.Itoa(len(p.events) + 1)
		}
		switch {
		case seen[id]:
			p.errorf(pos, "there is an event %q already", id)
		case !strings.HasPrefix(object, "{") || !json.Valid([]byte(object)):
			p.errorf(pos, "an event is a JSON object on one line")
		default:
			seen[id] = true
			p.events = append(p.events, Event{id, json.RawMessage(object)})
		}
	}
	if len(lines) == 0 {
		p.errorf(diag.Pos{Line: begin.Line - 1, Column: 1}, "load without events")
	}
}

func (p *parser) with(pos diag.Pos, rest string) {
	lines, _ := p.block()
	switch rest = strings.TrimSpace(rest); {
	case rest == "nothing" && len(lines) == 0:
		p.beside = ""
	case rest != "" || len(lines) == 0:
		p.errorf(pos, "documents stand below with").Hint = `"with nothing" takes them away`
	default:
		p.beside = strings.Join(lines, "\n") + "\n---\n"
	}
}

func (p *parser) readRule(pos diag.Pos, inline string) {
	lines := []string{inline}
	if strings.TrimSpace(inline) == "" {
		lines, _ = p.block()
	}
	if len(lines) == 0 {
		p.errorf(pos, "rule without text")
		return
	}
	c := &Case{Events: p.events, Pos: pos}
	c.complete(lines)
	c.Rules = p.beside + c.Rules
	c.before += strings.Count(p.beside, "\n")
	p.rule = c
}

// complete makes whole rules of what may be a part of one.
func (c *Case) complete(lines []string) {
	text := strings.Join(lines, "\n") + "\n"
	before, after := "", ""
	switch formOf(text) {
	case identifierBody:
		before = "title: script\nlogsource: {category: script}\ndetection:\n  selection:\n"
		after = "  condition: selection\n"
		c.indent = 4
	case correlationSection:
		before = "title: script\ncorrelation:\n"
		c.indent = 2
	case detectionSection:
		before = "title: script\nlogsource: {category: script}\ndetection:\n"
		c.indent = 2
	}
	c.before = strings.Count(before, "\n")
	var b strings.Builder
	b.WriteString(before)
	for _, line := range lines {
		if line != "" {
			b.WriteString(strings.Repeat(" ", c.indent) + line)
		}
		b.WriteByte('\n')
	}
	c.Rules = b.String() + after
}

type form int

const (
	wholeDocuments form = iota
	detectionSection
	correlationSection
	identifierBody
)

var (
	ruleKey   = map[string]bool{"title": true, "detection": true, "correlation": true, "action": true}
	separator = regexp.MustCompile(`(?m)^---`)
)

// formOf tells what a rule's text is. What is no YAML is taken as it is.
func formOf(text string) form {
	var root yaml.Node
	if separator.MatchString(text) || yaml.NewDecoder(bytes.NewReader([]byte(text))).Decode(&root) != nil || len(root.Content) == 0 {
		return wholeDocuments
	}
	keys := map[string]bool{}
	if n := root.Content[0]; n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			keys[n.Content[i].Value] = true
			if ruleKey[n.Content[i].Value] {
				return wholeDocuments
			}
		}
	}
	switch {
	case keys["type"] && keys["rules"]:
		return correlationSection
	case keys["condition"]:
		return detectionSection
	}
	return identifierBody
}

var errorAt = regexp.MustCompile(`^(\d+):(\d+)(?: |$)`)

func (p *parser) expect(pos diag.Pos, rest string) {
	if p.rule == nil {
		p.errorf(pos, "expect without a rule before it")
		return
	}
	c := *p.rule
	p.rule = nil
	c.Expect.Pos = pos
	rest = strings.TrimSpace(rest)
	if message, ok := strings.CutPrefix(rest, "error"); ok && (message == "" || message[0] == ' ') {
		message = strings.TrimSpace(message)
		if m := errorAt.FindStringSubmatch(message); m != nil {
			c.Expect.At.Line, _ = strconv.Atoi(m[1])
			c.Expect.At.Column, _ = strconv.Atoi(m[2])
			message = message[len(m[0]):]
		}
		c.Expect.IsError, c.Expect.Error = true, message
		p.script.Cases = append(p.script.Cases, c)
		return
	}
	if rest == "" {
		p.errorf(pos, "expect what?").Hint = `name ids, or write "expect none"`
		return
	}
	if rest != "none" && !p.findings(&c, pos, rest) {
		return
	}
	p.script.Cases = append(p.script.Cases, c)
}

var findingSyntax = regexp.MustCompile(`\([^()]*\)|[^\s()]+|[()]`)

func (p *parser) findings(c *Case, pos diag.Pos, text string) bool {
	known := map[string]bool{}
	for _, e := range c.Events {
		known[e.ID] = true
	}
	for _, word := range findingSyntax.FindAllString(text, -1) {
		finding := Finding{word}
		switch {
		case word == "(" || word == ")":
			p.errorf(pos, "a parenthesis without its partner")
			return false
		case word[0] == '(':
			finding = strings.Fields(word[1 : len(word)-1])
		}
		for _, id := range finding {
			if !known[id] {
				p.errorf(pos, "no event is called %q", id)
				return false
			}
		}
		c.Expect.Found = append(c.Expect.Found, finding)
	}
	return true
}
