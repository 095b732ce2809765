package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestFlattenProperty compares batches of random objects with an obvious slow
// flattening on top of encoding/json.
func TestFlattenProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.Custom(drawObject), 1, 6).Draw(t, "objects")
		b := NewBuilder(Options{})
		for _, text := range texts {
			if err := b.AppendJSON([]byte(text), Record{}); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		}
		batch := b.Batch()
		for i, text := range texts {
			want := slowFlatten(t, text)
			got := map[string]string{}
			for _, c := range batch.Columns {
				if v := c.Values[c.Codes[i]]; v.Kind != Absent {
					got[c.Name] = kindNames[v.Kind] + " " + v.Text
					if v.Kind == List && listText(v.Elems) != v.Text {
						t.Fatalf("%s: elements %v of list %s", c.Name, v.Elems, v.Text)
					}
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%s\ngot  %v\nwant %v", text, got, want)
			}
		}
		for _, c := range batch.Columns {
			checkDictionary(t, c)
		}
	})
}

// checkDictionary demands that values are distinct, that a row has each, and
// that only the first is Absent.
func checkDictionary(t *rapid.T, c *Column) {
	used := make([]bool, len(c.Values))
	for _, code := range c.Codes {
		used[code] = true
	}
	seen := map[string]bool{}
	for code, v := range c.Values {
		id := fmt.Sprint(v.Kind, v.Text)
		if seen[id] || (code == 0) != (v.Kind == Absent) || code > 0 && !used[code] {
			t.Fatalf("column %q: bad dictionary %v for %v", c.Name, c.Values, c.Codes)
		}
		seen[id] = true
	}
}

func drawObject(t *rapid.T) string {
	var b strings.Builder
	draw(t, &b, 4, true)
	return b.String()
}

// draw writes a random JSON value, with white space and escapes at random.
func draw(t *rapid.T, b *strings.Builder, depth int, object bool) {
	kind := rapid.IntRange(0, 6).Draw(t, "kind")
	if object {
		kind = 6
	} else if depth == 0 {
		kind %= 5
	}
	switch kind {
	case 0:
		b.WriteString("null")
	case 1:
		b.WriteString(rapid.SampledFrom([]string{"true", "false"}).Draw(t, "bool"))
	case 2:
		b.WriteString(rapid.StringMatching(`-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,8})?([eE][+-]?[0-2]?[0-9])?`).Draw(t, "number"))
	case 3, 4:
		drawText(t, b, rapid.SampledFrom([]string{"", "a", "\\", "\"", "C:\\x", "ü", "\U0001f600", "\x01", "long enough for words", "8 bytes!", "1"}).Draw(t, "text"))
	case 5:
		items(t, b, '[', ']', func() { draw(t, b, depth-1, false) })
	case 6:
		items(t, b, '{', '}', func() {
			drawText(t, b, rapid.SampledFrom([]string{"a", "b", "c", "a.b", "b.a", "", "ü\\"}).Draw(t, "key"))
			space(t, b)
			b.WriteByte(':')
			space(t, b)
			draw(t, b, depth-1, false)
		})
	}
}

func items(t *rapid.T, b *strings.Builder, open, end byte, item func()) {
	b.WriteByte(open)
	space(t, b)
	n := rapid.IntRange(0, 4).Draw(t, "items")
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
			space(t, b)
		}
		item()
		space(t, b)
	}
	b.WriteByte(end)
}

func space(t *rapid.T, b *strings.Builder) {
	b.WriteString(rapid.SampledFrom([]string{"", "", " ", "\t\r\n"}).Draw(t, "space"))
}

func drawText(t *rapid.T, b *strings.Builder, text string) {
	if rapid.Bool().Draw(t, "marshal") {
		quoted, _ := json.Marshal(text)
		b.Write(quoted)
		return
	}
	b.WriteByte('"')
	for _, r := range text {
		if r > 0xffff {
			r -= 0x10000
			fmt.Fprintf(b, `\u%04x\u%04X`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		} else {
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
}

type orderedObject []orderedField

type orderedField struct {
	name  string
	value any
}

// slowFlatten maps the fields of an object to their kind and text.
func slowFlatten(t *rapid.T, text string) map[string]string {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	f := slow{fields: map[string]slowField{}}
	f.flatten("", slowValue(t, d), 0)
	out := map[string]string{}
	for name, field := range f.fields {
		name = name[1:] // the dot before the first name
		if field.list == 0 {
			out[name] = kindNames[field.values[0].Kind] + " " + field.values[0].Text
		} else {
			out[name] = "list " + listText(field.values)
		}
	}
	return out
}

func slowValue(t *rapid.T, d *json.Decoder) any {
	token, err := d.Token()
	if err != nil {
		t.Fatal(err)
	}
	switch token {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			list = append(list, slowValue(t, d))
		}
		_, _ = d.Token()
		return list
	case json.Delim('{'):
		object := orderedObject{}
		for d.More() {
			name, _ := d.Token()
			object = slices.DeleteFunc(object, func(f orderedField) bool { return f.name == name.(string) })
			object = append(object, orderedField{name.(string), slowValue(t, d)})
		}
		_, _ = d.Token()
		return object
	}
	return token
}

type slow struct {
	fields map[string]slowField
	lists  int
}

type slowField struct {
	list   int
	values []Value
}

func (s *slow) flatten(path string, v any, list int) {
	switch v := v.(type) {
	case orderedObject:
		for _, f := range v {
			s.flatten(path+"."+f.name, f.value, list)
		}
	case []any:
		if list == 0 {
			s.lists++
			list = s.lists
		}
		objects := slices.ContainsFunc(v, func(x any) bool { _, ok := x.(orderedObject); return ok })
		for _, x := range v {
			s.flatten(path, x, list)
		}
		if !objects {
			s.put(path, list)
		}
	default:
		s.put(path, list, slowScalar(v))
	}
}

func (s *slow) put(path string, list int, values ...Value) {
	f := s.fields[path]
	if list == 0 || f.list != list {
		f = slowField{list: list}
	}
	f.values = append(f.values, values...)
	s.fields[path] = f
}

func slowScalar(v any) Value {
	switch v := v.(type) {
	case nil:
		return Value{Kind: Null}
	case bool:
		return Value{Kind: Bool, Text: fmt.Sprint(v)}
	case json.Number:
		r, _ := new(big.Rat).SetString(string(v))
		text := r.FloatString(200)
		return Value{Kind: Number, Text: strings.TrimSuffix(strings.TrimRight(text, "0"), ".")}
	}
	return Value{Kind: String, Text: v.(string)}
}

func listText(values []Value) string {
	parts := make([]string, len(values))
	for i, v := range values {
		switch v.Kind {
		case Null:
			parts[i] = "null"
		case String:
			var b bytes.Buffer
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			_ = e.Encode(v.Text)
			parts[i] = strings.TrimSpace(b.String())
		default:
			parts[i] = v.Text
		}
	}
	return "[" + strings.Join(parts, ",") + "]"
}
