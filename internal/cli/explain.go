package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/explain"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/sigma"
)

func (a *app) explainCommand() *cobra.Command {
	var rules ruleFlags
	var data dataFlags
	var x explaining
	cmd := &cobra.Command{
		Use:   "explain RULE DATA...",
		Short: "Say why a rule did or did not match",
		Long: `Say why a rule did or did not match an event: the rule's condition as a tree,
true (✓) and false (✗) marks, the values that were compared, and what the
pipeline added. Places in the rule stand behind, as line:column.

The event is the first that the rule matches, else the nearest one: of the
events of the rule's log source the one that makes most of the condition true.
--record and --source name another.

Of a correlation it says how many events each of its rules matched, which of
them lack a field to group by, and shows the window where it fired first, or
came nearest to it: its events, the number that is compared, which rules are
missing or in the wrong order. RULE is a file that holds its rules too, or a
folder, of which --include chooses the correlation. With --record its rules are
explained on that event.`,
		Example: `  huntbook explain rule.yml events.json
  huntbook explain rule.yml logs/ --source sysmon --record 17
  huntbook explain rule.yml events.json --json | jq .matched
  huntbook explain rules/ logs/ --include "Many logins failed"`,
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
			x.app = a
			rule, others, err := a.oneRule(&rules)
			if err != nil {
				return err
			}
			if rule.Correlation != nil {
				return x.runCorrelation(cmd.Context(), d, rule, others)
			}
			return x.runRule(cmd.Context(), d, rule)
		},
	}
	cmd.Flags().IntVar(&x.record, "record", 0, "explain the event with this `number`, from 1 in its file")
	cmd.Flags().StringVar(&x.source, "source", "", "only events of files whose `name` contains this")
	cmd.Flags().BoolVar(&x.asJSON, "json", false, "print one object; of a correlation with --record one a line for each of its rules")
	rules.add(cmd)
	a.addDiagnostics(cmd)
	data.addTimes(cmd)
	return cmd
}

// oneRule loads rules and takes the one that was chosen of them, or that
// correlates all others. All rules that were read come too.
func (a *app) oneRule(f *ruleFlags) (*sigma.Rule, []*sigma.Rule, error) {
	set, err := f.load(a)
	if err != nil {
		return nil, nil, err
	}
	rules := set.List()
	named := sigma.NewLibrary(rules, set.All).Named(rules)
	top := slices.DeleteFunc(slices.Clone(rules), func(r *sigma.Rule) bool { _, below := named[r]; return below })
	switch {
	case len(set.Unreadable) > 0:
		return nil, nil, errFailed
	case len(rules) == 0:
		return nil, nil, usagef("%s holds no rule to explain", f.paths[0])
	case len(top) != 1:
		return nil, nil, usagef("%s holds %d rules; choose one by its id or title with --include", f.paths[0], len(rules))
	}
	return top[0], set.All, nil
}

// explaining is one run of the command.
type explaining struct {
	*app
	record int
	source string
	asJSON bool
}

// explanation is that of an event or of a correlation.
type explanation interface {
	WriteText(w io.Writer, colour bool) error
	WriteJSON(w io.Writer) error
}

func (x *explaining) write(e explanation) error {
	if x.asJSON {
		return e.WriteJSON(x.out)
	}
	return e.WriteText(x.out, colour(x.outTerm))
}

func (x *explaining) runRule(ctx context.Context, d engine.Data, rule *sigma.Rule) error {
	preparer, err := engine.NewPreparer()
	if err != nil {
		return err
	}
	lowered, diags := preparer.Lower(rule)
	if lowered == nil {
		return diags.Err()
	}
	x.diagnostics(diags)
	search := explain.NewSearch(explain.NewRule(lowered))
	err = x.look(ctx, d, func(b *event.Batch) bool { return search.Add(b, x.wanted) }, func() bool { return search.Best != nil })
	if err != nil {
		return err
	}
	if err := x.write(search.Best); err != nil {
		return err
	}
	if err := x.out.Flush(); err != nil || x.record > 0 || x.asJSON {
		return err
	}
	if search.Best.Matched {
		fmt.Fprintf(x.Err, "the first event that the rule matches, after %s\n", plural(search.Events-1, "other", "others"))
	} else {
		fmt.Fprintf(x.Err, "no event of %s matches; of %s of the rule's log source this one is the nearest\n", number(search.Events), number(search.Concerned))
	}
	return nil
}

func (x *explaining) runCorrelation(ctx context.Context, d engine.Data, rule *sigma.Rule, others []*sigma.Rule) error {
	preparer, err := engine.NewPreparer()
	if err != nil {
		return err
	}
	// What is wrong is told as match tells it.
	prepared, errs := preparer.PrepareAll([]*sigma.Rule{rule}, others)
	if errs[0] != nil {
		return errs[0]
	}
	x.diagnostics(prepared[0].Notes)
	correlation, diags := explain.NewCorrelation(rule, sigma.NewLibrary([]*sigma.Rule{rule}, others), preparer.Lower)
	if correlation == nil {
		return diags.Err()
	}
	if x.record > 0 {
		return x.runRules(ctx, d, correlation.Rules())
	}
	events := 0
	add := func(b *event.Batch) bool {
		events += correlation.Add(b, x.wanted)
		return false
	}
	if err := x.look(ctx, d, add, func() bool { return events > 0 }); err != nil {
		return err
	}
	found, err := correlation.Explain(ctx)
	if err != nil {
		return err
	}
	if err := x.write(found); err != nil {
		return err
	}
	if err := x.out.Flush(); err != nil || found.Fired || x.asJSON {
		return err
	}
	fmt.Fprintln(x.Err, "to see why one of its rules does not match, choose it with --include, or an event with --record")
	return nil
}

// runRules explains the rules that a correlation stands on, on one event.
func (x *explaining) runRules(ctx context.Context, d engine.Data, rules []*explain.Rule) error {
	var searches []*explain.Search
	for _, r := range rules {
		searches = append(searches, explain.NewSearch(r))
	}
	add := func(b *event.Batch) bool {
		for _, s := range searches {
			if s.Best == nil || !s.Best.Matched {
				s.Add(b, x.wanted)
			}
		}
		return false
	}
	if err := x.look(ctx, d, add, func() bool { return searches[0].Best != nil }); err != nil {
		return err
	}
	for i, s := range searches {
		if i > 0 && !x.asJSON {
			fmt.Fprintln(x.out)
		}
		if err := x.write(s.Best); err != nil {
			return err
		}
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

// look reads events until add says that it has seen enough. It is an error when
// nothing was found then.
func (x *explaining) look(ctx context.Context, d engine.Data, add func(*event.Batch) bool, found func() bool) error {
	r, err := x.openWhole(ctx, d)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if add(b) {
			return nil
		}
	}
	if found() {
		return nil
	}
	x.unread(&engine.ScanInfo{Summary: r.Summary()})
	return errors.New(x.nothing())
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
