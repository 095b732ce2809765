package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/inspect"
)

func (a *app) inspectCommand() *cobra.Command {
	var data dataFlags
	var i inspecting
	cmd := &cobra.Command{
		Use:   "inspect DATA...",
		Short: "Say what logs hold: files, channels, event ids, times, fields, values",
		Long: `Say what logs hold: files, the shapes in which events come, channels and event
ids, the range of times, and the fields with their most frequent values, under
the names that rules use.`,
		Example: `  huntbook inspect logs/
  huntbook inspect logs.zip --field Image
  huntbook inspect logs/ --json | jq '.channels[].name'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if data.paths = args; len(args) == 0 {
				return usagef("no data; name log files, archives or folders")
			}
			d, err := data.data()
			if err != nil {
				return err
			}
			i.app = a
			return i.run(cmd.Context(), d)
		},
	}
	cmd.Flags().StringVar(&i.field, "field", "", "the values of one field, by its `name`")
	cmd.Flags().BoolVar(&i.asJSON, "json", false, "print one object")
	data.addTimes(cmd)
	return cmd
}

// inspecting is one run of the command.
type inspecting struct {
	*app
	field  string
	asJSON bool
}

func (i *inspecting) run(ctx context.Context, d engine.Data) error {
	reader, err := i.openWhole(ctx, d)
	if err != nil {
		return err
	}
	defer reader.Close()
	report, err := i.collect(ctx, reader)
	if err != nil {
		return err
	}
	switch {
	case i.asJSON:
		err = report.WriteJSON(i.out)
	case i.field != "":
		i.values(report)
	default:
		i.overview(report)
	}
	if err := errors.Join(err, i.out.Flush()); err != nil {
		return err
	}
	summary := reader.Summary()
	i.unread(&engine.ScanInfo{Summary: summary})
	if len(summary.Failed) > 0 {
		return errFailed
	}
	return nil
}

func (i *inspecting) collect(ctx context.Context, r *ingest.Reader) (*inspect.Report, error) {
	c := inspect.New(i.field)
	for {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return c.Report(), nil
		}
		if err != nil {
			return nil, err
		}
		c.Add(b)
	}
}

// The numbers of rows of a list that a terminal is shown, and of event ids and
// values in a cell.
const listRows, cellValues = 40, 8

func (i *inspecting) overview(r *inspect.Report) {
	fmt.Fprintf(i.out, "%s from %s", plural(r.Events, "event", "events"), plural(len(r.Sources), "file", "files"))
	if !r.First.IsZero() {
		fmt.Fprintf(i.out, ", %s to %s", r.First.Format("2006-01-02 15:04:05"), r.Last.Format("2006-01-02 15:04:05"))
	}
	if r.Undated > 0 {
		fmt.Fprintf(i.out, ", %s without a time", number(r.Undated))
	}
	i.out.WriteString("\n")
	if r.Events == 0 {
		return
	}
	i.list("FILE", r.Sources)
	i.list("SHAPE", r.Shapes)
	var rows [][]string
	for _, c := range r.Channels {
		name := c.Name
		if name == "" {
			name = "(no channel)"
		}
		rows = append(rows, []string{number(c.Events), name, frequent(c.EventIDs, false)})
	}
	i.rows([]string{"EVENTS", "CHANNEL", "EVENT IDS"}, rows)
	rows = nil
	for _, f := range r.Fields {
		distinct := number(f.Distinct)
		if f.More {
			distinct = "> " + distinct
		}
		rows = append(rows, []string{number(f.Events), f.Name, distinct, frequent(f.Values, f.More)})
	}
	i.rows([]string{"EVENTS", "FIELD", "VALUES", "MOST FREQUENT"}, rows)
}

// frequent shows the beginning of a list of values in a cell.
func frequent(list []inspect.Count, atLeast bool) string {
	var b strings.Builder
	for n, v := range list {
		if n == cellValues {
			b.WriteString(", …")
			break
		}
		if n > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s (%s)", runewidth.Truncate(diag.Printable(v.Value), 60, "…"), number(v.Events))
	}
	if atLeast {
		b.WriteString(" or more")
	}
	return b.String()
}

func (i *inspecting) list(header string, list []inspect.Count) {
	var rows [][]string
	for _, c := range list {
		rows = append(rows, []string{number(c.Events), c.Value})
	}
	i.rows([]string{"EVENTS", header}, rows)
}

// rows prints a table after an empty line, on a terminal its beginning.
func (i *inspecting) rows(header []string, rows [][]string) {
	more := 0
	if i.outTerm && len(rows) > listRows {
		rows, more = rows[:listRows], len(rows)-listRows
	}
	i.out.WriteByte('\n')
	for n, row := range table(header, rows, i.outWidth) {
		line := strings.TrimRight(strings.Join(row, "  "), " ")
		if n == 0 {
			line = paint(colour(i.outTerm), "1", line)
		}
		i.out.WriteString(line + "\n")
	}
	if more > 0 {
		fmt.Fprintf(i.out, "… and %s more; --json prints all\n", number(more))
	}
}

// values prints the values of one field.
func (i *inspecting) values(r *inspect.Report) {
	if len(r.Fields) == 0 {
		fmt.Fprintf(i.out, "none of %s has a field %s\n", plural(r.Events, "event", "events"), diag.Printable(i.field))
		return
	}
	f := r.Fields[0]
	more := ""
	if f.More {
		more = "more than "
	}
	fmt.Fprintf(i.out, "%s of %s have %s: %s%s", number(f.Events), plural(r.Events, "event", "events"), diag.Printable(f.Name), more, plural(f.Distinct, "value", "values"))
	if f.Nulls > 0 {
		fmt.Fprintf(i.out, ", null in %s", number(f.Nulls))
	}
	i.out.WriteString("\n")
	i.list("VALUE", f.Values)
}
