package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/check"
	"github.com/huntbook/huntbook/check/against"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/internal/version"
	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/sigma"
)

var (
	checkFormats = []string{"text", "json", "sarif", "github"}
	severities   = []string{"error", "warning", "note"}
)

func (a *app) checkCommand() *cobra.Command {
	c := &checking{app: a}
	cmd := &cobra.Command{
		Use:   "check RULES...",
		Short: "Check rules against the specification, conventions and good sense",
		Long: `Check rules, correlations and filters: what the Sigma specification asks for,
SigmaHQ's conventions, pySigma's validators, and what is probably not meant.
--list shows all checks; docs/checks.md shows each with examples.

The exit code is 1 when there is a finding of the severity that --fail-on names
or of a graver one.`,
		Example: `  huntbook check rules/
  huntbook check rules/ --fix --min-severity warning
  huntbook check rules/ --format github --fail-on warning --disable file-prefix
  huntbook check rules/ --against logs/`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.checkFlags(); err != nil {
				return err
			}
			if c.list {
				return c.printList()
			}
			if len(args) == 0 {
				return usagef("no rules; name rule files or folders, as in: huntbook check rules/")
			}
			c.paths = args
			return c.run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&c.fix, "fix", false, "repair in place what can be repaired safely")
	flags.StringVar(&c.format, "format", "text", "the `form` of the findings: text, json (an object a line), sarif, github (annotations)")
	flags.StringVar(&c.minSeverity, "min-severity", "note", "only findings of this `severity` or a graver one: error, warning, note")
	flags.StringVar(&c.failOn, "fail-on", "error", "exit with 1 when there is a finding of this `severity` or a graver one")
	flags.StringSliceVar(&c.disable, "disable", nil, "leave out the findings of these `codes`; may be repeated")
	flags.BoolVar(&c.list, "list", false, "list the checks")
	flags.StringArrayVar(&c.data, "against", nil, "look for the rules' fields in this data (`path`); may be repeated")
	complete(cmd, "format", checkFormats)
	complete(cmd, "min-severity", severities)
	complete(cmd, "fail-on", severities)
	_ = cmd.RegisterFlagCompletionFunc("disable", cobra.FixedCompletions(checkCodes(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// checking is one run of the command.
type checking struct {
	*app
	paths, disable, data        []string
	format, minSeverity, failOn string
	fix, list                   bool
	// unread says that a part of the data could not be read.
	unread bool
}

func checkCodes() []string {
	var codes []string
	for _, c := range check.All() {
		codes = append(codes, c.Code)
	}
	return codes
}

func (c *checking) checkFlags() error {
	for _, f := range []struct {
		flag, word string
		known      []string
	}{{"format", c.format, checkFormats}, {"min-severity", c.minSeverity, severities}, {"fail-on", c.failOn, severities}} {
		if !slices.Contains(f.known, f.word) {
			last := len(f.known) - 1
			return usagef("unknown --%s %q; there are %s and %s", f.flag, f.word, strings.Join(f.known[:last], ", "), f.known[last])
		}
	}
	for _, code := range c.disable {
		if check.Find(code) == nil {
			near := sigma.Suggest(code, checkCodes())
			if near == "" {
				near = "--list shows them"
			}
			return usagef("there is no check %q; %s", code, near)
		}
	}
	return nil
}

// atLeast tells whether a severity is the named one or a graver one.
func atLeast(s diag.Severity, name string) bool { return int(s) <= slices.Index(severities, name) }

func (c *checking) wanted(f check.Finding) bool {
	return atLeast(f.Severity, c.minSeverity) && !slices.Contains(c.disable, f.Code)
}

func (c *checking) run(ctx context.Context) error {
	set, result, err := c.look()
	if err != nil {
		return err
	}
	if c.fix && result.Fixable() > 0 {
		fixed, err := check.Fix(result.Findings, c.wanted)
		c.tellFixed(fixed)
		if err != nil {
			return err
		}
		if set, result, err = c.look(); err != nil {
			return err
		}
	}
	missed := ""
	if len(c.data) > 0 {
		if missed, err = c.against(ctx, set, result); err != nil {
			return err
		}
	}
	if err := c.print(result); err != nil {
		return err
	}
	if err := c.out.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(c.Err, "%s%s\n", missed, c.summary(set, result))
	if c.unread || slices.ContainsFunc(result.Findings, func(f check.Finding) bool { return atLeast(f.Severity, c.failOn) }) {
		return errFailed
	}
	return nil
}

// look reads the rules and checks them; the result has the wanted findings.
func (c *checking) look() (*ruleset.Set, *check.Result, error) {
	collectSeldom()
	set, err := ruleset.Load(c.paths, ruleset.Choice{})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, usageError{err}
	}
	if err != nil {
		return nil, nil, err
	}
	result := check.Run(set)
	result.Findings = slices.DeleteFunc(result.Findings, func(f check.Finding) bool { return !c.wanted(f) })
	return set, result, nil
}

// against reads the data and adds what the rules miss there.
func (c *checking) against(ctx context.Context, set *ruleset.Set, result *check.Result) (string, error) {
	reader, err := ingest.Open(ctx, c.data, c.ingestOptions())
	if errors.Is(err, fs.ErrNotExist) {
		return "", usageError{err}
	}
	if err != nil {
		return "", err
	}
	defer reader.Close()
	found, err := against.Look(ctx, set.All, reader)
	if err != nil {
		return "", err
	}
	result.Add(slices.DeleteFunc(found.Findings, func(f check.Finding) bool { return !c.wanted(f) }))
	for _, err := range reader.Summary().Failed {
		c.report(err)
		c.unread = true
	}
	return fmt.Sprintf("%s read: %s of %s rules are for log sources that occur\n",
		plural(found.Events, "event", "events"), number(found.Concerned), number(found.Rules)), nil
}

func (c *checking) tellFixed(fixed []check.Finding) {
	for _, f := range fixed {
		where := f.File.Path
		if f.Pos.Line > 0 {
			where = fmt.Sprintf("%s:%d:%d", f.File.Path, f.Pos.Line, f.Pos.Column)
		}
		fmt.Fprintf(c.Err, "%s: %s %s [%s]\n", diag.Printable(where), paint(colour(c.errTerm), "32;1", "fixed:"), diag.Printable(f.Message), f.Code)
	}
}

func (c *checking) print(result *check.Result) error {
	list := result.List()
	switch c.format {
	case "json":
		return diag.WriteJSON(c.out, list)
	case "sarif":
		return diag.WriteSARIF(c.out, list, "huntbook check", version.Number(), func(code string) string {
			if x := check.Find(code); x != nil {
				return x.Prose
			}
			return ""
		})
	case "github":
		return diag.WriteGitHub(c.out, list)
	}
	coded := make(diag.List, len(list))
	for i, d := range list {
		copied := *d
		if copied.Hint != "" {
			copied.Hint += " [" + d.Code + "]"
		} else {
			copied.Message += " [" + d.Code + "]"
		}
		coded[i] = &copied
	}
	return diag.WriteText(c.out, coded, colour(c.outTerm))
}

// summary is the last line: what was looked at and what was found.
func (c *checking) summary(set *ruleset.Set, result *check.Result) string {
	var counts [3]int
	for _, f := range result.Findings {
		counts[f.Severity]++
	}
	what := plural(result.Rules, "rule", "rules")
	if result.Filters > 0 {
		what += ", " + plural(result.Filters, "filter", "filters")
	}
	s := fmt.Sprintf("%s in %s: %s, %s, %s", what, plural(result.Files, "file", "files"),
		plural(counts[diag.Error], "error", "errors"), plural(counts[diag.Warning], "warning", "warnings"), plural(counts[diag.Note], "note", "notes"))
	if n := result.Fixable(); n > 0 {
		s += fmt.Sprintf("; --fix repairs %s", number(n))
	}
	if n := len(set.NotRules); n > 0 {
		s += fmt.Sprintf(" (%s no rules and passed over)", plural(n, "YAML file holds", "YAML files hold"))
	}
	return s
}

// listedCheck is one line of --list --format json.
type listedCheck struct {
	Code     string   `json:"code"`
	Severity string   `json:"severity"`
	Fix      bool     `json:"fix"`
	About    string   `json:"description"`
	From     []string `json:"from"`
}

func (c *checking) printList() error {
	var rows [][]string
	for _, x := range check.All() {
		from := []string{}
		for _, o := range x.From {
			from = append(from, o.Who+": "+o.Name)
		}
		if c.format == "json" {
			if err := writeJSON(c.out, listedCheck{x.Code, x.Severity.String(), x.Fixes != "", x.Prose, from}); err != nil {
				return err
			}
			continue
		}
		fix := ""
		if x.Fixes != "" {
			fix = "yes"
		}
		rows = append(rows, []string{x.Code, x.Severity.String(), fix, x.Prose})
	}
	if c.format == "json" {
		return nil
	}
	for i, row := range table([]string{"CODE", "SEVERITY", "FIX", "WHAT"}, rows, c.outWidth) {
		line := strings.TrimRight(strings.Join(row, "  "), " ")
		if i == 0 {
			line = paint(colour(c.outTerm), "1", line)
		}
		fmt.Fprintln(c.out, line)
	}
	return nil
}
