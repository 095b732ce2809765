package sigma

import (
	"regexp"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
)

// Broken is a document with errors, as far as it could be read: for messages about
// the file, never to be run.
type Broken struct {
	// One of them is set; neither where nothing but Text could be read.
	Rule   *Rule
	Filter *Filter
	// Flawed are the keys whose values were not read whole, and those that are
	// missing where the document can't do without.
	Flawed map[string]bool
	Text   string
}

// flaws are the keys of a document in which reading found errors.
type flaws struct {
	// keys are all of them; unread are those whose YAML is so broken that what
	// would be read of it says nothing.
	keys, unread map[string]bool
}

// flawsOf finds the keys that errors of the YAML are about; a key that stands
// twice is read as its first.
func flawsOf(root *yaml.Node, shift int, errs diag.List) flaws {
	f := flaws{map[string]bool{}, map[string]bool{}}
	for _, d := range errs {
		name := ""
		for i := 0; i+1 < len(root.Content); i += 2 {
			if k := root.Content[i]; k.Line+shift < d.Pos.Line || k.Line+shift == d.Pos.Line && k.Column <= d.Pos.Column {
				name = k.Value
			}
		}
		f.keys[name] = true
		if d.Code != "duplicate-key" {
			f.unread[name] = true
		}
	}
	return f
}

// reading calls f, and marks keys as flawed where it finds errors.
func (p *parser) reading(f func(), keys ...string) {
	before := len(p.diags)
	f()
	if p.diags[before:].HasErrors() {
		for _, k := range keys {
			p.flaws.keys[k] = true
		}
	}
}

// lostAction finds the action of a document that YAML could not read.
var lostAction = regexp.MustCompile(`(?m)^action:[ \t]*['"]?(global|reset|repeat)\b`)

// lose says that a document could not be read: rules that would be made of it
// too can't be.
func (c *collection) lose(text string) {
	c.previous, c.previousLost = nil, true
	if m := lostAction.FindStringSubmatch(text); m != nil {
		c.began = true
		c.globalLost = m[1] == "global" || c.globalLost && m[1] != "reset"
	}
}
