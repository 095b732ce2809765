package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/internal/version"
)

// diagnosticFormats are the forms of messages about rules and pipelines.
var diagnosticFormats = []string{"text", "json", "sarif"}

// addDiagnostics adds the flag to a command that reads rules.
func (a *app) addDiagnostics(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.messages, "diagnostics", "text", "the `form` of errors and warnings on standard error: text, or json (an object a line) or sarif, and then nothing else")
	complete(cmd, "diagnostics", diagnosticFormats)
}

// checkDiagnostics silences remarks where a program reads standard error.
func (a *app) checkDiagnostics() error {
	switch {
	case a.messages == "" || a.messages == "text":
		a.messages = "text"
	case slices.Contains(diagnosticFormats, a.messages):
		a.Err = io.Discard
	default:
		form := a.messages
		a.messages = "text"
		return usagef("unknown form %q of --diagnostics; there are %s", form, strings.Join(diagnosticFormats, ", "))
	}
	return nil
}

// diagnostics writes messages about rules to standard error, or keeps them until
// the end where they are for a program.
func (a *app) diagnostics(list diag.List) {
	if !a.keep(list...) {
		_ = diag.WriteText(a.Err, list, colour(a.errTerm))
	}
}

// keep keeps messages until the end where they are for a program.
func (a *app) keep(list ...*diag.Diagnostic) bool {
	forProgram := a.messages == "json" || a.messages == "sarif"
	if forProgram {
		a.kept = append(a.kept, list...)
	}
	return forProgram
}

// report tells an error: messages into files with their source lines, others as
// they are.
func (a *app) report(err error) {
	for _, d := range flatten(err) {
		if d.File != nil || d.Code != "" || a.messages == "json" || a.messages == "sarif" {
			a.diagnostics(diag.List{d})
			continue
		}
		for line := range strings.SplitSeq(d.Message, "\n") {
			fmt.Fprintln(a.Err, "huntbook:", diag.Printable(line))
		}
	}
}

// flatten gives the messages of an error, of joined errors those of each.
func flatten(err error) diag.List {
	switch e := err.(type) { //nolint:errorlint // it goes down by itself, so that no part of a join is lost
	case diag.List:
		return e
	case usageError:
		return flatten(e.error)
	case interface{ Unwrap() []error }:
		if parts := e.Unwrap(); errors.Join(parts...).Error() == err.Error() {
			var all diag.List
			for _, part := range parts {
				all = append(all, flatten(part)...)
			}
			return all
		}
	}
	return diag.Of(err)
}

// writeKept writes the messages that were kept for a program.
func (a *app) writeKept() {
	switch a.messages {
	case "json":
		_ = diag.WriteJSON(a.realErr, a.kept)
	case "sarif":
		_ = diag.WriteSARIF(a.realErr, a.kept, "huntbook", version.Number(), nil)
	}
}
