package hunt

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/huntbook/huntbook/attack"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/report"
	"github.com/huntbook/huntbook/ruleset"
)

// collector takes the hits of the pass as they come.
type collector struct {
	h       *hunter
	buffer  *bufio.Writer
	writer  *FindingWriter
	limit   int
	maximum int
	// last is the newest captured event: rules that match the same event
	// share it.
	last      *engine.Captured
	lastBatch *event.Batch
	lastRow   int
}

func newCollector(h *hunter, w io.Writer) *collector {
	buffer := bufio.NewWriterSize(w, 1<<20)
	return &collector{h: h, buffer: buffer, writer: NewFindingWriter(buffer), limit: h.Bounds.Findings(), maximum: h.Bounds.Size()}
}

func (c *collector) hit(hit engine.Hit) error {
	p := c.h.plans[hit.Rule]
	p.count++
	c.h.Progress.Findings.Add(1)
	c.h.tally.Add(hit.Rule, hit.Time(), hit.Host())
	if p.count > c.limit {
		return nil
	}
	if hit.Match != nil || hit.Batch != c.lastBatch || hit.Row != c.lastRow {
		c.last, c.lastBatch, c.lastRow = engine.Capture(hit), hit.Batch, hit.Row
	}
	p.events = append(p.events, c.last)
	from := c.writer.written
	err := c.writer.Write(NewFinding(p.entry, hit, c.maximum))
	if c.h.Template.Files {
		p.lines = append(p.lines, span{from, c.writer.written})
	}
	return err
}

func (c *collector) flush() error { return c.buffer.Flush() }

// describe fills the report with what the pass found.
func (h *hunter) describe(info *engine.ScanInfo) {
	r := h.outcome.Hunt
	r.Events, r.First, r.Last = info.Events, info.First, info.Last
	for i, p := range h.plans {
		row := &r.Rules[p.row]
		if row.State == report.Failed || row.State == report.Skipped {
			continue // the cluster could not be asked for it
		}
		row.State = report.Quiet
		if p.count > 0 {
			row.State = report.Fired
		}
		row.Count = p.count
		row.Activity = h.tally.Activity(i, info.First, info.Last)
		r.Findings += p.count
	}
	for _, t := range attack.Tactics() {
		r.Tactics = append(r.Tactics, report.Tactic{Short: t.Short, Name: t.Name})
	}
	r.Broken = info.Broken
	for _, s := range info.Sources {
		r.Sources = append(r.Sources, report.Source{Name: s.Name, Events: s.Events})
	}
	for _, p := range info.BrokenPlaces {
		r.Problems = append(r.Problems, report.Problem{Where: place(p), What: p.Reason})
	}
	for _, p := range info.Unknown {
		r.Problems = append(r.Problems, report.Problem{Where: place(p), What: p.Reason})
	}
	for _, err := range info.Failed {
		r.Problems = append(r.Problems, report.Problem{What: err.Error()})
	}
}

// place names a place in the data: "logs/a.json:12".
func place(p ingest.Place) string {
	if p.Line > 0 {
		return fmt.Sprintf("%s:%d", p.Name, p.Line)
	}
	return p.Name
}

// ruleRow is what a report says of a rule before it ran.
func ruleRow(e ruleset.Entry) report.Rule {
	r := e.Rule
	row := report.Rule{ID: r.ID, Title: r.Title, Path: e.Path, Level: r.Level, Status: r.Status}
	tactics, techniques := attack.OfTags(r.Tags)
	for _, t := range tactics {
		row.Tactics = append(row.Tactics, t.Short)
	}
	for _, t := range techniques {
		row.Techniques = append(row.Techniques, report.Technique{ID: t.ID, Name: t.Name, Tactics: t.Tactics})
	}
	for _, t := range r.Tags {
		if attack.Lookup(t).ID == "" {
			row.Tags = append(row.Tags, t)
		}
	}
	slices.SortFunc(row.Techniques, func(a, b report.Technique) int { return cmp.Compare(a.ID, b.ID) })
	return row
}
