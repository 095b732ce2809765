package cluster

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/pipeline"
)

// document is an event as the cluster keeps it.
type document struct{ elastic.Hit }

// emit makes hits of a question's documents. The columns of their batch are what
// others ask of a hit: its time, its host, and the fields that correlations read,
// under the names that the rule has for them. Its text is the document.
func (c *Cluster) emit(q *question, hits *engine.Hits) error {
	fields, _ := hits.Correlated(q.place)
	names := func(field string) []string { return []string{field} }
	if len(fields) > 0 {
		if _, named, _ := pipeline.LowerNaming(q.rule.Rule, c.Chain, fields...); named != nil {
			names = named
		}
	}
	order(q.docs)
	builder := event.NewBuilder(event.Options{})
	for _, d := range q.docs {
		var source map[string]any
		dec := json.NewDecoder(bytes.NewReader(d.Source))
		dec.UseNumber()
		if err := dec.Decode(&source); err != nil {
			source = nil // an index may keep no source
		}
		row := map[string]any{}
		if v := valueAt(source, timeField); v != nil {
			row[timeField] = v
		}
		for _, h := range hostFields {
			if v, ok := valueAt(source, h).(string); ok && v != "" {
				row["Computer"] = v
				break
			}
		}
		for _, f := range fields {
			for _, name := range names(f) {
				if v := valueAt(source, name); v != nil {
					row[f] = v
					break
				}
			}
		}
		text, err := json.Marshal(row)
		if err != nil {
			return err
		}
		if err := builder.AppendJSON(text, event.Record{Source: &event.Source{Name: d.name()}, Number: 1}); err != nil {
			return err
		}
	}
	if builder.Rows() == 0 {
		return nil
	}
	batch := builder.Batch()
	for row, d := range q.docs {
		if batch.Records[row].Raw = d.Source; d.Source == nil {
			batch.Records[row].Raw = []byte("{}")
		}
		c.Progress.Hits.Add(1)
		if err := hits.Add(engine.Hit{Rule: q.place, Batch: batch, Row: row}); err != nil {
			return err
		}
	}
	return nil
}

// order sorts documents of one time by name, whatever the cluster's own order is.
func order(docs []document) {
	for start := 0; start < len(docs); {
		end := start + 1
		for end < len(docs) && bytes.Equal(docs[start].first(), docs[end].first()) {
			end++
		}
		slices.SortFunc(docs[start:end], func(a, b document) int { return strings.Compare(a.name(), b.name()) })
		start = end
	}
}

func (d document) name() string { return d.Index + "/" + d.ID }

// first is the first value by which documents were sorted, its time.
func (d document) first() []byte {
	var values []json.RawMessage
	if json.Unmarshal(d.Sort, &values) != nil || len(values) == 0 {
		return nil
	}
	return values[0]
}

// valueAt finds a field in a document, whose dots may be levels or parts of keys.
func valueAt(object map[string]any, name string) any {
	if v, ok := object[name]; ok {
		return v
	}
	for i, r := range name {
		if r != '.' {
			continue
		}
		if inner, ok := object[name[:i]].(map[string]any); ok {
			if v := valueAt(inner, name[i+1:]); v != nil {
				return v
			}
		}
	}
	return nil
}
