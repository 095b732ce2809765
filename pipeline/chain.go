package pipeline

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Chain holds pipelines and sigmac configurations in the order in which they
// apply. A nil Chain applies nothing.
type Chain struct {
	list []stage
	all  []Part
}

// Part is a *Pipeline or a *Config.
type Part interface {
	order() int
	// allows is an error when the part is for none of a target's names.
	allows(target []string) error
}

// stage is a step of a chain: a pipeline, or sigmac configurations that stand
// together and are applied as one, as sigmac did.
type stage interface {
	// maps tells whether the stage translates field names, so that names it
	// does not know are to be reported.
	maps() bool
	// owns tells whether something added by the owner speaks the names that
	// the stage translates into.
	owns(owner any) bool
	apply(r *run, drafts []*draft) []*draft
}

// NewChain orders parts by priority (sigmac: order), equal ones as given, and
// adds the built-in pipelines that they require, before them where the priorities
// are equal.
func NewChain(parts ...Part) *Chain {
	c := &Chain{}
	seen := map[string]bool{}
	var add func(Part)
	add = func(part Part) {
		if p, ok := part.(*Pipeline); ok {
			if seen[p.ID] {
				return
			}
			seen[p.ID] = true
			for _, name := range p.Requires {
				// Parse has checked the name, and a test that the file loads.
				if required, err := Load(name); err == nil {
					add(required)
				}
			}
		}
		c.all = append(c.all, part)
	}
	for _, p := range parts {
		add(p)
	}
	slices.SortStableFunc(c.all, func(a, b Part) int { return cmp.Compare(a.order(), b.order()) })
	for _, part := range c.all {
		switch part := part.(type) {
		case *Pipeline:
			c.list = append(c.list, part)
		case *Config:
			if n := len(c.list); n > 0 {
				if s, ok := c.list[n-1].(*sigmac); ok {
					s.configs = append(s.configs, part)
					continue
				}
			}
			c.list = append(c.list, &sigmac{configs: []*Config{part}})
		}
	}
	return c
}

// NotForError is the error about a pipeline or configuration that says which
// targets it is for, and means others.
type NotForError struct {
	Kind, ID, Target string
	// For are the targets that it is for.
	For []string
}

func (e *NotForError) Error() string {
	return fmt.Sprintf("%s %s is not for target %s; it is for %s", e.Kind, e.ID, e.Target, strings.Join(e.For, ", "))
}

// allows tells whether one of a target's names, the first its own, is among those
// that a part is for. No names are all.
func allows(kind, id string, backends, target []string) error {
	if len(backends) == 0 || slices.ContainsFunc(target, func(name string) bool { return slices.Contains(backends, name) }) {
		return nil
	}
	return &NotForError{kind, id, target[0], backends}
}

// Check is a *NotForError when a part of the chain is for none of a target's names,
// of which the first is its own.
func (c *Chain) Check(target ...string) error {
	if c == nil {
		return nil
	}
	for _, p := range c.all {
		if err := p.allows(target); err != nil {
			return err
		}
	}
	return nil
}

func (c *Chain) stages() []stage {
	if c == nil {
		return nil
	}
	return c.list
}

// vars are the variables of all pipelines; of equal names the later counts.
func (c *Chain) vars() map[string]variable {
	vars := map[string]variable{}
	for _, s := range c.stages() {
		if p, ok := s.(*Pipeline); ok {
			maps.Copy(vars, p.vars)
		}
	}
	return vars
}

func (p *Pipeline) order() int { return p.Priority }
