package serve

import (
	"context"
	"os"
	"path"
	"strings"
	"time"

	"github.com/huntbook/huntbook/attack"
	"github.com/huntbook/huntbook/jupyter"
	"github.com/huntbook/huntbook/kernel"
	"github.com/huntbook/huntbook/kernel/syntax"
	"github.com/huntbook/huntbook/sigma"
)

const (
	// patience is how long the data may be looked at for a completion.
	patience = 3 * time.Second
	// maxMatches is the number of completions that are offered.
	maxMatches = 200
)

// Complete says what may stand at a place.
func (k *Kernel) Complete(code string, cursor int) jupyter.Completions {
	p := newPlace(code, cursor)
	c := &completer{kernel: k, place: p}
	switch {
	case p.cell != "" && p.first:
		c.names("%%")
	case p.cell == "sigma":
		c.rule()
	case p.cell == "lucene":
		c.query(p.line)
	case p.cell == "":
		c.command()
	}
	return jupyter.Completions{Matches: c.matches, CursorStart: p.cursor - c.replaced, CursorEnd: p.cursor}
}

// completer collects what fits the word before the cursor.
type completer struct {
	kernel  *Kernel
	place   place
	matches []string
	// replaced is the length of what a match takes the place of.
	replaced int
}

// offer adds those of the candidates that begin with the word, letters of any case.
func (c *completer) offer(word string, candidates ...string) {
	for _, s := range candidates {
		c.offerAs(word, s, s)
	}
}

// offerAs adds a text in the form in which a cell has it, when either begins with the
// word.
func (c *completer) offerAs(word, text, written string) {
	c.replaced = len([]rune(word))
	begins := func(s string) bool { return len(s) >= len(word) && strings.EqualFold(s[:len(word)], word) }
	if len(c.matches) < maxMatches && (begins(text) || begins(written)) {
		c.matches = append(c.matches, written)
	}
}

// names offers magics, with their mark.
func (c *completer) names(mark string) {
	word := string(c.place.word(" \t|=*"))
	var all []string
	for _, m := range kernel.Magics() {
		if m.Cell == (mark == "%%") {
			all = append(all, mark+m.Name)
		}
	}
	if mark == "%" {
		for _, name := range c.kernel.session.Kept() {
			all = append(all, mark+name)
		}
		if c.place.first {
			for _, m := range kernel.Magics() {
				if m.Cell {
					all = append(all, "%%"+m.Name)
				}
			}
		}
	}
	c.offer(word, all...)
}

// command completes a line of a cell.
func (c *completer) command() {
	line := string(c.place.line)
	word := string(c.place.word(" \t|"))
	trimmed := strings.TrimSpace(line)
	switch {
	case trimmed == "" || trimmed == word && strings.HasPrefix(word, "%"):
		c.names("%")
		if trimmed == "" {
			c.parameters("")
		}
		return
	case trimmed == word:
		c.parameters(word)
		return
	}
	name, after, saved := strings.Cut(line, "=")
	if saved = saved && strings.HasPrefix(trimmed, "%") && !strings.ContainsAny(strings.TrimSpace(name), " \t"); saved && strings.TrimSpace(after) == word {
		c.names("%")
		return
	}
	if saved {
		line = strings.TrimLeft(after, " \t")
	}
	if query, ok := strings.CutPrefix(strings.TrimLeft(line, " \t"), "%lucene "); ok {
		if i := strings.IndexAny(query, `'"`); i >= 0 {
			query = query[i+1:]
		}
		c.query([]rune(query))
		return
	}
	commands, _ := syntax.Parse(c.place.before([]rune(word)))
	c.words(commands, word)
}

func (c *completer) parameters(word string) {
	for _, p := range kernel.Parameters() {
		c.offer(word, p.Name+" = ")
	}
}

// words completes what stands behind a magic's name.
func (c *completer) words(commands []syntax.Command, word string) {
	before := strings.TrimRight(c.place.before([]rune(word)), " \t")
	if strings.HasSuffix(before, "|") {
		for _, m := range kernel.Magics() {
			if m.Takes {
				c.offer(word, m.Name)
			}
		}
		return
	}
	if len(commands) == 0 {
		return
	}
	at := commands[0]
	if n := len(at.Then); n > 0 {
		at = at.Then[n-1]
	}
	m, ok := magic(at.Name, false)
	if !ok {
		return
	}
	previous := ""
	if fields := strings.Fields(before); len(fields) > 0 {
		previous = fields[len(fields)-1]
	}
	flag, value, joined := strings.Cut(word, "=")
	switch {
	case strings.HasPrefix(previous, "--"):
		c.flag(strings.TrimPrefix(previous, "--"), word)
	case strings.HasPrefix(word, "--") && joined:
		c.flag(strings.TrimPrefix(flag, "--"), value)
	case strings.HasPrefix(word, "-"):
		for _, f := range m.Flags {
			c.offer(word, "--"+f.Name+" ")
		}
	case m.Name == "data":
		c.paths(word)
	case m.Name == "join" && strings.HasPrefix(word, "%"):
		c.offer(word, "%last")
		for _, name := range c.kernel.session.Kept() {
			c.offer(word, "%"+name)
		}
	case m.Name == "top" || m.Name == "join":
		c.fields(word, syntax.Quote)
	}
}

