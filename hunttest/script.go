// Package hunttest reads and runs .hunt scripts, which say what rules mean: some
// events, a rule, and which of the events it finds.
//
// A script is a text of blocks. What begins in a line's first column is a
// command, what is indented below belongs to it, and a # in the first column
// begins a comment:
//
//	load
//	  a {"User": "root"}
//	  b {"User": "admin"}
//
//	rule User|startswith: ro
//	expect a
//
//	rule
//	  selection: {User: root}
//	  condition: not selection
//	expect b
//
//	rule User|contain: root
//	expect error 1:6 unknown modifier
//
// "load" replaces the events: a JSON object a line, with an id before it or
// else numbered from 1. "rule" takes what stands behind it or below it: the
// body of one search identifier, a detection section (it has a condition), a
// correlation section (it has a type and rules), or whole rules, correlations and
// filters (YAML documents); the shorter forms are completed with a title and a
// log source that adds nothing. "with" names documents that stand before every
// rule that follows, "with nothing" ends that. "expect" lists the ids of the
// events that are found, or "none"; what a correlation finds is a list of ids in
// parentheses. "expect error" names a part of the message, and before it, if
// wanted, the line and column within the rule as it stands in the script.
//
// The package knows nothing of how rules are run: an Engine does that, so the
// same scripts hold for the matcher, a store or a server. Data flows: text →
// Script → Run with an Engine → messages about what came out otherwise.
package hunttest

import (
	"encoding/json"

	"github.com/huntbook/huntbook/diag"
)

// Script is one file.
type Script struct {
	File  *diag.File
	Cases []Case
}

// Case is a rule and what is expected of it.
type Case struct {
	Events []Event
	// Rules are YAML documents; what counts is found by the last rule of them
	// that no correlation among them names.
	Rules  string
	Pos    diag.Pos
	Expect Expectation

	// before and indent are the lines and columns that completing the rule
	// put before its text.
	before, indent int
}

// Event is one event of a case.
type Event struct {
	ID   string
	JSON json.RawMessage
}

// Expectation is what should come out of a case.
type Expectation struct {
	Pos diag.Pos
	// Found are the findings: the ids of the events of each, which is one
	// event unless the rule is a correlation.
	Found []Finding
	// Error is a part of an error's message, when IsError is set; At is where
	// in the rule's text it is, zero for anywhere.
	IsError bool
	Error   string
	At      diag.Pos
}

// Finding is what a rule found: the ids of one event, or of those that a
// correlation relates.
type Finding []string
