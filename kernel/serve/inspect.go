package serve

import (
	"context"
	"fmt"
	"html"
	"strings"

	"github.com/huntbook/huntbook/attack"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/inspect"
	"github.com/huntbook/huntbook/jupyter"
	"github.com/huntbook/huntbook/kernel"
	"github.com/huntbook/huntbook/kernel/syntax"
	"github.com/huntbook/huntbook/sigma"
)

// about is what is known of a thing.
type about struct {
	title, url string
	lines      []string
}

// Inspect says what is known of the thing at a place: a magic, a parameter, a field, a
// result, a modifier, a tactic or technique of ATT&CK; anywhere else in a cell with a
// rule the rule.
func (k *Kernel) Inspect(code string, cursor int) jupyter.Inspection {
	p := newPlace(code, cursor)
	word := wordAt(code, p.cursor)
	for _, look := range []func(string, place) *about{k.magic, k.attack, k.parameter, k.modifier, k.field} {
		if a := look(word, p); a != nil {
			return a.inspection()
		}
	}
	if p.cell == "sigma" {
		if a := rule(code); a != nil {
			return a.inspection()
		}
	}
	return jupyter.Inspection{}
}

func (a *about) inspection() jupyter.Inspection {
	plain := []string{diag.Printable(a.title)}
	page := []string{"<p><b>" + html.EscapeString(diag.Printable(a.title)) + "</b></p>"}
	if a.url != "" {
		plain = append(plain, a.url)
		page = append(page, `<p><a href="`+html.EscapeString(a.url)+`">`+html.EscapeString(a.url)+"</a></p>")
	}
	if len(a.lines) > 0 {
		plain = append(plain, "")
		page = append(page, "<pre>")
		for _, line := range a.lines {
			plain = append(plain, diag.Printable(line))
			page = append(page, html.EscapeString(diag.Printable(line)))
		}
		page = append(page, "</pre>")
	}
	return jupyter.Inspection{Found: true, Data: map[string]any{
		"text/plain": strings.Join(plain, "\n"), "text/html": strings.Join(page, "\n"),
	}}
}

// wordAt is the word around a place.
func wordAt(code string, cursor int) string {
	text := []rune(code)
	part := func(r rune) bool {
		return r == '_' || r == '.' || r == '@' || r == '%' || r == '-' || r >= '0' && r <= '9' ||
			r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f
	}
	from, to := cursor, cursor
	for from > 0 && part(text[from-1]) {
		from--
	}
	for to < len(text) && part(text[to]) {
		to++
	}
	return strings.Trim(string(text[from:to]), ".-")
}

func (k *Kernel) magic(word string, p place) *about {
	name, isLine := strings.CutPrefix(word, "%")
	name, isCell := strings.CutPrefix(name, "%")
	// Behind a | a magic has no sign.
	before := strings.TrimRight(strings.TrimSuffix(string(p.line), word), " ")
	if m, ok := magic(name, isCell); ok && (isLine || strings.Contains(before, "|") && p.cell == "") {
		a := &about{title: m.Usage(), lines: []string{m.Summary + ".", m.Prose}}
		for _, f := range m.Flags {
			a.lines = append(a.lines, fmt.Sprintf("--%s %s  %s", f.Name, f.Value, f.Doc))
		}
		return a
	}
	if isLine {
		return k.result(name)
	}
	return nil
}

func (k *Kernel) result(name string) *about {
	r := k.session.Result(name)
	if r == nil {
		return nil
	}
	return &about{title: "%" + name, lines: []string{
		fmt.Sprintf("%d findings, %d fetched", r.Count, len(r.Findings)), "of: " + r.Title, "fields: " + strings.Join(r.Fields, ", "),
	}}
}

func (k *Kernel) attack(word string, _ place) *about {
	e := attack.Lookup(word)
	if e.Kind == "" || !strings.HasPrefix(strings.ToLower(word), "attack.") && !strings.EqualFold(word, e.ID) {
		return nil
	}
	a := &about{title: e.ID + " " + e.FullName(), url: e.URL, lines: []string{fmt.Sprintf("%s of ATT&CK, v%s", e.Kind, attack.Version)}}
	if len(e.Tactics) > 0 {
		a.lines = append(a.lines, "tactics: "+strings.Join(e.Tactics, ", "))
	}
	return a
}

func (k *Kernel) parameter(word string, p place) *about {
	if p.cell != "" {
		return nil
	}
	for _, known := range kernel.Parameters() {
		if known.Name == word {
			return &about{title: word, lines: []string{known.Doc}}
		}
	}
	return nil
}

func (k *Kernel) modifier(word string, p place) *about {
	before := strings.TrimRight(string(p.line), "abcdefghijklmnopqrstuvwxyz0123456789_")
	if p.cell != "sigma" || !strings.HasSuffix(before, "|") {
		return nil
	}
	for _, m := range sigma.Modifiers() {
		if m.Name == word {
			return &about{title: m.Name, lines: []string{m.Prose, "", m.Example}}
		}
	}
	return nil
}

func (k *Kernel) field(word string, _ place) *about {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, f := range k.session.Fields(ctx) {
		if f.Name == word {
			return fieldAbout(f)
		}
	}
	return nil
}

func fieldAbout(f inspect.Field) *about {
	a := &about{title: f.Name}
	if f.Events > 0 {
		a.lines = append(a.lines, fmt.Sprintf("in %d events, %d distinct values", f.Events, f.Distinct), "")
	}
	for _, v := range f.Values {
		a.lines = append(a.lines, fmt.Sprintf("%8d  %s", v.Events, v.Value))
	}
	return a
}

// rule says what the rule of a cell is.
func rule(code string) *about {
	commands, _ := syntax.Parse(code)
	if len(commands) != 1 || commands[0].Body == "" {
		return nil
	}
	rules, diags := sigma.Parse(&diag.File{Data: []byte(commands[0].Body)})
	if len(rules) == 0 {
		var lines []string
		for _, d := range diags {
			lines = append(lines, fmt.Sprintf("line %d: %s", d.Pos.Line+commands[0].BodyLine-1, d.Message))
		}
		return &about{title: "a rule that can't be read", lines: lines}
	}
	r := rules[len(rules)-1]
	a := &about{title: r.Title}
	add := func(name, value string) {
		if value != "" {
			a.lines = append(a.lines, name+": "+value)
		}
	}
	add("id", r.ID)
	add("level", r.Level)
	add("status", r.Status)
	source := r.LogSource
	add("log source", strings.Join(nonEmpty(source.Product, source.Category, source.Service), ", "))
	tactics, techniques := attack.OfTags(r.Tags)
	for _, e := range append(tactics, techniques...) {
		add("ATT&CK", e.ID+" "+e.FullName())
	}
	add("fields", strings.Join(r.Fields, ", "))
	for _, d := range diags {
		a.lines = append(a.lines, fmt.Sprintf("line %d: %s", d.Pos.Line+commands[0].BodyLine-1, d.Message))
	}
	if r.Description != "" {
		a.lines = append(a.lines, "")
		a.lines = append(a.lines, strings.Split(strings.TrimSpace(r.Description), "\n")...)
	}
	return a
}

func nonEmpty(texts ...string) []string {
	var out []string
	for _, s := range texts {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}
