package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/hunt"
	"github.com/huntbook/huntbook/internal/version"
	"github.com/huntbook/huntbook/notebook"
	"github.com/huntbook/huntbook/report"
	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/samples"
)

func (a *app) huntCommand() *cobra.Command {
	var rules ruleFlags
	var data dataFlags
	var pipelines pipelineFlags
	var where clusterFlags
	var o hunt.Options
	var quiet, trust bool
	var format formatFlag
	var flavour flavourFlags
	cmd := &cobra.Command{
		Use:   "hunt",
		Short: "Run rules over files or a cluster and write a folder of executed notebooks",
		Long: `Run rules over data and write a folder: a notebook a rule that has been run,
findings.ndjson, hunt.json, and index.html, a page that shows what fired.

The data are files (-d), or an Elasticsearch or OpenSearch (-e), where -p and -c say
under which names its events are kept. Passwords, API keys and tokens come from
files or from $HUNTBOOK_PASSWORD, $HUNTBOOK_API_KEY and $HUNTBOOK_TOKEN.

Without rules and data it hunts through the samples that huntbook carries.
Running it again renews the folder and keeps what you wrote into the cells for
notes and the verdict.

On files rules are evaluated on Sigma's own field names; -c and -p set only the
query that the notebooks show.

The notebooks are in huntbook's own cell language, which needs nothing installed. With
--kernel python3 they are in Python: on files over the findings, written beside each
notebook, and on a cluster they ask it; "huntbook notebook" tells of the kinds.`,
		Example: `  huntbook hunt
  huntbook hunt -r rules/ -d empire_elevated_wmi.tar.gz -o hunts/
  huntbook hunt -r rules/ -d logs/ -d more.zip -c helk -o hunts/ --only-findings
  huntbook hunt -r rules/ -d logs/ --min-level high --since 2020-09-21
  huntbook hunt -r rules/ -d logs/ --kernel python3 --only-findings
  huntbook hunt -r rules/ -e https://es:9200 -i 'logs-*' -p helk --since 24h -o hunts/`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkBounds(&o); err != nil {
				return err
			}
			var err error
			if o.Formats, err = format.formats(); err != nil {
				return err
			}
			if err := flavour.forHunt(a, &o, !where.given()); err != nil {
				return err
			}
			if o.Data, err = data.data(); err != nil {
				return err
			}
			if o.Convert, err = pipelines.show(); err != nil {
				return err
			}
			if where.given() {
				if err := where.set(a, &o, &rules, &data, &pipelines); err != nil {
					return err
				}
			} else if o.Rules, err = a.huntInputs(&rules, &data); err != nil {
				return err
			}
			o.Data.Paths = data.paths
			o.Workers, o.Version, o.Ingest = data.workers, version.Number(), a.ingestOptions()
			o.Inputs = report.Inputs{
				Rules: rules.paths, Data: data.paths, Index: o.Data.Index, Pipelines: pipelines.pipelines, Configs: pipelines.configs,
				Filters: rules.adjust.filters, Placeholders: rules.adjust.placeholders,
				Select: rules.selection(), Since: data.since, Until: data.until, Timezone: data.timezone,
			}
			return a.hunt(cmd.Context(), o, quiet, trust)
		},
	}
	rules.addPaths(cmd)
	data.addPaths(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&o.Out, "output", "o", "hunts", "the `folder` to write; new, empty or of an earlier hunt")
	where.add(cmd)
	pipelines.add(cmd)
	flags.BoolVar(&o.OnlyFindings, "only-findings", false, "write no notebooks for rules that match nothing")
	flags.IntVar(&o.Rows, "rows", notebook.DefaultOptions().Rows, "the `number` of findings in a notebook's table")
	flags.IntVar(&o.Bounds.Limit, "max-findings", engine.DefaultLimit, "keep at most this `number` of findings a rule; counts stay true")
	flags.IntVar(&o.Bounds.EventSize, "max-event-size", engine.DefaultEventSize, "leave out the event itself when it has more `bytes`")
	flags.BoolVarP(&quiet, "quiet", "q", false, "show no progress")
	trustFlag(cmd, &trust)
	format.add(cmd)
	flavour.add(cmd, notebook.OwnKernel)
	rules.add(cmd)
	a.addDiagnostics(cmd)
	data.add(cmd)
	return cmd
}

func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("unexpected %q; rules are given with -r, data with -d", args[0])
	}
	return nil
}

// checkBounds checks what else than rules and data is asked for.
func checkBounds(o *hunt.Options) error {
	for _, n := range []struct {
		flag  string
		value int
	}{{"rows", o.Rows}, {"max-findings", o.Bounds.Limit}, {"max-event-size", o.Bounds.EventSize}} {
		if n.value <= 0 {
			return usagef("--%s takes a number above 0, not %d", n.flag, n.value)
		}
	}
	return nil
}

// huntInputs loads the rules, those of the samples where neither rules nor data
// were given.
func (a *app) huntInputs(rules *ruleFlags, data *dataFlags) (*ruleset.Set, error) {
	switch {
	case len(rules.paths) > 0 && len(data.paths) > 0:
		engine.Warm()
		return rules.load(a)
	case len(data.paths) > 0:
		return nil, usagef("no rules; give a rule file or a folder with -r")
	case len(rules.paths) > 0:
		return nil, usagef("no data; give log files, archives or folders with -d")
	}
	if err := rules.choice.Check(); err != nil {
		return nil, usageError{err}
	}
	set, err := ruleset.LoadFS(samples.Rules(), rules.choice)
	if err != nil {
		return nil, err
	}
	if err := rules.adjust.apply(set); err != nil {
		return nil, err
	}
	fmt.Fprintln(a.Err, "no rules and no data given: hunting through the samples")
	rules.tell(a, set)
	rules.paths, data.paths = []string{samples.Name}, []string{samples.Name}
	return set, nil
}

