package event

import "strings"

// shape is one way in which producers write events as JSON. A shape is data
// where it can be: the paths that give it away, and what paths are called in
// Sigma's rules.
type shape struct {
	name string
	// signs gives a bit to each path, or beginning of paths when it ends in
	// a dot, that tells something about the shape. An event has the shape
	// when it shows all the bits of one of enough.
	signs  map[string]uint8
	enough []uint8
	// field says what the value at a path is called.
	field func(path string) field
	// windows says that events of the shape are of a Windows event log when
	// they have its fields.
	windows bool
	// repair sets right what producers are known to get wrong; nil: nothing.
	repair func(*Builder)
}

// The shapes, in the order in which they are tried. The last fits every event.
const (
	eventLogShape = iota
	winlogbeat7Shape
	winlogbeat6Shape
	flatShape
	otherShape
	shapeCount
)

var shapes = [shapeCount]shape{
	eventLogShape:    eventLog,
	winlogbeat7Shape: winlogbeat7,
	winlogbeat6Shape: winlogbeat6,
	flatShape:        flat,
	otherShape:       {name: "other", enough: []uint8{0}, field: asIs},
}

// field is what the value at a path is called.
type field struct {
	name   string
	weight weight
	part   part
}

// weight decides between two values of an event that have the same name.
type weight int8

// The weights: a value that stands in when there is no other, a value under its
// own or its mapped name, a value of the event's own data.
const (
	standIn weight = iota - 1
	ordinary
	eventData
)

// part tells that a value is half of a field: its name or its text.
type part uint8

// The parts.
const (
	whole part = iota
	dataName
	dataText
)

func asIs(path string) field { return field{name: path} }

// evidence holds the bits of signs, a byte a shape.
type evidence uint64

func evidenceOf(path string) evidence {
	var all evidence
	for i := range shapes {
		for sign, bit := range shapes[i].signs {
			if path == sign || strings.HasSuffix(sign, ".") && strings.HasPrefix(path, sign) {
				all |= evidence(bit) << (8 * i)
			}
		}
	}
	return all
}

func shapeOf(e evidence) int {
	for i := range shapes {
		seen := uint8(e >> (8 * i))
		for _, bits := range shapes[i].enough {
			if seen&bits == bits {
				return i
			}
		}
	}
	return otherShape
}

func fieldOf(shape int, path string) field { return shapes[shape].field(path) }

// mapped looks a path up in a table of names, then takes what lies under one of
// the data prefixes by its own name; any other path is its own name.
func mapped(path string, names map[string]string, standIns map[string]string, data ...string) field {
	if name, ok := names[path]; ok {
		return field{name: name}
	}
	if name, ok := standIns[path]; ok {
		return field{name: name, weight: standIn}
	}
	for _, prefix := range data {
		if name, ok := strings.CutPrefix(path, prefix); ok && name != "" {
			return field{name: name, weight: eventData}
		}
	}
	return field{name: path}
}
