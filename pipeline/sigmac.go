package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// Config is a sigmac configuration: field mappings, and log sources with
// conditions, indices and rewrites.
type Config struct {
	// ID is the built-in name or the path.
	ID, Title string
	// Order is sigmac's order: lower applies first.
	Order    int
	Backends []string

	sources  []logSource
	defaults []string
	// merging is "and", "or" or "" when the file does not say.
	merging  string
	mappings map[string]fieldNames
}

// logSource is a log source definition. It matches a rule's log source when
// every part that it names is the same.
type logSource struct {
	name       string
	match      sigma.LogSource
	index      []string
	conditions node // nil when there are none
	search     string
	rewrite    *sigma.LogSource
}

// LoadSigmac reads a sigmac configuration from a file, or the built-in one of
// that name, for a target of these names; none is for any. Errors are as those of
// Load; a configuration that is for other targets is a *NotForError.
func LoadSigmac(nameOrPath string, target ...string) (*Config, error) {
	file, err := find(nameOrPath, builtinConfigs)
	if err != nil {
		return nil, err
	}
	c, err := ParseSigmac(nameOrPath, file)
	if err != nil {
		return nil, err
	}
	if len(target) > 0 {
		if err := c.allows(target); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// sigmacKeys are the keys that mean something here. Others belonged to single
// backends of sigmac and are left alone, unless they look like a slip.
var sigmacKeys = []string{"title", "order", "backends", "logsources", "logsourcemerging", "defaultindex", "fieldmappings"}

// ParseSigmac reads a sigmac configuration from a file's text.
func ParseSigmac(id string, file *diag.File) (*Config, error) {
	r := &reader{file: file, lenient: true}
	root := r.root()
	if root == nil {
		return nil, r.diags
	}
	if lookup(root, "transformations") != nil {
		return nil, fmt.Errorf("%s is a pipeline: give it with -p", file.Path)
	}
	r.slips(root, sigmacKeys)
	d := dict{r, root, "a sigmac configuration"}
	c := &Config{ID: id, Title: d.text("title"), Order: d.number("order"), Backends: d.texts("backends"), defaults: d.texts("defaultindex")}
	c.merging = strings.ToLower(d.text("logsourcemerging"))
	if !slices.Contains([]string{"", "and", "or"}, c.merging) {
		r.errorf(d.get("logsourcemerging"), "merging", "logsourcemerging must be and or or, this is %q", c.merging)
	}
	c.sources = r.logSources(d.get("logsources"))
	c.mappings = r.fieldMappings(d.get("fieldmappings"))
	if err := r.diags.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

// slips reports unknown keys that look like a misspelt known one.
func (r *reader) slips(n *yaml.Node, known []string) {
	for i := 0; i < len(n.Content); i += 2 {
		k := n.Content[i]
		if hint := sigma.Suggest(k.Value, known); hint != "" && len(k.Value) > 5 && !slices.Contains(known, k.Value) {
			r.errorf(k, "unknown-key", "unknown key %q", k.Value).Hint = hint
		}
	}
}

func (r *reader) logSources(n *yaml.Node) []logSource {
	if n == nil || isNull(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.errorf(n, "not-a-map", "logsources must be a map, this is %s", kindName(n))
		return nil
	}
	var out []logSource
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if v.Kind != yaml.MappingNode {
			r.errorf(v, "not-a-map", "log source %s must be a map, this is %s", k.Value, kindName(v))
			continue
		}
		d := dict{r, v, "log source " + k.Value}
		ls := logSource{name: k.Value, match: readLogSource(d), index: d.texts("index"), search: d.text("search")}
		if ls.match == (sigma.LogSource{}) {
			r.errorf(k, "no-match", "log source %s names no category, product or service: it never matches", k.Value)
		}
		if c := d.get("conditions"); c != nil && !isNull(c) {
			ls.conditions = d.conditions("conditions")
		}
		if w := d.get("rewrite"); w != nil && !isNull(w) {
			if rd, ok := r.dict(w, "rewrite of log source "+k.Value, "category", "product", "service"); ok {
				to := readLogSource(rd)
				ls.rewrite = &to
			}
		}
		out = append(out, ls)
	}
	return out
}

func (r *reader) fieldMappings(n *yaml.Node) map[string]fieldNames {
	if n == nil || isNull(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.errorf(n, "not-a-map", "fieldmappings must be a map, this is %s", kindName(n))
		return nil
	}
	out := map[string]fieldNames{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if isNull(v) {
			out[k.Value] = fieldNames{names: []string{k.Value}}
		} else {
			out[k.Value] = r.fieldNames(k, v)
		}
	}
	return out
}

func (c *Config) order() int { return c.Order }

func (c *Config) allows(target []string) error {
	return allows("configuration", c.ID, c.Backends, target)
}
