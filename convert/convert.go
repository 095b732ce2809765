// Package convert turns lowered rules into queries: it is the registry of the
// targets, one folder each below. The types are those of package backend.
package convert

import (
	"errors"
	"fmt"
	"strings"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/esqs"
	"github.com/huntbook/huntbook/sigma"
)

// ErrUnknownTarget is wrapped by the error about a name that is no target.
var ErrUnknownTarget = errors.New("unknown target")

// Targets lists all targets by name. A new one is a folder and a line here.
func Targets() []*backend.Target {
	return []*backend.Target{
		esqs.Target,
	}
}

// Target finds a target by name.
func Target(name string) (*backend.Target, error) {
	var names []string
	for _, t := range Targets() {
		if t.Name == name {
			return t, nil
		}
		names = append(names, t.Name)
	}
	hint := sigma.Suggest(name, names)
	if hint == "" {
		hint = "there are " + strings.Join(names, ", ")
	}
	return nil, fmt.Errorf("%w %q; %s", ErrUnknownTarget, name, hint)
}
