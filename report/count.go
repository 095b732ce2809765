package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// countHosts fills Hosts and returns the index of each that is shown.
func (p *page) countHosts() map[string]int {
	byName := map[string]*host{}
	for i := range p.Rules {
		r := &p.Rules[i]
		for _, hc := range r.Activity.Hosts {
			h := byName[hc.Host]
			if h == nil {
				h = &host{Name: hc.Host, byLevel: make([]int, len(levels))}
				byName[hc.Host] = h
			}
			h.Rules++
			h.Findings += hc.Count
			h.byLevel[severity(r.Level)] += hc.Count
		}
	}
	for _, h := range byName {
		p.Hosts = append(p.Hosts, *h)
	}
	slices.SortFunc(p.Hosts, func(a, b host) int {
		for i := range levels {
			if (a.byLevel[i] > 0) != (b.byLevel[i] > 0) {
				return cmp.Compare(b.byLevel[i], a.byLevel[i])
			}
		}
		return cmp.Or(cmp.Compare(b.Findings, a.Findings), cmp.Compare(a.Name, b.Name))
	})
	p.HostsTotal = len(p.Hosts)
	p.MoreHosts = max(0, len(p.Hosts)-shownHosts)
	p.Hosts = p.Hosts[:min(len(p.Hosts), shownHosts)]

	most := 1
	for _, h := range p.Hosts {
		most = max(most, h.Findings)
	}
	index := map[string]int{}
	for i := range p.Hosts {
		h := &p.Hosts[i]
		index[h.Name] = i
		x := 0.0
		for l, n := range h.byLevel {
			if n == 0 {
				continue
			}
			if h.Level == "" {
				h.Level = levels[l]
			}
			w := 100 * float64(n) / float64(most)
			h.Bars = append(h.Bars, bar{X: coord(x), Y: "0", W: coord(w), H: "8", Level: levels[l]})
			x += w
		}
	}
	return index
}

// countLevels fills the lanes and the time axis.
func (p *page) countLevels() {
	lanes := make([]lane, len(levels))
	for i, level := range levels {
		lanes[i] = lane{Level: level, timed: make([]int, buckets)}
	}
	timed := 0
	for _, r := range slices.Concat(p.Fired, p.Quiet) {
		l := &lanes[r.Severity]
		l.Ran++
		if r.State == Fired {
			l.Rules++
		}
		l.Findings += r.Count
		for i, n := range r.Activity.Buckets {
			l.timed[min(i, buckets-1)] += n
			timed += n
		}
	}
	p.Untimed = max(0, p.Findings-timed)
	for _, l := range lanes {
		if l.Ran == 0 {
			continue
		}
		l.Peak = slices.Max(l.timed)
		for i, n := range l.timed {
			if n == 0 {
				continue
			}
			// The square root keeps one loud moment from hiding the quiet ones.
			height := 20 * math.Sqrt(float64(n)/float64(l.Peak))
			height = max(height, 1.5)
			from, to := p.bucketTimes(i)
			l.Bars = append(l.Bars, bar{
				X: coord(float64(i) + 0.08), Y: coord(20 - height), W: "0.84", H: coord(height), Level: l.Level,
				Label: fmt.Sprintf("%s to %s: %s", clock(from), clock(to), plural(n, "finding")),
			})
		}
		p.Lanes = append(p.Lanes, l)
	}
	if !p.First.IsZero() {
		p.Span = duration(p.Last.Sub(p.First))
		p.Axis = axis(p.First, p.Last)
	}
}

// bucketTimes are the bounds of a bucket, rounded to seconds.
func (p *page) bucketTimes(i int) (from, to time.Time) {
	part := float64(p.Last.Sub(p.First)) / buckets
	from = p.First.Add(time.Duration(part * float64(i)))
	to = p.First.Add(time.Duration(part * float64(i+1)))
	return from.Truncate(time.Second), to.Truncate(time.Second)
}

// countTactics fills the matrix from the rules that ran.
func (p *page) countTactics() {
	columns := make([]column, len(p.Tactics))
	at := map[string]int{}
	for i, t := range p.Tactics {
		columns[i].Tactic = t
		at[t.Short] = i
	}
	type place struct{ tactic, technique string }
	cells := map[place]*cell{}
	looked := map[place]bool{}
	for _, r := range slices.Concat(p.Fired, p.Quiet) {
		for _, short := range r.columns {
			i, ok := at[short]
			if !ok {
				i = len(columns)
				at[short] = i
				columns = append(columns, column{Tactic: Tactic{Short: short, Name: short}})
			}
			columns[i].Rules++
			columns[i].Findings += r.Count
			if r.State == Fired {
				columns[i].Fired++
			}
		}
		for _, t := range r.Techniques {
			for _, short := range tacticsOf(t, r.Tactics) {
				here := place{short, t.ID}
				looked[here] = true
				if r.State != Fired {
					continue
				}
				c := cells[here]
				if c == nil {
					c = &cell{Technique: t, Level: r.Level} // the first row is the most severe
					cells[here] = c
				}
				c.Rules++
				c.Findings += r.Count
			}
		}
	}
	most := 1
	for _, c := range cells {
		most = max(most, c.Findings)
	}
	for here, c := range cells {
		i := at[here.tactic]
		c.Heat = 1 + min(4, int(5*math.Sqrt(float64(c.Findings)/float64(most))))
		columns[i].Cells = append(columns[i].Cells, *c)
	}
	for here := range looked {
		if cells[here] == nil {
			columns[at[here.tactic]].Quiet++
		}
	}
	for _, c := range columns {
		if c.Rules == 0 {
			p.Uncovered = append(p.Uncovered, c.Name)
			continue
		}
		slices.SortFunc(c.Cells, func(a, b cell) int {
			return cmp.Or(cmp.Compare(severity(a.Level), severity(b.Level)),
				cmp.Compare(b.Findings, a.Findings), cmp.Compare(a.ID, b.ID))
		})
		p.Columns = append(p.Columns, c)
	}
}

// columnsOf are the tactics under which a rule stands.
func columnsOf(r *Rule) []string {
	tactics := slices.Clone(r.Tactics)
	for _, t := range r.Techniques {
		tactics = append(tactics, tacticsOf(t, r.Tactics)...)
	}
	slices.Sort(tactics)
	return slices.Compact(tactics)
}

// tacticsOf are the columns of a rule's technique: of the tactics that it serves
// those that the rule names, else all of them, else those of the rule.
func tacticsOf(t Technique, named []string) []string {
	var both []string
	for _, short := range t.Tactics {
		if slices.Contains(named, short) {
			both = append(both, short)
		}
	}
	switch {
	case len(both) > 0:
		return both
	case len(t.Tactics) > 0:
		return t.Tactics
	}
	return named
}
