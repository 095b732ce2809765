package runner

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/huntbook/huntbook/kernel/syntax"
	"github.com/huntbook/huntbook/notebook"
)

// language says how values are written in a language. The forms are papermill's,
// wherever those are literals of the language.
type language struct {
	comment, assign string // formats
	null            string
	yes, no         string
	infinity, nan   string
	// integer writes a whole number, and tells whether that is exactly it; nil for
	// digits.
	integer func(*big.Int) (string, bool)
	text    func(string) string
	// without are characters that no text can hold.
	without string
	// list and pair are formats; none means that there are no lists or maps.
	list, dict, pair string
	// named tells that names in maps can't be empty.
	named bool
	// name makes a name of the language of a parameter's, nil when all are.
	name func(string) string
}

var languages = map[string]*language{
	"python": {
		comment: "# %s", assign: "%s = %s", null: "None", yes: "True", no: "False", infinity: "float('%sinf')", nan: "float('nan')",
		integer: pythonInteger, text: escaped(notebook.PythonEscape), list: "[%s]", dict: "{%s}", pair: "%s: %s",
	},
	"r": {
		comment: "# %s", assign: "%s = %s", null: "NULL", yes: "TRUE", no: "FALSE", infinity: "%sInf", nan: "NaN",
		integer: rInteger, text: escaped(notebook.REscape), without: "\x00", list: "list(%s)", dict: "list(%s)", pair: "%s = %s", named: true,
		// A name of R does not begin with _.
		name: func(s string) string { return strings.TrimLeft(s, "_") },
	},
	"scala": {
		comment: "// %s", assign: "val %s = %s", null: "None", yes: "true", no: "false", infinity: "Double.%sInfinity", nan: "Double.NaN",
		integer: scalaInteger, text: escaped(scalaEscape), list: "Seq(%s)", dict: "Map(%s)", pair: "%s -> %s",
	},
	Own: {comment: "# %s", assign: "%s = %s", text: syntax.QuoteValue},
}

// kernelLanguages are kernels whose language has another name.
var kernelLanguages = map[string]string{"pysparkkernel": "python", "sparkkernel": "scala", "sparkrkernel": "r"}

func findLanguage(kernelName, name string) (*language, error) {
	name = strings.ToLower(name)
	if l, ok := kernelLanguages[kernelName]; ok {
		name = l
	}
	if l := languages[name]; l != nil {
		return l, nil
	}
	return nil, fmt.Errorf("parameters can't be written in the language %q of the kernel %s", name, kernelName)
}

// cell is the source of the cell that sets parameters.
func (l *language) cell(parameters Parameters) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, l.comment+"\n", "Parameters")
	for _, p := range parameters {
		value, err := l.value(p.Value)
		if err != nil {
			return "", fmt.Errorf("parameter %q: %w", p.Name, err)
		}
		name := p.Name
		if l.name != nil {
			name = l.name(name)
		}
		fmt.Fprintf(&b, l.assign+"\n", name, value)
	}
	return b.String(), nil
}

func (l *language) value(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return orNone(l.null, "no value")
	case bool:
		if v {
			return orNone(l.yes, "true")
		}
		return orNone(l.no, "false")
	case *big.Int:
		if l.integer == nil {
			return v.String(), nil
		}
		if text, exact := l.integer(v); exact {
			return text, nil
		}
		return orNone("", "a number of so many digits")
	case float64:
		return l.float(v)
	case string:
		return l.quoted(v)
	case []any:
		var items []string
		for _, item := range v {
			text, err := l.value(item)
			if err != nil {
				return "", err
			}
			items = append(items, text)
		}
		return within(l.list, items, "a list")
	case Parameters:
		var items []string
		for _, p := range v {
			if p.Name == "" && l.named {
				return orNone("", "an empty name in a map")
			}
			name, err := l.quoted(p.Name)
			if err != nil {
				return "", err
			}
			text, err := l.value(p.Value)
			if err != nil {
				return "", err
			}
			items = append(items, fmt.Sprintf(l.pair, name, text))
		}
		return within(l.dict, items, "a map")
	}
	return "", fmt.Errorf("a value of type %T", v)
}

func (l *language) quoted(s string) (string, error) {
	for _, r := range l.without {
		if strings.ContainsRune(s, r) {
			return orNone("", fmt.Sprintf("a text with the character %U", r))
		}
	}
	return l.text(s), nil
}

func orNone(literal, what string) (string, error) {
	if literal == "" {
		return "", fmt.Errorf("the kernel's language has no way to write %s", what)
	}
	return literal, nil
}

func within(format string, items []string, what string) (string, error) {
	if format == "" {
		return orNone("", what)
	}
	return fmt.Sprintf(format, strings.Join(items, ", ")), nil
}

func (l *language) float(f float64) (string, error) {
	switch {
	case math.IsNaN(f):
		return orNone(l.nan, "a number that is none")
	case math.IsInf(f, 0) && l.infinity == "":
		return orNone("", "an infinite number")
	case math.IsInf(f, 1) && strings.HasPrefix(l.infinity, "Double."):
		return fmt.Sprintf(l.infinity, "Positive"), nil
	case math.IsInf(f, -1) && strings.HasPrefix(l.infinity, "Double."):
		return fmt.Sprintf(l.infinity, "Negative"), nil
	case math.IsInf(f, 1):
		return fmt.Sprintf(l.infinity, ""), nil
	case math.IsInf(f, -1):
		return fmt.Sprintf(l.infinity, "-"), nil
	}
	return pythonFloat(f), nil
}

// pythonFloat writes a number as Python's repr does.
func pythonFloat(f float64) string {
	s := strconv.FormatFloat(f, 'e', -1, 64)
	exponent, _ := strconv.Atoi(s[strings.IndexByte(s, 'e')+1:])
	if exponent < -4 || exponent >= 16 {
		return s
	}
	s = strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// scalaEscape writes a character outside of the first plane as two.
func scalaEscape(r rune) string {
	if r < 0x10000 {
		return fmt.Sprintf(`\u%04x`, r)
	}
	high, low := utf16.EncodeRune(r)
	return fmt.Sprintf(`\u%04x\u%04x`, high, low)
}

// escaped writes text in double quotes, what is not printable ASCII by escape, as
// papermill does.
func escaped(escape func(rune) string) func(string) string {
	plain := func(r rune) bool { return r >= 0x20 && r < 0x7f }
	return func(s string) string { return notebook.Quote(s, plain, escape) }
}

// pythonInteger knows that Python reads no more digits.
func pythonInteger(n *big.Int) (string, bool) {
	text := n.String()
	return text, len(text) <= pythonDigits
}

// rInteger knows that a number of R without a point is a float64 all the same.
func rInteger(n *big.Int) (string, bool) {
	_, accuracy := new(big.Float).SetInt(n).Float64()
	return n.String(), accuracy == big.Exact
}

func scalaInteger(n *big.Int) (string, bool) {
	if n.IsInt64() && n.Int64() == int64(int32(n.Int64())) {
		return n.String(), true
	}
	return n.String() + "L", n.IsInt64()
}
