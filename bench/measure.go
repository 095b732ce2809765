package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sample is what one run of a program took.
type sample struct {
	seconds float64 // by the clock
	cpu     float64 // user and system, seconds
	memory  int64   // the greatest resident size, bytes
}

// job is a program to run, again and again.
type job struct {
	name string // what the page calls it
	args []string
	// pinned jobs get one core, the same one each.
	pinned bool
	// messages says that exit code 1 is no failure: it then stands for messages about
	// some of the rules.
	messages bool
	// rounds bounds how often it runs; 0 for every round.
	rounds int
	// fresh is what a run writes, one of the arguments; each run gets another name for
	// it, below freshFolder. "" for nothing.
	fresh string

	samples []sample
	failed  string // why it could not be run, "" when it could
}

// output is the file that holds what the job's last run printed.
func (j *job) output() string {
	return inFolder("out", strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(j.name))+".txt")
}

// command is the job as a process: on one core where it is pinned and that can be had.
func (j *job) command(ctx context.Context) *exec.Cmd {
	args := slices.Clone(j.args)
	if i := slices.Index(args, j.fresh); j.fresh != "" && i >= 0 {
		args[i] = filepath.Join(freshFolder(), fmt.Sprint(len(j.samples)), filepath.Base(j.fresh))
	}
	if j.pinned {
		args = append(pin(), args...)
	}
	return exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the programs that are measured
}

// freshFolder is for what runs write. It is removed when all have run, and not between
// them: ext4 is slow to make files where others were removed in the last minutes.
func freshFolder() string { return inFolder("fresh") }

// pin is the command that keeps a program on the last core, or nothing.
func pin() []string {
	if _, err := exec.LookPath("taskset"); err != nil {
		return nil
	}
	return []string{"taskset", "-c", strconv.Itoa(runtime.NumCPU() - 1)}
}

// run runs the job once.
func (j *job) run(ctx context.Context) error {
	for _, dir := range []string{filepath.Dir(j.output()), filepath.Join(freshFolder(), fmt.Sprint(len(j.samples)))} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	out, err := os.Create(j.output())
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := j.command(ctx)
	var messages strings.Builder
	cmd.Stdout, cmd.Stderr = out, &messages
	begun := time.Now()
	err = cmd.Run()
	seconds := time.Since(begun).Seconds()
	var exit *exec.ExitError
	if err != nil && !(j.messages && errors.As(err, &exit) && exit.ExitCode() == 1) {
		return fmt.Errorf("%s: %w\n%s", j.name, err, lastLines(messages.String(), 3))
	}
	s := usage(cmd.ProcessState)
	s.seconds = seconds
	j.samples = append(j.samples, s)
	return nil
}

func usage(p *os.ProcessState) sample {
	s := sample{cpu: (p.UserTime() + p.SystemTime()).Seconds()}
	if u, ok := p.SysUsage().(*syscall.Rusage); ok {
		s.memory = u.Maxrss * 1024 // Linux counts in KiB
	}
	return s
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// spread is what the samples of one figure say.
type spread struct{ median, least, most float64 }

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return spread{median: (v[(n-1)/2] + v[n/2]) / 2, least: v[0], most: v[n-1]}
}

func (j *job) figures(of func(sample) float64) []float64 {
	values := make([]float64, len(j.samples))
	for i, s := range j.samples {
		values[i] = of(s)
	}
	return values
}

func cpuOf(s sample) float64     { return s.cpu }
func secondsOf(s sample) float64 { return s.seconds }

func (j *job) cpu() spread     { return spreadOf(j.figures(cpuOf)) }
func (j *job) seconds() spread { return spreadOf(j.figures(secondsOf)) }

// memory is the greatest of all runs.
func (j *job) memory() int64 {
	most := int64(0)
	for _, s := range j.samples {
		most = max(most, s.memory)
	}
	return most
}

// perRound divides the figures of two jobs, round by round: what disturbs the
// machine disturbs both.
func perRound(a, b *job, of func(sample) float64) spread {
	return combine(func(v []float64) float64 { return v[0] / v[1] }, of, a, b)
}

// combine computes a figure of several jobs for each round that all of them ran in.
func combine(figure func([]float64) float64, of func(sample) float64, jobs ...*job) spread {
	rounds := len(jobs[0].samples)
	for _, j := range jobs {
		rounds = min(rounds, len(j.samples))
	}
	values := make([]float64, rounds)
	for round := range values {
		at := make([]float64, len(jobs))
		for i, j := range jobs {
			at[i] = of(j.samples[round])
		}
		values[round] = figure(at)
	}
	return spreadOf(values)
}

// loadAverage is the machine's, "" where it does not tell.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}
