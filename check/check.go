// Package check looks rules through as a reviewer would: what the specification
// asks for, what SigmaHQ's conventions and pySigma's validators check, and what
// is probably not meant.
//
// A check is one value: a stable code, a severity, prose, an example of what is
// wrong and one of what is right, where it comes from, and the function that
// looks. What the parser finds has an entry in the same list. Findings point at
// characters of a file; many carry the edits that repair it, which change the
// bytes concerned and nothing else. A document with errors is looked through as far
// as it was read: what the parser could not read is neither looked at nor missed.
// The package knows nothing of events and of queries. Data flows: ruleset.Set →
// documents → checks → findings → (edits → files).
package check

import (
	"slices"

	"github.com/huntbook/huntbook/diag"
)

// Check is one kind of finding.
type Check struct {
	// Code is stable: what is told with it keeps its meaning.
	Code     string
	Severity diag.Severity
	// Prose says what is wrong and why it matters, in a sentence or two.
	Prose string
	// Bad is an example that has exactly this finding, Good one that has it
	// not: keys of a document, in the form that Example reads. They are ""
	// where no text could show it.
	Bad, Good string
	// From says who asks for it; nobody else does when it is empty.
	From []Origin
	// Fixes says what --fix does, "" when it leaves it to the author.
	Fixes string

	// One of these looks; the parser finds what has none. A section is the
	// detection, filter or correlation of a document in which the parser found no
	// error.
	file     func(*file)
	document func(*document)
	section  func(*document)
	item     func(*document, *item)
	set      func(*set)

	// repair makes the edits for a finding of the parser.
	repair func(*source, *diag.Diagnostic) []Edit
}

// Origin is a section of a text, or a rule of another tool.
type Origin struct{ Who, Name string }

// Who asks for things.
const (
	Specification = "specification"
	SigmaHQ       = "SigmaHQ"
	PySigma       = "pySigma"
	PySigmaHQ     = "pySigma-validators-sigmahq"
	RSigma        = "rsigma"
)

func spec(section string) Origin    { return Origin{Specification, section} }
func sigmaHQ(section string) Origin { return Origin{SigmaHQ, section} }
func pySigma(name string) Origin    { return Origin{PySigma, name} }
func pySigmaHQ(name string) Origin  { return Origin{PySigmaHQ, "sigmahq_" + name} }
func rSigma(name string) Origin     { return Origin{RSigma, name} }

// All lists the checks by topic. A new one is a variable in the file of its
// topic and a place in this list.
func All() []*Check { return slices.Clone(checks) }

var checks = slices.Concat(
	parserChecks, fileChecks, keyChecks, titleChecks, metadataChecks, dateChecks, referenceChecks,
	falsePositiveChecks, tagChecks, logSourceChecks, fieldChecks, conditionChecks, valueChecks,
	wildcardChecks, modifierChecks, regexpChecks, correlationChecks, setChecks,
)

// Find returns the check of that code, nil when there is none.
func Find(code string) *Check {
	for _, c := range checks {
		if c.Code == code {
			return c
		}
	}
	return nil
}