func (a *app) hunt(ctx context.Context, o hunt.Options, quiet, trust bool) error {
	o.Progress = &hunt.Progress{}
	stop := func() {}
	if !quiet {
		stop = a.progress(o.Progress, len(o.Rules.Rules))
	}
	outcome, err := hunt.Run(ctx, o)
	stop()
	if outcome == nil && errors.Is(err, fs.ErrNotExist) {
		return usageError{err} // an input is not there
	}
	if err != nil {
		a.hintAtSecrets(err)
		if outcome != nil && outcome.Notebooks > 0 {
			fmt.Fprintf(a.Err, "%s finished in %s; run it again to get all\n", plural(outcome.Notebooks, "notebook is", "notebooks are"), o.Out)
		}
		return err
	}
	a.diagnostics(outcome.Diagnostics)
	for _, i := range outcome.Incomplete {
		a.report(fmt.Errorf("%s: the answer is incomplete: %s", i.Rule, i.Why))
	}
	a.unread(outcome.Scan)
	for _, err := range outcome.Unreadable {
		a.report(err)
	}
	for _, err := range outcome.Stopped[:min(toldFiles, len(outcome.Stopped))] {
		a.report(err)
	}
	if more := len(outcome.Stopped) - toldFiles; more > 0 {
		fmt.Fprintf(a.Err, "… and %s more that did not run to the end; index.html names them\n", plural(more, "notebook", "notebooks"))
	}
	for _, name := range outcome.Kept {
		fmt.Fprintf(a.Err, "%s was edited and is kept, though its rule is gone\n", filepath.Join(o.Out, filepath.FromSlash(name)))
	}
	a.huntSummary(o, outcome)
	if err := a.trustHunt(ctx, o.Out, outcome.Hunt, trust); err != nil {
		return err
	}
	if outcome.Failed {
		return errFailed
	}
	return nil
}

// huntSummary prints what came of a hunt, findings first.
func (a *app) huntSummary(o hunt.Options, outcome *hunt.Outcome) {
	h := outcome.Hunt
	states := map[report.State]int{}
	for _, r := range h.Rules {
		states[r.State]++
	}
	fmt.Fprintf(a.out, "%s, %s, %s, %s in %.1f s\n",
		plural(len(h.Rules), "rule", "rules"), plural(h.Events, "event", "events"),
		plural(h.Findings, "finding", "findings"), plural(outcome.Notebooks, "notebook", "notebooks"), h.Seconds)
	fmt.Fprintf(a.out, "%s fired, %s quiet, %s skipped, %s failed\n",
		number(states[report.Fired]), number(states[report.Quiet]), number(states[report.Skipped]), number(states[report.Failed]))
	fmt.Fprintf(a.out, "open %s\n", filepath.Join(o.Out, "index.html"))
}

// progress shows how a hunt goes on, until the returned function is called: a
// bar on a terminal, else a line every some seconds.
func (a *app) progress(p *hunt.Progress, rules int) (stop func()) {
	s := &progressShow{app: a, p: p, rules: rules, start: time.Now()}
	end := a.often(s.show)
	return func() {
		end()
		s.end()
	}
}

type progressShow struct {
	*app
	p     *hunt.Progress
	rules int
	start time.Time // of the stage
	bar   *progressbar.ProgressBar
	stage int32
}

func (s *progressShow) show() {
	stage := s.p.Stage.Load()
	reader, asked := s.p.Reader.Load(), s.p.Asked.Load()
	if reader == nil && asked == nil {
		return
	}
	if stage != s.stage {
		s.end()
		s.stage, s.start, s.bar = stage, time.Now(), nil
	}
	var done, total int64
	var text string
	switch {
	case stage == 0 && asked != nil:
		done, total = asked.Asked.Load(), asked.Rules.Load()
		text = fmt.Sprintf("%s of %s asked, %s findings", number(int(done)), plural(int(total), "rule", "rules"), number(int(asked.Hits.Load())))
	case stage == 0:
		done, total = reader.Progress()
		events := reader.Summary().Events
		perSecond := float64(events) / time.Since(s.start).Seconds()
		text = fmt.Sprintf("%s, %s events (%s/s), %s findings", plural(s.rules, "rule", "rules"),
			number(events), number(int(perSecond)), number(int(s.p.Findings.Load())))
	default:
		done, total = s.p.Notebooks.Load(), s.p.Planned.Load()
		text = fmt.Sprintf("%s of %s notebooks", number(int(done)), number(int(total)))
	}
	if !s.errTerm {
		fmt.Fprintf(s.Err, "%s%s%s\n", text, percent(done, total), remaining(done, total, s.start))
		return
	}
	if s.bar == nil {
		s.bar = progressbar.NewOptions64(max(total, 1),
			progressbar.OptionSetWriter(s.Err),
			progressbar.OptionSetWidth(20),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionEnableColorCodes(false))
	}
	s.bar.Describe(text)
	s.bar.ChangeMax64(max(total, 1))
	_ = s.bar.Set64(min(done, max(total-1, 0)))
}

func (s *progressShow) end() {
	if s.bar != nil {
		_ = s.bar.Clear()
	}
}

func percent(done, total int64) string {
	if total <= 0 {
		return ""
	}
	return fmt.Sprintf(", %d %%", 100*done/total)
}

// remaining estimates the time that is left from the time so far.
func remaining(done, total int64, start time.Time) string {
	if done <= 0 || total <= done {
		return ""
	}
	left := time.Duration(float64(time.Since(start)) * float64(total-done) / float64(done))
	return fmt.Sprintf(", about %s left", left.Round(time.Second))
}
