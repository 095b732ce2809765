// Command bench measures huntbook beside its peers and against its own goals, and
// writes docs/benchmarks.md. "make bench" runs it from the root of the repository.
//
// It finds or installs the peers (peers.go), makes the dataset and the rules that the
// runs need (dataset.go, rulecopies.go), runs every program on the same work in turn,
// several times over (work.go, notebooks.go, measure.go), runs the Go benchmarks of the hot
// parts (hotparts.go), and writes what came out as one page (goals.go, page.go). What it
// makes stays under .cache/bench. It knows of huntbook only the command line and, for
// the bare parse, the decoder.
//
//	go run ./bench              the whole run, for docs/benchmarks.md
//	go run ./bench -megabytes 30 -stream-gigabytes 1 -o .cache/bench/page.md
//	go run ./bench parse FILE   decode a file's events and do nothing with them
//	go run ./bench servers      ingest and hunts on the Elasticsearch at $HUNTBOOK_ES (servers.go),
//	                            a section of the same page; "make bench-servers" starts one
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// folder is where everything is kept that a run makes.
const folder = ".cache/bench"

// options are the size of a run; smaller ones are for work on this program.
type options struct {
	rounds    int
	megabytes int64 // of the dataset, 0 for all of it
	gigabytes int64 // that are streamed
	page      string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // stop only releases the signals
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 2 && args[0] == "parse" {
		return parse(args[1], os.Stdout)
	}
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 7, "how often each program runs, all in turn")
	flags.Int64Var(&o.megabytes, "megabytes", 0, "use this much of the dataset (0: all of it)")
	flags.Int64Var(&o.gigabytes, "stream-gigabytes", 10, "how much is streamed to see that memory stays flat")
	flags.StringVar(&o.page, "o", "docs/benchmarks.md", "the page to write")
	events := flags.Int("events", goalEvents, "how many are stored for the hunts on servers")
	servers := len(args) > 0 && args[0] == "servers"
	if servers {
		args, o.rounds = args[1:], 3
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || o.rounds < 1 {
		return errors.New("usage: bench [-rounds N] [-megabytes N] [-stream-gigabytes N] [-o PAGE], bench servers [-events N], or bench parse FILE")
	}
	if servers {
		return measureServers(ctx, o, *events)
	}
	return measureAll(ctx, o)
}

// measureAll is the way from nothing to the page.
func measureAll(ctx context.Context, o options) error {
	if _, err := os.Stat(huntbook); err != nil {
		return fmt.Errorf("%w: \"make bench\" builds it first", err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	begun, load := time.Now(), loadAverage()
	say("peers")
	peers := findPeers(ctx)
	say("dataset and rules")
	w, err := prepare(ctx, o)
	if err != nil {
		return err
	}
	r := &results{work: w, peers: peers, jobs: w.jobs(peers), rounds: o.rounds, begun: begun, loadBefore: load}
	if err := r.jobs.notebookJobs(peers); err != nil {
		return err
	}
	r.version = firstLine(ctx, huntbook, "--version")
	if err := os.RemoveAll(freshFolder()); err != nil {
		return err
	}
	defer os.RemoveAll(freshFolder())
	if err := r.measure(ctx); err != nil {
		return err
	}
	say("streaming")
	if r.stream, err = stream(ctx, w, o.gigabytes); err != nil {
		return err
	}
	say("hot parts")
	r.hot = hotParts(ctx, w)
	r.loadAfter = loadAverage()
	say("comparing matches")
	if err := r.compare(); err != nil {
		return err
	}
	flames := filepath.Join(filepath.Dir(o.page), "images", "match-flame.svg")
	if err := os.MkdirAll(filepath.Dir(flames), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(flames, []byte(newFlame(r.hot.stacks, "engine.(*worker).Take").svg()), 0o644); err != nil {
		return err
	}
	page := r.page()
	if old, err := os.ReadFile(o.page); err == nil {
		start, end := serversSection(string(old))
		page = withServers(page, string(old)[start:end])
	}
	return os.WriteFile(o.page, []byte(page), 0o644)
}

// say tells a person who waits what is going on.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}

// inFolder is a path in the folder.
func inFolder(elem ...string) string { return filepath.Join(append([]string{folder}, elem...)...) }
