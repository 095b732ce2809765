package cluster_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huntbook/huntbook/convert/esdsl"
	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/engine/cluster"
	"github.com/huntbook/huntbook/internal/servers"
	"github.com/huntbook/huntbook/sigma"
)

// plainRule is a rule for plain documents: no log source, one condition.
func plainRule(title, detection string) string {
	return "title: " + title + "\nlogsource: {category: test}\ndetection:\n  selection:\n    " + detection + "\n  condition: selection\n"
}

// fill stores documents {"@timestamp", "name": "doc N", "even": …} in an index with
// some settings.
func fill(t *testing.T, client *elastic.Client, index, settings string, from, to int) {
	t.Helper()
	must := func(r elastic.Request) {
		t.Helper()
		if err := client.Do(t.Context(), r, nil); err != nil {
			t.Fatal(err)
		}
	}
	must(elastic.Request{Method: http.MethodPut, Path: elastic.Path(index), Body: json.RawMessage(`{"settings": {"number_of_replicas": 0` + settings + `}}`)})
	var b strings.Builder
	for i := from; i < to; i++ {
		when := time.Date(2024, 1, 1, 0, i%60, 0, 0, time.UTC)
		fmt.Fprintf(&b, "{\"index\": {\"_id\": \"%d\"}}\n{\"@timestamp\": %q, \"name\": \"doc %d\", \"Computer\": \"host%d\"}\n", i, when.Format(time.RFC3339), i, i%3)
	}
	must(elastic.Request{Path: elastic.Path(index, "_bulk"), Query: map[string][]string{"refresh": {"true"}}, Body: []byte(b.String()), Lines: true})
}

