package main

import (
	"context"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// stack is a way through the program's functions, the outermost first, and the time
// that was spent at its end.
type stack struct {
	frames []string
	time   time.Duration
}

// profile tells where the time of a match on one core goes.
func profile(ctx context.Context, w *work) ([]stack, error) {
	data, err := filepath.Abs(w.data.path)
	if err != nil {
		return nil, err
	}
	rules, err := filepath.Abs(w.rules)
	if err != nil {
		return nil, err
	}
	to, binary := inFolder("cpu.prof"), inFolder("engine.test")
	_, err = output(ctx, "env", "HUNTBOOK_BENCH_EVENTS="+data, "HUNTBOOK_BENCH_RULES="+rules,
		"go", "test", "-run", "^$", "-bench", "^BenchmarkFile$", "-cpu", "1", "-benchtime", "5x", "-cpuprofile", to, "-o", binary, "./engine")
	if err != nil {
		return nil, err
	}
	traces, err := output(ctx, "go", "tool", "pprof", "-traces", binary, to)
	return readTraces(traces), err
}

// modulePath begins the names of our own functions.
const modulePath = "github.com/huntbook/huntbook/"

// generic is what the names of generic functions tell of their types.
var generic = regexp.MustCompile(`\[[^\]]*\]`)

// readTraces reads what "pprof -traces" prints: a block a stack, the innermost first,
// with the time on the first line.
func readTraces(text string) []stack {
	var stacks []stack
	for i, block := range strings.Split(text, "-----------+") {
		_, lines, _ := strings.Cut(block, "\n")
		if i == 0 || strings.TrimSpace(lines) == "" {
			continue // what comes before the first
		}
		var s stack
		for line := range strings.Lines(lines) {
			name := strings.TrimSpace(line)
			if len(s.frames) == 0 {
				spent, rest, _ := strings.Cut(name, " ")
				d, err := time.ParseDuration(spent)
				if err != nil {
					continue // a label of the sample
				}
				s.time, name = d, strings.TrimSpace(rest)
			}
			name = strings.TrimPrefix(name, modulePath)
			for _, remark := range []string{" (inline)", " (partial-inline)"} {
				name = strings.TrimSuffix(name, remark)
			}
			s.frames = append(s.frames, generic.ReplaceAllString(name, ""))
		}
		slices.Reverse(s.frames)
		stacks = append(stacks, s)
	}
	return stacks
}

type share struct {
	what    string
	percent float64
}

// sharesOf adds the time of stacks up by what it was spent for, the greatest first.
func sharesOf(stacks []stack) []share {
	sums, all := map[string]time.Duration{}, time.Duration(0)
	for _, s := range stacks {
		sums[s.purpose()] += s.time
		all += s.time
	}
	var shares []share
	for what, d := range sums {
		shares = append(shares, share{what, 100 * d.Seconds() / all.Seconds()})
	}
	slices.SortFunc(shares, func(a, b share) int {
		if c := int(1000 * (b.percent - a.percent)); c != 0 {
			return c
		}
		return strings.Compare(a.what, b.what)
	})
	return shares
}

// purposes are what functions do, by the beginnings of their names. A stack's is the
// first of the list that one of its functions has.
var purposes = []struct{ function, what string }{
	{"match.(*Matcher).searchFor", "`match`: keywords, searched for in whole events"},
	{"match.(*Matcher).look", "`match`: values that were not seen before"},
	{"event.(*Decoder).Read", "`event`: the JSON of events"},
	{"match.(*Matcher)", "`match`: verdicts of known values, conditions of rules"},
	{"event.(*Builder).AppendJSON", "`event`: keeping the events that match"},
	{"ingest.(*Reader).read", "`ingest`: reading the file, cutting it into events"},
	{"engine.compile", "`match`: compiling rules"},
	{"engine.preparedFolder", "`sigma`, `pipeline`: reading rules"},
	{"runtime.gcBgMarkWorker", "Go's garbage collector"},
	{"runtime.bgsweep", "Go's garbage collector"},
	{"runtime.mcall", "Go's scheduler"},
	{"runtime.mstart", "Go's scheduler"},
}

func (s *stack) purpose() string {
	for _, p := range purposes {
		for _, frame := range s.frames {
			if strings.HasPrefix(frame, p.function) {
				return p.what
			}
		}
	}
	return "the rest"
}
