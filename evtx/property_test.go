package evtx

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestJSONProperty compares random records with a slow and obvious making of
// their JSON.
func TestJSONProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var events []*event
		for range rapid.IntRange(1, 4).Draw(t, "records") {
			if n := len(events); n > 0 && rapid.Bool().Draw(t, "same template") {
				events = append(events, &event{root: events[n-1].root, values: drawValues(t, 2)})
			} else {
				events = append(events, drawEvent(t, 3))
			}
		}
		r, err := NewReader(bytes.NewReader(logOf(events...)))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			rec, err := r.Next()
			if err != nil {
				t.Fatal(err, r.Summary().Damage)
			}
			text, err := json.Marshal(map[string]any{e.root.name: slowElement(*e.root, e.values, nil)})
			if err != nil {
				t.Fatal(err)
			}
			var got, want any
			if err := json.Unmarshal(rec.JSON, &got); err != nil {
				t.Fatalf("%v: %s", err, rec.JSON)
			}
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("got  %s\nwant %s", rec.JSON, text)
			}
		}
	})
}

func drawEvent(t *rapid.T, depth int) *event {
	e := drawElement(t, depth)
	return &event{root: &e, values: drawValues(t, depth-1)}
}

func drawElement(t *rapid.T, depth int) el {
	e := el{name: rapid.SampledFrom([]string{"A", "B", "Data", "EventData"}).Draw(t, "name")}
	for _, name := range []string{"Name", "x"} {
		if rapid.Bool().Draw(t, "attribute") {
			e.attrs = append(e.attrs, at1{name, drawTexts(t)})
		}
	}
	for range rapid.IntRange(0, 4).Draw(t, "kids") {
		if depth > 0 && rapid.Bool().Draw(t, "element") {
			e.kids = append(e.kids, drawElement(t, depth-1))
		} else {
			e.kids = append(e.kids, drawText(t))
		}
	}
	return e
}

func drawTexts(t *rapid.T) []node {
	var nodes []node
	for range rapid.IntRange(0, 2).Draw(t, "texts") {
		nodes = append(nodes, drawText(t))
	}
	return nodes
}

func drawText(t *rapid.T) node {
	if rapid.Bool().Draw(t, "slot") {
		return slot(rapid.IntRange(0, 4).Draw(t, "slot"))
	}
	return text(rapid.SampledFrom([]string{"", " ", "x", "y\n\"é"}).Draw(t, "text"))
}

func drawValues(t *rapid.T, depth int) []val {
	kinds := []byte{typeNull, typeString, typeUint32, typeArray | typeString, typeArray | typeUint32}
	if depth > 0 {
		kinds = append(kinds, typeXML)
	}
	var values []val
	for range rapid.IntRange(0, 5).Draw(t, "values") {
		v := val{kind: rapid.SampledFrom(kinds).Draw(t, "kind")}
		number := uint32(rapid.IntRange(0, 9).Draw(t, "number"))
		switch v.kind {
		case typeString, typeArray | typeString:
			v.data = wide(rapid.SampledFrom([]string{"", "a", "a\x00", "\x00", "long text\x00\x00b\x00"}).Draw(t, "text"))
		case typeUint32:
			v.data = le32(number)
		case typeArray | typeUint32:
			v.data = bytes.Repeat(le32(number), rapid.IntRange(0, 3).Draw(t, "items"))
		case typeXML:
			v.event = drawEvent(t, depth-1)
		}
		values = append(values, v)
	}
	return values
}

// slowValue is a value as JSON, nil for one without text.
func slowValue(v val) any {
	items := slowItems(v)
	switch len(items) {
	case 0:
		return nil
	case 1:
		if items[0] == "" {
			return nil
		}
		return items[0]
	}
	return items
}

func slowItems(v val) (items []any) {
	switch v.kind &^ typeArray {
	case typeUint32:
		for b := v.data; len(b) > 0; b = b[4:] {
			items = append(items, int(b[0]))
		}
	case typeString:
		var s strings.Builder
		for i := 0; i < len(v.data); i += 2 {
			s.WriteRune(rune(v.data[i]))
		}
		parts := strings.Split(s.String(), "\x00")
		if n := len(parts); parts[n-1] == "" {
			parts = parts[:n-1]
		}
		for i, part := range parts {
			if i == 0 || v.kind&typeArray != 0 {
				items = append(items, part)
			}
		}
	}
	return items
}

