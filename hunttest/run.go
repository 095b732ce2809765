package hunttest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/diag"
)

// Engine runs rules over events.
type Engine interface {
	// Run returns what the last rule of the text finds that no correlation in
	// it names, in any order. The error says why the rules can't be used; it carries a
	// diag.List where it can.
	Run(ctx context.Context, events []Event, rules string) ([]Finding, error)
}

// Run runs every case of the script with an engine. Each message says what came
// out otherwise than expected, and points at the expectation.
func (s *Script) Run(ctx context.Context, e Engine) diag.List {
	var wrong diag.List
	for i := range s.Cases {
		c := &s.Cases[i]
		found, err := e.Run(ctx, c.Events, c.Rules)
		message := c.disagrees(found, err)
		if ctx.Err() != nil {
			return append(wrong, &diag.Diagnostic{Code: "interrupted", Message: ctx.Err().Error(), File: s.File, Pos: c.Pos})
		}
		if message != "" {
			wrong = append(wrong, &diag.Diagnostic{Code: "unexpected", Message: message, File: s.File, Pos: c.Expect.Pos})
		}
	}
	return wrong
}

// disagrees says how a result differs from what was expected, "" when it does
// not.
func (c *Case) disagrees(found []Finding, err error) string {
	switch {
	case c.Expect.IsError && err == nil:
		return fmt.Sprintf("expected an error, found %s", show(found))
	case c.Expect.IsError:
		return c.disagreesOn(diag.Of(err))
	case err != nil:
		return fmt.Sprintf("expected %s, got an error: %s", show(c.Expect.Found), strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if want, got := show(c.Expect.Found), show(found); want != got {
		return fmt.Sprintf("expected %s, found %s", want, got)
	}
	return ""
}

func (c *Case) disagreesOn(list diag.List) string {
	var texts []string
	for _, d := range list.Errors() {
		at := c.within(d.Pos)
		text := d.Message
		if d.Hint != "" {
			text += "; " + d.Hint
		}
		if strings.Contains(text, c.Expect.Error) && (c.Expect.At == diag.Pos{} || c.Expect.At == at) {
			return ""
		}
		texts = append(texts, fmt.Sprintf("%d:%d %s", at.Line, at.Column, text))
	}
	return "the error is another one: " + strings.Join(texts, "; ")
}

// within turns a position in the completed rule into one in the rule as it
// stands in the script.
func (c *Case) within(pos diag.Pos) diag.Pos {
	if pos.Line <= c.before {
		return diag.Pos{}
	}
	return diag.Pos{Line: pos.Line - c.before, Column: max(pos.Column-c.indent, 1)}
}

// show writes findings in the order of their ids.
func show(found []Finding) string {
	if len(found) == 0 {
		return "none"
	}
	words := make([]string, len(found))
	for i, f := range found {
		ids := slices.Sorted(slices.Values(f))
		words[i] = strings.Join(ids, " ")
		if len(ids) != 1 {
			words[i] = "(" + words[i] + ")"
		}
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}
