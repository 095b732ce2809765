package check

import (
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// Finding is one thing that a check found.
type Finding struct {
	*diag.Diagnostic
	// Edits repair it, nil when --fix leaves it to the author.
	Edits []Edit
}

// reporter takes findings of the check that is running.
type reporter struct {
	*source
	check    *Check
	findings []Finding
}

// report tells a finding that is about some characters of the file.
func (r *reporter) report(p diag.Pos, width int, message, hint string, edits ...Edit) {
	r.findings = append(r.findings, Finding{
		Diagnostic: &diag.Diagnostic{
			Code: r.check.Code, Severity: r.check.Severity, Message: message, Hint: hint,
			File: r.File, Pos: p, Width: max(width, 1),
		},
		Edits: edits,
	})
}

// reportText tells a finding about a scalar that is read as some text.
func (r *reporter) reportText(p diag.Pos, text, message, hint string, edits ...Edit) {
	r.report(p, r.width(p, text), message, hint, edits...)
}

// file is a file of rules.
type file struct {
	reporter
	// name is the file's own, folders are those above it, as far as the
	// user's path names them.
	name      string
	folders   []string
	documents []*document
}

func newFile(f *diag.File) *file {
	name := filepath.ToSlash(f.Path)
	return &file{
		reporter: reporter{source: newSource(f)},
		name:     path.Base(name),
		folders:  strings.Split(path.Dir(name), "/"),
	}
}

// document is a rule, a correlation or a filter of a file.
type document struct {
	*file
	kind string // "rule", "correlation", "filter"
	pos  diag.Pos
	// keys are those whose values could be read, flawed the names of others.
	keys      []sigma.Key
	flawed    map[string]bool
	rule      *sigma.Rule   // nil for a filter
	filter    *sigma.Filter // nil for a rule
	detection *sigma.Detection
	logSource sigma.LogSource
	meant     map[string]bool // as meantKeys says
}

func ruleDocument(f *file, r *sigma.Rule, flawed map[string]bool) *document {
	d := &document{file: f, kind: "rule", pos: r.Pos, rule: r, detection: &r.Detection, logSource: r.LogSource}
	if sigma.Find(r.Keys, "correlation") != nil {
		d.kind = "correlation"
	}
	return d.of(r.Keys, flawed)
}

func filterDocument(f *file, x *sigma.Filter, flawed map[string]bool) *document {
	d := &document{file: f, kind: "filter", pos: x.Pos, filter: x, detection: &x.Detection, logSource: x.LogSource}
	return d.of(x.Keys, flawed)
}

// of gives a document its keys. What is known of a log source with errors may be
// that of another one.
func (d *document) of(keys []sigma.Key, flawed map[string]bool) *document {
	d.flawed, d.meant = flawed, meantKeys(keys)
	for _, k := range keys {
		if !flawed[k.Name] {
			d.keys = append(d.keys, k)
		}
	}
	if flawed["logsource"] {
		d.logSource = sigma.LogSource{}
	}
	return d
}

// hasSection tells whether the parser found no error in what the document looks
// for.
func (d *document) hasSection() bool {
	return !d.flawed["detection"] && !d.flawed["filter"] && !d.flawed["correlation"]
}

// key returns the key of that name, nil when the document has none that could be
// read.
func (d *document) key(name string) *sigma.Key { return sigma.Find(d.keys, name) }

// text returns the text of a key and where it stands; "" without one.
func (d *document) text(name string) (string, diag.Pos) {
	if k := d.key(name); k != nil {
		return k.Text, k.Value
	}
	return "", diag.Pos{}
}

// entries are the texts of a list; one text stands for a list of one.
func (d *document) entries(name string) []sigma.Key {
	k := d.key(name)
	switch {
	case k == nil:
		return nil
	case k.Kind == sigma.Scalar:
		return []sigma.Key{{Pos: k.Value, Kind: sigma.Scalar, Value: k.Value, Text: k.Text}}
	}
	var out []sigma.Key
	for _, e := range k.Keys {
		if e.Kind == sigma.Scalar {
			out = append(out, e)
		}
	}
	return out
}

// reportKey tells a finding about a key's name.
func (d *document) reportKey(k *sigma.Key, message, hint string, edits ...Edit) {
	d.reportText(k.Pos, k.Name, message, hint, edits...)
}

// reportMissing tells that a document lacks a key, at its beginning.
func (d *document) reportMissing(message, hint string) {
	if k := d.key("title"); k != nil {
		d.reportKey(k, message, hint)
		return
	}
	d.report(d.pos, 1, message, hint)
}

// isMissing tells whether a key is not there, or has no value. One that is
// misspelt or could not be read is there: that is told already.
func (d *document) isMissing(name string) bool {
	if k := d.key(name); k != nil {
		return k.Kind == sigma.Empty || k.Kind == sigma.Scalar && strings.TrimSpace(k.Text) == "" || k.Kind == sigma.List && len(k.Keys) == 0
	}
	return !d.meant[name]
}

// meantKeys are the keys that names look like which are none of the
// specification's.
func meantKeys(keys []sigma.Key) map[string]bool {
	meant := map[string]bool{}
	for _, k := range keys {
		low := strings.ToLower(k.Name)
		meant[low] = true
		if name := misspelt(low); name != "" {
			meant[name] = true
		}
	}
	return meant
}

// inFolder tells whether the file lies below a folder of that name.
func (f *file) inFolder(name string) bool {
	for _, x := range f.folders {
		if x == name {
			return true
		}
	}
	return false
}

// item is a detection item and the search identifier that it stands in.
type item struct {
	*sigma.Item
	identifier *sigma.SearchIdentifier
}

// items calls f for all items of a detection whose values could be read, in their
// order.
func (d *document) items(f func(*item)) {
	var visit func(id *sigma.SearchIdentifier, s sigma.Search)
	visit = func(id *sigma.SearchIdentifier, s sigma.Search) {
		switch s := s.(type) {
		case *sigma.Item:
			if len(s.Values) > 0 {
				f(&item{s, id})
			}
		case *sigma.Group:
			for _, m := range s.Members {
				visit(id, m)
			}
		}
	}
	for i := range d.detection.Identifiers {
		id := &d.detection.Identifiers[i]
		visit(id, id.Body)
	}
}

// label is an item's key as it is written: "Image|endswith".
func (it *item) label() string {
	return strings.Join(append([]string{it.Field}, it.Modifiers...), "|")
}

// has tells whether the item has one of the modifiers.
func (it *item) has(modifiers ...string) bool {
	for _, m := range it.Modifiers {
		for _, name := range modifiers {
			if m == name {
				return true
			}
		}
	}
	return false
}

// modifier is the place of an item's modifier, by its index.
func (d *document) modifier(it *item, index int) (diag.Pos, int) {
	before := it.Field
	for _, m := range it.Modifiers[:index] {
		before += "|" + m
	}
	p := it.Pos.Shift(utf8.RuneCountInString(before) + 1)
	if t, ok := d.scalarOf(it.Pos, it.label()); ok && t.quote != 0 {
		p = p.Shift(1)
	}
	return p, utf8.RuneCountInString(it.Modifiers[index])
}

// withModifiers replaces the modifiers of an item's key; nil when it can't be
// edited.
func (d *document) withModifiers(it *item, modifiers []string) []Edit {
	return d.replace(it.Pos, it.label(), strings.Join(append([]string{it.Field}, modifiers...), "|"))
}

// written is the text of a value as it stands in the file, quotes and doubled
// quotes resolved.
func (d *document) written(it *item, i int) (string, bool) {
	s, isText := it.Written[i].(sigma.String)
	if !isText {
		return "", false
	}
	t, ok := d.scalar(it.Places[i])
	if !ok {
		return "", false
	}
	if t.quote != 0 {
		return t.text, equalPatterns(sigma.ParsePattern(t.text), s.Pattern)
	}
	// A plain scalar goes on as long as the pattern is the same.
	for _, at := range plainEnd.FindAllStringIndex(t.text, -1) {
		if text := t.text[:at[0]]; equalPatterns(sigma.ParsePattern(text), s.Pattern) {
			return text, true
		}
	}
	return "", false
}

// reportValue tells a finding about a value of an item.
func (d *document) reportValue(it *item, i int, message, hint string, edits ...Edit) {
	text, ok := d.written(it, i)
	if n, isNumber := it.Written[i].(sigma.Number); isNumber {
		text, ok = n.Text, true
	}
	width := 1
	if ok {
		width = d.width(it.Places[i], text)
	}
	d.report(it.Places[i], width, message, hint, edits...)
}

func equalPatterns(a, b sigma.Pattern) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
