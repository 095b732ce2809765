package pipeline

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/sigma"
)

// formatPart is a piece of a format string in Python's notation: a text, or the
// path of a value to put there, such as rule.title or pipeline.state[index].
type formatPart struct {
	text string
	path []string
}

// root is the first name of a path, "" for a text.
func (p formatPart) root() string {
	if len(p.path) == 0 {
		return ""
	}
	return p.path[0]
}

// format reads a format string. Names are all that it may hold: Python's
// conversions and format specifications are refused.
func (r *reader) format(n *yaml.Node, s string, roots ...string) []formatPart {
	var parts []formatPart
	text := ""
	for len(s) > 0 {
		i := strings.IndexAny(s, "{}")
		if i < 0 {
			text, s = text+s, ""
			break
		}
		text += s[:i]
		if s = s[i:]; strings.HasPrefix(s, "{{") || strings.HasPrefix(s, "}}") {
			text, s = text+s[:1], s[2:]
			continue
		}
		end := strings.IndexByte(s, '}')
		if s[0] == '}' || end < 0 {
			r.errorf(n, "format", "a brace stands alone in the format").Hint = "write {{ or }} for a brace"
			return nil
		}
		path, err := readPath(s[1:end])
		if err == nil {
			err = checkPath(path, roots)
		}
		if err != nil {
			r.errorf(n, "format", "{%s}: %v", s[1:end], err)
			return nil
		}
		parts = append(parts, formatPart{text: text}, formatPart{path: path})
		text, s = "", s[end+1:]
	}
	return append(parts, formatPart{text: text})
}

// readPath reads "name.name[key]" into its names.
func readPath(s string) ([]string, error) {
	var path []string
	rest := s
	for first := true; first || rest != ""; first = false {
		var name string
		switch {
		case strings.HasPrefix(rest, "["):
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return nil, fmt.Errorf("a bracket is never closed")
			}
			name, rest = strings.Trim(rest[1:end], `"'`), rest[end+1:]
		default:
			if !first {
				if rest[0] != '.' {
					return nil, fmt.Errorf("only names, dots and brackets may stand here")
				}
				rest = rest[1:]
			}
			end := strings.IndexFunc(rest, func(c rune) bool { return !isNameRune(c) })
			if end < 0 {
				end = len(rest)
			}
			name, rest = rest[:end], rest[end:]
		}
		if name == "" {
			return nil, fmt.Errorf("a name is missing")
		}
		path = append(path, name)
	}
	return path, nil
}

func isNameRune(c rune) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// checkPath refuses names that are never there. Keys of the state, of variables
// and of a rule's own attributes can't be known before.
func checkPath(path, roots []string) error {
	if !slices.Contains(roots, path[0]) {
		return unknownName(path[0], roots)
	}
	known := map[string][]string{"rule": ruleNames, "pipeline": {"name", "state", "vars"}}[path[0]]
	if len(path) > 1 && known != nil && !slices.Contains(known, path[1]) {
		return unknownName(path[1], known)
	}
	return nil
}

func unknownName(name string, known []string) error {
	hint := sigma.Suggest(name, known)
	if hint == "" {
		hint = "known are " + strings.Join(known, ", ")
	}
	return fmt.Errorf("unknown name %q; %s", name, hint)
}

// ruleNames are the attributes of a rule that templates can read.
var ruleNames = []string{
	"author", "custom_attributes", "date", "description", "falsepositives", "fields", "id", "level", "license", "logsource",
	"modified", "name", "references", "scope", "status", "tags", "taxonomy", "title",
}

// ruleValues are what templates can read of a rule. Absent texts are "".
func (d *draft) ruleValues() map[string]any {
	custom := map[string]any{}
	for _, c := range d.rule.Custom {
		custom[c.Key] = c.Value
	}
	maps.Copy(custom, d.custom)
	values := map[string]any{
		"custom_attributes": custom,
		"logsource":         map[string]any{"category": d.source.Category, "product": d.source.Product, "service": d.source.Service, "definition": d.source.Definition},
	}
	for _, name := range ruleNames {
		if _, ok := values[name]; !ok {
			values[name], _ = d.ruleAttribute(name)
		}
	}
	return values
}

// valueAt follows a path; false when a name on it is not there.
func valueAt(values map[string]any, path []string) (any, bool) {
	var at any = values
	for _, name := range path {
		m, ok := at.(map[string]any)
		if !ok {
			return nil, false
		}
		if at, ok = m[name]; !ok {
			return nil, false
		}
	}
	return at, true
}

// textOf is a value as text: lists and maps are JSON.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []string, []any, map[string]any:
		return jsonText(v)
	}
	return fmt.Sprint(v)
}

func jsonText(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}
