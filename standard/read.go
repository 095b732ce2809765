package standard

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
)

// definition is a standard's file.
type definition struct {
	Title       string                       `yaml:"title"`
	Description string                       `yaml:"description"`
	Pipeline    string                       `yaml:"pipeline"`
	Original    string                       `yaml:"original"`
	Index       indexNames                   `yaml:"index"`
	Logs        map[string][]string          `yaml:"logs"`
	OtherLogs   string                       `yaml:"other_logs"`
	Time        timeFields                   `yaml:"time"`
	Drop        dropped                      `yaml:"drop"`
	Lowercase   []string                     `yaml:"lowercase"`
	Fields      renames                      `yaml:"fields"`
	Events      []eventBlock                 `yaml:"events"`
	Unnamed     string                       `yaml:"unnamed"`
	Misfits     string                       `yaml:"misfits"`
	Rewrite     map[string]string            `yaml:"rewrite"`
	Pairs       []pairs                      `yaml:"pairs"`
	Derived     []derivation                 `yaml:"derived"`
	Tables      map[string]map[string]string `yaml:"tables"`
	Types       map[string][]string          `yaml:"types"`
	Template    template                     `yaml:"template"`
}

type indexNames struct {
	Windows string `yaml:"windows"`
	Other   string `yaml:"other"`
}

type timeFields struct {
	Fields   []string `yaml:"fields"`
	Received string   `yaml:"received"`
}

type dropped struct {
	Values []string `yaml:"values"`
	Fields []string `yaml:"fields"`
}

type eventBlock struct {
	Logs   []string       `yaml:"logs"`
	IDs    []string       `yaml:"ids"`
	Fields renames        `yaml:"fields"`
	Set    map[string]any `yaml:"set"`
}

type pairs struct {
	Field   string            `yaml:"field"`
	Logs    []string          `yaml:"logs"`
	IDs     []string          `yaml:"ids"`
	Between string            `yaml:"between"`
	Equals  string            `yaml:"equals"`
	To      map[string]string `yaml:"to"`
}

type derivation struct {
	From string `yaml:"from"`
	To   string `yaml:"to"`
	Take string `yaml:"take"`
}

type template struct {
	Settings map[string]any `yaml:"settings"`
	Text     map[string]any `yaml:"text"`
}

// rename says what a field becomes; no names leave it out.
type rename struct {
	field string
	names []string
}

// renames keeps the order of the file.
type renames []rename

// UnmarshalYAML reads a map from a field to a name, a list of names, or null.
func (r *renames) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: fields must be a map from a field to a name, a list of names or null", n.Line)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		one := rename{field: k.Value}
		switch {
		case v.Kind == yaml.ScalarNode && v.ShortTag() == "!!null":
		case v.Kind == yaml.ScalarNode:
			one.names = []string{v.Value}
		default:
			if err := v.Decode(&one.names); err != nil {
				return fmt.Errorf("line %d: %s must become a name, a list of names or null", v.Line, k.Value)
			}
		}
		if slices.ContainsFunc(*r, func(o rename) bool { return o.field == one.field }) {
			return fmt.Errorf("line %d: %s stands here twice", k.Line, k.Value)
		}
		*r = append(*r, one)
	}
	return nil
}

// Parse reads a standard from a file's text. What is wrong in it is a diag.List.
func Parse(id string, file *diag.File) (*Standard, error) {
	var def definition
	d := yaml.NewDecoder(bytes.NewReader(file.Data))
	d.KnownFields(true)
	if err := d.Decode(&def); err != nil && !errors.Is(err, io.EOF) {
		return nil, readErrors(file, err)
	}
	s := &Standard{ID: id, Title: def.Title, Description: def.Description, Pipeline: def.Pipeline, def: def}
	var list diag.List
	for _, wrong := range s.index() {
		list = append(list, &diag.Diagnostic{Code: "standard", Severity: diag.Error, Message: wrong, File: file})
	}
	if err := list.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

var errorLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)

