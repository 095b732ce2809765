package mapping

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func show(f *Field) string {
	if f == nil {
		return "none"
	}
	var forms []string
	for _, form := range f.Forms {
		s := form.Name + ":" + form.Type
		if form.Whole {
			s += " whole"
		}
		s += []string{" kept", " folded", " unknown"}[form.Case]
		if form.Limit > 0 {
			s += fmt.Sprintf(" <=%d", form.Limit)
		}
		if form.Simple {
			s += " simple"
		}
		forms = append(forms, s)
	}
	out := []string{"text", "number", "bool", "ip", "date", "other", "mixed"}[f.Kind] + " [" + strings.Join(forms, ", ") + "]"
	if f.Conflict != "" {
		out += " " + f.Conflict
	}
	return out
}

// What a field's JSON says of how it can be searched.
func TestForms(t *testing.T) {
	const settings = `{"analysis":{
		"normalizer":{"low":{"type":"custom","filter":["lowercase"]},"ascii":{"type":"custom","filter":"asciifolding"}},
		"analyzer":{"path":{"tokenizer":"keyword","filter":["lowercase"]},"words":{"tokenizer":"standard"}}}}`
	for _, c := range []struct{ field, want string }{
		{`{"type":"keyword"}`, "text [f:keyword whole kept]"},
		{`{"type":"keyword","ignore_above":1024}`, "text [f:keyword whole kept <=1024]"},
		{`{"type":"keyword","ignore_above":"256"}`, "text [f:keyword whole kept <=256]"},
		{`{"type":"keyword","ignore_above":2147483647}`, "text [f:keyword whole kept]"},
		{`{"type":"keyword","normalizer":"lowercase"}`, "text [f:keyword whole folded]"},
		{`{"type":"keyword","normalizer":"low"}`, "text [f:keyword whole folded]"},
		{`{"type":"keyword","normalizer":"ascii"}`, "text [f:keyword whole unknown]"},
		{`{"type":"keyword","normalizer":"elsewhere"}`, "text [f:keyword whole unknown]"},
		{`{"type":"keyword","index":false}`, "text [f:keyword whole kept]"},
		{`{"type":"keyword","index":false,"doc_values":false}`, "text []"},
		{`{"type":"wildcard"}`, "text [f:wildcard whole kept]"},
		{`{"type":"constant_keyword","value":"x"}`, "text [f:constant_keyword whole kept]"},
		{`{"type":"text"}`, "text [f:text folded]"},
		{`{"type":"text","analyzer":"keyword"}`, "text [f:text whole kept]"},
		{`{"type":"text","analyzer":"path"}`, "text [f:text whole folded]"},
		{`{"type":"text","analyzer":"words"}`, "text [f:text folded]"},
		{`{"type":"text","index":false}`, "text []"},
		{`{"type":"match_only_text"}`, "text [f:match_only_text folded]"},
		{`{"type":"text","fields":{"keyword":{"type":"keyword","ignore_above":256}}}`, "text [f:text folded, f.keyword:keyword whole kept <=256]"},
		{`{"type":"keyword","fields":{"caseless":{"type":"keyword","normalizer":"lowercase"},"text":{"type":"match_only_text"}}}`, "text [f:keyword whole kept, f.caseless:keyword whole folded, f.text:match_only_text folded]"},
		{`{"type":"long"}`, "number [f:long kept]"},
		{`{"type":"scaled_float","scaling_factor":10}`, "number [f:scaled_float kept]"},
		{`{"type":"ip","fields":{"keyword":{"type":"keyword"}}}`, "ip [f:ip kept, f.keyword:keyword whole kept]"},
		{`{"type":"boolean"}`, "bool [f:boolean kept]"},
		{`{"type":"date_nanos"}`, "date [f:date_nanos kept]"},
		{`{"type":"geo_point"}`, "other []"},
		{`{"type":"binary"}`, "other []"},
		{`{"type":"object"}`, "none"},
	} {
		x, err := Parse([]byte(`{"i":{"settings":{"index":` + settings + `},"mappings":{"properties":{"f":` + c.field + `}}}}`))
		if err != nil {
			t.Errorf("%s: %v", c.field, err)
		} else if got := show(x.Field("f")); got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.field, got, c.want)
		}
	}
}

