package ruletest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/sigma"
)

// Bind reads the test files that the rules name (regression_tests_path), and
// gives each test its rule. Tests of rules that were read and not chosen are left
// out; a test whose rule is not there at all is reported.
func (s *Suite) Bind(set *ruleset.Set) {
	chosen := map[*sigma.Rule]bool{}
	f := &finder{s}
	for _, e := range set.Rules {
		chosen[e.Rule] = true
		path := keyText(e.Rule, "regression_tests_path")
		if path == "" || e.Rule.File == nil {
			continue
		}
		if found, root, ok := upward(filepath.Dir(e.Rule.File.Path), path); ok {
			f.file(found, root)
		} else {
			s.Missing++
		}
	}
	tested := map[*sigma.Rule]bool{}
	tests := s.Tests[:0:0]
	for _, t := range s.Tests {
		rule, reason := findRule(t.Ref, set)
		switch {
		case rule == nil:
			s.Diagnostics = append(s.Diagnostics, &diag.Diagnostic{Code: "test-rule", Message: reason, File: t.File, Pos: t.Ref.Pos})
		case !chosen[rule]:
			s.LeftOut++
		default:
			t.Rule, t.Others = rule, set.All
			tested[rule] = true
			tests = append(tests, t)
		}
	}
	s.Tests = tests
	for _, e := range set.Rules {
		if !tested[e.Rule] {
			s.Untested++
		}
	}
}

func keyText(r *sigma.Rule, name string) string {
	for _, k := range r.Keys {
		if k.Name == name {
			return k.Text
		}
	}
	return ""
}

// findRule finds the rule that a test names; of several in a file the one that
// no correlation among them names.
func findRule(ref Ref, set *ruleset.Set) (*sigma.Rule, string) {
	var found []*sigma.Rule
	info, statErr := os.Stat(ref.Path)
	for _, r := range set.All {
		switch {
		case ref.Path != "":
			if other, err := os.Stat(r.File.Path); statErr == nil && err == nil && os.SameFile(info, other) {
				found = append(found, r)
			}
		case strings.EqualFold(r.ID, ref.Text) || r.Name == ref.Text:
			return r, ""
		}
	}
	if len(found) > 1 {
		named := sigma.NewLibrary(found).Named(found)
		var outer []*sigma.Rule
		for _, r := range found {
			if _, ok := named[r]; !ok {
				outer = append(outer, r)
			}
		}
		found = outer
	}
	switch {
	case len(found) == 1:
		return found[0], ""
	case len(found) > 1:
		return nil, fmt.Sprintf("%s holds %d rules; name one by its id", ref.Text, len(found))
	case ref.Path != "":
		return nil, fmt.Sprintf("the rule file %s is not among the rules that were read, or has errors", ref.Text)
	}
	return nil, fmt.Sprintf("rule %q is not among the rules that were read", ref.Text)
}
