package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
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
	// shares are of the processor's time by package, the greatest first.
	shares        []share
	profileFailed string
}

type share struct {
	what    string
	percent float64
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
		h.table, err = output(ctx, "go", "run", benchstat, "baseline="+baseline, "now="+now)
	}
	if err != nil {
		h.failed = oneLine(err)
	}
	if h.shares, err = profile(ctx, w); err != nil {
		h.profileFailed = oneLine(err)
	}
	return h
}

// profile tells where the time of a match on one core goes.
func profile(ctx context.Context, w *work) ([]share, error) {
	data, err := filepath.Abs(w.data.path)
	if err != nil {
		return nil, err
	}
	rules, err := filepath.Abs(w.rules)
	if err != nil {
		return nil, err
	}
	to := inFolder("cpu.prof")
	binary := inFolder("engine.test")
	_, err = output(ctx, "env", "HUNTBOOK_BENCH_EVENTS="+data, "HUNTBOOK_BENCH_RULES="+rules,
		"go", "test", "-run", "^$", "-bench", "^BenchmarkFile$", "-cpu", "1", "-benchtime", "5x", "-cpuprofile", to, "-o", binary, "./engine")
	if err != nil {
		return nil, err
	}
	// Inlined functions count as what they were written in.
	top, err := output(ctx, "go", "tool", "pprof", "-top", "-nodecount", "0", "-nodefraction", "0", binary, to)
	return sharesOf(top), err
}

// aNode is a line of "pprof -top": its own share, and the function.
var aNode = regexp.MustCompile(`^\s*\S+\s+([\d.]+)%\s+[\d.]+%\s+\S+\s+[\d.]+%\s+(.+)$`)

// sharesOf adds a profile's nodes up by what they belong to.
func sharesOf(top string) []share {
	sums := map[string]float64{}
	for line := range strings.Lines(top) {
		m := aNode.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			continue
		}
		percent, _ := strconv.ParseFloat(m[1], 64)
		sums[owner(m[2])] += percent
	}
	var shares []share
	for what, percent := range sums {
		shares = append(shares, share{what, percent})
	}
	slices.SortFunc(shares, func(a, b share) int {
		if a.percent != b.percent {
			return int(b.percent*1000) - int(a.percent*1000)
		}
		return strings.Compare(a.what, b.what)
	})
	return shares
}

// ours names what our packages do, in words.
var ours = map[string]string{
	"event":    "`event`: reading JSON",
	"match":    "`match`: values, keywords, conditions",
	"ingest":   "`ingest`: finding where events begin and end",
	"engine":   "`engine`: keeping what matched",
	"pipeline": "rules: reading, lowering, compiling",
	"sigma":    "rules: reading, lowering, compiling",
	"ir":       "rules: reading, lowering, compiling",
}

// owner tells what a function belongs to.
func owner(function string) string {
	function = strings.TrimSuffix(function, " (inline)")
	if rest, ok := strings.CutPrefix(function, "github.com/huntbook/huntbook/"); ok {
		name, _, _ := strings.Cut(rest, ".")
		if words := ours[name]; words != "" {
			return words
		}
		return "`" + name + "`"
	}
	switch {
	case strings.HasPrefix(function, "go.yaml.in/"):
		return "rules: reading, lowering, compiling"
	case strings.Contains(function, "Syscall"):
		return "the system: reading the file"
	case strings.Contains(function, "memmove"), strings.Contains(function, "memclr"):
		return "moving and clearing memory"
	case strings.Contains(function, "indexbyte"), strings.Contains(function, "cmpbody"), strings.Contains(function, "memequal"),
		strings.HasPrefix(function, "bytes."), strings.HasPrefix(function, "strings."), strings.HasPrefix(function, "internal/bytealg."):
		return "searching and comparing bytes (standard library)"
	case strings.HasPrefix(function, "regexp"):
		return "regular expressions"
	case strings.HasPrefix(function, "runtime."), strings.HasPrefix(function, "internal/runtime/"), strings.HasPrefix(function, "gc"):
		return "Go's runtime: allocation, garbage collector, scheduler"
	}
	return "others"
}

// compared says how to read the table, for the page.
func (h *hotResults) compared() string {
	if h.failed != "" {
		return "Not measured: " + h.failed + "\n"
	}
	return fmt.Sprintf("```\n%s```\n", h.table)
}
