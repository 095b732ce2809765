package main

import (
	"fmt"
	"math"
)

// goal is a row of the table of goals.
type goal struct {
	figure, want string
	measured     string // "" where it could not be measured
	reached      bool
}

// goals holds what was measured against what huntbook is to be.
func (r *results) goals() []goal {
	j := r.jobs
	all := fmt.Sprintf("%s rules", thousands(r.work.allCount))
	return []goal{
		r.againstRsigma(),
		r.cores(),
		atMost("the whole of `match` over parsing alone (our decoder visiting every key), one core",
			ratio(j.one, j.parse), 2.5, "%.2f ×"),
		r.moreRules(),
		r.flatMemory(),
		byTheClock("start: load and compile "+all+", no cache", j.allStart, 0.25),
		byTheClock("`convert` "+all+" to es-qs", j.convert, 0.5),
		byTheClock("`notebook` for "+all+", unexecuted", j.notebook, 1.5),
		r.huntOverMatch(),
		r.overPeer(j.papermill),
		r.overPeer(j.nbclient),
		r.ownCost(),
	}
}

func ratio(a, b *job) spread { return perRound(a, b, cpuOf) }

// atMost is a goal that the median must not exceed; form prints a figure.
func atMost(figure string, s spread, most float64, form string) goal {
	return goal{figure, "≤ " + fmt.Sprintf(trimmed(form), most), s.show(form), s.median <= most}
}

// byTheClock is a goal of a job's seconds.
func byTheClock(figure string, j *job, most float64) goal {
	g := atMost(figure, j.seconds(), most, "%.2f s")
	if g.measured != "" {
		g.measured += fmt.Sprintf("; CPU %.2f s", j.cpu().median)
	}
	return g
}

// trimmed is a form that prints goals as a person writes them.
func trimmed(form string) string {
	for i := range form {
		if form[i] == ' ' {
			return "%g" + form[i:]
		}
	}
	return form
}

func (s spread) show(form string) string {
	if s == (spread{}) {
		return ""
	}
	return fmt.Sprintf(form+" ("+form+" to "+form+")", s.median, s.least, s.most)
}

func (r *results) againstRsigma() goal {
	g := goal{figure: fmt.Sprintf("`match`, %s rules, one core: events per CPU second over rsigma's at its default", thousands(r.work.ruleCount)), want: "≥ 10 ×"}
	if r.jobs.rsigma != nil && r.jobs.rsigma.failed == "" {
		s := ratio(r.jobs.rsigma, r.jobs.one)
		g.measured, g.reached = s.show("%.2f ×"), s.median >= 10
	}
	return g
}

func (r *results) cores() goal {
	s := perRound(r.jobs.one, r.jobs.both, secondsOf)
	order := "output the same bytes"
	if !r.sameOrder {
		order = "OUTPUT DIFFERS"
	}
	return goal{"the same on all cores over one core, by the clock", "≥ 1.8 ×, output order the same",
		s.show("%.2f ×") + "; " + order, s.median >= 1.8 && r.sameOrder}
}

func (r *results) moreRules() goal {
	j := r.jobs
	s := combine(func(v []float64) float64 { return (v[0] - v[1]) / (v[2] - v[3]) }, cpuOf, j.many, j.manyStart, j.one, j.start)
	return atMost(fmt.Sprintf("rules %s → %s (altered copies), without loading them: CPU seconds",
		thousands(r.work.ruleCount), thousands((copies+1)*r.work.ruleCount)), s, 2, "%.2f ×")
}

// flat is by how much memory may grow from the first fifth of a stream to its end
// and still count as flat.
const flat = 1.2

func (r *results) flatMemory() goal {
	s := r.stream
	first, last := s.resident[0], s.resident[len(s.resident)-1]
	return goal{
		fmt.Sprintf("memory over %.1f GB of streamed input, %s rules", gigabytes(s.bytes), thousands(r.work.ruleCount)),
		"≤ 512 MiB, flat",
		fmt.Sprintf("%d MiB at most; %d MiB after %.1f GB, %d MiB at the end", mib(s.memory), mib(first.memory), gigabytes(first.bytes), mib(last.memory)),
		mib(s.memory) <= 512 && float64(last.memory) <= flat*float64(first.memory),
	}
}

func (r *results) huntOverMatch() goal {
	j := r.jobs
	notebooks := float64(r.work.ruleCount)
	s := combine(func(v []float64) float64 { return v[0] / (1.5*v[1] + notebooks/1000) }, secondsOf, j.hunt, j.both)
	return goal{
		fmt.Sprintf("`hunt` end to end with %s executed notebooks, over 1.5 × `match` + 1 ms a notebook, all cores", thousands(r.work.ruleCount)),
		"≤ 1 ×", s.show("%.2f ×"), s.median <= 1,
	}
}

func mib(bytes int64) int64         { return int64(math.Round(float64(bytes) / (1 << 20))) }
func gigabytes(bytes int64) float64 { return float64(bytes) / 1e9 }

// thousands writes a number with commas.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
