package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/kafka"
	"github.com/huntbook/huntbook/samples"
	"github.com/huntbook/huntbook/ship"
	"github.com/huntbook/huntbook/sink"
	"github.com/huntbook/huntbook/standard"
)

// ingestFlags are the command's own.
type ingestFlags struct {
	from, to, standard string
	group, deadLetter  string
	once, quiet        bool
	data               dataFlags
	connect            connectFlags
}

func (a *app) ingestCommand() *cobra.Command {
	var f ingestFlags
	cmd := &cobra.Command{
		Use:   "ingest SOURCE... --to URL|-",
		Short: "Standardize events and store them in Elasticsearch or OpenSearch",
		Long: `Standardize events and store them in Elasticsearch or OpenSearch, or print them.

SOURCE is a file, an archive, a folder, or - for standard input; with --from
events come from a topic of Kafka instead, and the command goes on until it is
ended, or with --once until it has done what is there. A standard gives events the
fields and indices of HELK (helk) or of the Elastic Common Schema as Winlogbeat
writes it (ecs); none leaves them as they are.

An event that is sent twice is stored once: run the command again after an error.`,
		Example: `  huntbook ingest logs.zip --to http://127.0.0.1:9200
  huntbook ingest logs/ --standard ecs --to https://es:9200 --user hunter --ca ca.pem
  huntbook ingest logs.zip --standard helk --to - | jq .process_path
  huntbook ingest --from kafka://127.0.0.1:9092/winevent --to http://127.0.0.1:9200 --once`,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.data.paths = append(f.data.paths, args...)
			return f.run(cmd.Context(), a)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.to, "to", "", "where to store events: a `URL` of the cluster, several with commas, or - to print them, an object a line")
	flags.StringVar(&f.standard, "standard", "helk", "the `standard` that events get: "+strings.Join(standard.Names(), ", ")+", or a file")
	flags.StringVar(&f.from, "from", "", "read a topic of Kafka (`kafka://HOST:PORT/TOPIC`, several brokers with commas)")
	flags.StringVar(&f.group, "group", "", "the consumer `group` that reads the topic (default huntbook-STANDARD)")
	flags.BoolVar(&f.once, "once", false, "end when all is done that is in the topic now")
	flags.StringVar(&f.deadLetter, "dead-letter", "", "keep what can't be stored, with the reason, in this `file` or topic:NAME (default for a topic: TOPIC.dead-letter)")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "show no progress")
	f.data.addPaths(cmd)
	f.data.addTimes(cmd)
	f.connect.add(cmd)
	complete(cmd, "standard", standard.Names())
	return cmd
}

func (f *ingestFlags) run(ctx context.Context, a *app) error {
	data, err := f.check()
	if err != nil {
		return err
	}
	s, err := standard.Load(f.standard)
	if errors.Is(err, standard.ErrUnknown) || errors.Is(err, fs.ErrNotExist) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	in := &ingesting{app: a, flags: f, options: ship.Options{Standard: s, Progress: &ship.Progress{}}, start: time.Now()}
	if f.to == "-" {
		in.options.Sink, in.options.Workers = sink.NewLines(a.out), 1
	} else {
		var addresses []string
		if f.to != "" {
			addresses = strings.Split(f.to, ",")
		}
		client, err := f.connect.client(a, addresses)
		if err != nil {
			return err
		}
		in.to = client
		in.options.Sink = sink.NewCluster(client, sink.Options{})
	}
	if f.from != "" {
		return in.topic(ctx, data)
	}
	return in.files(ctx, data)
}

// check says what is missing or too much.
func (f *ingestFlags) check() (engine.Data, error) {
	data, err := f.data.data()
	topic, toTopic := strings.CutPrefix(f.deadLetter, "topic:")
	switch {
	case err != nil:
		return data, err
	case f.to == "" && f.connect.cloudID == "":
		return data, usagef("no place to store events; name a cluster with --to http://127.0.0.1:9200, or print them with --to -")
	case f.to == "-" && f.connect.cloudID != "":
		return data, usagef("--to - prints events, and --cloud-id names a cluster; give one of them")
	case f.from == "" && len(data.Paths) == 0:
		return data, usagef("no events; name log files, archives or folders, or a topic with --from kafka://HOST:PORT/TOPIC")
	case f.from != "" && len(data.Paths) > 0:
		return data, usagef("events come from files or with --from from a topic, not from both")
	case f.from == "" && (f.once || f.group != ""):
		return data, usagef("--once and --group are for topics; name one with --from kafka://HOST:PORT/TOPIC")
	case toTopic && (f.from == "" || topic == ""):
		return data, usagef("--dead-letter topic:NAME is for events that come from a topic with --from")
	}
	return data, nil
}

// ingesting is one run of the command.
type ingesting struct {
	*app
	flags   *ingestFlags
	options ship.Options
	to      *elastic.Client // nil: standard output
	start   time.Time
}

func (in *ingesting) files(ctx context.Context, data engine.Data) error {
	if in.flags.deadLetter != "" {
		in.options.Dead = sink.DeadFile{Path: in.flags.deadLetter}
	}
	reader, err := ingest.Open(ctx, data.Paths, ingest.Options{
		Since: data.Since, Until: data.Until, Location: data.Location,
		Stdin: in.In, Embedded: map[string]fs.FS{samples.Name: samples.Data()},
	})
	if errors.Is(err, fs.ErrNotExist) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	defer reader.Close()
	stop := in.progress()
	outcome, err := ship.Files(ctx, reader, in.options)
	stop()
	in.unread(&engine.ScanInfo{Summary: *outcome.Files})
	return in.end(outcome, err, len(outcome.Files.Failed) > 0)
}