func (c *completer) flag(name, word string) {
	switch name {
	case "fields":
		c.fields(behindLast(word, ","), func(s string) string { return s })
	case "as":
		c.offer(word, "picture", "vega-lite")
	}
}

// behindLast is what stands behind the last separator, all without one.
func behindLast(s, sep string) string { return s[strings.LastIndex(s, sep)+1:] }

// fields offers the fields of the data.
func (c *completer) fields(word string, write func(string) string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, f := range c.kernel.session.Fields(ctx) {
		c.offerAs(word, f.Name, write(f.Name))
	}
}

// values offers the frequent values of a field.
func (c *completer) values(field, word string, write func(string) string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, f := range c.kernel.session.Fields(ctx) {
		if !strings.EqualFold(f.Name, field) {
			continue
		}
		for _, v := range f.Values {
			c.offerAs(word, v.Value, write(v.Value))
		}
	}
}

// paths offers files and folders below the one that is written.
func (c *completer) paths(word string) {
	dir, base := path.Split(word)
	list, err := os.ReadDir(path.Join(".", dir))
	if path.IsAbs(dir) {
		list, err = os.ReadDir(dir)
	}
	if err != nil {
		return
	}
	for _, e := range list {
		name := e.Name()
		if strings.HasPrefix(name, ".") && !strings.HasPrefix(base, ".") {
			continue
		}
		if e.IsDir() {
			name += "/"
		}
		c.offerAs(word, dir+name, syntax.Quote(dir+name))
	}
}

// query completes a Lucene query.
func (c *completer) query(text []rune) {
	i := len(text)
	for i > 0 && !strings.ContainsRune(" \t\n()+-!", text[i-1]) {
		i--
	}
	word := string(text[i:])
	if field, value, isValue := strings.Cut(word, ":"); isValue {
		c.values(field, value, luceneValue)
		return
	}
	c.fields(word, func(s string) string { return luceneName.Replace(s) + ":" })
}

var luceneName = strings.NewReplacer(" ", `\ `, ":", `\:`, `\`, `\\`, "(", `\(`, ")", `\)`)

// luceneValue writes a value for a query: plainly if it can be.
func luceneValue(s string) string {
	plain := s != "" && s != "AND" && s != "OR" && s != "NOT"
	for _, r := range s {
		plain = plain && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_')
	}
	if plain {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// The keys of a rule that a reader of the cell looks for first, and those of its log
// source.
var (
	ruleKeys      = []string{"title: ", "id: ", "status: ", "description: ", "references:", "author: ", "date: ", "tags:", "logsource:", "detection:", "falsepositives:", "level: "}
	logSourceKeys = []string{"category: ", "product: ", "service: "}
	levels        = []string{"informational", "low", "medium", "high", "critical"}
)

// rule completes a Sigma rule: keys, fields of the data with modifiers, their values,
// and tags of ATT&CK.
func (c *completer) rule() {
	line := string(c.place.line)
	item := strings.TrimLeft(strings.TrimPrefix(strings.TrimLeft(line, " \t"), "- "), " ")
	indented := line != strings.TrimLeft(line, " \t-")
	switch section := c.section(); {
	case !indented && !strings.Contains(line, ":"):
		c.offer(line, ruleKeys...)
	case strings.HasPrefix(line, "level: "):
		c.offer(strings.TrimPrefix(line, "level: "), levels...)
	case section == "tags":
		for _, e := range attack.Tactics() {
			c.offer(item, "attack."+e.Short)
		}
		for _, e := range attack.Techniques() {
			c.offer(item, "attack."+strings.ToLower(e.ID))
		}
	case section == "logsource":
		c.offer(item, logSourceKeys...)
	case section == "detection":
		c.detection(item)
	}
}

// section is the top-level key above the cursor.
func (c *completer) section() string {
	for i := len(c.place.above) - 1; i >= 0; i-- {
		line := c.place.above[i]
		if line == "" || line[0] == ' ' || line[0] == '\t' || line[0] == '-' || line[0] == '#' {
			continue
		}
		name, _, _ := strings.Cut(line, ":")
		return name
	}
	return ""
}

func (c *completer) detection(item string) {
	key, value, isValue := strings.Cut(item, ":")
	field, modifiers, hasModifiers := strings.Cut(key, "|")
	switch {
	case isValue:
		c.values(field, strings.TrimLeft(value, " "), yamlValue)
	case hasModifiers:
		for _, m := range sigma.Modifiers() {
			c.offer(behindLast(modifiers, "|"), m.Name)
		}
	default:
		c.fields(item, func(s string) string { return s })
	}
}

// yamlValue writes a value as a rule holds it: wildcards are escaped, and quotes stand
// around what YAML would read otherwise.
func yamlValue(s string) string {
	plain := s != ""
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		plain = plain && (letter || r >= '0' && r <= '9' || i > 0 && (r == '.' || r == '_' || r == '-'))
	}
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		plain = false
	}
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(sigma.Text(s).String(), "'", "''") + "'"
}
