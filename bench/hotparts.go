package main

import (
	"context"
	"fmt"
	"os"
)

// benchstat compares results of Go benchmarks; pinned, so that all see the same table.
const benchstat = "golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da"

// baseline holds the results that later ones are held against: those of the machine
// and commit that the file names. Only the same machine compares well.
const baseline = "bench/baseline.txt"

// hotPackages have benchmarks of what events pass through, hotBenchmarks names those.
var hotPackages = []string{"./event", "./match", "./ingest", "./evtx"}

const hotBenchmarks = "^Benchmark(AppendJSON|Decoder|Matcher|Literals|Teddy|Read|Decode)$"

// hotResults are the Go benchmarks, and a profile of a match from file to findings.
type hotResults struct {
	table  string // what benchstat says
	failed string // or why there is none
	// stacks are the profile; nil when it failed, and why.
	stacks        []stack
	profileFailed string
}

// hotParts runs the Go benchmarks of the hot parts and takes the profile.
func hotParts(ctx context.Context, w *work) *hotResults {
	h := &hotResults{}
	now := inFolder("go.txt")
	args := append([]string{"test", "-run", "^$", "-bench", hotBenchmarks, "-benchmem", "-cpu", "1", "-count", "6", "-benchtime", "0.5s"}, hotPackages...)
	text, err := output(ctx, "go", args...)
	if err == nil {
		err = os.WriteFile(now, []byte(text), 0o600)
	}
	if err == nil {
		files := []string{"now=" + now}
		if _, missing := os.Stat(baseline); missing == nil {
			files = []string{"baseline=" + baseline, "now=" + now}
		}
		show := []string{"run", benchstat, "-ignore", "pkg", "-filter", ".unit:(sec/op OR allocs/op)"}
		h.table, err = output(ctx, "go", append(show, files...)...)
	}
	if err != nil {
		h.failed = oneLine(err)
	}
	if h.stacks, err = profile(ctx, w); err != nil {
		h.profileFailed = oneLine(err)
	}
	return h
}

// compared says how to read the table, for the page.
func (h *hotResults) compared() string {
	if h.failed != "" {
		return "Not measured: " + h.failed + "\n"
	}
	return fmt.Sprintf("```\n%s```\n", h.table)
}
