package standard

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// kindKey says which event of which log it is.
type kindKey struct{ log, id string }

// kind is what becomes of events of one sort: what each field's names are, and
// what is made beside. It never changes.
type kind struct {
	renames map[string][]string // by field; no names: left out
	rank    map[string]int      // of two fields for one name, the lower goes first
	wild    []rename            // names that end in ".*", without the star
	set     []constant
	pairs   []pairs
}

type constant struct {
	name string
	json []byte
}

// kind works out what becomes of events of that log and id. log is "" for
// events that are of no Windows event log.
func (s *Standard) kind(key kindKey) *kind {
	k := &kind{renames: map[string][]string{}, rank: map[string]int{}}
	if key.log == "" {
		return k
	}
	set := map[string]any{}
	for i := len(s.def.Events) - 1; i >= 0; i-- {
		b := &s.def.Events[i]
		if !holds(b.Logs, b.IDs, key) {
			continue
		}
		k.add(b.Fields)
		for name, value := range b.Set {
			if _, later := set[name]; !later {
				set[name] = value
			}
		}
	}
	k.add(s.def.Fields)
	for _, name := range slices.Sorted(maps.Keys(set)) {
		k.set = append(k.set, constant{name, constantJSON(set[name])})
	}
	for _, p := range s.def.Pairs {
		if holds(p.Logs, p.IDs, key) {
			k.pairs = append(k.pairs, p)
		}
	}
	return k
}

func holds(logs, ids []string, key kindKey) bool {
	return (len(logs) == 0 || slices.Contains(logs, key.log)) && (len(ids) == 0 || slices.Contains(ids, key.id))
}

// add takes renames for the fields that have none yet.
func (k *kind) add(all renames) {
	for _, r := range all {
		if prefix, ok := strings.CutSuffix(r.field, "*"); ok {
			k.wild = append(k.wild, rename{prefix, r.names})
			continue
		}
		if _, done := k.renames[r.field]; !done {
			k.renames[r.field] = r.names
			k.rank[r.field] = len(k.rank)
		}
	}
}

// names are what a field is called; what nothing names gets the prefix.
func (k *kind) names(field, prefix string) []string {
	if names, ok := k.renames[field]; ok {
		return names
	}
	for _, w := range k.wild {
		rest, ok := strings.CutPrefix(field, w.field)
		if !ok {
			continue
		}
		var names []string
		for _, n := range w.names {
			names = append(names, strings.TrimSuffix(n, "*")+rest)
		}
		return names
	}
	return []string{prefix + field}
}

// constantJSON writes a value of "set".
func constantJSON(v any) []byte {
	switch v := v.(type) {
	case []any:
		out := []byte{'['}
		for i, x := range v {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, constantJSON(x)...)
		}
		return append(out, ']')
	case bool, int:
		return fmt.Append(nil, v)
	}
	return quoted(fmt.Sprint(v))
}
