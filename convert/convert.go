// Package convert turns lowered rules into queries: it is the registry of the
// targets, one folder each below. The types are those of package backend.
package convert

import (
	"errors"
	"fmt"
	"strings"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/elastalert"
	"github.com/huntbook/huntbook/convert/elastalertdsl"
	"github.com/huntbook/huntbook/convert/eql"
	"github.com/huntbook/huntbook/convert/esdsl"
	"github.com/huntbook/huntbook/convert/esql"
	"github.com/huntbook/huntbook/convert/esqs"
	"github.com/huntbook/huntbook/convert/esrule"
	"github.com/huntbook/huntbook/convert/kibana"
	"github.com/huntbook/huntbook/convert/kql"
	"github.com/huntbook/huntbook/convert/lucene"
	"github.com/huntbook/huntbook/convert/opensearchlucene"
	"github.com/huntbook/huntbook/convert/opensearchppl"
	"github.com/huntbook/huntbook/convert/xpackwatcher"
	"github.com/huntbook/huntbook/sigma"
)

// ErrUnknownTarget is wrapped by the error about a name that is no target.
var ErrUnknownTarget = errors.New("unknown target")

// Targets lists all targets by name. A new one is a folder and a line here.
func Targets() []*backend.Target {
	return []*backend.Target{
		elastalert.Target,
		elastalertdsl.Target,
		eql.Target,
		esdsl.Target,
		esqs.Target,
		esrule.Target,
		esql.Target,
		kibana.Target,
		kql.Target,
		lucene.Target,
		opensearchlucene.Target,
		opensearchppl.Target,
		xpackwatcher.Target,
	}
}

// Target finds a target by its name or by another that users type. A name that
// stands for one of a target's formats gives the target with that as its default.
func Target(name string) (*backend.Target, error) {
	var names []string
	for _, t := range Targets() {
		if t.Name == name {
			return t, nil
		}
		for _, alias := range t.Aliases {
			if alias.Name == name {
				return t.Defaulting(alias.Format), nil
			}
		}
		names = append(names, t.Name)
	}
	hint := sigma.Suggest(name, names)
	if hint == "" {
		hint = "there are " + strings.Join(names, ", ")
	}
	return nil, fmt.Errorf("%w %q; %s", ErrUnknownTarget, name, hint)
}