// The texts that servers and people give, and what a name in them is.
func TestParse(t *testing.T) {
	for _, c := range []struct{ text, name, want string }{
		{`{"i":{"mappings":{"properties":{"a":{"properties":{"b":{"type":"long"}}}}}}}`, "a.b", "number [a.b:long kept]"},
		{`{"mappings":{"properties":{"f":{"type":"ip"}}}}`, "f", "ip [f:ip kept]"},
		{`{"properties":{"f":{"type":"ip"}}}`, "f", "ip [f:ip kept]"},
		{`{"i":{"mappings":{"doc":{"properties":{"f":{"type":"ip"}}}}}}`, "f", "ip [f:ip kept]"},
		{`{"i":{"mappings":{"runtime":{"f":{"type":"long"}}}}}`, "f", "number [f:long kept]"},
		{`{"i":{"mappings":{}}}`, "f", "none"},
		{`{"properties":{"a":{"type":"nested","properties":{"b":{"type":"ip"}}}}}`, "a.b", "ip [a.b:ip kept]"},
		{`{"properties":{"a":{"enabled":false,"properties":{"b":{"type":"ip"}}}}}`, "a.b", "none"},
		// A multi-field, a key of a flattened field, another name.
		{`{"properties":{"f":{"type":"text","fields":{"raw":{"type":"keyword"}}}}}`, "f.raw", "text [f.raw:keyword whole kept]"},
		{`{"properties":{"f":{"type":"text","fields":{"raw":{"type":"keyword"}}}}}`, "f.other", "none"},
		{`{"properties":{"f":{"type":"flattened"}}}`, "f.a.b", "text [f.a.b:flattened whole kept simple]"},
		{`{"properties":{"g":{"type":"alias","path":"f"},"f":{"type":"text","fields":{"raw":{"type":"keyword"}}}}}`, "g", "text [g:text folded, f.raw:keyword whole kept]"},
		{`{"properties":{"g":{"type":"alias","path":"nowhere"}}}`, "g", "none"},
		// Several indices: what holds for all.
		{`{"a":{"mappings":{"properties":{"f":{"type":"text"}}}},"b":{"mappings":{"properties":{"f":{"type":"long"}}}}}`, "f", "mixed [] text in a, long in b"},
		{`{"a":{"mappings":{"properties":{"f":{"type":"keyword","ignore_above":9}}}},"b":{"mappings":{"properties":{"f":{"type":"keyword","ignore_above":8,"normalizer":"lowercase"}}}}}`, "f", "text [f:keyword whole unknown <=8]"},
		{`{"a":{"mappings":{"properties":{"f":{"type":"keyword"}}}},"b":{"mappings":{"properties":{"f":{"type":"wildcard"}}}}}`, "f", "text [f:keyword whole kept]"},
		{`{"a":{"mappings":{"properties":{"f":{"type":"text","fields":{"k":{"type":"keyword"}}}}}},"b":{"mappings":{"properties":{"f":{"type":"text"}}}}}`, "f", "text [f:text folded]"},
		{`{"a":{"mappings":{"properties":{"f":{"type":"ip"}}}},"b":{"mappings":{}}}`, "f", "ip [f:ip kept]"},
	} {
		x, err := Parse([]byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		} else if got := show(x.Field(c.name)); got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`not JSON`, "no mapping of an index: invalid character"},
		{`[]`, "no mapping of an index: json: cannot unmarshal array"},
		{`{}`, "no mapping of an index; it is what GET index/_mapping returns"},
		{`{"error":{"reason":"no such index"},"status":404}`, "no mapping of an index: index status: "},
		{`{"i":{"mappings":{"properties":{"f":"x"}}}}`, "no mapping of an index: index i: json: cannot unmarshal string"},
	} {
		_, err := Parse([]byte(c.text))
		if !errors.Is(err, ErrNoMapping) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s\ngot  %v\nwant %s…", c.text, err, c.want)
		}
	}
}

// Of several forms the one is taken that finds what is looked for.
func TestWhole(t *testing.T) {
	const keyword, limited, caseless, words = `"k":{"type":"keyword"}`, `"s":{"type":"keyword","ignore_above":256}`, `"c":{"type":"keyword","normalizer":"lowercase"}`, `"t":{"type":"text"}`
	for _, c := range []struct{ base, fields, want, cased string }{
		{`"text"`, keyword, "f.k", "f.k"},
		{`"text"`, words, "", ""},
		{`"keyword"`, words, "f", "f"},
		{`"keyword"`, caseless, "f.c", "f"},
		{`"text"`, caseless, "f.c", ""},
		{`"text"`, limited + "," + keyword, "f.k", "f.k"},
		{`"text"`, limited + "," + caseless, "f.c", "f.s"},
		{`"keyword"`, limited, "f", "f"},
		{`"flattened"`, `"x":{"type":"keyword"}`, "f.x", "f.x"},
	} {
		x, err := Parse([]byte(`{"properties":{"f":{"type":` + c.base + `,"fields":{` + c.fields + `}}}}`))
		if err != nil {
			t.Fatal(err)
		}
		whole, _ := x.Field("f").Whole(false)
		cased, _ := x.Field("f").Whole(true)
		if whole.Name != c.want || cased.Name != c.cased {
			t.Errorf("%s with %s: got %q, cased %q; want %q, %q", c.base, c.fields, whole.Name, cased.Name, c.want, c.cased)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"i":{"mappings":{"properties":{"a":{"type":"alias","path":"b"},"b":{"type":"text","fields":{"k":{"type":"keyword"}}}}}}}`))
	f.Add([]byte(`{"a":{"mappings":{"properties":{"f":{"type":"flattened"}}}},"b":{"mappings":{"properties":{"f":{"type":"ip"}}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := Parse(data)
		if err != nil {
			return
		}
		for _, name := range x.Names() {
			field := x.Field(name)
			if field == nil || field.Name != name {
				t.Fatalf("%q is listed and not found", name)
			}
			field.Whole(true)
			field.Words()
			x.Field(name + ".x")
		}
	})
}
