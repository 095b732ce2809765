package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// onServers is what was measured on a real Elasticsearch.
type onServers struct {
	begun      time.Time
	loadBefore string
	// whole and bare are events a second: huntbook ingest, and the same documents,
	// ready-made, through Elastic's bulk helper.
	whole, bare float64
	sent        int // events
	ingest      sample
	hunt        *job
	stored      int // events: equal ones are one
}

// goalEvents is for how many the goal is.
const goalEvents = 1_000_000

// serversHeading begins the section of the page that this run writes; the other runs
// leave it as it is.
const serversHeading = "## On servers\n"

// measureServers puts so many events into the Elasticsearch at $HUNTBOOK_ES, hunts there,
// and writes the section of the page.
func measureServers(ctx context.Context, o options, events int) error {
	url := os.Getenv("HUNTBOOK_ES")
	if url == "" {
		return errors.New("no Elasticsearch: HUNTBOOK_ES is its URL, and scripts/servers/run.sh starts one")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	s := &onServers{begun: time.Now(), loadBefore: loadAverage(), sent: events}
	say("dataset and rules")
	w, err := prepare(ctx, o)
	if err != nil {
		return err
	}
	say("ingest beside the bulk helper")
	if err := s.compareIngest(ctx); err != nil {
		return err
	}
	say("ingest of %s events", thousands(events))
	if err := s.fill(ctx, w, url); err != nil {
		return err
	}
	defer os.RemoveAll(freshFolder())
	hunts := inFolder("cluster")
	s.hunt = &job{
		name: "huntbook hunt, on a cluster", fresh: hunts, messages: true,
		args: []string{huntbook, "hunt", "-q", "-e", url, "-i", "logs-*", "-p", "helk", "-r", w.rules, "-o", hunts},
	}
	for i := range o.rounds {
		say("hunt %d of %d", i+1, o.rounds)
		if err := s.hunt.run(ctx); err != nil {
			return err
		}
	}
	if s.stored, err = huntedEvents(filepath.Join(freshFolder(), "0", filepath.Base(hunts))); err != nil {
		return err
	}
	text, err := os.ReadFile(o.page)
	if err != nil {
		return err
	}
	return os.WriteFile(o.page, []byte(withServers(string(text), relative(s.section(w, url)))), 0o644)
}

var metric = regexp.MustCompile(`([0-9.e+]+) (ingest-events/s|bare-events/s)`)

// compareIngest runs the benchmark of package ship.
func (s *onServers) compareIngest(ctx context.Context) error {
	text, err := output(ctx, "go", "test", "./ship", "-run", "^$", "-bench", "^BenchmarkIngest$", "-benchtime", "3x")
	if err != nil {
		return err
	}
	for _, m := range metric.FindAllStringSubmatch(text, -1) {
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return err
		}
		if m[2] == "bare-events/s" {
			s.bare = n
		} else {
			s.whole = n
		}
	}
	if s.whole == 0 || s.bare == 0 {
		return fmt.Errorf("the benchmark of ingest tells nothing:\n%s", lastLines(text, 5))
	}
	return nil
}

// fill ingests the dataset, over and over, until there are enough events. Each time they
// get a field of its own: equal events would be one.
func (s *onServers) fill(ctx context.Context, w *work, url string) error {
	cmd := exec.CommandContext(ctx, huntbook, "ingest", "-", "--standard", "helk", "--to", url) //nolint:gosec // the program that is measured
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	var messages strings.Builder
	cmd.Stderr = &messages
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	fed := make(chan error, 1)
	go func() {
		defer in.Close()
		fed <- repeated(in, w.data.path, s.sent)
	}()
	err = cmd.Wait()
	if feedErr := <-fed; err == nil {
		err = feedErr
	}
	if err != nil {
		return fmt.Errorf("ingest: %w\n%s", err, lastLines(messages.String(), 3))
	}
	s.ingest = usage(cmd.ProcessState)
	s.ingest.seconds = time.Since(begun).Seconds()
	return nil
}

