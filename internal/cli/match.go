package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/hunt"
	"github.com/huntbook/huntbook/ruleset"
)

func (a *app) matchCommand() *cobra.Command {
	var rules ruleFlags
	var data dataFlags
	var asJSON bool
	var perRule, eventSize int
	var lateness string
	cmd := &cobra.Command{
		Use:   "match -r RULES DATA...",
		Short: "Match rules against logs and print the findings",
		Long: `Match rules against logs and print the findings: a table on a terminal, an
object a line (NDJSON) with --json or into a pipe.

DATA is a file, an archive, a folder, or - for standard input. Rules are
evaluated on Sigma's own field names.

Correlations take events in any order, since files are read one after another:
what they find comes at the end, and the events that may be part of it are kept
until then. For one long stream whose events are about in order, --lateness 5m
says that none is more than five minutes older than the newest before it. What is
found then comes while the stream is read, about a megabyte at a time, and no
more is kept than fits into twice the window and twice the lateness. An event that
is older all the same is not counted, and a message says how many there were. Do
not use it for several files about the same time.`,
		Example: `  huntbook match -r rules/ logs/
  huntbook match -r rule.yml events.json.gz more.zip --json | jq .rule_title
  huntbook match -r rules/ --min-level high --since 2020-09-21 logs/
  zcat stream.json.gz | huntbook match -r rules/ --lateness 5m --json -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			data.paths = append(data.paths, args...)
			if len(rules.paths) == 0 {
				return usagef("no rules; give a rule file or a folder with -r")
			}
			if len(data.paths) == 0 {
				return usagef("no data; name log files, archives or folders behind the flags")
			}
			d, err := data.data()
			if err != nil {
				return err
			}
			late, err := parseSpan("lateness", lateness)
			if err != nil {
				return err
			}
			engine.Warm()
			set, err := rules.load(a)
			if err != nil {
				return err
			}
			m := &matching{app: a, set: set, lateness: late, perRule: perRule, eventSize: eventSize, counts: map[int]int{}}
			if asJSON || !a.outTerm {
				m.writer = hunt.NewFindingWriter(a.out)
			}
			return m.run(cmd.Context(), d, data.workers)
		},
	}
	rules.addPaths(cmd)
	data.addPaths(cmd)
	rules.add(cmd)
	a.addDiagnostics(cmd)
	data.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print an object a finding and line, on a terminal too")
	cmd.Flags().IntVar(&perRule, "max-findings", 0, "print at most this `number` of findings a rule (default all)")
	cmd.Flags().StringVar(&lateness, "lateness", "", "correlations leave out events that are older by more than this `span` than the newest before them, and tell what they find while the data is read (30s, 5m, 1h; default any order)")
	cmd.Flags().IntVar(&eventSize, "max-event-size", 0, "leave out the event itself when it has more `bytes` (default never)")
	return cmd
}

// matching is one run of the command.
type matching struct {
	*app
	set                *ruleset.Set
	perRule, eventSize int
	lateness           time.Duration
	writer             *hunt.FindingWriter // nil for a table
	entries            []ruleset.Entry
	counts             map[int]int
	rows               [][]string
	levels             []string
	total              int
}

// tableRows bounds the rows that a table on a terminal keeps.
const tableRows = 1000

func (m *matching) run(ctx context.Context, d engine.Data, workers int) error {
	prepared, failed, err := m.prepare()
	if err != nil {
		return err
	}
	reader, err := m.openData(ctx, d, prepared)
	if err != nil {
		return err
	}
	defer reader.Close()
	start := time.Now()
	info, err := engine.Scan(ctx, reader, prepared, workers, m.hit)
	if err != nil {
		return err
	}
	m.printTable()
	if err := m.out.Flush(); err != nil {
		return err
	}
	m.unread(info)
	m.tellKept(info)
	fmt.Fprintf(m.Err, "%s from %s: %s of %s (%.1f s)\n",
		plural(m.total, "finding", "findings"), plural(info.Events, "event", "events"),
		plural(len(m.counts), "rule fired", "rules fired"), number(len(prepared)), time.Since(start).Seconds())
	if failed || len(info.Failed) > 0 || len(m.set.Unreadable) > 0 {
		return errFailed
	}
	return nil
}

// tellKept says what a lateness is for: how few events were kept.
func (m *matching) tellKept(info *engine.ScanInfo) {
	for _, c := range info.Correlations {
		if m.lateness > 0 && c.Most > 0 {
			fmt.Fprintf(m.Err, "%s: at most %s kept at a time\n", diag.Printable(c.Title), plural(c.Most, "event was", "events were"))
		}
	}
}

// prepare lowers the rules; those that can't run are told of.
func (m *matching) prepare() (prepared []engine.Prepared, failed bool, err error) {
	preparer, err := engine.NewPreparer()
	if err != nil {
		return nil, false, err
	}
	preparer.Lateness = m.lateness
	all, errs := preparer.PrepareAll(m.set.List(), m.set.All)
	for i, e := range m.set.Rules {
		switch err := errs[i]; {
		case err == nil && all[i].Quiet:
		case err == nil:
			prepared = append(prepared, all[i])
			m.entries = append(m.entries, e)
		default:
			m.diagnostics(diag.Of(err))
			failed = true
		}
	}
	return prepared, failed, nil
}

func (m *matching) hit(h engine.Hit) error {
	m.total++
	m.counts[h.Rule]++
	if m.perRule > 0 && m.counts[h.Rule] > m.perRule {
		return nil
	}
	entry := m.entries[h.Rule]
	if m.writer != nil {
		err := m.writer.Write(hunt.NewFinding(entry, h, m.eventSize))
		if err == nil && m.lateness > 0 {
			err = m.out.Flush() // who reads a stream waits for it
		}
		return err
	}
	if len(m.rows) >= tableRows {
		return nil
	}
	when := ""
	if t := h.Time(); !t.IsZero() {
		when = t.Format("2006-01-02 15:04:05")
	}
	source := ""
	if s := h.Record().Source; s != nil {
		source = s.Name
	}
	event := fmt.Sprintf("%s #%d", source, h.Record().Number)
	if h.Match != nil {
		event = fmt.Sprintf("%s, the last at %s", plural(h.Match.Count, "event", "events"), event)
	}
	m.levels = append(m.levels, entry.Rule.Level)
	m.rows = append(m.rows, []string{when, entry.Rule.Level, entry.Rule.Title, h.Host(), event})
	return nil
}

func (m *matching) printTable() {
	if m.writer != nil || len(m.rows) == 0 {
		return
	}
	on := colour(m.outTerm)
	for i, row := range table([]string{"TIME", "LEVEL", "RULE", "HOST", "EVENT"}, m.rows, m.outWidth) {
		for j, cell := range row {
			if j > 0 {
				m.out.WriteString("  ")
			}
			switch {
			case i == 0:
				cell = paint(on, "1", cell)
			case j == 1:
				cell = paint(on, levelColours[m.levels[i-1]], cell)
			}
			m.out.WriteString(cell)
		}
		m.out.WriteByte('\n')
	}
	if m.total > len(m.rows) && m.perRule == 0 {
		fmt.Fprintf(m.out, "… and %s more; --json prints all\n", number(m.total-len(m.rows)))
	}
}
