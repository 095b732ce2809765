package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/report"
	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/samples"
	"github.com/huntbook/huntbook/sigma"
)

// ruleFlags choose rules; they are the same for every command.
type ruleFlags struct {
	paths  []string
	choice ruleset.Choice
	adjust adjustFlags
}

func (f *ruleFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVar(&f.choice.Levels, "level", nil, "only rules of these `levels`: "+strings.Join(sigma.Levels, ", "))
	flags.StringVar(&f.choice.MinLevel, "min-level", "", "only rules of this `level` or a higher one")
	flags.StringSliceVar(&f.choice.Statuses, "status", nil, "only rules of these `statuses`; without it all but deprecated and unsupported ones")
	flags.StringSliceVar(&f.choice.Tags, "tag", nil, "only rules with one of these `tags`; attack.t1059 takes attack.t1059.001 too")
	flags.StringArrayVar(&f.choice.LogSources, "logsource", nil, "only rules for a log `source`: category=process_creation,product=windows; may be repeated")
	flags.StringArrayVar(&f.choice.Include, "include", nil, "only rules whose path, id or title is like this `glob`; may be repeated")
	flags.StringArrayVar(&f.choice.Exclude, "exclude", nil, "no rules whose path, id or title is like this `glob`; may be repeated")
	f.adjust.add(cmd)
	complete(cmd, "level", sigma.Levels)
	complete(cmd, "min-level", sigma.Levels)
	complete(cmd, "status", sigma.Statuses)
}

// addPaths adds -r.
func (f *ruleFlags) addPaths(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&f.paths, "rules", "r", nil, "a rule file or a folder of rules (`path`); may be repeated")
	_ = cmd.MarkFlagFilename("rules", "yml", "yaml")
}

func complete(cmd *cobra.Command, flag string, values []string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// load reads the chosen rules and says what was left out.
func (f *ruleFlags) load(a *app) (*ruleset.Set, error) {
	if err := f.choice.Check(); err != nil {
		return nil, usageError{err}
	}
	collectSeldom()
	set, err := ruleset.Load(f.paths, f.choice)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usageError{err}
	}
	if err != nil {
		return nil, err
	}
	if err := f.adjust.apply(set); err != nil {
		return nil, err
	}
	f.tell(a, set)
	return set, nil
}

func (f *ruleFlags) tell(a *app, set *ruleset.Set) {
	a.diagnostics(set.Diagnostics)
	if n := len(set.NotRules); n > 0 {
		fmt.Fprintf(a.Err, "%s no Sigma rules and passed over\n", plural(n, "YAML file holds", "YAML files hold"))
	}
	reasons := make([]string, 0, len(set.LeftOut))
	for reason, n := range set.LeftOut {
		switch reason {
		case "deprecated", "unsupported":
			reason += " (chosen with --status " + reason + ")"
		case "level", "status", "tag", "log source":
			reason = "by " + reason
		}
		reasons = append(reasons, number(n)+" "+reason)
	}
	if len(reasons) > 0 {
		slices.Sort(reasons)
		fmt.Fprintf(a.Err, "rules left out: %s\n", strings.Join(reasons, ", "))
	}
	if s := set.Explain(); s != "" {
		fmt.Fprintln(a.Err, diag.Printable(s))
	}
	if len(set.Rules) == 0 && len(set.Unreadable) == 0 {
		fmt.Fprintln(a.Err, "no rule is left to run")
	}
}

func (f *ruleFlags) selection() report.Selection {
	c := f.choice
	return report.Selection{
		Levels: c.Levels, MinLevel: c.MinLevel, Statuses: c.Statuses, Tags: c.Tags,
		LogSources: c.LogSources, Include: c.Include, Exclude: c.Exclude,
	}
}

// dataFlags say which events are read and how.
type dataFlags struct {
	paths                  []string
	since, until, timezone string
	workers                int
}

func (f *dataFlags) add(cmd *cobra.Command) {
	f.addTimes(cmd)
	cmd.Flags().IntVarP(&f.workers, "jobs", "j", 0, "how many `processors` to use (default all)")
}

// addTimes adds what says which events are read and when they happened.
func (f *dataFlags) addTimes(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.since, "since", "", "only events from this `time` on: 2020-09-01, 2020-09-01T12:00:00Z, or 24h or 7d ago")
	flags.StringVar(&f.until, "until", "", "only events before this `time`")
	flags.StringVar(&f.timezone, "timezone", "", "the `zone` of times that name none, such as Europe/Berlin (default UTC)")
}

func (f *dataFlags) addPaths(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&f.paths, "data", "d", nil, "a log file, an archive, a folder, or - for standard input (`path`); may be repeated")
}

// data checks the flags and names the events.
func (f *dataFlags) data() (engine.Data, error) {
	d := engine.Data{Paths: f.paths}
	if f.workers < 0 {
		return d, usagef("--jobs takes a number of processors, not %d", f.workers)
	}
	if f.timezone != "" {
		l, err := time.LoadLocation(f.timezone)
		if err != nil {
			return d, usagef("unknown time zone %q; write for example Europe/Berlin or UTC", f.timezone)
		}
		d.Location = l
	}
	var err error
	if d.Since, err = parseTime("since", f.since, d.Location); err != nil {
		return d, err
	}
	if d.Until, err = parseTime("until", f.until, d.Location); err != nil {
		return d, err
	}
	if !d.Since.IsZero() && !d.Until.IsZero() && !d.Since.Before(d.Until) {
		return d, usagef("--since %s is not before --until %s", f.since, f.until)
	}
	return d, nil
}

var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"}

func parseTime(flag, s string, zone *time.Location) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if zone == nil {
		zone = time.UTC
	}
	for _, layout := range timeLayouts {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t.UTC(), nil
		}
	}
	if ago, ok := parseAgo(s); ok {
		return time.Now().Add(-ago).UTC().Truncate(time.Second), nil
	}
	return time.Time{}, usagef("--%s %q is no time; write for example 2020-09-01, 2020-09-01T12:00:00Z, or 24h for a day ago", flag, s)
}

// parseSpan reads a span of time as rules write it; "" is 0.
func parseSpan(flag, s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	span, hint, ok := sigma.ParseSpan(s)
	if !ok && hint == "" {
		hint = "write for example 30s, 5m or 1h"
	}
	if !ok {
		return 0, usagef("--%s %q is no span of time; %s", flag, s, hint)
	}
	return span, nil
}

// parseAgo reads a length of time: 24h, 90m, 7d.
func parseAgo(s string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err == nil && n > 0 && n < 100_000
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d > 0
}

// ingestOptions say how files are read, whatever the events' times.
func (a *app) ingestOptions() ingest.Options {
	return ingest.Options{Begin: collectUsually, Stdin: a.In, Embedded: map[string]fs.FS{samples.Name: samples.Data()}}
}

// openData opens the data; what is missing is a usage error.
func (a *app) openData(ctx context.Context, d engine.Data, rules []engine.Prepared) (*ingest.Reader, error) {
	o := a.ingestOptions()
	o.Since, o.Until, o.Location = d.Since, d.Until, d.Location
	r, err := engine.Open(ctx, d.Paths, o, rules)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usageError{err}
	}
	return r, err
}
