package sigma

import (
	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
)

// Key is a key of a document with its value, as they are written, or an entry
// of a list.
type Key struct {
	// Name and Pos are the key's; an entry of a list has no name, and its
	// value's place.
	Name string
	Pos  diag.Pos
	// Kind says what stands in Text or Keys. Value is where it begins.
	Kind  KeyKind
	Value diag.Pos
	// Text is a scalar as it was read, "" when it is empty.
	Text string
	// Keys are the entries of a list, or the keys of a map.
	Keys []Key
}

// KeyKind says what a Key's value is.
type KeyKind uint8

// The kinds; null is an Empty.
const (
	Empty KeyKind = iota
	Scalar
	List
	Map
)

// Find returns the key of that name among some, nil when it is not there.
func Find(keys []Key, name string) *Key {
	for i := range keys {
		if keys[i].Name == name {
			return &keys[i]
		}
	}
	return nil
}

// keyDepth is how deep keys are kept: the entries of related have keys.
const keyDepth = 2

// keysOf lists the keys of a map. What stands in a detection, a filter or a
// correlation has places of its own.
func keysOf(m *yaml.Node, depth int) []Key {
	keys := make([]Key, 0, len(m.Content)/2)
	for i := 0; i+1 < len(m.Content); i += 2 {
		k, v := m.Content[i], m.Content[i+1]
		within := depth
		if depth == keyDepth && (k.Value == "detection" || k.Value == "filter" || k.Value == "correlation") {
			within = 0
		}
		key := keyOf(v, within)
		key.Name, key.Pos = k.Value, pos(k)
		keys = append(keys, key)
	}
	return keys
}

func keyOf(v *yaml.Node, depth int) Key {
	key := Key{Pos: pos(v), Value: pos(v)}
	switch v.Kind {
	case yaml.MappingNode:
		key.Kind = Map
		if depth > 0 {
			key.Keys = keysOf(v, depth-1)
		}
	case yaml.SequenceNode:
		key.Kind = List
		if depth > 0 {
			for _, x := range v.Content {
				key.Keys = append(key.Keys, keyOf(x, depth-1))
			}
		}
	default:
		if v.ShortTag() != "!!null" {
			key.Kind, key.Text = Scalar, v.Value
		}
	}
	return key
}
