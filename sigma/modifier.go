package sigma

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Modifier is one value modifier (specification 2.1.0, appendix "Sigma
// Modifiers"). Exactly one of value and item is set.
type Modifier struct {
	Name string
	// Prose is one sentence; Example a detection item.
	Prose, Example string

	// value changes one value, item the whole detection item.
	value func(operand) (Value, error)
	item  func(*Item, []operand) ([]operand, error)
}

// operand is a value on its way through the modifiers. Written is the text of
// the rule, "" once a modifier has changed it.
type operand struct {
	Value
	written string
	at      *yaml.Node
}

// Modifiers lists all modifiers by topic. A new one is a variable in a file of
// its own and a place in this list.
func Modifiers() []Modifier { return modifiers }

var modifiers = []Modifier{
	modContains, modStartsWith, modEndsWith,
	modAll, modCased, modNeq, modExists,
	modWindash,
	modRe, modReI, modReM, modReS,
	modBase64, modBase64Offset, modUTF16LE, modUTF16BE, modUTF16, modWide,
	modLt, modLte, modGt, modGte,
	modMinute, modHour, modDay, modWeek, modMonth, modYear,
	modCIDR, modExpand, modFieldRef,
}

var modifierByName = func() map[string]*Modifier {
	m := map[string]*Modifier{}
	for i := range modifiers {
		m[modifiers[i].Name] = &modifiers[i]
	}
	return m
}()

func modifierNames() []string {
	names := make([]string, len(modifiers))
	for i, m := range modifiers {
		names[i] = m.Name
	}
	return names
}

// maxValues bounds what the modifiers of one item may make of its values.
const maxValues = 20_000

// applyModifiers fills an item's Written and Values; errors point at the key
// or at the value.
func (p *parser) applyModifiers(item *Item, key *yaml.Node, nodes []*yaml.Node) {
	ops := make([]operand, len(nodes))
	for i, n := range nodes {
		v := scalar(n)
		item.Written = append(item.Written, v)
		item.Places = append(item.Places, pos(n))
		ops[i] = operand{v, n.Value, n}
	}
	column := len([]rune(item.Field)) + 1
	for _, name := range item.Modifiers {
		m := modifierByName[name]
		if m == nil {
			d := p.errorf(key, "unknown-modifier", "unknown modifier %q", name)
			d.Pos, d.Width = d.Pos.Shift(column+quoted(key)), len([]rune(name))
			if d.Hint = Suggest(name, modifierNames()); d.Hint == "" {
				d.Hint = "known are " + strings.Join(modifierNames(), ", ")
			}
			return
		}
		column += len([]rune(name)) + 1
		if !p.applyModifier(m, item, key, &ops) {
			return
		}
	}
	for _, o := range ops {
		if err := checkFinal(o.Value); err != nil {
			p.errorf(o.at, "modifier-value", "%v", err)
			return
		}
		item.Values = append(item.Values, o.Value)
	}
}

// quoted is 1 when the scalar stands in quotes, which its column counts.
func quoted(n *yaml.Node) int {
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		return 1
	}
	return 0
}

func (p *parser) applyModifier(m *Modifier, item *Item, key *yaml.Node, ops *[]operand) bool {
	if m.item != nil {
		out, err := m.item(item, *ops)
		var soft warning
		switch {
		case errors.As(err, &soft):
			p.warnf(key, soft.code, "modifier %s: %v", m.Name, err)
		case err != nil:
			p.errorf(key, "modifier", "modifier %s: %v", m.Name, err)
			return false
		}
		*ops = out
		return true
	}
	total := 0
	for i, o := range *ops {
		v, err := eachForm(m, o)
		if err != nil {
			p.errorf(o.at, "modifier", "modifier %s: %v", m.Name, err)
			return false
		}
		(*ops)[i] = operand{v, "", o.at}
		if alt, ok := v.(Alternatives); ok {
			total += len(alt)
		}
	}
	if total > maxValues {
		p.errorf(key, "modifier", "modifier %s makes %d values of these, more than %d", m.Name, total, maxValues)
		return false
	}
	return true
}

// eachForm applies a modifier to a value, or to each of its alternatives.
func eachForm(m *Modifier, o operand) (Value, error) {
	alternatives, ok := o.Value.(Alternatives)
	if !ok {
		return m.value(o)
	}
	var out Alternatives
	for _, a := range alternatives {
		v, err := m.value(operand{Value: a, at: o.at})
		if err != nil {
			return nil, err
		}
		if more, ok := v.(Alternatives); ok {
			out = append(out, more...)
		} else {
			out = append(out, v)
		}
	}
	return out, nil
}

// warning is an error that leaves the rule usable.
type warning struct{ code, text string }

func (w warning) Error() string { return w.text }

// checkFinal refuses values that only make sense between two modifiers.
func checkFinal(v Value) error {
	switch v := v.(type) {
	case Alternatives:
		for _, a := range v {
			if err := checkFinal(a); err != nil {
				return err
			}
		}
	case String:
		for _, t := range v.Pattern {
			if t.Kind == Literal && !validText(t.Text) {
				return errors.New("the encoded value is not text; add base64 or base64offset after the UTF-16 modifier")
			}
		}
	}
	return nil
}

// stringOf is the pattern of a value that is text or can be read as text.
func stringOf(v Value) (String, error) {
	switch v := v.(type) {
	case String:
		return v, nil
	case Number:
		return String{Pattern: Text(v.Text)}, nil
	case Bool:
		return String{Pattern: Text(fmt.Sprint(bool(v)))}, nil
	}
	return String{}, fmt.Errorf("takes text, not %s", valueName(v))
}

// plainOf is the text of a value without wildcards.
func plainOf(v Value) (string, error) {
	s, err := stringOf(v)
	if err != nil {
		return "", err
	}
	text, ok := s.Pattern.Plain()
	if !ok && len(s.Pattern.Placeholders()) > 0 {
		return "", errors.New("takes text, not a placeholder; write it before expand, or give the placeholder's values as they are needed here")
	}
	if !ok {
		return "", errors.New("takes text without wildcards; a wildcard modifier such as contains comes after it")
	}
	return text, nil
}

// valueName names a kind of value as a sentence needs it.
func valueName(v Value) string {
	switch v.(type) {
	case String:
		return "text"
	case Number:
		return "a number"
	case Bool:
		return "true or false"
	case Null:
		return "null"
	case Regexp:
		return "a regular expression"
	case CIDR:
		return "a network"
	case Compare:
		return "a comparison"
	case Exists:
		return "an existence test"
	case FieldRef:
		return "a field reference"
	case TimePart:
		return "a part of a time"
	}
	return "several values"
}
