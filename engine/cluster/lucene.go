package cluster

import (
	"context"

	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/inspect"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/lucene"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// prepareText makes a question of a query string. The cluster reads it, so what we can't
// is no error; of what we can the fields are shown.
func (c *Cluster) prepareText(text string) []engine.Prepared {
	expr, _ := lucene.Parse(text)
	if expr == nil {
		expr = &ir.And{}
	}
	p := engine.Prepared{Rule: &sigma.Rule{Title: text}, Expr: expr}
	c.about[p.Rule] = &ask{text: text, lowered: &pipeline.Lowered{}}
	return []engine.Prepared{p}
}

// textQuery is a query string as the cluster's query.
func textQuery(text string) any {
	return map[string]any{"query_string": map[string]any{"query": text}}
}

// Sample names the fields of the indices.
func (c *Cluster) Sample(ctx context.Context) (*inspect.Report, error) {
	data, err := c.Client.Mapping(ctx, c.Index)
	if err != nil {
		return nil, err
	}
	fields, err := mapping.Parse(data)
	if err != nil {
		return nil, err
	}
	report := &inspect.Report{}
	for _, name := range fields.Names() {
		report.Fields = append(report.Fields, inspect.Field{Name: name})
	}
	return report, nil
}
