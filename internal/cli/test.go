package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/internal/atomicfile"
	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/ruletest"
)

func (a *app) testCommand() *cobra.Command {
	var rules ruleFlags
	var t ruleTesting
	cmd := &cobra.Command{
		Use:   "test RULES...",
		Short: "Run the regression tests that live beside rules",
		Long: `Run the regression tests that live beside rules: SigmaHQ's regression data
(info.yml, found in the folders or by a rule's regression_tests_path), and files
NAME.test.yml beside NAME.yml. docs/testing.md describes both.

RULES are folders, rule files and test files. A test that does not pass is
printed with the reason, and makes the command end with code 1.`,
		Example: `  huntbook test sigma/
  huntbook test rules/ --junit results.xml
  huntbook test rules/whoami.yml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("no rules; name folders of rules, rule files or test files")
			}
			suite, paths, err := ruletest.Find(args)
			if errors.Is(err, fs.ErrNotExist) {
				return usageError{err}
			}
			if err != nil {
				return err
			}
			set := &ruleset.Set{}
			if rules.paths = paths; len(paths) > 0 {
				if set, err = rules.load(a); err != nil {
					return err
				}
			}
			suite.Bind(set)
			t.app, t.suite, t.set = a, suite, set
			return t.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&t.junit, "junit", "", "write the results as JUnit's XML to this `file` too")
	cmd.Flags().BoolVar(&t.asJSON, "json", false, "print an object a test and line")
	rules.add(cmd)
	a.addDiagnostics(cmd)
	return cmd
}

// ruleTesting is one run of the command.
type ruleTesting struct {
	*app
	suite  *ruletest.Suite
	set    *ruleset.Set
	junit  string
	asJSON bool
}

func (t *ruleTesting) run(ctx context.Context) error {
	t.diagnostics(t.suite.Diagnostics)
	runner, err := ruletest.NewRunner()
	if err != nil {
		return err
	}
	var results []*ruletest.Result
	failed := 0
	for _, test := range t.suite.Tests {
		r, err := runner.Run(ctx, test)
		if err != nil {
			return err
		}
		results = append(results, r)
		if !r.Passed {
			failed++
		}
		if err := t.print(r); err != nil {
			return err
		}
	}
	if err := t.out.Flush(); err != nil {
		return err
	}
	if t.junit != "" {
		var b bytes.Buffer
		if err := ruletest.WriteJUnit(&b, results, t.suite.Diagnostics); err != nil {
			return err
		}
		if err := atomicfile.Write(t.junit, b.Bytes()); err != nil {
			return err
		}
	}
	t.tell(len(results), failed)
	if failed > 0 || t.suite.Diagnostics.HasErrors() || len(t.set.Unreadable) > 0 {
		return errFailed
	}
	return nil
}

func (t *ruleTesting) print(r *ruletest.Result) error {
	switch {
	case t.asJSON:
		return r.WriteJSON(t.out)
	case r.Passed:
		return nil
	}
	if err := r.WriteText(t.out, colour(t.outTerm)); err != nil {
		return err
	}
	return t.out.WriteByte('\n')
}

// tell says on standard error how it went, and what was not tested.
func (t *ruleTesting) tell(tests, failed int) {
	fmt.Fprintf(t.Err, "%s: %s passed, %s failed; %s no test\n",
		plural(tests, "test", "tests"), number(tests-failed), number(failed), plural(t.suite.Untested, "rule has", "rules have"))
	if n := t.suite.LeftOut; n > 0 {
		fmt.Fprintf(t.Err, "%s of rules that were not chosen and %s left out\n", plural(n, "test is", "tests are"), was(n))
	}
	if n := t.suite.Missing; n > 0 {
		fmt.Fprintf(t.Err, "%s a regression_tests_path that is not there\n", plural(n, "rule names", "rules name"))
	}
}