// repeated writes so many lines of a file of objects, from its start again at its end.
func repeated(to io.Writer, path string, lines int) error {
	for copied := 0; lines > 0; copied++ {
		mark := fmt.Appendf(nil, `{"bench_copy":%d,`, copied)
		var out []byte
		flush := func() error {
			_, err := to.Write(out)
			out = out[:0]
			return err
		}
		before := lines
		err := eachLine(path, func(line []byte) error {
			rest, ok := bytes.CutPrefix(line, []byte("{"))
			if !ok || lines == 0 {
				return nil
			}
			lines--
			if out = append(append(append(out, mark...), rest...), '\n'); len(out) < 1<<20 {
				return nil
			}
			return flush()
		})
		if err == nil {
			err = flush()
		}
		if err == nil && lines == before {
			err = fmt.Errorf("%s holds no objects", path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// huntedEvents is the number of events that a hunt says it was over.
func huntedEvents(dir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dir, "hunt.json"))
	if err != nil {
		return 0, err
	}
	var hunt struct {
		Events int `json:"events"`
	}
	return hunt.Events, json.Unmarshal(text, &hunt)
}

// section is what the page says of it.
func (s *onServers) section(w *work, url string) string {
	var b strings.Builder
	b.WriteString(serversHeading)
	fmt.Fprintf(&b, "\nA run of its own on %s (%s, %d cores, load average %s before), with an Elasticsearch 8.19\nof one node and a heap of 1 GiB on the same machine.\n\n",
		s.begun.UTC().Format("2006-01-02"), processor(), runtime.NumCPU(), s.loadBefore)
	hunt := s.hunt.seconds()
	writeTable(&b, []goal{
		{
			"`ingest` from archives, HELK's standard, over Elastic's bulk helper with ready-made JSON: events a second", "≥ 0.5 ×",
			fmt.Sprintf("%.2f × (%s over %s)", s.whole/s.bare, thousands(int(s.whole)), thousands(int(s.bare))), s.whole >= s.bare/2,
		},
		{
			fmt.Sprintf("`hunt` with %s rules over %s standardized events, executed notebooks and page", thousands(w.ruleCount), thousands(s.stored)), "≤ 60 s for " + thousands(goalEvents),
			hunt.show("%.1f s"), hunt.median <= 60 && s.sent >= goalEvents,
		},
	})
	fmt.Fprintf(&b, "\nSending %s events, of which %s differ, took %.0f s (%s a second), of which huntbook itself worked %.0f CPU seconds.\n", thousands(s.sent), thousands(s.stored),
		s.ingest.seconds, thousands(int(float64(s.sent)/s.ingest.seconds)), s.ingest.cpu)
	fmt.Fprintf(&b, "A hunt worked %.1f CPU seconds itself, with %.0f MiB at most; the rest is Elasticsearch's.\n\n", s.hunt.cpu().median, float64(s.hunt.memory())/(1<<20))
	fmt.Fprintf(&b, "```\nmake bench-servers BENCH='-rounds %d -events %d'\n# the hunt\n%s\n```\n\n", len(s.hunt.samples), s.sent, strings.ReplaceAll(strings.Join(s.hunt.args, " "), url, "$HUNTBOOK_ES"))
	return b.String()
}

// withServers puts the section into a page, in the place of the one that it has, or
// before the commands.
func withServers(page, section string) string {
	start, end := serversSection(page)
	return page[:start] + section + page[end:]
}

// serversSection is where the section is in a page; where it belongs when it is not there.
func serversSection(page string) (start, end int) {
	start = strings.Index(page, "\n"+serversHeading) + 1
	if start == 0 {
		if start = strings.Index(page, "\n## Commands\n") + 1; start == 0 {
			start = len(page)
		}
		return start, start
	}
	if n := strings.Index(page[start+1:], "\n## "); n >= 0 {
		return start, start + 1 + n + 1
	}
	return start, len(page)
}
