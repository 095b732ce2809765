package targettest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/huntbook/huntbook/internal/servers"
)

// Index is an index on a real Elasticsearch, for one test.
type Index struct {
	Name string
	url  string
}

// NewIndex makes an index with documents, whose ids are their places in the list.
// Without an Elasticsearch the test is skipped.
func NewIndex(t testing.TB, properties map[string]any, docs []string) *Index {
	t.Helper()
	x := &Index{Name: servers.Name(t), url: servers.Elasticsearch(t)}
	settings := map[string]any{"index.mapping.total_fields.limit": 5000, "index.number_of_replicas": 0}
	x.must(t, "PUT", "/"+x.Name, asJSON(t, map[string]any{"settings": settings, "mappings": map[string]any{"properties": properties}}))
	t.Cleanup(func() { _, _ = x.request("DELETE", "/"+x.Name, "") })
	if len(docs) == 0 {
		return x
	}
	var bulk strings.Builder
	for i, d := range docs {
		fmt.Fprintf(&bulk, `{"index":{"_id":"%d"}}`+"\n%s\n", i, d)
	}
	if reply := x.must(t, "POST", "/"+x.Name+"/_bulk?refresh=true", bulk.String()); bytes.Contains(reply, []byte(`"errors":true`)) {
		t.Fatalf("documents were refused: %.2000s", reply)
	}
	return x
}

// client gives up where a query keeps the server busy.
var client = &http.Client{Timeout: 5 * time.Minute}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (x *Index) must(t testing.TB, method, path, body string) []byte {
	t.Helper()
	reply, err := x.request(method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

func (x *Index) request(method, path, body string) ([]byte, error) {
	req, err := http.NewRequest(method, x.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %.600s", method, path, reply)
	}
	return reply, err
}

// ESQL runs a query and gives its columns and rows.
func (x *Index) ESQL(query string) (columns []string, rows [][]any, err error) {
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		return nil, nil, err
	}
	reply, err := x.request("POST", "/_query", string(body))
	if err != nil {
		return nil, nil, err
	}
	var out struct {
		Columns []struct{ Name string }
		Values  [][]any
	}
	if err := json.Unmarshal(reply, &out); err != nil {
		return nil, nil, err
	}
	for _, c := range out.Columns {
		columns = append(columns, c.Name)
	}
	return columns, out.Values, nil
}

// Search gives the ids of the documents that a query of the query DSL hits.
func (x *Index) Search(query any) ([]string, error) {
	body, err := json.Marshal(map[string]any{"query": query, "size": 10000, "_source": false})
	if err != nil {
		return nil, err
	}
	reply, err := x.request("POST", "/"+x.Name+"/_search", string(body))
	if err != nil {
		return nil, err
	}
	var out struct {
		Hits struct {
			Hits []struct {
				ID string `json:"_id"`
			}
		}
	}
	if err := json.Unmarshal(reply, &out); err != nil {
		return nil, err
	}
	ids := make([]string, len(out.Hits.Hits))
	for i, h := range out.Hits.Hits {
		ids[i] = h.ID
	}
	return ids, nil
}
