package notebook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Encode writes a notebook as Jupyter writes it: nbformat 4.5 JSON, keys sorted,
// indented by one space, text as lists of lines, characters as they are, a final
// newline. The same notebook gives the same bytes. It fails only on metadata or
// data that JSON can't hold.
func Encode(nb *Notebook) ([]byte, error) {
	cells := make([]any, len(nb.Cells))
	for i := range nb.Cells {
		cells[i] = cellObject(&nb.Cells[i])
	}
	w := jsonWriter{}
	w.value(object{
		"cells":          cells,
		"metadata":       orEmpty(nb.Metadata),
		"nbformat":       4,
		"nbformat_minor": 5,
	}, 0)
	if w.err != nil {
		return nil, fmt.Errorf("writing a notebook: %w", w.err)
	}
	w.b.WriteByte('\n')
	return w.b.Bytes(), nil
}

type object = map[string]any

func orEmpty(m object) object {
	if m == nil {
		return object{}
	}
	return m
}

func cellObject(c *Cell) object {
	o := object{
		"cell_type": string(c.Type),
		"id":        c.ID,
		"metadata":  orEmpty(c.Metadata),
		"source":    lines(c.Source),
	}
	if c.Type != Code {
		if len(c.Attachments) > 0 {
			attachments := object{}
			for name, bundle := range c.Attachments {
				b, _ := bundle.(object)
				attachments[name] = bundleObject(b)
			}
			o["attachments"] = attachments
		}
		return o
	}
	o["execution_count"] = executionCount(c)
	outputs := make([]any, len(c.Outputs))
	for i := range c.Outputs {
		outputs[i] = outputObject(c, &c.Outputs[i])
	}
	o["outputs"] = outputs
	return o
}

func executionCount(c *Cell) any {
	if c.ExecutionCount == 0 {
		return nil
	}
	return c.ExecutionCount
}

func outputObject(c *Cell, out *Output) object {
	o := object{"output_type": string(out.Type)}
	switch out.Type {
	case Stream:
		o["name"], o["text"] = out.Name, lines(out.Text)
	case ErrorOutput:
		o["ename"], o["evalue"], o["traceback"] = out.Ename, out.Evalue, orNone(out.Traceback)
	case ExecuteResult:
		o["execution_count"] = executionCount(c)
		fallthrough
	default:
		o["data"], o["metadata"] = bundleObject(out.Data), orEmpty(out.Metadata)
	}
	return o
}

func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// bundleObject writes the text types of a MIME bundle as lists of lines.
func bundleObject(data object) object {
	o := object{}
	for mime, v := range data {
		if s, ok := v.(string); ok && (strings.HasPrefix(mime, "text/") || mime == "image/svg+xml" || mime == "application/javascript") {
			v = lines(s)
		}
		o[mime] = v
	}
	return o
}

// lines splits text where Python's str.splitlines does, line ends kept, as
// Jupyter's own writer does.
func lines(s string) []string {
	out := []string{}
	start := 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		switch r {
		case '\r':
			if i < len(s) && s[i] == '\n' {
				i++
			}
		case '\n', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, '\u2028', '\u2029':
		default:
			continue
		}
		out = append(out, s[start:i])
		start = i
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}

// jsonWriter writes JSON as Python's json.dumps(indent=1, sort_keys=True,
// ensure_ascii=False) does; encoding/json escapes U+2028 and U+2029 always.
type jsonWriter struct {
	b   bytes.Buffer
	err error
}

func (w *jsonWriter) value(v any, depth int) {
	switch v := v.(type) {
	case nil:
		w.b.WriteString("null")
	case bool:
		w.b.WriteString(strconv.FormatBool(v))
	case int:
		w.b.WriteString(strconv.Itoa(v))
	case json.Number:
		w.b.WriteString(v.String())
	case string:
		w.text(v)
	case []string:
		w.list(len(v), depth, func(i int) { w.text(v[i]) })
	case []any:
		w.list(len(v), depth, func(i int) { w.value(v[i], depth+1) })
	case object:
		keys := slices.Sorted(maps.Keys(v))
		w.members('{', '}', len(keys), depth, func(i int) {
			w.text(keys[i])
			w.b.WriteString(": ")
			w.value(v[keys[i]], depth+1)
		})
	default:
		w.other(v, depth)
	}
}

// other writes any other Go value the way encoding/json understands it.
func (w *jsonWriter) other(v any, depth int) {
	data, err := json.Marshal(v)
	if err != nil {
		w.err = err
		return
	}
	plain, err := decodeJSON(data)
	if err != nil {
		w.err = err
		return
	}
	w.value(plain, depth)
}

func (w *jsonWriter) list(n, depth int, item func(int)) {
	w.members('[', ']', n, depth, item)
}

func (w *jsonWriter) members(open, end byte, n, depth int, item func(int)) {
	w.b.WriteByte(open)
	for i := range n {
		if i > 0 {
			w.b.WriteByte(',')
		}
		w.newline(depth + 1)
		item(i)
	}
	if n > 0 {
		w.newline(depth)
	}
	w.b.WriteByte(end)
}

func (w *jsonWriter) newline(depth int) {
	w.b.WriteByte('\n')
	for range depth {
		w.b.WriteByte(' ')
	}
}

func (w *jsonWriter) text(s string) {
	w.b.WriteByte('"')
	plain := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf && c >= 0x20 && c != '"' && c != '\\' {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r != utf8.RuneError && c >= utf8.RuneSelf || n == 3 {
			i += n
			continue
		}
		w.b.WriteString(s[plain:i])
		switch c {
		case '"', '\\':
			w.b.WriteByte('\\')
			w.b.WriteByte(c)
		case '\n':
			w.b.WriteString(`\n`)
		case '\r':
			w.b.WriteString(`\r`)
		case '\t':
			w.b.WriteString(`\t`)
		case '\b':
			w.b.WriteString(`\b`)
		case '\f':
			w.b.WriteString(`\f`)
		default:
			if c < 0x20 {
				fmt.Fprintf(&w.b, `\u%04x`, c)
			} else {
				w.b.WriteRune(utf8.RuneError)
			}
		}
		i += n
		plain = i
	}
	w.b.WriteString(s[plain:])
	w.b.WriteByte('"')
}