// ask asks an index for rules, each a plain one.
func ask(t *testing.T, client *elastic.Client, index string, bounds engine.Bounds, details ...string) ([]engine.RuleInfo, []int, []engine.Hit) {
	t.Helper()
	var list []*sigma.Rule
	for i, d := range details {
		list = append(list, parse(t, plainRule(fmt.Sprint("rule ", i), d))...)
	}
	c := cluster.New(cluster.Options{Client: client, Index: []string{index}, Target: esdsl.Target, Bounds: bounds})
	prepared, errs := c.PrepareAll(list, nil)
	noErrors(t, errs)
	hits := make([]int, len(list))
	var all []engine.Hit
	info, err := c.Scan(t.Context(), prepared, func(h engine.Hit) error {
		hits[h.Rule]++
		all = append(all, h)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return info.Rules, hits, all
}

func TestBoundsKeepCountsTrue(t *testing.T) {
	both(t, func(t *testing.T, address string) {
		client, index := connect(t, address), servers.Name(t)
		fill(t, client, index, "", 0, 1300)
		about, hits, all := ask(t, client, index, engine.Bounds{Limit: 1200}, "name: 'doc*'", "name|endswith: ' 7'", "name: nothing")
		if about[0].Count != 1300 || hits[0] != 1200 || about[1].Count != 1 || hits[1] != 1 || about[2].Count != 0 {
			t.Fatalf("counts %d, %d, %d and hits %v; %s", about[0].Count, about[1].Count, about[2].Count, hits, about[0].Incomplete)
		}
		seen := map[string]bool{}
		var last time.Time
		for _, h := range all[:1200] {
			seen[h.Record().Source.Name] = true
			if h.Time().Before(last) {
				t.Fatalf("%v comes behind %v", h.Time(), last)
			}
			last = h.Time()
		}
		if len(seen) != 1200 {
			t.Errorf("%d documents, want 1200", len(seen))
		}
		times, hosts := 0, 0
		for _, c := range about[0].Times {
			times += c.Count
		}
		for _, c := range about[0].Hosts {
			hosts += c.Count
		}
		if times != 1300 || hosts != 1300 || len(about[0].Hosts) != 3 || about[1].Times != nil {
			t.Errorf("%d events by time and %d on hosts %v, want 1300", times, hosts, about[0].Hosts)
		}
	})
}

func TestTimesBoundASearch(t *testing.T) {
	both(t, func(t *testing.T, address string) {
		client, index := connect(t, address), servers.Name(t)
		fill(t, client, index, "", 0, 60)
		c := cluster.New(cluster.Options{Client: client, Index: []string{index}, Target: esdsl.Target})
		info, err := c.Open(t.Context(), engine.Data{Since: time.Date(2024, 1, 1, 0, 10, 0, 0, time.UTC), Until: time.Date(2024, 1, 1, 0, 20, 0, 0, time.UTC)})
		if err != nil || info.Events != 10 || info.First.Minute() != 10 || info.Last.Minute() != 19 {
			t.Fatalf("%+v, %v", info, err)
		}
		result, err := c.Run(t.Context(), engine.Query{Rule: plainRule("rule", "name|endswith: '5'")})
		if err != nil || result.Count != 1 || len(result.Findings) != 1 {
			t.Fatalf("%+v, %v", result, err)
		}
		f := result.Findings[0]
		if v, _ := f.Value("name"); v != "doc 15" || f.Source != index+"/15" || f.Record != 1 || f.Time.Minute() != 15 {
			t.Errorf("got %+v", f)
		}
	})
}

func TestWhatIsNotThereIsTold(t *testing.T) {
	both(t, func(t *testing.T, address string) {
		client, index := connect(t, address), servers.Name(t)
		fill(t, client, index, "", 0, 10)
		about, _, _ := ask(t, client, index, engine.Bounds{},
			"absent: x", "{name: 'doc 1', absent: x}", "{name: 'doc 1', absent: null}", "name|fieldref: Computer", "[absent: x, name: 'doc 1']")
		for i, want := range []string{
			"the rule can match nothing here: the field absent is in no index like " + index,
			"the rule can match nothing here: the field absent is in no index like " + index,
			"the index has no field absent: comparisons with it find nothing",
			"",
			"the index has no field absent: comparisons with it find nothing",
		} {
			if got := strings.Join(about[i].Remarks(), "\n"); !strings.Contains(got, want) {
				t.Errorf("rule %d: told %q, want %q", i, got, want)
			}
		}
		if about[2].Count != 1 || about[4].Count != 1 || about[0].Count != 0 {
			t.Errorf("counts %d, %d, %d", about[2].Count, about[4].Count, about[0].Count)
		}
		if err := about[3].Err; err == nil || !strings.Contains(err.Error(), "not with one another") {
			t.Errorf("a rule that can't be asked: error %v", err)
		}
	})
}

func TestNoIndex(t *testing.T) {
	both(t, func(t *testing.T, address string) {
		client := connect(t, address)
		for _, index := range []string{"missing-*", "missing"} {
			c := cluster.New(cluster.Options{Client: client, Index: []string{index}, Target: esdsl.Target})
			_, err := c.Open(t.Context(), engine.Data{})
			if !errors.Is(err, elastic.ErrNoIndex) || strings.Count(err.Error(), index) != 1 {
				t.Errorf("%s: error %v", index, err)
			}
		}
	})
}

// A shard that refuses what others answer makes an answer incomplete, not wrong.
func TestFailedShards(t *testing.T) {
	both(t, func(t *testing.T, address string) {
		client, index := connect(t, address), servers.Name(t)
		fill(t, client, index+"-a", "", 0, 10)
		fill(t, client, index+"-b", `, "index.max_regex_length": 1`, 10, 20)
		about, hits, _ := ask(t, client, index+"-*", engine.Bounds{}, "name|re: 'doc [0-9]+'", "name: 'doc 12'")
		if about[0].Count != 10 || hits[0] != 10 || !strings.Contains(about[0].Incomplete, "1 of 2 shards failed: The length of regex") {
			t.Errorf("count %d, %d hits, incomplete %q", about[0].Count, hits[0], about[0].Incomplete)
		}
		if about[1].Count != 1 || about[1].Incomplete != "" {
			t.Errorf("another rule: count %d, incomplete %q", about[1].Count, about[1].Incomplete)
		}
	})
}

// What a busy cluster refuses is asked again, and what it can't answer is told.
func TestABusyCluster(t *testing.T) {
	both(t, func(t *testing.T, address string) {
		index := servers.Name(t)
		fill(t, connect(t, address), index, "", 0, 10)
		for _, c := range []struct {
			name  string
			fault func(n int64) (int, string)
			told  string
		}{
			{"busy for a while", func(n int64) (int, string) {
				if n <= 3 {
					return 429, `{"error": {"type": "circuit_breaking_exception", "reason": "Data too large"}}`
				}
				return 0, ""
			}, ""},
			{"busy with one search", func(n int64) (int, string) {
				if n == 1 {
					return 200, `{"responses": [{"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "rejected"}}]}`
				}
				return 0, ""
			}, ""},
			{"broken", func(int64) (int, string) { return 500, `{"error": "it broke"}` }, "failed with status 500: it broke"},
		} {
			t.Run(c.name, func(t *testing.T) {
				var n atomic.Int64
				proxy := servers.NewProxy(t, address, servers.ProxyOptions{Answer: func(r *http.Request) (int, string) {
					if r.URL.Path != "/_msearch" {
						return 0, ""
					}
					return c.fault(n.Add(1))
				}})
				about, hits, _ := ask(t, connect(t, proxy.URL), index, engine.Bounds{}, "name|endswith: ' 7'")
				switch {
				case c.told == "" && (about[0].Err != nil || about[0].Count != 1 || hits[0] != 1):
					t.Errorf("%+v, %d hits", about[0], hits[0])
				case c.told != "" && (about[0].Err == nil || !strings.Contains(about[0].Err.Error(), c.told)):
					t.Errorf("error %v, want one with %q", about[0].Err, c.told)
				}
			})
		}
	})
}

// A cluster that goes away and stays away fails each rule, and is not asked again for
// each: a request waits long for a server that does not answer.
func TestAClusterThatIsGone(t *testing.T) {
	both(t, func(t *testing.T, address string) {
		index := servers.Name(t)
		fill(t, connect(t, address), index, "", 0, 10)
		var asked atomic.Int64
		proxy := servers.NewProxy(t, address, servers.ProxyOptions{Answer: func(r *http.Request) (int, string) {
			if r.URL.Path == "/_msearch" {
				asked.Add(1)
				panic(http.ErrAbortHandler) // as the connection ends
			}
			return 0, ""
		}})
		client, err := elastic.New(elastic.Config{Addresses: []string{proxy.URL}, Retries: -1})
		if err != nil {
			t.Fatal(err)
		}
		var details []string
		for i := range 40 {
			details = append(details, fmt.Sprintf("name: 'doc %d'", i))
		}
		about, _, _ := ask(t, client, index, engine.Bounds{}, details...)
		for _, a := range about {
			if !errors.Is(a.Err, elastic.ErrUnreachable) {
				t.Fatalf("error %v", a.Err)
			}
		}
		if n := asked.Load(); n < 2 || n > 10 {
			t.Errorf("asked %d times for %d rules", n, len(details))
		}
	})
}

// OpenSearch takes 1,024 clauses in a query, however they are nested; Elasticsearch as
// many as its memory allows. What is too much for one is asked in parts.
func TestARuleWithTooManyClauses(t *testing.T) {
	both(t, func(t *testing.T, address string) {
		client, index := connect(t, address), servers.Name(t)
		fill(t, client, index, "", 0, 1000)
		var values []string
		for i := range 1500 {
			values = append(values, fmt.Sprintf("'c %d'", i)) // each is in "doc N…"
		}
		long := "name|contains: [" + strings.Join(values, ", ") + "]"
		about, hits, _ := ask(t, client, index, engine.Bounds{Limit: 1000}, long, "name: 'doc 1'")
		if about[0].Count != 1000 || about[0].Err != nil || hits[0] != 1000 {
			t.Errorf("count %d, %d hits, error %v", about[0].Count, hits[0], about[0].Err)
		}
		if about[1].Count != 1 || about[1].Err != nil {
			t.Errorf("another rule: count %d, error %v", about[1].Count, about[1].Err)
		}
		// What is not fetched can't be told to be the same.
		about, hits, _ = ask(t, client, index, engine.Bounds{Limit: 10}, long)
		info, err := client.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		told := strings.Contains(strings.Join(about[0].Notes, "\n"), "parts")
		if hits[0] != 10 || about[0].Count < 1000 || told != (info.Product == elastic.OpenSearch) {
			t.Errorf("count %d, %d hits, notes %q", about[0].Count, hits[0], about[0].Notes)
		}
		// What is denied has no alternatives to cut at.
		denied := strings.Replace(plainRule("denied", long), "condition: selection", "condition: not selection", 1)
		c := cluster.New(cluster.Options{Client: client, Index: []string{index}, Target: esdsl.Target})
		prepared, errs := c.PrepareAll(parse(t, denied), nil)
		noErrors(t, errs)
		scanned, err := c.Scan(t.Context(), prepared, func(engine.Hit) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if got := scanned.Rules[0].Err; (got == nil) != (info.Product == elastic.Elasticsearch) || got != nil && !strings.Contains(got.Error(), "indices.query.bool.max_clause_count") {
			t.Errorf("error %v", got)
		}
	})
}

// Who may read documents need not be allowed to read the mapping.
func TestNoPermission(t *testing.T) {
	both(t, func(t *testing.T, address string) {
		index := servers.Name(t)
		fill(t, connect(t, address), index, "", 0, 10)
		const refused = `{"error": {"type": "security_exception", "reason": "action [x] is unauthorized for user [bob]"}, "status": 403}`
		refusing := func(part string) *elastic.Client {
			return connect(t, servers.NewProxy(t, address, servers.ProxyOptions{Answer: func(r *http.Request) (int, string) {
				if strings.HasSuffix(r.URL.Path, part) {
					return 403, refused
				}
				return 0, ""
			}}).URL)
		}
		about, hits, _ := ask(t, refusing("/_mapping"), index, engine.Bounds{}, "name|endswith: ' 7'")
		if about[0].Count != 1 || hits[0] != 1 || !strings.Contains(strings.Join(about[0].Notes, ""), "may not be read") {
			t.Errorf("%+v, %d hits", about[0], hits[0])
		}
		c := cluster.New(cluster.Options{Client: refusing("/_search"), Index: []string{index}, Target: esdsl.Target})
		if _, err := c.Open(t.Context(), engine.Data{}); !errors.Is(err, elastic.ErrPermission) {
			t.Errorf("error %v", err)
		}
	})
}

// A node that is killed in the middle of a hunt and comes back loses nothing of it.
func TestANodeThatRestarts(t *testing.T) {
	for _, name := range []string{servers.OwnElasticsearch, servers.OwnOpenSearch} {
		t.Run(name, func(t *testing.T) {
			own := servers.Own(t, name)
			address := "http://" + own.Address
			index := servers.Name(t)
			fill(t, connect(t, address), index, "", 0, 1300)
			details := []string{"name: 'doc*'", "name|endswith: ' 7'"}
			for i := range 30 {
				details = append(details, fmt.Sprintf("name|endswith: '%d'", i))
			}
			wantAbout, wantHits, _ := ask(t, connect(t, address), index, engine.Bounds{Limit: 1300}, details...)
			var searches atomic.Int64
			proxy := servers.NewProxy(t, address, servers.ProxyOptions{Answer: func(r *http.Request) (int, string) {
				// The third page of documents is asked of a node that is gone, and
				// with it its points in time.
				if r.URL.Path == "/_search" && searches.Add(1) == 3 {
					own.Kill()
					go own.Start()
				}
				return 0, ""
			}})
			about, hits, _ := ask(t, connect(t, proxy.URL), index, engine.Bounds{Limit: 1300}, details...)
			if searches.Load() < 4 {
				t.Fatal("the node was not restarted")
			}
			if d := cmp.Diff(wantAbout, about); d != "" {
				t.Errorf("(-undisturbed +disturbed):\n%s", d)
			}
			if d := cmp.Diff(wantHits, hits); d != "" {
				t.Errorf("hits (-undisturbed +disturbed):\n%s", d)
			}
		})
	}
}
