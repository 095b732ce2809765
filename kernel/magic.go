package kernel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/kernel/syntax"
)

// Magic is one command of the cell language: what it does and what is said of
// it. The reference page is made from it, and its example is run as a test.
type Magic struct {
	Name string
	// Cell tells that it is written "%%name" and takes the rest of its cell.
	Cell bool
	// Words names the words that it takes ("PATH…"), "" for none;
	// MinWords and MaxWords are how many.
	Words              string
	MinWords, MaxWords int
	Flags              []Flag
	// Takes tells that it works on a result: the last one, or what stands before
	// "|". Gives tells that it makes one.
	Takes, Gives bool
	// kept tells that it is a result that is there already.
	kept bool
	// Summary is one line, Prose some sentences, Example a cell.
	Summary, Prose, Example string

	// check looks at a call before anything of its cell is run.
	check func(*call) *diag.Diagnostic
	run   func(context.Context, *step) error
}

// step is one magic at work.
type step struct {
	*call
	session *Session
	in      *engine.Result // of a magic that takes one; never nil then
	out     *outputs
	result  *engine.Result // of a magic that gives one
	// value tells that what is shown is the value of the line.
	value bool
}

// Flag is an option of a magic; every flag takes a value.
type Flag struct{ Name, Value, Doc string }

// Magics returns all magics, in the order in which a notebook uses them.
func Magics() []Magic {
	return []Magic{
		dataMagic(), sigmaMagic(), luceneMagic(), luceneLineMagic(), tableMagic(), timelineMagic(), topMagic(), treeMagic(),
		lastMagic(), joinMagic(), csvMagic(), jsonMagic(),
	}
}

// Usage is the magic as it is written: "%table [--rows N] [--fields A,B]".
func (m *Magic) Usage() string {
	var b strings.Builder
	b.WriteString(m.mark() + m.Name)
	switch {
	case m.Words == "":
	case m.MinWords == 0:
		b.WriteString(" [" + m.Words + "]")
	default:
		b.WriteString(" " + m.Words)
	}
	for _, f := range m.Flags {
		fmt.Fprintf(&b, " [--%s %s]", f.Name, f.Value)
	}
	return b.String()
}

func (m *Magic) mark() string {
	if m.Cell {
		return "%%"
	}
	return "%"
}

// call is a magic as a cell uses it.
type call struct {
	command syntax.Command
	words   []syntax.Word
	flags   map[string]syntax.Word
	// results are the names of the results that are kept when the call is run.
	results map[string]bool
}

// find looks a command's magic up; a result that is kept is one too.
func find(c syntax.Command, results map[string]bool) (*Magic, *diag.Diagnostic) {
	isCell := c.Kind == syntax.CellMagic
	prefix := "%"
	if isCell {
		prefix = "%%"
	}
	var other *Magic
	var names []string
	for _, m := range Magics() {
		switch {
		case m.Cell != isCell:
			if m.Name == c.Name {
				other = &m
			}
		case m.Name == c.Name:
			return &m, nil
		default:
			names = append(names, m.Name)
		}
	}
	switch {
	case results[c.Name] && !isCell:
		m := keptMagic(c.Name)
		return &m, nil
	case other != nil && isCell:
		return nil, &diag.Diagnostic{Code: "cell-magic", Message: "%%" + c.Name + " is a magic for a line", Hint: "write %" + c.Name, Pos: c.Pos, Width: c.Width}
	case other != nil:
		return nil, &diag.Diagnostic{Code: "cell-magic", Message: "%" + c.Name + " is a magic for a whole cell", Hint: "write %%" + c.Name + " in the first line and the rule below", Pos: c.Pos, Width: c.Width}
	}
	if !isCell {
		names = slices.AppendSeq(names, maps.Keys(results))
	}
	return nil, &diag.Diagnostic{
		Code: "cell-magic", Message: fmt.Sprintf("there is no magic %s%s", prefix, c.Name),
		Hint: suggestion(c.Name, names, prefix), Pos: c.Pos, Width: c.Width,
	}
}

// read divides a command's words into words and flags, and checks them.
func (m *Magic) read(c syntax.Command, results map[string]bool) (*call, *diag.Diagnostic) {
	out := &call{command: c, flags: map[string]syntax.Word{}, results: results}
	for i := 0; i < len(c.Words); i++ {
		w := c.Words[i]
		if w.Quoted || !strings.HasPrefix(w.Text, "-") {
			out.words = append(out.words, w)
			continue
		}
		name, value, joined := strings.Cut(strings.TrimLeft(w.Text, "-"), "=")
		known := false
		var names []string
		for _, f := range m.Flags {
			known = known || f.Name == name
			names = append(names, f.Name)
		}
		problem := &diag.Diagnostic{Code: "cell-flag", Pos: w.Pos, Width: w.Width}
		switch {
		case !known && len(names) == 0:
			problem.Message, problem.Hint = fmt.Sprintf("%s%s has no flags", m.mark(), m.Name), "quote a word that starts with -"
			return nil, problem
		case !known:
			problem.Message, problem.Hint = fmt.Sprintf("%s%s has no flag --%s", m.mark(), m.Name, name), suggestion(name, names, "--")
			return nil, problem
		case joined:
			w.Text = value
		case i+1 == len(c.Words):
			problem.Message, problem.Hint = fmt.Sprintf("--%s has no value", name), "usage: "+m.Usage()
			return nil, problem
		default:
			i++
			w = c.Words[i]
		}
		out.flags[name] = w
	}
	if n := len(out.words); n < m.MinWords || n > m.MaxWords {
		d := &diag.Diagnostic{Code: "cell-words", Message: fmt.Sprintf("%s%s lacks %s", m.mark(), m.Name, m.Words), Hint: "usage: " + m.Usage(), Pos: c.Pos, Width: c.Width}
		if n > m.MaxWords {
			d.Message = fmt.Sprintf("%s%s takes fewer words", m.mark(), m.Name)
			d.Pos, d.Width = out.words[m.MaxWords].Pos, out.words[m.MaxWords].Width
		}
		return nil, d
	}
	if m.check != nil {
		if problem := m.check(out); problem != nil {
			return nil, problem
		}
	}
	return out, nil
}

// integer returns the number of a flag, fallback without the flag.
func (c *call) integer(flag string, fallback, most int) (int, *diag.Diagnostic) {
	w, ok := c.flags[flag]
	if !ok {
		return fallback, nil
	}
	return integer(w, "--"+flag, 1, most)
}

// errNoQuery is what magics that take a result say before there is any.
var errNoQuery = errors.New("no query has run; a %%sigma cell comes first")
