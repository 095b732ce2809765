package engine

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// Hits passes on the hits that an engine found in a way of its own, and makes those
// of correlations of them.
type Hits struct{ c *correlator }

// NewHits is for rules as a Preparer gives them; each is called as by Scan.
func NewHits(rules []Prepared, each func(Hit) error) (*Hits, error) {
	c, err := newCorrelator(rules, each)
	return &Hits{c}, err
}

// Rules are those to look for: the rules that are no correlation, and those that
// correlations stand on. Own is the place of each in the list given, -1 for none.
func (h *Hits) Rules() (rules []Prepared, own []int) { return h.c.list, h.c.own }

// Correlated are the fields that correlations read of a rule's events, and whether
// any stands on it.
func (h *Hits) Correlated(rule int) ([]string, bool) { return h.c.engine.Fields(rule), h.c.based[rule] }

// Add takes a hit of one of Rules.
func (h *Hits) Add(hit Hit) error { return h.c.hit(hit) }

// Finish gives out the matches that no event can be added to any more, and says
// what correlations could not use.
func (h *Hits) Finish() ([]CorrelationInfo, error) {
	err := h.c.finish()
	return h.c.infos(), err
}

// IsCluster tells the address of a cluster from the paths of files.
func IsCluster(input string) bool {
	return strings.HasPrefix(input, "http://") || strings.HasPrefix(input, "https://")
}

// ResolvePipelines makes the relative paths of pipelines or configurations start from
// a folder; built-in names stay as they are.
func ResolvePipelines(dir string, names []string) []string {
	out := slices.Clone(names)
	for i, name := range names {
		if !pipeline.IsBuiltin(name) && !filepath.IsAbs(name) {
			out[i] = filepath.Join(dir, filepath.FromSlash(name))
		}
	}
	return out
}

// RuleInfo is what an engine that asks for each rule apart tells of one. It is for
// a rule that is no correlation.
type RuleInfo struct {
	// Count is the number of events that match; there may be fewer hits.
	Count int
	// Absent says why the rule can't match there, such as that no event has its
	// fields; "" when it may.
	Absent string
	// Notes are remarks for the reader: what is not known, and what was not
	// asked. Incomplete says in what way the count may be too low, "" for none.
	Notes      []string
	Incomplete string
	// Err is set when the rule could not be asked.
	Err error
	// Times and Hosts count all events where there are fewer hits; nil otherwise.
	Times []TimeCount
	Hosts []HostCount
}

// Remarks are Notes, and what else the reader of the rule's results must know.
func (r *RuleInfo) Remarks() []string {
	out := slices.Clone(r.Notes)
	if r.Absent != "" {
		out = append(out, "the rule can match nothing here: "+r.Absent)
	}
	if r.Incomplete != "" {
		out = append(out, "the answer is incomplete: "+r.Incomplete)
	}
	return out
}

// TimeCount is a number of events at about a time.
type TimeCount struct {
	Time  time.Time
	Count int
}

// HostCount is a number of events of a computer.
type HostCount struct {
	Host  string
	Count int
}

// StandsOn tells whether the correlation relates a rule's events, through others or
// not.
func (c *Correlation) StandsOn(rule *sigma.Rule) bool {
	found := false
	c.each(func(base *Prepared) { found = found || base.Rule == rule })
	return found
}
