package agreement

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/internal/kuery"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// Server is where rules are asked, with the events of one standard.
type Server struct {
	Client *elastic.Client
	Prefix string
	Chain  *pipeline.Chain

	mu       sync.Mutex
	mappings map[string]*mapping.Index
}

// most is the number of documents that a query may find.
const most = 1_000_000

// ErrNotConverted is wrapped by the error about a rule that a target can't express.
var ErrNotConverted = errors.New("not converted")

// errPartial is ES|QL's answer where a shard had no memory left.
var errPartial = errors.New("some shards did not answer")

// IsOverload tells that a server had no memory or time left for a query, as one with
// a small heap that many tests share may have.
func IsOverload(err error) bool {
	return errors.Is(err, errPartial) || strings.Contains(err.Error(), "Data too large") || strings.Contains(err.Error(), "gave no answer in time")
}

// search is a rule's query in the form that the server takes.
type search struct {
	index []string
	// body is a clause of the query DSL, or esql a query in ES|QL.
	body any
	esql string
}

// Ask gives the ids of the documents that a rule finds, as a target writes it for the
// mapping of its indices.
func (s *Server) Ask(ctx context.Context, target *backend.Target, rule *sigma.Rule) ([]string, error) {
	searches, err := s.convert(ctx, target, rule)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, q := range searches {
		found, err := s.find(ctx, q)
		if err != nil {
			return nil, err
		}
		ids = append(ids, found...)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

func (s *Server) convert(ctx context.Context, target *backend.Target, rule *sigma.Rule) ([]search, error) {
	lowered, diags := pipeline.Lower(rule, s.Chain)
	if lowered == nil {
		return nil, fmt.Errorf("%w: %w", ErrNotConverted, diags.Err())
	}
	index := lowered.Index
	if len(index) == 0 {
		index = []string{"*"}
	}
	index = slices.Clone(index)
	for i, name := range index {
		index[i] = s.Prefix + name
	}
	lowered.Index = index
	m, err := s.mapping(ctx, index)
	if err != nil || m == nil {
		return nil, err
	}
	queries, err := target.With(m).Convert(lowered, "", nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotConverted, err)
	}
	out := make([]search, len(queries))
	for i, q := range queries {
		if out[i], err = form(target.Name, q, index, m); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// form says how a target's query is sent.
func form(target string, q backend.Query, index []string, m *mapping.Index) (search, error) {
	out := search{index: index}
	text, isText := q.Value.(string)
	switch {
	case target == "esql":
		out.esql = text
	case target == "kql":
		// Elasticsearch's own query kql (8.19) takes no lists, and no star for a
		// wildcard once a backslash stands before it: it is read as Kibana does.
		e, err := kuery.Read(text)
		if err != nil {
			return out, err
		}
		out.body = kibana(e, m)
	case isText:
		out.body = map[string]any{"query_string": map[string]any{"query": text}}
	default:
		raw, err := json.Marshal(q.Value)
		if err != nil {
			return out, err
		}
		var request struct {
			Query json.RawMessage `json:"query"`
		}
		if err := json.Unmarshal(raw, &request); err != nil {
			return out, err
		}
		out.body = request.Query
	}
	return out, nil
}

// mapping is that of indices; nil when there are none.
func (s *Server) mapping(ctx context.Context, index []string) (*mapping.Index, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.Join(index, ",")
	if m, known := s.mappings[key]; known {
		return m, nil
	}
	data, err := s.Client.Mapping(ctx, index)
	var m *mapping.Index
	if err == nil {
		m, err = mapping.Parse(data)
	}
	if err != nil && !errors.Is(err, elastic.ErrNoIndex) && !errors.Is(err, mapping.ErrNoMapping) {
		return nil, err
	}
	if s.mappings == nil {
		s.mappings = map[string]*mapping.Index{}
	}
	s.mappings[key] = m
	return m, nil
}

func (s *Server) find(ctx context.Context, q search) ([]string, error) {
	// Values without field are looked for in hundreds of fields, which takes a while.
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if q.esql != "" {
		return s.findESQL(ctx, q.esql)
	}
	// Ids as an aggregation: to fetch documents, each shard reads the query once more,
	// and reading expressions is most of the work.
	body := map[string]any{
		"query": q.body, "size": 0, "track_total_hits": true,
		"aggs": map[string]any{"ids": map[string]any{"terms": map[string]any{"field": "_id", "size": most}}},
	}
	hits, err := s.Client.Search(ctx, elastic.Search{Index: q.index, Body: body})
	if err != nil {
		return nil, err
	}
	if lacks := hits.Incomplete(); lacks != "" {
		return nil, errors.New(lacks)
	}
	var terms struct {
		Buckets []struct {
			Key string `json:"key"`
		} `json:"buckets"`
	}
	if err := json.Unmarshal(hits.Aggregations["ids"], &terms); err != nil {
		return nil, err
	}
	if n := hits.Hits.Total.Value; n > len(terms.Buckets) {
		return nil, fmt.Errorf("%d documents are found, and %d of them named", n, len(terms.Buckets))
	}
	ids := make([]string, len(terms.Buckets))
	for i, b := range terms.Buckets {
		ids[i] = b.Key
	}
	return ids, nil
}

func (s *Server) findESQL(ctx context.Context, query string) ([]string, error) {
	var out struct {
		Values  [][]string `json:"values"`
		Partial bool       `json:"is_partial"`
	}
	query = strings.TrimSuffix(query, " | limit 10000") + fmt.Sprintf(" | keep _id | limit %d", most)
	err := s.Client.Do(ctx, elastic.Request{Path: "/_query", Body: map[string]string{"query": query}}, &out)
	ids := make([]string, len(out.Values))
	for i, row := range out.Values {
		ids[i] = row[0]
	}
	if err == nil && out.Partial {
		err = errPartial
	}
	return ids, err
}

// Unbind lets a server aggregate ids, and ES|QL give more rows than people look at.
func Unbind(ctx context.Context, client *elastic.Client) error {
	info, err := client.Info(ctx)
	if err != nil {
		return err
	}
	settings := map[string]any{"indices.id_field_data.enabled": true, "search.max_buckets": most}
	if info.Product == elastic.Elasticsearch {
		settings["esql.query.result_truncation_max_size"] = most
	}
	return client.Do(ctx, elastic.Request{Method: http.MethodPut, Path: "/_cluster/settings", Body: map[string]any{"persistent": settings}}, nil)
}
