package elastic_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/internal/servers"
)

// both runs a test on the real Elasticsearch and on the real OpenSearch.
func both(t *testing.T, test func(t *testing.T, address string, product elastic.Product)) {
	t.Run("Elasticsearch", func(t *testing.T) { test(t, servers.Elasticsearch(t), elastic.Elasticsearch) })
	t.Run("OpenSearch", func(t *testing.T) { test(t, servers.OpenSearch(t), elastic.OpenSearch) })
}

func connect(t *testing.T, address string) *elastic.Client {
	t.Helper()
	c, err := elastic.New(elastic.Config{Addresses: []string{address}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fill makes an index of n documents {"n": 0…}, in two shards.
func fill(t *testing.T, c *elastic.Client, n int) string {
	t.Helper()
	index := servers.Name(t)
	do(t, c, elastic.Request{Method: http.MethodPut, Path: elastic.Path(index), Body: json.RawMessage(`{"settings": {"number_of_shards": 2, "number_of_replicas": 0}}`)})
	t.Cleanup(func() { do(t, c, elastic.Request{Method: http.MethodDelete, Path: elastic.Path(index)}) })
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{\"index\": {\"_id\": \"%d\"}}\n{\"n\": %d, \"name\": \"Doc %d\"}\n", i, i, i)
	}
	do(t, c, elastic.Request{Path: elastic.Path(index, "_bulk"), Query: map[string][]string{"refresh": {"true"}}, Body: []byte(b.String()), Lines: true})
	return index
}

func do(t *testing.T, c *elastic.Client, r elastic.Request) {
	t.Helper()
	// The context of a test has ended when its clean-up runs.
	if err := c.Do(t.Context(), r, nil); err != nil && t.Context().Err() == nil {
		t.Fatal(err)
	}
}

func TestProductAndVersionAreFoundOut(t *testing.T) {
	both(t, func(t *testing.T, address string, product elastic.Product) {
		info, err := connect(t, address).Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if info.Product != product || info.Major < 3 || !strings.HasPrefix(info.Version, fmt.Sprintf("%d.%d.", info.Major, info.Minor)) {
			t.Errorf("got %+v", info)
		}
	})
}

// Other versions are those of a proxy before the real servers.
func TestOtherVersions(t *testing.T) {
	for _, c := range []struct {
		product elastic.Product
		version string
		refused string
	}{
		{elastic.Elasticsearch, "7.17.29", ""},
		{elastic.Elasticsearch, "9.2.1", ""},
		{elastic.Elasticsearch, "7.9.3", "is Elasticsearch 7.9.3, which is too old; huntbook takes Elasticsearch from 7.10 on"},
		{elastic.Elasticsearch, "6.8.23", "too old"},
		{elastic.OpenSearch, "2.19.3", ""},
		{elastic.OpenSearch, "1.3.20", "too old; huntbook takes OpenSearch from 2.4 on"},
	} {
		t.Run(string(c.product)+c.version, func(t *testing.T) {
			address := servers.Elasticsearch
			if c.product == elastic.OpenSearch {
				address = servers.OpenSearch
			}
			proxy := servers.NewProxy(t, address(t), servers.ProxyOptions{Version: c.version})
			client := connect(t, proxy.URL)
			info, err := client.Info(t.Context())
			if c.refused != "" {
				if !errors.Is(err, elastic.ErrProduct) || !strings.Contains(err.Error(), c.refused) {
					t.Fatalf("error %v, want one with %q", err, c.refused)
				}
				return
			}
			if err != nil || info.String() != string(c.product)+" "+c.version {
				t.Fatalf("got %v, %v", info, err)
			}
			pages(t, client, fill(t, client, 25))
		})
	}
}

func TestWhatIsNoCluster(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
	}{
		{"a page", 200, "<html></html>"},
		{"something else with JSON", 200, `{"version": "3"}`},
		{"another search engine", 200, `{"version": {"number": "1.0", "distribution": "other"}, "tagline": "Search"}`},
		{"nothing there", 404, "not found"},
		{"somewhere else", 301, ""},
	} {
		proxy := servers.NewProxy(t, "", servers.ProxyOptions{Answer: func(*http.Request) (int, string) { return c.status, c.body }})
		_, err := connect(t, proxy.URL).Info(t.Context())
		if !errors.Is(err, elastic.ErrProduct) || !strings.Contains(err.Error(), "neither Elasticsearch nor OpenSearch") {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
}

// A user who may search need not be allowed to ask for the version.
func TestVersionThatIsNotTold(t *testing.T) {
	both(t, func(t *testing.T, address string, product elastic.Product) {
		reason := "action [cluster:monitor/main] is unauthorized for user [bob]"
		if product == elastic.OpenSearch {
			reason = "no permissions for [cluster:monitor/main] and User [name=bob]"
		}
		proxy := servers.NewProxy(t, address, servers.ProxyOptions{Answer: func(r *http.Request) (int, string) {
			if r.URL.Path == "/" {
				return 403, `{"error": {"type": "security_exception", "reason": "` + reason + `"}, "status": 403}`
			}
			return 0, ""
		}})
		client := connect(t, proxy.URL)
		if info, err := client.Info(t.Context()); err != nil || info.String() != string(product) {
			t.Fatalf("got %q, %v", info, err)
		}
		pages(t, client, fill(t, client, 25))
	})
}

func TestPagesOfAPointInTime(t *testing.T) {
	both(t, func(t *testing.T, address string, _ elastic.Product) {
		client := connect(t, address)
		pages(t, client, fill(t, client, 25))
	})
}

// pages reads an index of 25 documents page by page, while one is deleted.
func pages(t *testing.T, client *elastic.Client, index string) {
	t.Helper()
	pit, err := client.OpenPIT(t.Context(), []string{index}, "1m")
	if err != nil {
		t.Fatal(err)
	}
	do(t, client, elastic.Request{Method: http.MethodDelete, Path: elastic.Path(index, "_doc", "24"), Query: map[string][]string{"refresh": {"true"}}})
	var got []string
	body := map[string]any{"size": 10, "sort": []any{map[string]string{"n": "asc"}}, "pit": map[string]string{"id": pit, "keep_alive": "1m"}}
	for {
		page, err := client.Search(t.Context(), elastic.Search{Body: body})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Hits.Hits) == 0 {
			break
		}
		for _, h := range page.Hits.Hits {
			got = append(got, h.ID)
		}
		body["search_after"] = page.Hits.Hits[len(page.Hits.Hits)-1].Sort
	}
	var want []string
	for i := range 25 {
		want = append(want, fmt.Sprint(i))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got the documents %v, want %v", got, want)
	}
	if err := client.ClosePIT(t.Context(), pit); err != nil {
		t.Error(err)
	}
	if err := client.ClosePIT(t.Context(), pit); err != nil {
		t.Errorf("closing what is closed: %v", err)
	}
}

func TestSearchesTogether(t *testing.T) {
	both(t, func(t *testing.T, address string, _ elastic.Product) {
		client := connect(t, address)
		index := fill(t, client, 25)
		found, err := client.MSearch(t.Context(), []elastic.Search{
			{Index: []string{index}, Body: map[string]any{"size": 1, "track_total_hits": true}},
			{Index: []string{index}, Body: []byte(`{"query": {"term": {"n": "many"}}}`)},
			{Index: []string{"missing-" + index}, Body: []byte(`{"size": 0}`)},
			{Index: []string{"missing-" + index + "-*"}, Body: []byte(`{"size": 0}`)},
			{Index: []string{index}, Body: []byte(`{"query": {"query_string": {"query": "n:<3"}}}`)},
		})
		if err != nil {
			t.Fatal(err)
		}
		if f := found[0]; f.Err != nil || f.Hits.Hits.Total.Value != 25 || len(f.Hits.Hits.Hits) != 1 || f.Shards.Total != 2 || f.Incomplete() != "" {
			t.Errorf("all: %+v, %v", f.Hits, f.Err)
		}
		if f := found[1]; !errors.Is(f.Err, elastic.ErrRequest) || !strings.Contains(f.Err.Error(), "many") {
			t.Errorf("a query that fails: error %v", f.Err)
		}
		for _, f := range found[2:4] {
			if f.Err != nil || f.Hits.Hits.Total.Value != 0 || f.Shards.Total != 0 {
				t.Errorf("a missing index: %+v, %v", f.Hits, f.Err)
			}
		}
		if f := found[4]; f.Err != nil || len(f.Hits.Hits.Hits) != 3 {
			t.Errorf("a query string: %+v, %v", f.Hits, f.Err)
		}
	})
}

func TestFieldsAndMappings(t *testing.T) {
	both(t, func(t *testing.T, address string, _ elastic.Product) {
		client := connect(t, address)
		index := fill(t, client, 1)
		caps, err := client.FieldCaps(t.Context(), []string{index, "missing-" + index}, []string{"name*", "n", "absent"})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(caps.Indices, []string{index}) || !caps.Fields["n"]["long"].Aggregatable || caps.Fields["name"]["text"].Aggregatable ||
			!caps.Fields["name.keyword"]["keyword"].Searchable || caps.Fields["absent"] != nil {
			t.Errorf("got %+v", caps)
		}
		mapping, err := client.Mapping(t.Context(), []string{index})
		if err != nil || !strings.Contains(string(mapping), `"n":{"type":"long"}`) {
			t.Errorf("got %s, %v", mapping, err)
		}
		if _, err := client.Mapping(t.Context(), []string{"missing-" + index}); !errors.Is(err, elastic.ErrNoIndex) || !strings.Contains(err.Error(), "no such index [missing-"+index+"]") {
			t.Errorf("error %v", err)
		}
	})
}

func TestBulk(t *testing.T) {
	both(t, func(t *testing.T, address string, _ elastic.Product) {
		client := connect(t, address)
		index := fill(t, client, 1)
		results, err := client.Bulk(t.Context(), []byte(strings.ReplaceAll(`{"create": {"_index": "INDEX", "_id": "new"}}
{"n": 1}
{"create": {"_index": "INDEX", "_id": "0"}}
{"n": 1}
{"index": {"_index": "INDEX", "_id": "wrong"}}
{"n": {"a": 1}}
{"delete": {"_index": "INDEX", "_id": "none"}}
`, "INDEX", index)))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range results {
			got = append(got, fmt.Sprint(r.Action, " ", r.ID, " ", r.Status, " ", r.Exists(), " ", r.Err != nil))
		}
		want := []string{"create new 201 false false", "create 0 409 true false", "index wrong 400 false true", "delete none 404 false false"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if err := results[2].Err; !errors.Is(err, elastic.ErrRequest) || !strings.Contains(err.Error(), "field [n]") {
			t.Errorf("error %v", err)
		}
	})
}