// readErrors makes what the YAML reader says into messages with positions.
func readErrors(file *diag.File, err error) error {
	messages := []string{err.Error()}
	var several *yaml.TypeError
	if errors.As(err, &several) {
		messages = several.Errors
	}
	var list diag.List
	for _, m := range messages {
		d := &diag.Diagnostic{Code: "standard", Severity: diag.Error, Message: strings.TrimPrefix(m, "yaml: "), File: file}
		if at := errorLine.FindStringSubmatch(m); at != nil {
			line, _ := strconv.Atoi(at[1])
			d.Pos, d.Message = diag.Pos{Line: line, Column: 1}, m[len(at[0]):]
		}
		d.Message = strings.NewReplacer("in type standard.definition", "in a standard", "in type standard.", "in a standard's ").Replace(d.Message)
		list = append(list, d)
	}
	return list
}

var indexName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)

// index builds what is looked up by name, and returns what is wrong.
func (s *Standard) index() []string {
	var wrong []string
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	def := &s.def
	if def.Title == "" {
		bad("a standard needs a title")
	}
	for _, name := range []string{def.Index.Windows, def.Index.Other} {
		if plain := strings.NewReplacer("{log}", "log", "{date}", "date").Replace(name); !indexName.MatchString(plain) {
			bad("index: %q is no name of an index; windows and other need one each, in lower case, with {log} and {date} in it", name)
		}
	}
	s.channels = map[string]channel{}
	for _, log := range slices.Sorted(maps.Keys(def.Logs)) {
		for _, name := range append([]string{log, def.OtherLogs}, nil...) {
			if !indexName.MatchString(name) {
				bad("logs: %q stands in names of indices: lower case letters, digits, dots and dashes", name)
			}
		}
		for _, c := range def.Logs[log] {
			if other, again := s.channels[strings.ToLower(c)]; again {
				bad("logs: the channel %s is in %s and in %s", c, other.log, log)
			}
			s.channels[strings.ToLower(c)] = channel{log, c}
		}
	}
	known := func(where string, logs []string) {
		for _, l := range logs {
			if _, ok := def.Logs[l]; !ok && l != def.OtherLogs {
				bad("%s: there is no log %q under logs", where, l)
			}
		}
	}
	for _, b := range def.Events {
		known("events", b.Logs)
	}
	for _, p := range def.Pairs {
		known("pairs of "+p.Field, p.Logs)
		if p.Field == "" || p.Between == "" || p.Equals == "" || len(p.To) == 0 {
			bad("pairs: each entry needs field, between, equals and to")
		}
	}
	for _, d := range def.Derived {
		if d.From == "" || d.To == "" {
			bad("derived: each entry needs from, to and take")
		}
		if _, ok := s.take(d.Take); !ok {
			bad("derived: %s: there is no function and no table %q; functions are %s", d.To, d.Take, functionNames())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(def.Rewrite)) {
		if _, ok := s.take(def.Rewrite[name]); !ok {
			bad("rewrite: %s: there is no function and no table %q; functions are %s", name, def.Rewrite[name], functionNames())
		}
	}
	s.types = map[string]fieldType{}
	for _, name := range slices.Sorted(maps.Keys(def.Types)) {
		kind, ok := fieldTypes[name]
		if !ok {
			bad("types: there is no type %q; there are %s", name, strings.Join(slices.Sorted(maps.Keys(fieldTypes)), ", "))
		}
		for _, field := range def.Types[name] {
			if prefix, ok := strings.CutSuffix(field, "*"); ok {
				s.patterns = append(s.patterns, typePattern{prefix, kind})
			} else {
				s.types[field] = kind
			}
		}
	}
	s.lows, s.drop = setOf(def.Lowercase), setOf(def.Drop.Fields)
	return wrong
}

func setOf(list []string) map[string]bool {
	m := make(map[string]bool, len(list))
	for _, x := range list {
		m[x] = true
	}
	return m
}
