package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/explain"
	"github.com/huntbook/huntbook/ingest"
)

func (a *app) explainCommand() *cobra.Command {
	var rules ruleFlags
	var data dataFlags
	var x explaining
	cmd := &cobra.Command{
		Use:   "explain RULE DATA...",
		Short: "Say why a rule did or did not match an event",
		Long: `Say why a rule did or did not match an event: the rule's condition as a tree,
true (✓) and false (✗) marks, the values that were compared, and what the
pipeline added. Places in the rule stand behind, as line:column.

The event is the first that the rule matches, else the nearest one: of the
events of the rule's log source the one that makes most of the condition true.
--record and --source name another.`,
		Example: `  huntbook explain rule.yml events.json
  huntbook explain rule.yml logs/ --source sysmon --record 17
  huntbook explain rule.yml events.json --json | jq .matched`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usagef("explain takes a rule and data, as in: huntbook explain rule.yml events.json")
			}
			if x.record < 0 {
				return usagef("--record counts from 1, it can't be %d", x.record)
			}
			rules.paths, data.paths = args[:1], args[1:]
			d, err := data.data()
			if err != nil {
				return err
			}
			rule, err := a.oneRule(&rules)
			if err != nil {
				return err
			}
			x.app, x.rule = a, rule
			return x.run(cmd.Context(), d)
		},
	}
	cmd.Flags().IntVar(&x.record, "record", 0, "explain the event with this `number`, from 1 in its file")
	cmd.Flags().StringVar(&x.source, "source", "", "only events of files whose `name` contains this")
	cmd.Flags().BoolVar(&x.asJSON, "json", false, "print one object")
	rules.add(cmd)
	a.addDiagnostics(cmd)
	data.addTimes(cmd)
	return cmd
}

// oneRule loads a rule file and takes the one rule that was chosen of it.
func (a *app) oneRule(f *ruleFlags) (*explain.Rule, error) {
	set, err := f.load(a)
	if err != nil {
		return nil, err
	}
	switch {
	case len(set.Unreadable) > 0:
		return nil, errFailed
	case len(set.Rules) == 0:
		return nil, usagef("%s holds no rule to explain", f.paths[0])
	case len(set.Rules) > 1:
		return nil, usagef("%s holds %d rules; choose one by its id or title with --include", f.paths[0], len(set.Rules))
	}
	rule := set.Rules[0].Rule
	if rule.Correlation != nil {
		return nil, usagef("%s is a correlation, which is about several events; explain a rule that it names", rule.Title)
	}
	preparer, err := engine.NewPreparer()
	if err != nil {
		return nil, err
	}
	lowered, diags := preparer.Lower(rule)
	if lowered == nil {
		return nil, diags.Err()
	}
	a.diagnostics(diags)
	return explain.NewRule(lowered), nil
}

// explaining is one run of the command.
type explaining struct {
	*app
	rule   *explain.Rule
	record int
	source string
	asJSON bool
}

func (x *explaining) run(ctx context.Context, d engine.Data) error {
	reader, err := x.openWhole(ctx, d)
	if err != nil {
		return err
	}
	defer reader.Close()
	search := explain.NewSearch(x.rule)
	err = x.look(ctx, reader, search)
	if err != nil {
		return err
	}
	if search.Best == nil {
		x.unread(&engine.ScanInfo{Summary: reader.Summary()})
		return errors.New(x.nothing())
	}
	if x.asJSON {
		return search.Best.WriteJSON(x.out)
	}
	if err := search.Best.WriteText(x.out, colour(x.outTerm)); err != nil {
		return err
	}
	if err := x.out.Flush(); err != nil || x.record > 0 {
		return err
	}
	if search.Best.Matched {
		fmt.Fprintf(x.Err, "the first event that the rule matches, after %s\n", plural(search.Events-1, "other", "others"))
	} else {
		fmt.Fprintf(x.Err, "no event of %s matches; of %s of the rule's log source this one is the nearest\n", number(search.Events), number(search.Concerned))
	}
	return nil
}

// openWhole opens the data with all fields of its events.
func (a *app) openWhole(ctx context.Context, d engine.Data) (*ingest.Reader, error) {
	o := a.ingestOptions()
	o.Since, o.Until, o.Location = d.Since, d.Until, d.Location
	r, err := ingest.Open(ctx, d.Paths, o)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usageError{err}
	}
	return r, err
}

// look reads events until the search is over.
func (x *explaining) look(ctx context.Context, r *ingest.Reader, search *explain.Search) error {
	for {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if search.Add(b, x.wanted) {
			return nil
		}
	}
}

func (x *explaining) wanted(r event.Record) bool {
	name := ""
	if r.Source != nil {
		name = r.Source.Name
	}
	return (x.record == 0 || r.Number == x.record) && strings.Contains(strings.ToLower(name), strings.ToLower(x.source))
}

func (x *explaining) nothing() string {
	s := "there is no event to explain"
	if x.record > 0 {
		s = fmt.Sprintf("there is no record %d", x.record)
	}
	if x.source != "" {
		s += fmt.Sprintf(" in a file with %q in its name", x.source)
	}
	return s
}
