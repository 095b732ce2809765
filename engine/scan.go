package engine

import (
	"context"
	"errors"
	"time"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/match"
)

// Hit is one event that one rule matched. It is valid during the call that
// gets it.
type Hit struct {
	// Rule is the index of the rule in the list given to Scan.
	Rule  int
	Batch *event.Batch
	Row   int
	// Match is set instead of Batch and Row when the rule is a correlation. It
	// stays valid.
	Match *Match
}

// Time of the event, zero when it has none.
func (h Hit) Time() time.Time {
	if h.Match != nil {
		return h.Match.Last
	}
	return eventTime(h.Batch.Times[h.Row])
}

func eventTime(ns int64) time.Time {
	if ns == event.NoTime {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// Record says where the event came from, the last one of a correlation.
func (h Hit) Record() event.Record {
	if h.Match != nil {
		last := h.Match.last()
		return event.Record{Source: &event.Source{Name: last.Source}, Number: last.Number, Raw: last.Raw}
	}
	return h.Batch.Records[h.Row]
}

var hostFields = []string{"Computer", "host.name", "host.hostname", "hostname"}

// Host is the computer that the event names, "" when none.
func (h Hit) Host() string {
	if h.Match != nil {
		return h.Match.Host
	}
	for _, name := range hostFields {
		if c := h.Batch.Column(name); c != nil {
			if v := c.Values[c.Codes[h.Row]]; v.Kind == event.String && v.Text != "" {
				return v.Text
			}
		}
	}
	return ""
}

// ScanInfo says what a scan read.
type ScanInfo struct {
	ingest.Summary
	// First and Last are the times of the oldest and the newest event.
	First, Last time.Time
	// Sources are the files and members that events came from, in order.
	Sources []SourceCount
	// Correlations are those of the rules, and those that they stand on.
	Correlations []CorrelationInfo
	// Rules has an entry a rule where each is asked for apart, nil elsewhere.
	Rules []RuleInfo
}

// SourceCount is the number of events of one source.
type SourceCount struct {
	Name   string
	Events int
}

// add enters what came of a run of events.
func (i *ScanInfo) add(r *run) {
	i.sawTime(r.first)
	i.sawTime(r.last)
	for _, s := range r.sources {
		if n := len(i.Sources); n == 0 || i.Sources[n-1].Name != s.name() {
			i.Sources = append(i.Sources, SourceCount{Name: s.name()})
		}
		i.Sources[len(i.Sources)-1].Events += s.events
	}
}

func (i *ScanInfo) sawTime(ns int64) {
	t := eventTime(ns)
	if t.IsZero() {
		return
	}
	if i.First.IsZero() || t.Before(i.First) {
		i.First = t
	}
	if t.After(i.Last) {
		i.Last = t
	}
}

// Data is the form in which Open tells of it.
func (i *ScanInfo) Data() DataInfo {
	return DataInfo{
		Events: i.Events, Files: i.Files, Broken: i.Broken,
		First: i.First, Last: i.Last, UnknownFormats: len(i.Unknown),
	}
}

// Open begins to read events for rules: only the fields that they read, and
// those that tell where an event comes from, are kept.
func Open(ctx context.Context, inputs []string, o ingest.Options, rules []Prepared) (*ingest.Reader, error) {
	o.Fields = map[string]bool{}
	for _, name := range hostFields {
		o.Fields[name] = true
	}
	c, err := newCorrelator(rules, nil)
	if err != nil {
		return nil, err
	}
	for _, name := range c.fields() {
		o.Fields[name] = true
	}
	return ingest.Open(ctx, inputs, o)
}

// Scan matches all rules against all events of a reader in one pass, and calls
// each for every hit: in the order of the events, and for one event in the
// order of the rules. Correlations come at the end, in the order of time; those of
// a Preparer with a Lateness come between the events, once no event in time can
// change them. An error of each ends the scan. Workers is the number of goroutines
// that match, 0 for one a processor.
func Scan(ctx context.Context, r *ingest.Reader, rules []Prepared, workers int, each func(Hit) error) (*ScanInfo, error) {
	c, err := newCorrelator(rules, each)
	if err != nil {
		return nil, err
	}
	program, err := compile(c.list)
	if err != nil {
		return nil, err
	}
	info := &ScanInfo{}
	err = ingest.Process(ctx, r, workers, func() ingest.Worker[*run] { return newWorker(program, r.Options()) },
		func(made *run, shift ingest.Shift) error {
			info.add(made)
			return made.emit(ctx, shift, c.hit)
		})
	info.Summary = r.Summary()
	if err != nil {
		return info, err
	}
	err = c.finish()
	info.Correlations = c.infos()
	return info, err
}

func compile(rules []Prepared) (*match.Program, error) {
	list := make([]match.Rule, len(rules))
	for i, p := range rules {
		list[i] = match.Rule{Expr: p.Expr, Scope: p.Scope}
	}
	program, errs := match.Compile(list)
	return program, errors.Join(errs...)
}
