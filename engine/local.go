package engine

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/lucene"
	"github.com/huntbook/huntbook/match"
	"github.com/huntbook/huntbook/sigma"
)

// The bounds of a result unless a caller says otherwise.
const (
	// DefaultLimit is the number of findings returned for a rule.
	DefaultLimit = 1000
	// DefaultEventSize is the greatest number of bytes of an event that is
	// returned whole.
	DefaultEventSize = 256 << 10
)

// ErrNoData tells that a query came before the data was opened.
var ErrNoData = errors.New("no data is open; a %data cell comes first")

// Bounds limit what an engine returns; a zero value stands for the default.
type Bounds struct {
	Limit, EventSize int
}

// Findings is the number of findings returned for a rule.
func (b Bounds) Findings() int {
	if b.Limit > 0 {
		return b.Limit
	}
	return DefaultLimit
}

// Size is the greatest number of bytes of an event that is returned whole.
func (b Bounds) Size() int {
	if b.EventSize > 0 {
		return b.EventSize
	}
	return DefaultEventSize
}

func (b Bounds) limit(q Query) int {
	if q.Limit > 0 {
		return q.Limit
	}
	return b.Findings()
}

// Local is the embedded engine: it reads files and matches in memory.
type Local struct {
	dir      string // where relative paths start
	ingest   ingest.Options
	bounds   Bounds
	preparer *Preparer
	data     *Data
	reader   atomic.Pointer[ingest.Reader] // that reads now, or did last
}

// NewLocal makes an engine for paths relative to a folder. The options say how
// files are read; their bounds of time come from the data that is opened.
func NewLocal(dir string, options ingest.Options, bounds Bounds) (*Local, error) {
	p, err := NewPreparer()
	if err != nil {
		return nil, err
	}
	return &Local{dir: dir, ingest: options, bounds: bounds, preparer: p}, nil
}

// Open reads the data once, to say what is in it.
func (l *Local) Open(ctx context.Context, data Data) (DataInfo, error) {
	info, err := l.scan(ctx, data, nil, func(Hit) error { return nil })
	if err != nil {
		return DataInfo{}, err
	}
	l.data = &data
	return info.Data(), nil
}

// prepare makes the rule of a query ready. A query string has no log source: it is
// about all events.
func (l *Local) prepare(q Query) ([]Prepared, error) {
	if q.Lucene != "" {
		expr, diags := lucene.Parse(q.Lucene)
		if expr == nil {
			return nil, diags
		}
		if err := match.Check(expr); err != nil {
			return nil, err
		}
		return []Prepared{{Rule: &sigma.Rule{Title: q.Lucene}, Expr: expr, Notes: diags}}, nil
	}
	rule, others, diags := ParseQuery(q.Rule)
	if rule == nil {
		return nil, diags
	}
	prepared, errs := l.preparer.PrepareAll([]*sigma.Rule{rule}, others)
	return prepared, errs[0]
}

// Run matches one rule in a pass of its own.
func (l *Local) Run(ctx context.Context, q Query) (*Result, error) {
	if l.data == nil {
		return nil, ErrNoData
	}
	prepared, err := l.prepare(q)
	if err != nil {
		return nil, err
	}
	result := NewResult(prepared[0])
	info, err := l.scan(ctx, *l.data, prepared, func(h Hit) error {
		if result.Count++; result.Count <= l.bounds.limit(q) {
			result.Findings = append(result.Findings, Capture(h).Finding(l.bounds))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	result.Notes = append(result.Notes, info.CorrelationNotes(0)...)
	rename(result.Findings, Resolve(l.dir, l.data.Paths, l.ingest), l.data.Paths)
	return result, nil
}

// rename makes sources begin with the paths that a query's reader gave instead
// of the paths that were read, which stand at the same places of their lists.
func rename(findings []Finding, read, given []string) {
	for i, f := range findings {
		for j, path := range read {
			rest, ok := strings.CutPrefix(f.Source, withoutSlash(path))
			if !ok || rest != "" && rest[0] != '/' && rest[0] != '!' {
				continue
			}
			if inside := strings.TrimLeft(rest, "/"); inside != rest {
				rest = "/" + inside
			}
			findings[i].Source = withoutSlash(given[j]) + rest
			break
		}
	}
}

// withoutSlash drops the separators that may stand at the end of a folder's path.
func withoutSlash(path string) string {
	return strings.TrimRightFunc(path, func(r rune) bool { return r == '/' || r == filepath.Separator })
}

func (l *Local) scan(ctx context.Context, data Data, rules []Prepared, each func(Hit) error) (*ScanInfo, error) {
	o := l.ingest
	o.Since, o.Until, o.Location = data.Since, data.Until, data.Location
	r, err := Open(ctx, Resolve(l.dir, data.Paths, o), o, rules)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	l.reader.Store(r)
	return Scan(ctx, r, rules, 0, each)
}

// Progress says how many bytes of how many are read; total is 0 while that is not
// known. It may be called while the engine is at work.
func (l *Local) Progress() (done, total int64) {
	if r := l.reader.Load(); r != nil {
		return r.Progress()
	}
	return 0, 0
}

// Resolve makes relative paths start from a folder; inputs that are no paths
// stay as they are.
func Resolve(dir string, paths []string, o ingest.Options) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = p
		if IsPath(p, o) && !filepath.IsAbs(p) {
			out[i] = filepath.Join(dir, p)
		}
	}
	return out
}

// IsPath tells a path from the other inputs: "-", embedded data and clusters.
func IsPath(input string, o ingest.Options) bool {
	_, embedded := o.Embedded[input]
	return input != "-" && !embedded && !IsCluster(input)
}

// NewResult is the answer to a rule before anything was found.
func NewResult(p Prepared) *Result {
	r := &Result{Title: p.Rule.Title, Notes: NoteTexts(p.Notes)}
	if p.Correlation != nil {
		r.Correlation, r.Fields = true, p.Correlation.fieldNames()
	} else {
		r.Fields = showFields(p.Rule, p.Expr)
	}
	return r
}

// Captured is an event that was found, kept in little memory.
type Captured struct {
	Source string
	Number int
	Time   int64
	Raw    []byte // nil when it was not kept
	// Match is set when it is the match of a correlation; the rest is then of
	// its last event.
	Match *Match
}

// Capture copies what a Hit points at, so that it outlives its batch.
func Capture(h Hit) *Captured {
	if h.Match != nil {
		last := h.Match.last()
		return &Captured{Source: last.Source, Number: last.Number, Time: last.Time, Match: h.Match}
	}
	r := h.Record()
	c := &Captured{Number: r.Number, Time: h.Batch.Times[h.Row], Raw: bytes.Clone(r.Raw)}
	if r.Source != nil {
		c.Source = r.Source.Name
	}
	return c
}

// Finding reads the event's fields again from its text.
func (c *Captured) Finding(bounds Bounds) Finding {
	f := Finding{Source: c.Source, Record: c.Number, Time: eventTime(c.Time)}
	if c.Match != nil {
		f.Values = c.Match.fields()
		if f.Event = c.Match.json(bounds.Size()); len(f.Event) > bounds.Size() {
			f.Oversize, f.Event = len(f.Event), nil
		}
		return f
	}
	b := event.NewBuilder(event.Options{})
	if b.AppendJSON(c.Raw, event.Record{}) == nil {
		for _, p := range b.Batch().Row(0) {
			f.Values = append(f.Values, Field{p.Name, p.Text})
		}
	}
	if len(c.Raw) > bounds.Size() {
		f.Oversize = len(c.Raw)
	} else {
		f.Event = c.Raw
	}
	return f
}
