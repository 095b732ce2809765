package explain

import (
	"encoding/json"
	"io"
	"time"
)

type correlationJSON struct {
	Rule     ruleJSON    `json:"rule"`
	Type     string      `json:"type"`
	GroupBy  []string    `json:"group_by"`
	Timespan string      `json:"timespan"`
	Generate bool        `json:"generate"`
	Matched  bool        `json:"matched"`
	Events   int         `json:"events"`
	Unused   int         `json:"unused"`
	Inputs   []inputJSON `json:"inputs"`
	Groups   int         `json:"groups"`
	Window   *windowJSON `json:"window"`
	Matches  []matchJSON `json:"matches"`
}

type inputJSON struct {
	Name        string           `json:"name"`
	Title       string           `json:"title"`
	Line        int              `json:"line"`
	Column      int              `json:"column"`
	Matched     int              `json:"matched"`
	Fields      []resolvedJSON   `json:"fields"`
	LeftOut     []leftOutJSON    `json:"left_out"`
	Correlation *correlationJSON `json:"correlation"`
}

type resolvedJSON struct {
	Name  string `json:"name"`
	Field string `json:"field"`
	Rule  string `json:"rule"`
}

type leftOutJSON struct {
	Lacks  string      `json:"lacks"`
	Name   string      `json:"name"`
	Field  string      `json:"field"`
	Count  int         `json:"count"`
	Events []eventJSON `json:"events"`
}

type windowJSON struct {
	Matched   bool            `json:"matched"`
	Group     []string        `json:"group"`
	First     time.Time       `json:"first"`
	Last      time.Time       `json:"last"`
	Compared  string          `json:"compared"`
	Value     *float64        `json:"value"`
	Bounds    []boundJSON     `json:"bounds"`
	Condition *nodeJSON       `json:"condition"`
	Distinct  [][]string      `json:"distinct"`
	Rules     []seenJSON      `json:"rules"`
	Count     int             `json:"count"`
	Events    []happeningJSON `json:"events"`
}

type boundJSON struct {
	Op    string  `json:"op"`
	Value float64 `json:"value"`
	True  bool    `json:"true"`
}

type seenJSON struct {
	Name   string         `json:"name"`
	State  State          `json:"state"`
	Count  int            `json:"count"`
	Time   *time.Time     `json:"time"`
	Groups int            `json:"groups"`
	After  *neighbourJSON `json:"after,omitempty"`
	Before *neighbourJSON `json:"before,omitempty"`
}

type neighbourJSON struct {
	Name string    `json:"name"`
	Time time.Time `json:"time"`
}

type happeningJSON struct {
	Time   time.Time           `json:"time"`
	Rules  []string            `json:"rules"`
	Source string              `json:"source,omitempty"`
	Record int                 `json:"record,omitempty"`
	Values map[string][]string `json:"values,omitempty"`
	Match  *matchJSON          `json:"match,omitempty"`
}

type matchJSON struct {
	Group []string  `json:"group"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	Count int       `json:"count"`
	Value float64   `json:"value"`
}

// WriteJSON writes the explanation as one JSON object and a newline.
func (x *CorrelationExplanation) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(x.json())
}

func (x *CorrelationExplanation) json() *correlationJSON {
	c := x.Rule.Correlation
	o := &correlationJSON{
		Rule: ruleOf(x.Rule), Type: c.Type, GroupBy: []string{}, Timespan: c.Timespan, Generate: c.Generate,
		Matched: x.Fired, Events: x.Events, Unused: x.Unused, Inputs: []inputJSON{}, Groups: x.Groups, Matches: []matchJSON{},
	}
	for _, g := range c.GroupBy {
		o.GroupBy = append(o.GroupBy, g.Name)
	}
	for _, in := range x.Inputs {
		o.Inputs = append(o.Inputs, in.json())
	}
	for _, m := range x.Matches[:min(len(x.Matches), maxHappenings)] {
		o.Matches = append(o.Matches, m.json())
	}
	if x.Window != nil {
		o.Window = x.Window.json(Compared(c))
	}
	return o
}

func (in *Input) json() inputJSON {
	o := inputJSON{Name: in.Name, Title: in.Title, Line: in.Pos.Line, Column: in.Pos.Column, Matched: in.Matched, Fields: []resolvedJSON{}, LeftOut: []leftOutJSON{}}
	for _, f := range in.Fields {
		o.Fields = append(o.Fields, resolvedJSON{f.Name, f.Field, f.Rule})
	}
	for _, l := range in.LeftOut {
		lo := leftOutJSON{Lacks: l.Lacks, Name: l.Name, Field: l.Field, Count: l.Count, Events: []eventJSON{}}
		for _, p := range l.Places {
			lo.Events = append(lo.Events, eventJSON{p.Source, p.Record, known(p.Time)})
		}
		o.LeftOut = append(o.LeftOut, lo)
	}
	if in.Correlation != nil {
		o.Correlation = in.Correlation.json()
	}
	return o
}

// known is nil for the time of what has none.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (w *Window) json(compared string) *windowJSON {
	o := &windowJSON{
		Matched: w.Fired, Group: append([]string{}, w.Group...), First: w.First, Last: w.Last, Compared: compared,
		Bounds: []boundJSON{}, Distinct: append([][]string{}, w.Distinct...), Rules: []seenJSON{}, Count: w.Count, Events: []happeningJSON{},
	}
	if w.HasValue {
		o.Value = &w.Value
	}
	for _, b := range w.Bounds {
		o.Bounds = append(o.Bounds, boundJSON{b.Op, b.Bound.Value, b.True})
	}
	if w.Condition != nil {
		o.Condition = &nodesJSON([]Node{*w.Condition})[0]
	}
	for _, s := range w.Rules {
		o.Rules = append(o.Rules, seenJSON{s.Name, s.State, s.Count, known(s.Time), s.Groups, s.After.json(), s.Before.json()})
	}
	for _, h := range w.Happenings {
		o.Events = append(o.Events, h.json())
	}
	return o
}

func (n *Neighbour) json() *neighbourJSON {
	if n == nil {
		return nil
	}
	return &neighbourJSON{n.Name, n.Time}
}

func (h *Happening) json() happeningJSON {
	o := happeningJSON{Time: h.Time, Rules: h.Rules, Source: h.Place.Source, Record: h.Place.Record}
	for _, v := range h.Values {
		if o.Values == nil {
			o.Values = map[string][]string{}
		}
		o.Values[v.Name] = v.Values
	}
	if h.Match != nil {
		m := h.Match.json()
		o.Match = &m
	}
	return o
}

func (m *Match) json() matchJSON {
	return matchJSON{append([]string{}, m.Group...), m.First(), m.Last(), len(m.Events), m.Value}
}
