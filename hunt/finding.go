package hunt

import (
	"bytes"
	"encoding/json"
	"io"
	"time"
	"unicode/utf8"

	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/ruleset"
)

// Finding is one line of findings.ndjson and of "match --json": an event that a
// rule matched. It is a contract with other programs: every key is always
// there, null when unknown.
type Finding struct {
	RuleID    *string `json:"rule_id"`
	RuleTitle *string `json:"rule_title"`
	// RulePath is relative to the folder of rules that was given.
	RulePath string  `json:"rule_path"`
	Level    *string `json:"level"`
	// Source is the path as it was given, "!member" behind it in an archive.
	Source string `json:"source"`
	// Record counts from 1 in the source.
	Record int `json:"record"`
	// Time is RFC 3339 in UTC.
	Time *string `json:"time"`
	// Event is the original object, null when it is larger than the bound.
	Event json.RawMessage `json:"event"`
}

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
	if maxEvent == 0 || len(record.Raw) <= maxEvent {
		f.Event = record.Raw
		if !utf8.Valid(record.Raw) {
			f.Event = bytes.ToValidUTF8(record.Raw, []byte("\uFFFD"))
		}
	}
	return f
}

func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// FindingWriter writes findings, a line each.
type FindingWriter struct{ enc *json.Encoder }

// NewFindingWriter writes to w.
func NewFindingWriter(w io.Writer) *FindingWriter {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &FindingWriter{enc}
}

// Write writes one finding.
func (w *FindingWriter) Write(f Finding) error { return w.enc.Encode(f) }
