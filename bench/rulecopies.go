package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// copyRules writes the rules of a folder into another one, each document edited, and
// removes what else is there. Copies of an earlier run are written over: see freshFolder.
func copyRules(from, to string, edit func(rule *yaml.Node)) error {
	if err := removeOthers(from, to); err != nil {
		return err
	}
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yml" {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		return copyRule(path, filepath.Join(to, name), edit)
	})
}

// removeOthers removes the files of a copy that the folder it is of does not have.
func removeOthers(from, to string) error {
	return filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // there is no copy yet
		}
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(to, path)
		if err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(from, name)); errors.Is(err, fs.ErrNotExist) {
			return os.Remove(path) //nolint:gosec // below our own folder
		}
		return nil
	})
}

func copyRule(from, to string, edit func(rule *yaml.Node)) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	w := yaml.NewEncoder(&out)
	for r := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var doc yaml.Node
		err := r.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		edit(doc.Content[0])
		if err := w.Encode(&doc); err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, out.Bytes(), 0o644)
}

// key returns the value of a key of a mapping, nil when it has none.
func key(m *yaml.Node, name string) *yaml.Node {
	for i := 0; m != nil && i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			return m.Content[i+1]
		}
	}
	return nil
}

// windowsOnly makes a rule one for every event of a Windows event log: the log source
// keeps nothing but the product. It is then the same to whoever ignores log sources.
func windowsOnly(rule *yaml.Node) {
	if source := key(rule, "logsource"); source != nil {
		source.Content = []*yaml.Node{
			{Kind: yaml.ScalarNode, Value: "product"}, {Kind: yaml.ScalarNode, Value: "windows"},
		}
	}
}

// letterClasses are letters that are about as frequent as one another.
var letterClasses = []string{"etaoin", "shrdlu", "cmwfgypb", "vkjxqz"}

// An alteration makes a rule another one that costs as much and asks for other texts:
// letters change places with letters that are about as frequent. Numbers stay, so the
// copy is called up by the same events.
type alteration struct {
	number  int
	letters *strings.Replacer
}

// newAlteration makes the alteration of a number; no two are alike.
func newAlteration(number int) *alteration {
	var pairs []string
	for class, letters := range letterClasses {
		order := []byte(letters)
		seed := sha256.Sum256([]byte{byte(number), byte(number >> 8), byte(class)})
		for i := len(order) - 1; i > 0; i-- {
			j := int(seed[i]) % (i + 1)
			order[i], order[j] = order[j], order[i]
		}
		for i, letter := range order {
			from, to := string(letter), string(order[(i+1)%len(order)])
			pairs = append(pairs, from, to, strings.ToUpper(from), strings.ToUpper(to))
		}
	}
	return &alteration{number, strings.NewReplacer(pairs...)}
}

// rule alters a rule: its title and id, and each search so that it finds nothing which
// the original's finds.
func (a *alteration) rule(rule *yaml.Node) {
	if title := key(rule, "title"); title != nil {
		setText(title, fmt.Sprintf("%s (copy %d)", title.Value, a.number))
	}
	if id := key(rule, "id"); id != nil {
		setText(id, uuid(sha256.Sum256(fmt.Appendf(nil, "%s %d", id.Value, a.number))))
	}
	detection := key(rule, "detection")
	for i := 0; detection != nil && i+1 < len(detection.Content); i += 2 {
		if name := detection.Content[i].Value; name != "condition" && name != "timeframe" {
			a.search(detection.Content[i+1])
		}
	}
}

// uuid writes a digest as a random UUID.
func uuid(sum [32]byte) string {
	sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// search alters a search identifier: a mapping, whose items must all hold, or a list of
// such mappings or of keywords, of which one must.
func (a *alteration) search(n *yaml.Node) {
	switch n.Kind {
	case yaml.SequenceNode:
		for _, x := range n.Content {
			a.search(x)
		}
	case yaml.ScalarNode:
		a.text(n)
	case yaml.MappingNode:
		altered := false
		for i := 0; i+1 < len(n.Content); i += 2 {
			altered = a.item(n.Content[i], n.Content[i+1]) || altered
		}
		if altered {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			a.force(n.Content[i], n.Content[i+1])
		}
	}
}

// item alters the values of a field, and tells whether none is as it was.
func (a *alteration) item(field, value *yaml.Node) bool {
	switch modifiers := strings.Split(field.Value, "|")[1:]; {
	case slices.ContainsFunc(modifiers, noText):
		return false
	case slices.Contains(modifiers, "re"):
		for _, v := range scalars(value) {
			setText(v, "(?:"+v.Value+")"+a.letters.Replace("tion"))
		}
		return true
	}
	altered := true
	for _, v := range scalars(value) {
		altered = a.text(v) && altered
	}
	return altered
}

// noText tells a modifier whose values are no texts to look for.
func noText(modifier string) bool {
	return slices.Contains([]string{"cidr", "fieldref", "exists", "expand", "gt", "gte", "lt", "lte"}, modifier)
}

// text alters a text, and tells whether it had letters to alter.
func (a *alteration) text(n *yaml.Node) bool {
	if n.ShortTag() != "!!str" {
		return false
	}
	text := a.letters.Replace(n.Value)
	if text == n.Value {
		return false
	}
	setText(n, text)
	return true
}

// force gives a field values that no event has, where nothing else can be altered.
func (a *alteration) force(field, value *yaml.Node) {
	if name := strings.Split(field.Value, "|"); slices.ContainsFunc(name[1:], noText) {
		setText(field, name[0])
	}
	for _, v := range scalars(value) {
		if v.ShortTag() == "!!int" {
			v.Value = fmt.Sprintf("%d000000%s", a.number, v.Value)
			continue
		}
		setText(v, a.letters.Replace("nothing of the kind"))
	}
}

func scalars(n *yaml.Node) []*yaml.Node {
	if n.Kind == yaml.SequenceNode {
		return n.Content
	}
	return []*yaml.Node{n}
}

// setText makes a node a text, quoted, since it may look like something else.
func setText(n *yaml.Node, text string) {
	*n = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: text}
}
