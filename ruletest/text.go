package ruletest

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/huntbook/huntbook/diag"
)

// WriteText writes a test that did not pass: its rule and name, where it stands,
// what came out, and why.
func (r *Result) WriteText(w io.Writer, colour bool) error {
	paint := func(code, s string) string {
		if !colour {
			return s
		}
		return "\x1b[" + code + "m" + s + "\x1b[0m"
	}
	word := "FAILED"
	if r.Broken {
		word = "BROKEN"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s\n", paint("31;1", word), paint("1", diag.Printable(r.Rule.Title)), diag.Printable(r.Name))
	fmt.Fprintf(&b, "  %s:%d:%d: %s\n", diag.Printable(r.File.Path), r.Pos.Line, r.Pos.Column, diag.Printable(r.Message))
	if r.Why != nil {
		var why strings.Builder
		if err := r.Why.WriteText(&why, colour); err != nil {
			return err
		}
		for line := range strings.Lines(why.String()) {
			if strings.TrimSpace(line) != "" {
				line = "  " + line
			}
			b.WriteString(line)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// resultJSON is the form in which WriteJSON writes a result.
type resultJSON struct {
	Rule     ruleJSON        `json:"rule"`
	Test     testJSON        `json:"test"`
	Passed   bool            `json:"passed"`
	Broken   bool            `json:"broken"`
	Message  *string         `json:"message"`
	Findings int             `json:"findings"`
	Events   int             `json:"events"`
	Why      json.RawMessage `json:"explanation"`
}

type ruleJSON struct {
	Title string `json:"title"`
	ID    string `json:"id"`
	Path  string `json:"path"`
}

type testJSON struct {
	Name   string `json:"name"`
	Path   string `json:"path"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// WriteJSON writes the result as one JSON object and a newline: rule, test,
// passed, broken, message, findings, events and explanation.
func (r *Result) WriteJSON(w io.Writer) error {
	j := resultJSON{
		Rule:   ruleJSON{r.Rule.Title, r.Rule.ID, rulePath(r)},
		Test:   testJSON{r.Name, r.File.Path, r.Pos.Line, r.Pos.Column},
		Passed: r.Passed, Broken: r.Broken, Findings: r.Findings, Events: r.Events,
	}
	if r.Message != "" {
		j.Message = &r.Message
	}
	if r.Why != nil {
		var why strings.Builder
		if err := r.Why.WriteJSON(&why); err != nil {
			return err
		}
		j.Why = json.RawMessage(why.String())
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(j)
}
