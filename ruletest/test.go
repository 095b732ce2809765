// Package ruletest runs regression tests that live beside rules.
//
// A test says which of some events a rule finds. It is written in one of two
// forms: an info.yml of SigmaHQ's regression data, or a file NAME.test.yml of our
// own; docs/testing.md describes both. The package knows nothing of the command
// line. Data flows: paths → Find → tests; with the rules of a ruleset.Set → Bind
// → Run → Results → text, JSON or JUnit's XML.
package ruletest

import (
	"encoding/json"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// Test is one expectation of a rule.
type Test struct {
	// Name is as written, Pos where in File.
	Name string
	File *diag.File
	Pos  diag.Pos

	// Ref names the rule: its id, its name or its path. Rule is nil until
	// Bind has found it, Others are the rules that it may name.
	Ref    Ref
	Rule   *sigma.Rule
	Others []*sigma.Rule

	// Events are what the rule is tried on, or Data, a file with events.
	Events []json.RawMessage
	Data   string
	Want   Want
}

// Ref names a rule. Path is set when it is a file; it is not relative to
// anything but the working folder.
type Ref struct {
	Text string
	Path string
	Pos  diag.Pos
}

// Want is what a test expects. Exactly one of the fields is used, in this order.
type Want struct {
	// All says that every event matches.
	All bool
	// Records are the numbers, from 1, of the events that match; no other
	// does. An empty list that is not nil expects no match.
	Records []int
	// Least and Most bound the number of findings; Most is -1 for no bound.
	Least, Most int
}

// Suite is the tests that Find found.
type Suite struct {
	Tests []*Test
	// Diagnostics say what of the test files can't be used.
	Diagnostics diag.List
	// Missing counts rules whose regression_tests_path is not there, Untested
	// those without any test, LeftOut tests of rules that were not chosen.
	// Bind sets them.
	Missing, Untested, LeftOut int

	seen map[string]bool // absolute paths of test files
}
