package explain

import (
	"encoding/json"
	"io"
	"time"

	"github.com/huntbook/huntbook/sigma"
)

// object is the form in which WriteJSON writes an explanation.
type object struct {
	Rule    ruleJSON  `json:"rule"`
	Event   eventJSON `json:"event"`
	Matched bool      `json:"matched"`
	Product *nodeJSON `json:"product"`
	Ways    []wayJSON `json:"ways"`
}

type ruleJSON struct {
	Title string `json:"title"`
	ID    string `json:"id"`
	Path  string `json:"path"`
}

type eventJSON struct {
	Source string     `json:"source"`
	Record int        `json:"record"`
	Time   *time.Time `json:"time"`
}

type wayJSON struct {
	True       bool       `json:"true"`
	Added      []nodeJSON `json:"added"`
	Conditions []nodeJSON `json:"conditions"`
}

type nodeJSON struct {
	Kind   Kind        `json:"kind"`
	Label  string      `json:"label,omitempty"`
	Line   int         `json:"line,omitempty"`
	Column int         `json:"column,omitempty"`
	True   bool        `json:"true"`
	Fields []string    `json:"fields,omitempty"`
	Event  []foundJSON `json:"event,omitempty"`
	Nodes  []nodeJSON  `json:"nodes,omitempty"`
}

// foundJSON is a value of the event: null stands for null and absent, present
// tells them apart.
type foundJSON struct {
	Field   string  `json:"field"`
	Present bool    `json:"present"`
	Value   *string `json:"value"`
	Match   string  `json:"match,omitempty"`
}

// WriteJSON writes the explanation as one JSON object and a newline: rule, event,
// matched, product, and ways with their nodes.
func (x *Explanation) WriteJSON(w io.Writer) error {
	o := object{
		Rule:    ruleOf(x.Rule),
		Event:   eventJSON{Source: x.Source, Record: x.Record},
		Matched: x.Matched,
		Ways:    make([]wayJSON, len(x.Ways)),
	}
	if !x.Time.IsZero() {
		o.Event.Time = &x.Time
	}
	if x.Product != nil {
		o.Product = &nodesJSON([]Node{*x.Product})[0]
	}
	for i, way := range x.Ways {
		o.Ways[i] = wayJSON{way.True, nodesJSON(way.Added), nodesJSON(way.Conditions)}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(o)
}

func ruleOf(r *sigma.Rule) ruleJSON {
	o := ruleJSON{Title: r.Title, ID: r.ID}
	if r.File != nil {
		o.Path = r.File.Path
	}
	return o
}

func nodesJSON(nodes []Node) []nodeJSON {
	out := make([]nodeJSON, len(nodes))
	for i, n := range nodes {
		out[i] = nodeJSON{Kind: n.Kind, Label: n.Label, Line: n.Pos.Line, Column: n.Pos.Column, True: n.True, Fields: n.Fields}
		for _, f := range n.Found {
			j := foundJSON{Field: f.Field, Present: f.State != "absent", Match: f.Text[f.From:f.To]}
			if f.State == "value" {
				j.Value = &f.Text
			}
			out[i].Event = append(out[i].Event, j)
		}
		if len(n.Nodes) > 0 {
			out[i].Nodes = nodesJSON(n.Nodes)
		}
	}
	return out
}
