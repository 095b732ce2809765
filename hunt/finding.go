package hunt

import (
	"bytes"
	"encoding/json"
	"io"
	"time"
	"unicode/utf8"

	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ruleset"
)

// Finding is one line of findings.ndjson and of "match --json": an event that a
// rule matched, or events that a correlation found. It is a contract with other
// programs: every key is always there, null when unknown; a correlation has events
// and the three keys behind it in place of event.
type Finding struct {
	RuleID    *string `json:"rule_id"`
	RuleTitle *string `json:"rule_title"`
	// RulePath is relative to the folder of rules that was given.
	RulePath string  `json:"rule_path"`
	Level    *string `json:"level"`
	// Source is the path as it was given, "!member" behind it in an archive; it,
	// Record and Time are those of the last event of a correlation.
	Source string `json:"source"`
	// Record counts from 1 in the source.
	Record int `json:"record"`
	// Time is RFC 3339 in UTC.
	Time *string `json:"time"`
	// Event is the original object, null when it is larger than the bound.
	Event json.RawMessage `json:"event,omitempty"`
	// Events are the original objects of a correlation, in the order of time:
	// the first ones, and the last. EventCount is how many there are.
	Events     []json.RawMessage `json:"events,omitempty"`
	EventCount int               `json:"event_count,omitempty"`
	// FirstTime is the time of the first of the events, Group what they share.
	FirstTime *string           `json:"first_time,omitempty"`
	Group     map[string]string `json:"group,omitzero"`
}

// null is the event that is left out.
var null = json.RawMessage("null")

// NewFinding makes a Finding of a hit; an event of more than maxEvent bytes is
// left out, 0 is no bound.
func NewFinding(rule ruleset.Entry, h engine.Hit, maxEvent int) Finding {
	record := h.Record()
	f := Finding{
		RuleID:    known(rule.Rule.ID),
		RuleTitle: known(rule.Rule.Title),
		RulePath:  rule.Path,
		Level:     known(rule.Rule.Level),
		Record:    record.Number,
	}
	if record.Source != nil {
		f.Source = record.Source.Name
	}
	if t := h.Time(); !t.IsZero() {
		f.Time = known(t.Format(time.RFC3339Nano))
	}
	if h.Match == nil {
		f.Event = original(record.Raw, maxEvent)
		return f
	}
	for _, e := range h.Match.Events {
		f.Events = append(f.Events, original(e.Raw, maxEvent))
	}
	f.EventCount, f.FirstTime = h.Match.Count, known(h.Match.First.Format(time.RFC3339Nano))
	f.Group = map[string]string{}
	for _, g := range h.Match.Group {
		f.Group[g.Name] = g.Value
	}
	return f
}

// original is an event as it was read, null when it has more than so many bytes.
func original(raw []byte, maxEvent int) json.RawMessage {
	switch {
	case len(raw) == 0 || maxEvent > 0 && len(raw) > maxEvent:
		return null
	case !utf8.Valid(raw):
		return bytes.ToValidUTF8(raw, []byte("\uFFFD"))
	}
	return raw
}

func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// FindingWriter writes findings, a line each.
type FindingWriter struct {
	w    io.Writer
	head bytes.Buffer // what enc writes: the finding without its event
	enc  *json.Encoder
	line []byte
	// written counts the bytes of all lines.
	written int64
}

// NewFindingWriter writes to w.
func NewFindingWriter(w io.Writer) *FindingWriter {
	f := &FindingWriter{w: w}
	f.enc = json.NewEncoder(&f.head)
	f.enc.SetEscapeHTML(false)
	return f
}

// Write writes one finding, all of its line at once. The event, which is most of it,
// was checked when it was read and is not checked again.
func (w *FindingWriter) Write(f Finding) error {
	single := f.Event
	f.Event = nil
	w.head.Reset()
	if err := w.enc.Encode(f); err != nil {
		return err
	}
	w.line = append(w.line[:0], w.head.Bytes()...)
	if single != nil {
		w.line = append(w.line[:len(w.line)-len("}\n")], `,"event":`...)
		w.line = append(event.AppendCompact(w.line, single), "}\n"...)
	}
	n, err := w.w.Write(w.line)
	w.written += int64(n)
	return err
}
