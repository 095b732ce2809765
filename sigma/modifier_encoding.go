package sigma

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"unicode/utf16"
)

var modBase64 = Modifier{
	Name:    "base64",
	Prose:   "The value is encoded with Base64.",
	Example: "CommandLine|base64|contains: '/bin/bash'",
	value: func(o operand) (Value, error) {
		text, err := plainOf(o.Value)
		if err != nil {
			return nil, err
		}
		return String{Pattern: Text(base64.StdEncoding.EncodeToString([]byte(text)))}, nil
	},
}

var modBase64Offset = Modifier{
	Name:    "base64offset",
	Prose:   "The value is encoded with Base64 in the three forms that it can take inside a longer text.",
	Example: "CommandLine|base64offset|contains: 'Invoke-'",
	value: func(o operand) (Value, error) {
		text, err := plainOf(o.Value)
		if err != nil {
			return nil, err
		}
		if text == "" {
			return nil, errors.New("takes text that is not empty")
		}
		var out Alternatives
		for shift := range 3 {
			encoded := base64.StdEncoding.EncodeToString(append(make([]byte, shift), text...))
			// Characters that hold bits of what stands before or behind are cut.
			start := [3]int{0, 2, 3}[shift]
			end := len(encoded) - [3]int{0, 3, 2}[(len(text)+shift)%3]
			out = append(out, String{Pattern: Text(encoded[start:end])})
		}
		return out, nil
	},
}

var (
	modUTF16LE = utf16Modifier("utf16le", "The value is encoded as UTF-16, little endian.", binary.LittleEndian, false)
	modWide    = utf16Modifier("wide", "The same as utf16le.", binary.LittleEndian, false)
	modUTF16BE = utf16Modifier("utf16be", "The value is encoded as UTF-16, big endian.", binary.BigEndian, false)
	modUTF16   = utf16Modifier("utf16", "The value is encoded as UTF-16 with a byte order mark.", binary.LittleEndian, true)
)

func utf16Modifier(name, prose string, order binary.AppendByteOrder, mark bool) Modifier {
	return Modifier{
		Name:    name,
		Prose:   prose,
		Example: "CommandLine|" + name + "|base64offset|contains: 'ping'",
		value: func(o operand) (Value, error) {
			text, err := plainOf(o.Value)
			if err != nil {
				return nil, err
			}
			var b []byte
			if mark {
				b = order.AppendUint16(b, 0xFEFF)
			}
			for _, u := range utf16.Encode([]rune(text)) {
				b = order.AppendUint16(b, u)
			}
			return String{Pattern: Text(string(b))}, nil
		},
	}
}
