package ruletest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/explain"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/sigma"
)

// Result is what came out of a test.
type Result struct {
	*Test
	// Passed is set when all came out as expected; Message says else what did
	// not. Broken is set when the test could not be run.
	Passed, Broken bool
	Message        string
	// Findings is the number of findings, Events that of the events.
	Findings, Events int
	// Why explains an event that the rule should have matched or should not
	// have, or what a correlation found in all events; nil when there is nothing
	// to explain.
	Why  Explanation
	Took time.Duration
}

// Explanation is one of package explain, of a rule or of a correlation.
type Explanation interface {
	WriteText(w io.Writer, colour bool) error
	WriteJSON(w io.Writer) error
}

// Runner runs tests. It is for one goroutine.
type Runner struct{ preparer *engine.Preparer }

// NewRunner makes the embedded engine ready.
func NewRunner() (*Runner, error) {
	p, err := engine.NewPreparer()
	if err != nil {
		return nil, err
	}
	return &Runner{p}, nil
}

// Run runs a test. The error is that of the context only: what is wrong with a
// rule or its data is a result.
func (r *Runner) Run(ctx context.Context, t *Test) (*Result, error) {
	start := time.Now()
	result := &Result{Test: t}
	err := r.run(ctx, t, result)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		result.Broken, result.Message = true, strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	result.Passed = result.Message == ""
	result.Took = time.Since(start)
	return result, nil
}

func (r *Runner) run(ctx context.Context, t *Test, result *Result) error {
	prepared, errs := r.preparer.PrepareAll([]*sigma.Rule{t.Rule}, t.Others)
	if errs[0] != nil {
		return errs[0]
	}
	if prepared[0].Correlation != nil && (t.Want.All || t.Want.Records != nil) {
		return errors.New("a correlation finds several events at once; expect a count, or at_least")
	}
	reader, err := open(ctx, t, prepared)
	if err != nil {
		return err
	}
	defer reader.Close()
	var records []int
	info, err := engine.Scan(ctx, reader, prepared, 0, func(h engine.Hit) error {
		result.Findings++
		if h.Match == nil {
			records = append(records, h.Record().Number)
		}
		return nil
	})
	if err != nil {
		return err
	}
	result.Events = info.Events
	switch {
	case len(info.Failed) > 0:
		return info.Failed[0]
	case info.Broken > 0:
		return fmt.Errorf("%d records could not be read, the first because %s", info.Broken, info.BrokenPlaces[0].Reason)
	case info.Events == 0:
		return errors.New("there are no events to try the rule on")
	}
	message, wrong := t.Want.compare(records, result.Findings, info.Events)
	result.Message = message
	switch {
	case message == "":
	case prepared[0].Correlation != nil:
		result.Why = r.whyCorrelation(ctx, t)
	default:
		result.Why = r.why(ctx, t, wrong)
	}
	return nil
}

// open reads a test's events: all of their fields for nil, else those that the
// rules need.
func open(ctx context.Context, t *Test, prepared []engine.Prepared) (*ingest.Reader, error) {
	inputs, options := []string{t.Data}, ingest.Options{}
	if t.Data == "" {
		var text bytes.Buffer
		for _, e := range t.Events {
			text.Write(e)
			text.WriteByte('\n')
		}
		inputs, options.Stdin = []string{"-"}, &text
	}
	if prepared == nil {
		return ingest.Open(ctx, inputs, options)
	}
	return engine.Open(ctx, inputs, options, prepared)
}

// compare says how what was found differs from what is wanted, "" when it does
// not, and names a record that it is about: 0 for none.
func (w Want) compare(records []int, findings, events int) (message string, record int) {
	switch {
	case w.All:
		for n := 1; n <= events; n++ {
			if !slices.Contains(records, n) {
				return fmt.Sprintf("event %d does not match, and all should", n), n
			}
		}
	case w.Records != nil:
		for _, n := range w.Records {
			if !slices.Contains(records, n) {
				return fmt.Sprintf("event %d does not match, and should", n), n
			}
		}
		for _, n := range records {
			if !slices.Contains(w.Records, n) {
				return fmt.Sprintf("event %d matches, and should not", n), n
			}
		}
	case findings < w.Least && w.Most == w.Least:
		return fmt.Sprintf("%s in %s, expected %d", count(findings), inEvents(events), w.Least), 0
	case findings < w.Least:
		return fmt.Sprintf("%s in %s, expected at least %d", count(findings), inEvents(events), w.Least), 0
	case w.Most >= 0 && findings > w.Most:
		if len(records) > 0 {
			record = records[len(records)-1]
		}
		return fmt.Sprintf("%s in %s, expected %d", count(findings), inEvents(events), w.Most), record
	}
	return "", 0
}

func count(findings int) string {
	switch findings {
	case 0:
		return "no match"
	case 1:
		return "1 match"
	}
	return fmt.Sprintf("%d matches", findings)
}

func inEvents(n int) string {
	if n == 1 {
		return "1 event"
	}
	return fmt.Sprintf("%d events", n)
}

// why explains a record, or the nearest event that does not match when there is
// none. What can't be explained is left out: the test's own message stands.
func (r *Runner) why(ctx context.Context, t *Test, record int) Explanation {
	lowered, _ := r.preparer.Lower(t.Rule)
	if lowered == nil {
		return nil
	}
	search := explain.NewSearch(explain.NewRule(lowered))
	search.Misses = record == 0
	err := eachBatch(ctx, t, func(b *event.Batch) bool {
		return search.Add(b, func(rec event.Record) bool { return record == 0 || rec.Number == record })
	})
	if err != nil || search.Best == nil {
		return nil
	}
	return search.Best
}

// whyCorrelation explains a correlation on all events of a test.
func (r *Runner) whyCorrelation(ctx context.Context, t *Test) Explanation {
	correlation, _ := explain.NewCorrelation(t.Rule, sigma.NewLibrary([]*sigma.Rule{t.Rule}, t.Others), r.preparer.Lower)
	if correlation == nil {
		return nil
	}
	err := eachBatch(ctx, t, func(b *event.Batch) bool {
		correlation.Add(b, func(event.Record) bool { return true })
		return false
	})
	if err != nil {
		return nil
	}
	found, err := correlation.Explain(ctx)
	if err != nil {
		return nil
	}
	return found
}

// eachBatch reads a test's events, whole, until f has seen enough.
func eachBatch(ctx context.Context, t *Test, f func(*event.Batch) (enough bool)) error {
	reader, err := open(ctx, t, nil)
	if err != nil {
		return err
	}
	defer reader.Close()
	for {
		b, err := reader.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if t.Data == "" { // the test's own list has no name
			for i := range b.Records {
				b.Records[i].Source = nil
			}
		}
		if f(b) {
			return nil
		}
	}
}
