// Package standard gives events of the Windows event log the fields, values and
// indices of a convention: HELK's, the Elastic Common Schema as Winlogbeat's
// modules fill it, or none.
//
// A standard is data (builtin/*.yml, or a file of the user's in the same form).
// It speaks of fields by the names that Sigma's rules use, which package event
// has given to every shape already, so one description serves Winlogbeat 6 and 7,
// NXLog, flat Mordor datasets and event log files alike. Data flows:
//
//	event.Batch → kinds of events (log, event id) → a plan for each kind, made
//	once → Documents: an index, an id and JSON
//
// A column's distinct value is turned into JSON once; a row is then put together
// of pieces. The package knows nothing of files, rules and servers.
//
// The form of a standard's file is described in docs/standards.md, which Reference
// writes. Of several fields that become one name the first that the event has is
// written. The others keep their own names, unless they say the same.
package standard

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/diag"
)

//go:embed builtin/*.yml
var builtin embed.FS

// ErrUnknown is wrapped by the error about a name that is no standard.
var ErrUnknown = errors.New("unknown standard")

// None is the name of the standard that leaves events as they are.
const None = "none"

// Standard says how events are to be stored. It never changes once loaded, and
// is for any number of goroutines.
type Standard struct {
	// ID is the built-in name or the path, Title and Description are for people.
	ID, Title, Description string
	// Pipeline is the pipeline whose rules look for this standard's fields; ""
	// for none.
	Pipeline string

	def  definition
	lows map[string]bool
	drop map[string]bool
	// types has the exact names, patterns those with a star at the end.
	types    map[string]fieldType
	patterns []typePattern
	// channels leads from a channel in lower case to its log and its spelling.
	channels map[string]channel
}

type channel struct{ log, spelling string }

type typePattern struct {
	prefix string
	kind   fieldType
}

// Names lists what Load knows by name.
func Names() []string {
	entries, _ := builtin.ReadDir("builtin")
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yml"))
	}
	return append(names, None)
}

// maxFileSize bounds a file of the user's.
const maxFileSize = 4 << 20

// Load returns the built-in standard of that name, or reads one from a file.
// An unknown name wraps ErrUnknown; what is wrong in a file is a diag.List.
func Load(nameOrPath string) (*Standard, error) {
	if nameOrPath == None {
		return &Standard{ID: None, Title: "none", Description: "events as they came, with @timestamp", def: definition{Index: indexNames{Other: "events-{date}"}}}, nil
	}
	if slices.Contains(Names(), nameOrPath) {
		path := "builtin/" + nameOrPath + ".yml"
		data, err := builtin.ReadFile(path)
		if err != nil {
			return nil, err
		}
		return Parse(nameOrPath, &diag.File{Path: path, Data: data})
	}
	if !strings.HasSuffix(nameOrPath, ".yml") && !strings.HasSuffix(nameOrPath, ".yaml") {
		return nil, fmt.Errorf("%w %q; there are %s, and files whose names end in .yml", ErrUnknown, nameOrPath, strings.Join(Names(), ", "))
	}
	info, err := os.Stat(nameOrPath)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("standard %s: %w; check the path", nameOrPath, fs.ErrNotExist)
	case err != nil:
		return nil, err
	case info.Size() > maxFileSize:
		return nil, fmt.Errorf("%s has %d bytes, more than the %d that a standard may have", nameOrPath, info.Size(), maxFileSize)
	}
	data, err := os.ReadFile(nameOrPath)
	if err != nil {
		return nil, err
	}
	return Parse(nameOrPath, &diag.File{Path: nameOrPath, Data: data})
}

// typeOf is the type of the field of that name.
func (s *Standard) typeOf(name string) fieldType {
	if t, ok := s.types[name]; ok {
		return t
	}
	for _, p := range s.patterns {
		if strings.HasPrefix(name, p.prefix) {
			return p.kind
		}
	}
	return textType
}
