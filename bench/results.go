package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// results are everything that the page tells.
type results struct {
	work   *work
	peers  *peers
	jobs   *jobs
	rounds int
	stream *streamed
	hot    *hotResults

	version               string // of huntbook
	begun                 time.Time
	loadBefore, loadAfter string

	// matches has what a run of a matching program found, by rule id.
	matches map[*job]map[string]int
	// sameOrder tells that all cores print the same bytes as one.
	sameOrder bool
}

// measure runs all jobs in turn, round by round. A job that fails is left out from then on.
func (r *results) measure(ctx context.Context) error {
	for round := range r.rounds {
		for _, j := range r.jobs.all() {
			if j.failed != "" || j.rounds > 0 && round >= j.rounds {
				continue
			}
			say("round %d of %d: %s", round+1, r.rounds, j.name)
			if err := j.run(ctx); err != nil {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				say("%v", err)
				j.failed = oneLine(err)
			}
		}
	}
	return nil
}

// compare reads what the programs found.
func (r *results) compare() error {
	r.matches = map[*job]map[string]int{}
	j := r.jobs
	for _, x := range []*job{j.one, j.both, j.bare, j.many, j.rsigma, j.rsigmaBloom, j.rsigmaBare, j.sqlite} {
		if x == nil || len(x.samples) == 0 {
			continue
		}
		counts := map[string]int{}
		err := eachLine(x.output(), func(line []byte) error {
			var match struct {
				Rule string `json:"rule_id"`
			}
			if err := json.Unmarshal(line, &match); err != nil {
				return err
			}
			counts[match.Rule]++
			return nil
		})
		if err != nil {
			return err
		}
		r.matches[x] = counts
	}
	one, err := digest(j.one.output())
	if err != nil {
		return err
	}
	both, err := digest(j.both.output())
	r.sameOrder = one == both
	return err
}

func digest(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	_, err = io.Copy(h, file)
	return fmt.Sprintf("%x", h.Sum(nil)), err
}

// found is how many matches a job found in all.
func (r *results) found(j *job) int {
	n := 0
	for _, count := range r.matches[j] {
		n += count
	}
	return n
}

// difference tells in how many rules two jobs' counts differ, and which matches
// only one of them has.
func (r *results) difference(a, b *job) (rules, onlyA, onlyB int) {
	x, y := r.matches[a], r.matches[b]
	for rule, n := range x {
		if m := y[rule]; n != m {
			rules++
			onlyA += max(0, n-m)
			onlyB += max(0, m-n)
		}
	}
	for rule, m := range y {
		if x[rule] == 0 {
			rules++
			onlyB += m
		}
	}
	return rules, onlyA, onlyB
}
