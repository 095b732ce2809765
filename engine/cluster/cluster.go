// Package cluster runs rules on Elasticsearch and OpenSearch: an engine.Engine, and
// the way in which a hunt asks for thousands of rules at once.
//
// A rule is lowered with the pipelines that say how its events are kept there,
// checked against the fields of its indices, and converted for their mapping. All
// rules are counted first, many in a request; documents are fetched only of rules
// that some match, page by page from a point in time. Whatever a cluster could not
// answer (busy, slow, away, a shard that failed) is asked once more at the end, and
// then said: an answer that may lack something is never passed off as whole. What
// correlations relate are hits, as everywhere. The package knows nothing of
// notebooks. Data flows: rules → asks → counts → documents → hits.
package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// Options say which cluster is asked and how.
type Options struct {
	Client *elastic.Client
	// Index is where rules look whose pipelines name no index, and what counts as
	// all events; none is every index.
	Index []string
	// Chain gives rules the names that their events have there, Target writes the
	// queries.
	Chain  *pipeline.Chain
	Target *backend.Target
	// Dir is where the paths of pipelines start that Open is given.
	Dir string
	// Since and Until bound the time of events; zero is no bound.
	Since, Until time.Time
	Bounds       engine.Bounds
	// Parallel is the number of requests at once, 0 for 4.
	Parallel int
	Progress *Progress
}

// Progress is what a scan tells while it runs; its fields may be read at any time.
type Progress struct {
	// Asked are the rules that were asked for, of Rules.
	Asked, Rules atomic.Int64
	Hits         atomic.Int64
}

// timeField is the time of an event, in HELK's documents, in ECS and elsewhere.
const timeField = "@timestamp"

// Cluster is an engine on a cluster. It is for one goroutine.
type Cluster struct {
	Options
	// about is what is known of rules, by the rule as it was prepared.
	about   map[*sigma.Rule]*ask
	indices map[string]*index
	open    bool
	// stayedAway tells that shards were waited for in vain in this scan.
	stayedAway atomic.Bool
	// first and last are the times of the events, as of the latest overview.
	first, last time.Time
}

// New makes an engine; it asks nothing of the cluster yet.
func New(o Options) *Cluster {
	if len(o.Index) == 0 {
		o.Index = []string{"*"}
	}
	if o.Parallel <= 0 {
		o.Parallel = 4
	}
	if o.Progress == nil {
		o.Progress = &Progress{}
	}
	return &Cluster{Options: o, about: map[*sigma.Rule]*ask{}, indices: map[string]*index{}}
}

// Describe names what answers: "Elasticsearch 8.19.1 at https://es:9200". The error
// is an *elastic.Error when there is no cluster that can be used.
func (c *Cluster) Describe(ctx context.Context) (string, error) {
	info, err := c.Client.Info(ctx)
	if err != nil {
		return "", err
	}
	return info.String() + " at " + c.Client.String(), nil
}

// Open counts the events. The bounds of time, indices and pipelines of data take the
// place of those in Options; the address is that of the client.
func (c *Cluster) Open(ctx context.Context, data engine.Data) (engine.DataInfo, error) {
	c.Since, c.Until = data.Since, data.Until
	if len(data.Index) > 0 {
		c.Index = data.Index
	}
	if err := c.load(data); err != nil {
		return engine.DataInfo{}, err
	}
	name, err := c.Describe(ctx)
	if err != nil {
		return engine.DataInfo{}, err
	}
	info, err := c.overview(ctx)
	if err != nil {
		return engine.DataInfo{}, err
	}
	c.open = true
	out := info.Data()
	out.Files, out.Engine = len(info.Sources), name
	return out, nil
}

// load reads the pipelines that data names, if it names some.
func (c *Cluster) load(data engine.Data) error {
	var parts []pipeline.Part
	for _, name := range engine.ResolvePipelines(c.Dir, data.Configs) {
		config, err := pipeline.LoadSigmac(name, c.Target.Names()...)
		if err != nil {
			return err
		}
		parts = append(parts, config)
	}
	for _, name := range engine.ResolvePipelines(c.Dir, data.Pipelines) {
		p, err := pipeline.Load(name)
		if err != nil {
			return err
		}
		parts = append(parts, p)
	}
	if len(parts) == 0 {
		return nil
	}
	chain := pipeline.NewChain(parts...)
	if err := chain.Check(c.Target.Names()...); err != nil {
		return err
	}
	c.Chain = chain
	return nil
}

// prepareQuery makes the rule of a query ready.
func (c *Cluster) prepareQuery(q engine.Query) ([]engine.Prepared, error) {
	if q.Lucene != "" {
		return c.prepareText(q.Lucene), nil
	}
	rule, others, diags := engine.ParseQuery(q.Rule)
	if rule == nil {
		return nil, diags
	}
	prepared, errs := c.PrepareAll([]*sigma.Rule{rule}, others)
	return prepared, errs[0]
}

