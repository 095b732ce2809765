package inspect

import (
	"encoding/json"
	"io"
	"time"
)

type reportJSON struct {
	Events   int           `json:"events"`
	First    *time.Time    `json:"first"`
	Last     *time.Time    `json:"last"`
	Undated  int           `json:"undated"`
	Sources  []sourceJSON  `json:"sources"`
	Shapes   []shapeJSON   `json:"shapes"`
	Channels []channelJSON `json:"channels"`
	Fields   []fieldJSON   `json:"fields"`
	More     []string      `json:"more"`
}

type sourceJSON struct {
	Name   string `json:"name"`
	Events int    `json:"events"`
}

type shapeJSON = sourceJSON

type channelJSON struct {
	Name   *string     `json:"name"`
	Events int         `json:"events"`
	IDs    []valueJSON `json:"event_ids"`
}

type fieldJSON struct {
	Name   string `json:"name"`
	Events int    `json:"events"`
	Nulls  int    `json:"nulls"`
	// Distinct is a lower bound when More is set.
	Distinct int         `json:"distinct"`
	More     bool        `json:"more"`
	Values   []valueJSON `json:"values"`
}

type valueJSON struct {
	Value  string `json:"value"`
	Events int    `json:"events"`
}

// WriteJSON writes the report as one JSON object and a newline. A channel's name
// is null for events without one; "more" names the lists that are not complete.
func (r *Report) WriteJSON(w io.Writer) error {
	j := reportJSON{
		Events: r.Events, Undated: r.Undated, Sources: []sourceJSON{}, Shapes: []shapeJSON{}, Channels: []channelJSON{},
		Fields: []fieldJSON{}, More: []string{},
	}
	if !r.First.IsZero() {
		j.First, j.Last = &r.First, &r.Last
	}
	for _, s := range r.Sources {
		j.Sources = append(j.Sources, sourceJSON{s.Value, s.Events})
	}
	for _, s := range r.Shapes {
		j.Shapes = append(j.Shapes, shapeJSON{s.Value, s.Events})
	}
	for _, c := range r.Channels {
		channel := channelJSON{Events: c.Events, IDs: valuesJSON(c.EventIDs)}
		if c.Name != "" {
			channel.Name = &c.Name
		}
		j.Channels = append(j.Channels, channel)
	}
	for _, f := range r.Fields {
		j.Fields = append(j.Fields, fieldJSON{f.Name, f.Events, f.Nulls, f.Distinct, f.More, valuesJSON(f.Values)})
	}
	for _, m := range []struct {
		name string
		more bool
	}{{"sources", r.MoreSources}, {"channels", r.MoreChannels}, {"fields", r.MoreFields}} {
		if m.more {
			j.More = append(j.More, m.name)
		}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(j)
}

func valuesJSON(counts []Count) []valueJSON {
	values := make([]valueJSON, len(counts))
	for i, c := range counts {
		values[i] = valueJSON(c)
	}
	return values
}
