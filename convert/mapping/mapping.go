// Package mapping knows what the fields of an index are: text, keyword, wildcard,
// number, and the multi-fields beside them, as Elasticsearch and OpenSearch keep
// them.
//
// It reads what "GET index/_mapping" or "GET index" returns, for one index or for
// several that are searched together, and tells in which forms a field's value can
// be looked for: as a whole, in which case, up to which length, or word by word.
// The wrong form finds nothing and says nothing, so targets and the cluster engine
// ask here. The package knows nothing of rules and query languages. Data flows:
// JSON → Index → Field → Form.
package mapping

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Index knows the fields of an index, or of several that are searched as one.
type Index struct {
	fields map[string]*Field
}

// Field is a name that rules and queries use.
type Field struct {
	Name string
	// Type is Elasticsearch's, of the field itself.
	Type string
	// Kind is what the field itself, without its multi-fields, holds.
	Kind Kind
	// Forms are the ways in which values are kept: the field itself first, where
	// it can be searched, then its multi-fields by name.
	Forms []Form
	// Conflict tells the types of a field that several indices keep differently,
	// such as "text in a, long in b"; "" where they agree.
	Conflict string
}

// Kind is the kind of a field's values.
type Kind uint8

// The kinds. Mixed is a field that differs between indices; Other is what can't be
// compared with a text, a number or an address, such as an object.
const (
	Text Kind = iota
	Number
	Bool
	IP
	Date
	Other
	Mixed
)

// Form is one way in which an index keeps the values of a field.
type Form struct {
	// Name is what a query calls it: "Image.keyword".
	Name string
	// Type is Elasticsearch's.
	Type string
	// Whole tells that a value is one term, which wildcards and regular
	// expressions are compared with; otherwise it is cut into words.
	Whole bool
	// Case tells what became of a value's letters.
	Case Case
	// Limit is the length in characters above which a value is not kept
	// (ignore_above); 0 is none.
	Limit int
	// Simple tells that the form knows no wildcards, regular expressions and
	// folding, as keys of a flattened field.
	Simple bool
}

// Case is what an index does to letters, of the values and of what is looked for.
type Case uint8

// The cases. Unknown is a normalizer or analyzer that the mapping only names.
const (
	Kept Case = iota
	Folded
	Unknown
)

// LongEnough is a limit that values of logs rarely pass: the longest command line
// of Windows has so many characters.
const LongEnough = 8191

// ErrNoMapping is wrapped by the error about a JSON text that holds no mapping.
var ErrNoMapping = errors.New("no mapping of an index")

// Parse reads a mapping.
func Parse(data []byte) (*Index, error) {
	var indices map[string]json.RawMessage
	if err := json.Unmarshal(data, &indices); err != nil {
		return nil, fmt.Errorf("%w: %w; it is what GET index/_mapping returns", ErrNoMapping, err)
	}
	if indices["mappings"] != nil || indices["properties"] != nil {
		indices = map[string]json.RawMessage{"": data}
	}
	x := &Index{fields: map[string]*Field{}}
	found := false
	from := map[string]string{} // the index that a field was first seen in
	for _, name := range slices.Sorted(maps.Keys(indices)) {
		fields, ok, err := readIndex(indices[name])
		if err != nil {
			return nil, fmt.Errorf("%w: index %s: %w", ErrNoMapping, name, err)
		}
		found = found || ok
		for _, f := range fields {
			if old := x.fields[f.Name]; old != nil {
				old.merge(f, from[f.Name], name)
				continue
			}
			x.fields[f.Name], from[f.Name] = f, name
		}
	}
	if !found {
		return nil, fmt.Errorf("%w; it is what GET index/_mapping returns, with an object mappings for each index", ErrNoMapping)
	}
	return x, nil
}

// Names lists the fields, multi-fields not among them.
func (x *Index) Names() []string { return slices.Sorted(maps.Keys(x.fields)) }

// Field finds a field by its name, which may be that of a multi-field or of a key
// in a flattened field; nil when the index has none.
func (x *Index) Field(name string) *Field {
	if f := x.fields[name]; f != nil {
		return f
	}
	for at := strings.LastIndexByte(name, '.'); at > 0; at = strings.LastIndexByte(name[:at], '.') {
		f := x.fields[name[:at]]
		if f == nil {
			continue
		}
		for _, form := range f.Forms {
			if form.Name == name {
				return &Field{Name: name, Type: form.Type, Kind: kinds[form.Type], Forms: []Form{form}}
			}
		}
		if len(f.Forms) == 1 && f.Forms[0].Type == "flattened" {
			form := f.Forms[0]
			form.Name, form.Whole, form.Simple = name, true, true
			return &Field{Name: name, Type: form.Type, Kind: Text, Forms: []Form{form}}
		}
		return nil
	}
	return nil
}

// Whole gives the form in which a whole value is best looked for: one that keeps
// long values, then one that needs no folding, then the field itself. A cased
// comparison needs a form that keeps the case.
func (f *Field) Whole(cased bool) (Form, bool) {
	best, found := Form{}, false
	for _, form := range f.Forms {
		if !form.Whole || cased && form.Case == Folded {
			continue
		}
		if !found || better(form, best, cased) {
			best, found = form, true
		}
	}
	return best, found
}

func better(a, b Form, cased bool) bool {
	switch {
	case a.long() != b.long():
		return a.long()
	case a.Simple != b.Simple:
		return !a.Simple
	case cased:
		return a.Case == Kept && b.Case != Kept
	}
	return a.Case == Folded && b.Case != Folded
}

func (f Form) long() bool { return f.Limit == 0 || f.Limit >= LongEnough }

// Words gives the form in which single words are looked for.
func (f *Field) Words() (Form, bool) {
	for _, form := range f.Forms {
		if !form.Whole && kinds[form.Type] == Text && form.Type != "flattened" {
			return form, true
		}
	}
	return Form{}, false
}

// merge makes f what holds for the field in both indices.
func (f *Field) merge(other *Field, in, otherIn string) {
	if f.Kind != other.Kind && f.Conflict == "" {
		f.Conflict = fmt.Sprintf("%s in %s, %s in %s", f.Type, in, other.Type, otherIn)
		f.Kind = Mixed
	}
	var forms []Form
	for _, a := range f.Forms {
		for _, b := range other.Forms {
			if a.Name == b.Name && a.Whole == b.Whole && kinds[a.Type] == kinds[b.Type] {
				forms = append(forms, a.merge(b))
			}
		}
	}
	f.Forms = forms
}

func (f Form) merge(other Form) Form {
	if f.Case != other.Case {
		f.Case = Unknown
	}
	if f.Limit == 0 || other.Limit != 0 && other.Limit < f.Limit {
		f.Limit = other.Limit
	}
	f.Simple = f.Simple || other.Simple
	return f
}

// Kind is the kind of the form's own values.
func (f Form) Kind() Kind {
	if kind, ok := kinds[f.Type]; ok {
		return kind
	}
	return Other
}
