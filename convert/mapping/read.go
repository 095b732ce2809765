package mapping

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// kinds are the field types that can be searched for a value.
var kinds = map[string]Kind{
	"keyword": Text, "wildcard": Text, "constant_keyword": Text, "text": Text, "match_only_text": Text,
	"search_as_you_type": Text, "annotated_text": Text, "flattened": Text, "flat_object": Text, "version": Text,
	"long": Number, "integer": Number, "short": Number, "byte": Number, "unsigned_long": Number,
	"double": Number, "float": Number, "half_float": Number, "scaled_float": Number,
	"boolean": Bool, "ip": IP, "date": Date, "date_nanos": Date,
}

// property is a field in the JSON of a mapping.
type property struct {
	Type        string              `json:"type"`
	Properties  map[string]property `json:"properties"`
	Fields      map[string]property `json:"fields"`
	IgnoreAbove json.RawMessage     `json:"ignore_above"`
	Normalizer  string              `json:"normalizer"`
	Analyzer    string              `json:"analyzer"`
	Path        string              `json:"path"`
	Index       json.RawMessage     `json:"index"`
	DocValues   json.RawMessage     `json:"doc_values"`
	Enabled     json.RawMessage     `json:"enabled"`
	Runtime     map[string]property `json:"runtime"`
}

// analysis is what an index's settings say of the names in its mapping.
type analysis struct {
	Analyzer, Normalizer map[string]component
}

type component struct {
	Type      string          `json:"type"`
	Tokenizer string          `json:"tokenizer"`
	Filter    json.RawMessage `json:"filter"`
}

// readIndex gives the fields of one index; ok tells whether it is one.
func readIndex(data json.RawMessage) (fields []*Field, ok bool, err error) {
	var index struct {
		Mappings   json.RawMessage     `json:"mappings"`
		Properties map[string]property `json:"properties"`
		Settings   struct {
			Index struct {
				Analysis analysis `json:"analysis"`
			} `json:"index"`
			Analysis analysis `json:"analysis"`
		} `json:"settings"`
	}
	if err := json.Unmarshal(data, &index); err != nil {
		return nil, false, err
	}
	root := property{Properties: index.Properties}
	if index.Mappings != nil {
		if root, err = readMappings(index.Mappings); err != nil {
			return nil, false, err
		}
	} else if index.Properties == nil {
		return nil, false, nil
	}
	r := &reader{analysis: index.Settings.Index.Analysis}
	if r.analysis.Analyzer == nil && r.analysis.Normalizer == nil {
		r.analysis = index.Settings.Analysis
	}
	r.object("", root.Properties)
	r.object("", root.Runtime)
	r.aliases()
	return r.fields, true, nil
}

// readMappings reads the object "mappings", which had a level of types up to
// Elasticsearch 6.
func readMappings(data json.RawMessage) (property, error) {
	var root property
	err := json.Unmarshal(data, &root)
	if err == nil && (root.Properties != nil || root.Runtime != nil) {
		return root, nil
	}
	var types map[string]json.RawMessage
	if err := json.Unmarshal(data, &types); err != nil {
		return root, err
	}
	for _, name := range slices.Sorted(maps.Keys(types)) {
		var typed property
		if json.Unmarshal(types[name], &typed) == nil && typed.Properties != nil && name != "properties" {
			return typed, nil
		}
	}
	return root, err
}

type reader struct {
	analysis analysis
	fields   []*Field
	alias    map[string]string
}

func (r *reader) object(prefix string, properties map[string]property) {
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		p := properties[key]
		name := prefix + key
		if p.Type == "alias" {
			if r.alias == nil {
				r.alias = map[string]string{}
			}
			r.alias[name] = p.Path
			continue
		}
		if p.Type == "" || p.Type == "object" || p.Type == "nested" {
			if !isFalse(p.Enabled) {
				r.object(name+".", p.Properties)
			}
			continue
		}
		f := &Field{Name: name, Type: p.Type, Kind: Other}
		if kind, known := kinds[p.Type]; known {
			f.Kind = kind
		}
		r.form(f, name, p)
		for _, sub := range slices.Sorted(maps.Keys(p.Fields)) {
			r.form(f, name+"."+sub, p.Fields[sub])
		}
		r.fields = append(r.fields, f)
	}
}

// aliases adds the fields that are another name for one. A multi-field has no
// other name.
func (r *reader) aliases() {
	for _, name := range slices.Sorted(maps.Keys(r.alias)) {
		for _, f := range r.fields {
			if f.Name != r.alias[name] {
				continue
			}
			other := &Field{Name: name, Type: f.Type, Kind: f.Kind}
			for _, form := range f.Forms {
				if form.Name == f.Name {
					form.Name = name
				}
				other.Forms = append(other.Forms, form)
			}
			r.fields = append(r.fields, other)
			break
		}
	}
}

// form adds a way in which a field is kept, if it can be searched.
func (r *reader) form(f *Field, name string, p property) {
	kind, known := kinds[p.Type]
	// A field that is not indexed is still searched, slowly, in its doc values,
	// which text has not.
	noIndex := isFalse(p.Index) && (isFalse(p.DocValues) || p.Type == "text")
	if !known || noIndex {
		return
	}
	form := Form{Name: name, Type: p.Type, Limit: number(p.IgnoreAbove)}
	if kind == Text {
		r.text(&form, p)
	}
	f.Forms = append(f.Forms, form)
}

func (r *reader) text(form *Form, p property) {
	switch p.Type {
	case "keyword":
		form.Whole = true
		form.Case = caseOf(p.Normalizer, r.analysis.Normalizer)
	case "wildcard":
		form.Whole = true
		form.Case = caseOf(p.Normalizer, r.analysis.Normalizer)
	case "constant_keyword", "version":
		form.Whole = true
	case "flattened", "flat_object":
		form.Type = "flattened"
	case "text":
		analyzer, defined := r.analysis.Analyzer[cmp.Or(p.Analyzer, "default")]
		switch {
		case p.Analyzer == "keyword" && !defined:
			form.Whole = true
		case defined && analyzer.Tokenizer == "keyword":
			form.Whole = true
			form.Case = analyzer.letters()
		default:
			form.Case = Folded
		}
	default:
		form.Case = Folded
	}
}

// caseOf tells what a normalizer does to letters. "lowercase" is built in.
func caseOf(name string, defined map[string]component) Case {
	c, ok := defined[name]
	switch {
	case name == "":
		return Kept
	case ok:
		return c.letters()
	case name == "lowercase":
		return Folded
	}
	return Unknown
}

func (c component) letters() Case {
	var filters []string
	if json.Unmarshal(c.Filter, &filters) != nil {
		var one string
		if json.Unmarshal(c.Filter, &one) == nil {
			filters = []string{one}
		}
	}
	switch {
	case slices.Contains(filters, "lowercase") || slices.Contains(filters, "uppercase") || c.Type == "lowercase":
		return Folded
	case len(filters) == 0:
		return Kept
	}
	return Unknown
}

// isFalse reads a flag, which old versions write as a text.
func isFalse(raw json.RawMessage) bool {
	text := strings.Trim(string(raw), `"`)
	return text == "false" || text == "no"
}

func number(raw json.RawMessage) int {
	n, err := strconv.Atoi(strings.Trim(string(raw), `"`))
	if err != nil {
		return 0
	}
	// Elasticsearch's own way to say "none".
	if n == 1<<31-1 || n < 0 {
		return 0
	}
	return n
}