// Run asks for one rule.
func (c *Cluster) Run(ctx context.Context, q engine.Query) (*engine.Result, error) {
	if !c.open {
		return nil, engine.ErrNoData
	}
	prepared, err := c.prepareQuery(q)
	if err != nil {
		return nil, err
	}
	bounds := c.Bounds
	if q.Limit > 0 {
		bounds.Limit = q.Limit
	}
	result := c.Result(prepared[0])
	correlated := 0
	info, err := c.scan(ctx, prepared, bounds, func(h engine.Hit) error {
		if correlated++; len(result.Findings) < bounds.Findings() {
			result.Findings = append(result.Findings, engine.Capture(h).Finding(bounds))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if result.Correlation {
		result.Count = correlated
		result.Notes = append(result.Notes, info.CorrelationNotes(0)...)
		return result, nil
	}
	about := info.Rules[0]
	if about.Err != nil {
		return nil, about.Err
	}
	result.Count = about.Count
	result.Notes = append(result.Notes, about.Remarks()...)
	return result, nil
}

// Result is the answer to a rule before anything was found. Its fields are those
// that the rule names, and the names that they have in the cluster.
func (c *Cluster) Result(p engine.Prepared) *engine.Result {
	r := engine.NewResult(p)
	if a := c.about[p.Rule]; a != nil {
		for _, f := range slices.Concat(a.original, a.lowered.Fields) {
			if !slices.Contains(r.Fields, f) {
				r.Fields = append(r.Fields, f)
			}
		}
	}
	return r
}

// bounded is a query within the bounds of time, as a filter.
func (c *Cluster) bounded(queries ...any) map[string]any {
	filter := slices.Clone(queries)
	if !c.Since.IsZero() || !c.Until.IsZero() {
		bounds := map[string]any{"format": "strict_date_optional_time"}
		if !c.Since.IsZero() {
			bounds["gte"] = c.Since.UTC().Format(time.RFC3339Nano)
		}
		if !c.Until.IsZero() {
			bounds["lt"] = c.Until.UTC().Format(time.RFC3339Nano)
		}
		filter = append([]any{map[string]any{"range": map[string]any{timeField: bounds}}}, filter...)
	}
	if len(filter) == 0 {
		return map[string]any{"match_all": map[string]any{}}
	}
	return map[string]any{"bool": map[string]any{"filter": filter}}
}

// overview counts all events: how many, from when to when, and in which indices.
func (c *Cluster) overview(ctx context.Context) (*engine.ScanInfo, error) {
	body := map[string]any{
		"size": 0, "track_total_hits": true, "query": c.bounded(),
		"aggs": map[string]any{
			"first":   map[string]any{"min": map[string]any{"field": timeField, "format": "strict_date_time"}},
			"last":    map[string]any{"max": map[string]any{"field": timeField, "format": "strict_date_time"}},
			"indices": map[string]any{"terms": map[string]any{"field": "_index", "size": 10000, "order": map[string]any{"_key": "asc"}}},
		},
	}
	hits, err := c.Client.Search(ctx, elastic.Search{Index: c.Index, Body: body})
	if err != nil {
		return nil, err
	}
	if hits.Shards.Total == 0 {
		return nil, &elastic.Error{Server: c.Client.String(), Kind: elastic.ErrNoIndex, Reason: "there is no index like " + strings.Join(c.Index, ",") + "; check its name, and whether you may read it"}
	}
	if lacks := hits.Incomplete(); lacks != "" {
		return nil, fmt.Errorf("%s: the events of %s can't be counted: %s", c.Client, strings.Join(c.Index, ","), lacks)
	}
	info := &engine.ScanInfo{First: aggregatedTime(hits, "first"), Last: aggregatedTime(hits, "last")}
	c.first, c.last = info.First, info.Last
	info.Events = hits.Hits.Total.Value
	var terms struct {
		Buckets []struct {
			Key   string `json:"key"`
			Count int    `json:"doc_count"`
		} `json:"buckets"`
	}
	if raw, ok := hits.Aggregations["indices"]; ok {
		if err := json.Unmarshal(raw, &terms); err != nil {
			return nil, fmt.Errorf("%s: the indices can't be read: %w", c.Client, err)
		}
	}
	for _, b := range terms.Buckets {
		info.Sources = append(info.Sources, engine.SourceCount{Name: b.Key, Events: b.Count})
	}
	return info, nil
}

func aggregatedTime(h *elastic.Hits, name string) time.Time {
	var v struct {
		Text string `json:"value_as_string"`
	}
	if json.Unmarshal(h.Aggregations[name], &v) != nil {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, v.Text)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
