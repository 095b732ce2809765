package runner

import (
	"errors"
	"fmt"
	"math/big"
	"os"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Parameter is a named value: nil, bool, *big.Int, float64, string, []any of values, or
// Parameters for a map.
type Parameter struct {
	Name  string
	Value any
}

// Parameters are values in the order in which they were given.
type Parameters []Parameter

// Set sets a value; that of a name that is there already is replaced in its place.
func (p *Parameters) Set(name string, value any) {
	for i := range *p {
		if (*p)[i].Name == name {
			(*p)[i].Value = value
			return
		}
	}
	*p = append(*p, Parameter{name, value})
}

var (
	integerText = regexp.MustCompile(`^[-+]?[0-9]+(_[0-9]+)*$`)
	floatText   = regexp.MustCompile(`(?i)^[-+]?([0-9]+(_[0-9]+)*\.?([0-9]+(_[0-9]+)*)?|\.[0-9]+(_[0-9]+)*)(e[-+]?[0-9]+(_[0-9]+)*)?$|^[-+]?(inf|infinity|nan)$`)
)

// pythonDigits is how many digits Python reads of a number.
const pythonDigits = 4300

// ParseValue reads the value of a command line as papermill does: True, False, None and
// what Python takes for a number are that, all else is text.
func ParseValue(text string) any {
	switch text {
	case "True":
		return true
	case "False":
		return false
	case "None":
		return nil
	}
	trimmed := strings.TrimSpace(text)
	plain := strings.ReplaceAll(trimmed, "_", "")
	if integerText.MatchString(trimmed) && len(trimmed) <= pythonDigits {
		if n, ok := new(big.Int).SetString(plain, 10); ok {
			return n
		}
	}
	if floatText.MatchString(trimmed) {
		// The error of a number that is too large comes with the infinity that
		// Python reads.
		f, _ := strconv.ParseFloat(plain, 64)
		return f
	}
	return text
}

const (
	// maxParameterFile bounds a file of parameters, in bytes.
	maxParameterFile = 1 << 20
	// maxValues bounds the values in it, those that aliases repeat included.
	maxValues = 100_000
)

// Read adds the parameters of a YAML or JSON file, a map of names to values, and reads
// values as papermill does (YAML 1.1, times as text); 22:30 stays text too.
func (p *Parameters) Read(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() > maxParameterFile {
		return fmt.Errorf("%s: %d bytes are too many for parameters", path, info.Size())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	y := yamlReader{}
	value, err := y.value(doc.Content[0])
	if err != nil {
		return fmt.Errorf("%s:%w", path, err)
	}
	read, ok := value.(Parameters)
	if !ok {
		return fmt.Errorf("%s: parameters are a map, names and their values: \"rows: 50\"", path)
	}
	for _, v := range read {
		p.Set(v.Name, v.Value)
	}
	return nil
}

// yamlReader makes values of YAML, and counts them.
type yamlReader struct{ values int }

func (y *yamlReader) value(n *yaml.Node) (any, error) {
	if y.values++; y.values > maxValues {
		return nil, fmt.Errorf("%d: more than %d values", n.Line, maxValues)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return y.value(n.Alias)
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			v, err := y.value(item)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		return y.mapping(n)
	}
	switch {
	case n.Style&yaml.TaggedStyle != 0 && n.ShortTag() != "!!str":
		return nil, fmt.Errorf("%d: the tag %s is not known", n.Line, n.Tag)
	case n.Style&(yaml.TaggedStyle|yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return n.Value, nil
	}
	return plainScalar(n.Value), nil
}

func (y *yamlReader) mapping(n *yaml.Node) (Parameters, error) {
	var out, merged Parameters
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("%d: a name must be text", key.Line)
		}
		v, err := y.value(value)
		if err != nil {
			return nil, err
		}
		if key.ShortTag() != "!!merge" {
			out.Set(key.Value, v)
			continue
		}
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, from := range list {
			m, ok := from.(Parameters)
			if !ok {
				return nil, fmt.Errorf("%d: << takes a map", key.Line)
			}
			for _, p := range m {
				merged.Set(p.Name, p.Value)
			}
		}
	}
	for _, p := range out {
		merged.Set(p.Name, p.Value)
	}
	return merged, nil
}

// The forms of YAML 1.1, as Python's reader takes them.
var (
	yamlTrue  = regexp.MustCompile(`^(yes|Yes|YES|true|True|TRUE|on|On|ON)$`)
	yamlFalse = regexp.MustCompile(`^(no|No|NO|false|False|FALSE|off|Off|OFF)$`)
	yamlNull  = regexp.MustCompile(`^(~|null|Null|NULL|)$`)
	yamlInt   = regexp.MustCompile(`^[-+]?(0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)$`)
	yamlFloat = regexp.MustCompile(`^([-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+][0-9]+)?|\.[0-9][0-9_]*([eE][-+][0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
)

func plainScalar(text string) any {
	plain := strings.ReplaceAll(text, "_", "")
	switch {
	case yamlTrue.MatchString(text):
		return true
	case yamlFalse.MatchString(text):
		return false
	case yamlNull.MatchString(text):
		return nil
	case yamlInt.MatchString(text):
		// Base 0 reads 0b and 0x, and a leading 0 as octal.
		if n, ok := new(big.Int).SetString(plain, 0); ok {
			return n
		}
	case yamlFloat.MatchString(text):
		plain = strings.Replace(strings.ToLower(plain), ".inf", "inf", 1)
		f, err := strconv.ParseFloat(strings.Replace(plain, ".nan", "nan", 1), 64)
		if err == nil || errors.Is(err, strconv.ErrRange) {
			return f
		}
	}
	return text
}