func (in *ingesting) topic(ctx context.Context, data engine.Data) error {
	brokers, topic, err := kafka.ParseURL(in.flags.from)
	if err != nil {
		return usageError{err}
	}
	group := in.flags.group
	if group == "" {
		group = "huntbook-" + in.options.Standard.ID
	}
	consumer, err := kafka.Open(ctx, kafka.Config{
		Brokers: brokers, Topic: topic, Group: group, Once: in.flags.once,
		Notice: func(text string) { fmt.Fprintln(in.Err, diag.Printable(text)) },
	})
	if err != nil {
		return err
	}
	defer consumer.Close()
	name, toTopic := strings.CutPrefix(in.flags.deadLetter, "topic:")
	switch {
	case in.flags.deadLetter == "":
		name, toTopic = topic+".dead-letter", true
	case !toTopic:
		in.options.Dead = sink.DeadFile{Path: in.flags.deadLetter}
	}
	if toTopic {
		dead, err := consumer.DeadTopic(name)
		if err != nil {
			return err
		}
		defer dead.Close()
		in.options.Dead = dead
		in.flags.deadLetter = "topic " + name
	}
	if !in.flags.once && !in.flags.quiet {
		fmt.Fprintf(in.Err, "reading topic %s as group %s until it is ended (Ctrl-C)\n", diag.Printable(topic), diag.Printable(group))
	}
	stop := in.progress()
	outcome, err := ship.Topic(ctx, consumer, event.Options{Location: data.Location, Since: data.Since, Until: data.Until}, in.options)
	stop()
	return in.end(outcome, err, false)
}

// shownReasons is how many reasons for refused events are printed.
const shownReasons = 10

// end tells what was done.
func (in *ingesting) end(o *ship.Outcome, err error, failed bool) error {
	for i, r := range o.Reasons {
		if i == shownReasons {
			fmt.Fprintf(in.Err, "… and %s more\n", plural(len(o.Reasons)-i, "reason", "reasons"))
			break
		}
		fmt.Fprintf(in.Err, "%s: %s\n  the first is %s #%s: %s\n", plural(r.Count, "event could not be stored", "events could not be stored"),
			diag.Printable(r.Text), diag.Printable(r.First.Source), number(r.First.Record), runewidth.Truncate(diag.Printable(string(r.First.Event)), 300, "…"))
	}
	if lost := o.Refused; lost > 0 || len(o.Reasons) > 0 {
		if in.flags.deadLetter != "" {
			fmt.Fprintf(in.Err, "all of them are in %s\n", diag.Printable(in.flags.deadLetter))
		} else {
			fmt.Fprintln(in.Err, "--dead-letter FILE keeps them")
		}
	}
	if err != nil && o.Stored+o.Known == 0 {
		return err
	}
	seconds := time.Since(in.start).Seconds()
	where := "printed"
	if in.to != nil {
		where = "stored in " + in.to.String()
	}
	fmt.Fprintf(in.Err, "%s %s", plural(o.Stored, "event", "events"), diag.Printable(where))
	if o.Known > 0 {
		fmt.Fprintf(in.Err, ", %s there already", number(o.Known))
	}
	if o.Refused > 0 {
		fmt.Fprintf(in.Err, ", %s refused", number(o.Refused))
	}
	if n := o.Outside + o.Undated; n > 0 {
		fmt.Fprintf(in.Err, ", %s left out for the time", number(n))
	}
	fmt.Fprintf(in.Err, " (%.1f s)\n", seconds)
	if err != nil {
		if in.to != nil {
			fmt.Fprintln(in.Err, "run the command again: what is stored already is not stored twice")
		}
		return err
	}
	if failed || o.Refused > 0 {
		return errFailed
	}
	return nil
}

// progress shows on a terminal how far it is, until the returned function is called.
func (in *ingesting) progress() (stop func()) {
	if in.flags.quiet || !in.errTerm {
		return func() {}
	}
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(200 * time.Millisecond)
		defer ticker.Stop()
		bar := progressbar.NewOptions64(-1,
			progressbar.OptionSetWriter(in.Err),
			progressbar.OptionSetWidth(20),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionEnableColorCodes(false))
		for {
			select {
			case <-quit:
				_ = bar.Clear()
				return
			case <-ticker.C:
				in.show(bar)
			}
		}
	})
	return func() {
		close(quit)
		wg.Wait()
	}
}

func (in *ingesting) show(bar *progressbar.ProgressBar) {
	p := in.options.Progress
	done := p.Done.Load()
	bar.Describe(fmt.Sprintf("%s events (%s/s)", number(int(done)), number(int(float64(done)/time.Since(in.start).Seconds()))))
	if reader := p.Reader.Load(); reader != nil {
		read, total := reader.Progress()
		bar.ChangeMax64(max(total, 1))
		_ = bar.Set64(min(read, max(total-1, 0)))
		return
	}
	_ = bar.Set64(done)
}
