package standard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/huntbook/huntbook/event"
)

// Restorer gives standardized events the fields of the event log back, so that rules
// find them under Sigma's names. It is for any number of goroutines.
//
// A document of ours holds the whole event, and that is what comes out. One of HELK's
// own pipeline or of Winlogbeat's modules is read backwards by the standard: each
// name becomes all the fields that may have been written to it, as an event in the
// flat form. Lower case stays, and what a standard leaves out is gone.
type Restorer struct {
	// by is the standard to read backwards, nil when the events hold the whole.
	by *Standard

	mu    sync.Mutex
	kinds map[kindKey]*backward
}

// RestorerOf looks at an event and returns what restores it and others of its
// source; nil for an event that is not standardized.
func RestorerOf(raw []byte) *Restorer {
	if !bytes.Contains(raw, []byte(`original"`)) && !bytes.Contains(raw, []byte(`"log_name"`)) && !bytes.Contains(raw, []byte(`"winlog"`)) {
		return nil
	}
	if whole(raw) != nil {
		return &Restorer{}
	}
	d := flat(raw)
	name := ""
	switch {
	case d["log_name"] != nil && d["event_id"] != nil && d["host_name"] != nil && d["computer_name"] == nil && !d.below("event_data"):
		name = "helk"
	case d["winlog.channel"] != nil && d["event.code"] != nil && d["event.module"] != nil:
		name = "ecs"
	default:
		return nil
	}
	s, err := Load(name)
	if err != nil {
		return nil
	}
	return &Restorer{by: s, kinds: map[kindKey]*backward{}}
}

// Restore returns the event that a document was made of; the document itself when it
// is none.
func (r *Restorer) Restore(raw []byte) []byte {
	if original := whole(raw); original != nil {
		return original
	}
	if r.by == nil {
		return raw
	}
	if out := r.backwards(flat(raw)); out != nil {
		return out
	}
	return raw
}

// whole is the event that a document keeps, nil when it keeps none.
func whole(raw []byte) []byte {
	var d struct {
		Helk string `json:"event_original"`
		Ecs  struct {
			Original string `json:"original"`
		} `json:"event"`
	}
	// A field of another type is none of ours; what was read until then counts.
	_ = json.Unmarshal(raw, &d)
	for _, text := range []string{d.Helk, d.Ecs.Original} {
		if strings.HasPrefix(text, "{") {
			if n, err := event.Scan([]byte(text)); err == nil && n == len(text) {
				return []byte(text)
			}
		}
	}
	return nil
}

// values are a document's values by the paths of their fields, as JSON.
type values map[string][]json.RawMessage

func flat(raw []byte) values {
	v := values{}
	v.add("", raw)
	return v
}

func (v values) add(path string, raw json.RawMessage) {
	switch raw = bytes.TrimSpace(raw); {
	case len(raw) == 0 || string(raw) == "null":
	case raw[0] == '{':
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) != nil {
			return
		}
		for name, inner := range object {
			if path != "" {
				name = path + "." + name
			}
			v.add(name, inner)
		}
	case raw[0] == '[':
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil {
			return
		}
		for _, inner := range list {
			v.add(path, inner)
		}
	default:
		v[path] = append(v[path], raw)
	}
}

func (v values) below(path string) bool {
	for name := range v {
		if strings.HasPrefix(name, path+".") {
			return true
		}
	}
	return false
}

// text is the first value of a field as text.
func (v values) text(name string) string {
	if len(v[name]) == 0 {
		return ""
	}
	var s string
	if json.Unmarshal(v[name][0], &s) != nil {
		return string(v[name][0])
	}
	return s
}

// backward says which fields may have been written to each name.
type backward struct {
	fields map[string][]string
	// made are names that are made of others, which tell the same.
	made map[string]bool
	// before leads from a name to the one that keeps its value as it came.
	before map[string]string
	// tables lead from what a table made of a name's values to those.
	tables map[string]map[string]string
}

// backward turns a kind around.
func (r *Restorer) backward(key kindKey) *backward {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.kinds[key]; b != nil {
		return b
	}
	k := r.by.kind(key)
	b := &backward{fields: map[string][]string{}, made: map[string]bool{}, before: map[string]string{}, tables: map[string]map[string]string{}}
	for _, field := range slices.SortedFunc(maps.Keys(k.renames), func(a, c string) int { return k.rank[a] - k.rank[c] }) {
		for _, name := range k.renames[field] {
			b.fields[name] = append(b.fields[name], field)
		}
	}
	for _, d := range r.by.def.Derived {
		if len(b.fields[d.To]) == 0 {
			b.made[d.To] = true
		}
		if d.Take == "hexadecimal" {
			b.before[d.From] = d.To
		}
	}
	for name, table := range r.by.def.Rewrite {
		for from, to := range r.by.def.Tables[table] {
			if b.tables[name] == nil {
				b.tables[name] = map[string]string{}
			}
			b.tables[name][to] = from
		}
	}
	for _, c := range k.set {
		b.made[c.name] = true
	}
	r.kinds[key] = b
	return b
}

// backwards writes an event in the flat form; nil when the document is of no Windows
// event log.
func (r *Restorer) backwards(v values) []byte {
	header := r.by.kind(kindKey{r.by.def.OtherLogs, ""})
	named := func(field string) string {
		for _, name := range header.renames[field] {
			if s := v.text(name); s != "" {
				return s
			}
		}
		return ""
	}
	channel, id := named("Channel"), named("EventID")
	if channel == "" || id == "" {
		return nil
	}
	b := r.backward(kindKey{r.by.log(channel, ""), id})
	out := map[string][]json.RawMessage{}
	for name, value := range v {
		fields := b.fields[name]
		switch {
		case len(fields) > 0:
			if kept := v[b.before[name]]; kept != nil {
				value = kept
			}
			if from, ok := b.tables[name][v.text(name)]; ok {
				value = []json.RawMessage{quoted(from)}
			}
		case b.made[name]:
			continue
		case name == "@timestamp":
			fields = []string{name}
		default:
			fields = []string{strings.TrimPrefix(name, r.by.def.Unnamed)}
		}
		for _, f := range fields {
			out[f] = sessions(f, value)
		}
	}
	for _, p := range r.by.def.Pairs {
		if joined := p.join(v); joined != "" && holds(p.Logs, p.IDs, kindKey{r.by.log(channel, ""), id}) && out[p.Field] == nil {
			out[p.Field] = []json.RawMessage{quoted(joined)}
		}
	}
	return object(out)
}

// sessions writes the numbers of logon sessions as Windows does, in hexadecimal.
func sessions(field string, value []json.RawMessage) []json.RawMessage {
	if !strings.HasSuffix(field, "LogonId") && !strings.HasSuffix(field, "LogonID") || len(value) != 1 {
		return value
	}
	n, err := strconv.ParseUint(string(value[0]), 10, 64)
	if err != nil {
		return value
	}
	return []json.RawMessage{fmt.Appendf(nil, `"0x%x"`, n)}
}

// join writes names and values as one text again.
func (p pairs) join(v values) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(p.To)) {
		if s := v.text(p.To[key]); s != "" {
			parts = append(parts, key+p.Equals+s)
		}
	}
	return strings.Join(parts, p.Between)
}

// object writes values by their names as one line of JSON.
func object(fields map[string][]json.RawMessage) []byte {
	out := []byte{'{'}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(out, quoted(name)...), ':')
		list := make([][]byte, len(fields[name]))
		for i, x := range fields[name] {
			list[i] = x
		}
		out = append(out, join(list)...)
	}
	return append(out, '}')
}