func slotOf(s node, values []val) val {
	if i := int(s.(slot)); i < len(values) {
		return values[i]
	}
	return val{}
}

// slowText is the text among nodes as JSON, nil when it is empty. Among elements
// white space is no text.
func slowText(nodes []node, values []val) any {
	among := false
	for _, n := range nodes {
		if _, ok := n.(el); ok {
			among = true
		}
	}
	var all []any
	literal := ""
	flush := func() {
		if literal != "" && !(among && strings.Trim(literal, " ") == "") {
			all = append(all, literal, "")
		}
		literal = ""
	}
	for _, n := range nodes {
		switch n := n.(type) {
		case text:
			literal += string(n)
		case slot:
			flush()
			if v := slowValue(slotOf(n, values)); v != nil {
				all = append(all, v)
			}
		case el:
			flush()
		}
	}
	flush()
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	var s strings.Builder
	for _, part := range all {
		list, ok := part.([]any)
		if !ok {
			list = []any{part}
		}
		for i, item := range list {
			if i > 0 {
				s.WriteString(", ")
			}
			text, err := json.Marshal(item)
			if err != nil {
				panic(err)
			}
			if str, ok := item.(string); ok {
				text = []byte(str)
			}
			s.Write(text)
		}
	}
	return s.String()
}

// slowMember is an element as a member of its parent's object.
type slowMember struct {
	name    string
	unnamed bool
	element el
	without *at1 // the attribute that gave its name
	values  []val
}

func slowElement(e el, values []val, without *at1) any {
	object := map[string]any{}
	attrs := map[string]any{}
	for i := range e.attrs {
		if a := &e.attrs[i]; a.name != "" && a != without {
			if v := slowText(a.kids, values); v != nil {
				attrs[a.name] = v
			}
		}
	}
	if len(attrs) > 0 {
		object["#attributes"] = attrs
	}
	text := slowText(e.kids, values)
	if text != nil {
		object["#text"] = text
	}
	var fixed, fragments, asked []slowMember
	for _, n := range e.kids {
		switch n := n.(type) {
		case slot:
			if v := slotOf(n, values); v.event != nil {
				fragments = append(fragments, slowMember{name: v.event.root.name, element: *v.event.root, values: v.event.values})
			}
		case el:
			m := slowMember{name: n.name, element: n, values: values}
			byValue := false
			if e.name == "EventData" && n.name == "Data" {
				m.unnamed = true
				for i, a := range n.attrs {
					if a.name != "Name" {
						continue
					}
					m.without = &n.attrs[i]
					for _, k := range a.kids {
						_, isSlot := k.(slot)
						byValue = byValue || isSlot
					}
					// A name is text, whatever its value is.
					if s := slowText(append([]node{text2, text2}, a.kids...), values); s != nil {
						name := strings.TrimPrefix(s.(string), string(text2+text2))
						if name != "" {
							m.name, m.unnamed = name, false
						}
					}
				}
			}
			if byValue {
				asked = append(asked, m)
			} else {
				fixed = append(fixed, m)
			}
		}
	}
	var names []string
	groups := map[string][]slowMember{}
	for _, m := range append(append(fixed, fragments...), asked...) {
		if groups[m.name] == nil {
			names = append(names, m.name)
		}
		groups[m.name] = append(groups[m.name], m)
	}
	if len(object) == 0 && len(names) == 0 {
		return nil
	}
	if len(names) == 0 && len(attrs) == 0 {
		return text
	}
	for _, name := range names {
		object[name] = slowGroup(groups[name])
	}
	return object
}

const text2 = text("^") // no name of the test begins with it

func slowGroup(group []slowMember) any {
	unnamed := group[0].unnamed
	var value any
	if len(group) == 1 {
		value = slowElement(group[0].element, group[0].values, group[0].without)
	} else {
		list := []any{}
		for _, m := range group {
			e := m.element
			bare := len(e.attrs) == 0 || len(e.attrs) == 1 && m.without != nil
			if bare && len(e.kids) == 1 {
				if s, ok := e.kids[0].(slot); ok {
					if v := slotOf(s, m.values); v.kind&typeArray != 0 && len(v.data) > 0 {
						list = append(list, slowItems(v)...)
						continue
					}
				}
			}
			v := slowElement(e, m.values, m.without)
			if v == nil && unnamed {
				v = ""
			}
			list = append(list, v)
		}
		value = list
	}
	if unnamed {
		return map[string]any{"#text": value}
	}
	return value
}
