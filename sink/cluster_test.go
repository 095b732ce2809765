package sink_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/internal/servers"
	"github.com/huntbook/huntbook/sink"
	"github.com/huntbook/huntbook/standard"
)

// products are the servers that every test runs against.
var products = []struct {
	name    string
	address func(testing.TB) string
}{
	{"elasticsearch", servers.Elasticsearch},
	{"opensearch", servers.OpenSearch},
}

func each(t *testing.T, test func(t *testing.T, url string)) {
	for _, p := range products {
		t.Run(p.name, func(t *testing.T) { test(t, p.address(t)) })
	}
}

func client(t testing.TB, url string) *elastic.Client {
	t.Helper()
	c, err := elastic.New(elastic.Config{Addresses: []string{url}, Wait: func(int) time.Duration { return time.Millisecond }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// cluster is a sink that does not wait between repetitions.
func cluster(t testing.TB, url string, o sink.Options) *sink.Cluster {
	o.Wait = func(int) time.Duration { return time.Millisecond }
	return sink.NewCluster(client(t, url), o)
}

// index is the name of an index that ends with the test.
func index(t testing.TB, url string) string {
	name := servers.Name(t)
	t.Cleanup(func() {
		_ = client(t, url).Do(context.Background(), elastic.Request{Method: http.MethodDelete, Path: elastic.Path(name)}, nil)
	})
	return name
}

func docs(index string, texts ...string) []standard.Document {
	list := make([]standard.Document, len(texts))
	for i, text := range texts {
		list[i] = standard.Document{Index: index, ID: standard.ID([]byte(text)), JSON: []byte(text), Row: i}
	}
	return list
}

func numbered(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"n":%d,"text":"%s"}`, i, strings.Repeat("x", 50))
	}
	return list
}

// count is the number of documents of an index.
func count(t testing.TB, url, index string) int {
	t.Helper()
	c := client(t, url)
	if err := c.Do(t.Context(), elastic.Request{Method: http.MethodPost, Path: elastic.Path(index, "_refresh")}, nil); err != nil {
		t.Fatal(err)
	}
	var out struct{ Count int }
	if err := c.Do(t.Context(), elastic.Request{Path: elastic.Path(index, "_count")}, &out); err != nil {
		t.Fatal(err)
	}
	return out.Count
}

func send(t *testing.T, s sink.Sink, list []standard.Document, stored, known int) []sink.Refused {
	t.Helper()
	r, err := s.Send(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	if r.Stored != stored || r.Known != known {
		t.Errorf("%d stored and %d known, want %d and %d; refused: %v", r.Stored, r.Known, stored, known, r.Refused)
	}
	return r.Refused
}

// A document that is sent again is there once.
func TestSentTwiceStoredOnce(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		name := index(t, url)
		s := cluster(t, url, sink.Options{Bytes: 3000})
		list := docs(name, numbered(500)...)
		send(t, s, list, 500, 0)
		send(t, s, list[:400], 0, 400)
		send(t, s, docs(name, numbered(600)...), 100, 500)
		if n := count(t, url, name); n != 600 {
			t.Errorf("%d documents", n)
		}
	})
}

// A document that does not fit is refused with its reason; the others are stored.
func TestRefused(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		name := index(t, url)
		s := cluster(t, url, sink.Options{})
		send(t, s, docs(name, `{"EventID":1}`), 1, 0)
		refused := send(t, s, docs(name, `{"EventID":2}`, `{"EventID":"none"}`, `{"EventID":3}`), 2, 0)
		if len(refused) != 1 || refused[0].Doc.Row != 1 || !strings.Contains(refused[0].Err.Error(), "EventID") || strings.Contains(refused[0].Err.Error(), "\n") {
			t.Errorf("refused: %v", refused)
		}
	})
}

// The templates make the types that the standard says, and text as it says.
func TestTemplates(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := cluster(t, url, sink.Options{})
		for _, name := range []string{"helk", "ecs"} {
			std, err := standard.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Prepare(t.Context(), std.Templates()); err != nil {
				t.Fatal(err)
			}
			// An index of the standard's own pattern that no other test uses.
			index := strings.Replace(map[string]string{"helk": "logs-endpoint-winevent-test-1", "ecs": "winlogbeat-huntbook-test-1"}[name], "test", servers.Name(t)[2:], 1)
			t.Cleanup(func() {
				_ = client(t, url).Do(context.Background(), elastic.Request{Method: http.MethodDelete, Path: elastic.Path(index)}, nil)
			})
			text := map[string]string{
				"helk": `{"event_id":1,"process_path":"C:\\A.exe","src_ip_addr":"10.0.0.1","network_initiated":true,"hash_md5":"AA","event_original":"{}","file_creation_time":"2024-03-05T15:04:06.000Z"}`,
				"ecs":  `{"event":{"code":"1","original":"{}"},"process":{"executable":"C:\\A.exe","pid":4},"source":{"ip":"10.0.0.1"},"file":{"code_signature":{"signed":true}},"@timestamp":"2024-03-05T15:04:06.000Z"}`,
			}[name]
			send(t, s, docs(index, text), 1, 0)
			types := mapping(t, url, index)
			want := map[string]map[string]string{
				"helk": {"event_id": "long", "process_path": "text", "process_path.keyword": "keyword", "process_path.caseless": "keyword", "src_ip_addr": "ip",
					"src_ip_addr.keyword": "keyword", "network_initiated": "boolean", "hash_md5": "keyword", "file_creation_time": "date", "event_original": "keyword"},
				"ecs": {"event.code": "keyword", "process.executable": "keyword", "process.executable.caseless": "keyword", "process.executable.text": "text",
					"process.pid": "long", "source.ip": "ip", "file.code_signature.signed": "boolean", "@timestamp": "date", "event.original": "keyword"},
			}[name]
			for field, kind := range want {
				if types[field] != kind {
					t.Errorf("%s: %s is %q, want %q", name, field, types[field], kind)
				}
			}
			for _, c := range []struct {
				query string
				hits  int
			}{
				{map[string]string{"helk": "process_path.caseless:*\\\\a.EXE", "ecs": "process.executable.caseless:*\\\\a.EXE"}[name], 1},
				{map[string]string{"helk": "process_path.keyword:*\\\\a.exe", "ecs": "process.executable:*\\\\a.exe"}[name], 0},
				{map[string]string{"helk": "src_ip_addr:10.0.0.0\\/8", "ecs": "source.ip:10.0.0.0\\/8"}[name], 1},
			} {
				if n := hits(t, url, index, c.query); n != c.hits {
					t.Errorf("%s: %s has %d hits, want %d", name, c.query, n, c.hits)
				}
			}
		}
	})
}

// mapping gives the types of the fields of an index by their paths.
func mapping(t *testing.T, url, index string) map[string]string {
	t.Helper()
	var out map[string]struct {
		Mappings struct{ Properties map[string]json.RawMessage }
	}
	if err := client(t, url).Do(t.Context(), elastic.Request{Path: elastic.Path(index, "_mapping")}, &out); err != nil {
		t.Fatal(err)
	}
	types := map[string]string{}
	var walk func(prefix string, fields map[string]json.RawMessage)
	walk = func(prefix string, fields map[string]json.RawMessage) {
		for name, raw := range fields {
			var f struct {
				Type               string
				Properties, Fields map[string]json.RawMessage
			}
			if err := json.Unmarshal(raw, &f); err != nil {
				t.Fatal(err)
			}
			types[prefix+name] = f.Type
			walk(prefix+name+".", f.Properties)
			walk(prefix+name+".", f.Fields)
		}
	}
	walk("", out[index].Mappings.Properties)
	return types
}

func hits(t *testing.T, address, index, query string) int {
	t.Helper()
	count(t, address, index)
	var out struct {
		Hits struct{ Total struct{ Value int } }
	}
	request := elastic.Request{Path: elastic.Path(index, "_search"), Query: url.Values{"q": {query}, "size": {"0"}}}
	if err := client(t, address).Do(t.Context(), request, &out); err != nil {
		t.Fatal(err)
	}
	return out.Hits.Total.Value
}

// faulty is a proxy that answers bulk requests itself until answer gives 0.
func faulty(t *testing.T, upstream string, answer func(body []byte) (int, string)) string {
	var mu sync.Mutex
	return servers.NewProxy(t, upstream, servers.ProxyOptions{Answer: func(r *http.Request) (int, string) {
		if !strings.HasSuffix(r.URL.Path, "/_bulk") {
			return 0, ""
		}
		mu.Lock()
		defer mu.Unlock()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		return answer(body)
	}}).URL
}

// busyItem is a bulk answer in which every document but the first of n was too much.
func busyItem(n int) string {
	items := []string{`{"create":{"_index":"i","_id":"a","status":201}}`}
	for range n - 1 {
		items = append(items, `{"create":{"_index":"i","_id":"b","status":429,"error":{"type":"es_rejected_execution_exception","reason":"rejected execution"}}}`)
	}
	return `{"errors":true,"items":[` + strings.Join(items, ",") + `]}`
}

// What the cluster is too busy for comes again, a request or single documents.
func TestBusy(t *testing.T) {
	upstream := servers.Elasticsearch(t)
	name := index(t, upstream)
	requests := 0
	url := faulty(t, upstream, func([]byte) (int, string) {
		switch requests++; requests {
		case 1:
			return http.StatusTooManyRequests, `{"error":{"type":"circuit_breaking_exception","reason":"too much"}}`
		case 2:
			return http.StatusServiceUnavailable, `{}`
		case 3:
			return http.StatusOK, busyItem(10)
		}
		return 0, ""
	})
	send(t, cluster(t, url, sink.Options{}), docs(name, numbered(10)...), 10, 0)
	// The first was said to be stored, and was not: the proxy made it up.
	if n := count(t, upstream, name); n != 9 || requests != 4 {
		t.Errorf("%d documents after %d requests", n, requests)
	}
}

// A cluster that stays too busy is an error, and what was stored counts.
func TestAlwaysBusy(t *testing.T) {
	url := faulty(t, servers.Elasticsearch(t), func(body []byte) (int, string) {
		return http.StatusOK, busyItem(strings.Count(string(body), "\n") / 2)
	})
	r, err := cluster(t, url, sink.Options{Rounds: 3}).Send(t.Context(), docs("i", numbered(10)...))
	if !errors.Is(err, elastic.ErrBusy) || r.Stored != 4 || !strings.Contains(err.Error(), "6 documents were not taken in 4 rounds") {
		t.Errorf("%+v, %v", r, err)
	}
}

// A request that is too large is halved; a document that is too large is refused.
func TestTooLarge(t *testing.T) {
	upstream := servers.Elasticsearch(t)
	name := index(t, upstream)
	url := faulty(t, upstream, func(body []byte) (int, string) {
		if len(body) > 2000 {
			return http.StatusRequestEntityTooLarge, ""
		}
		return 0, ""
	})
	list := docs(name, append(numbered(100), `{"text":"`+strings.Repeat("y", 3000)+`"}`)...)
	refused := send(t, cluster(t, url, sink.Options{}), list, 100, 0)
	if len(refused) != 1 || refused[0].Doc.Row != 100 || !errors.Is(refused[0].Err, elastic.ErrTooLarge) {
		t.Errorf("refused: %v", refused)
	}
}

// What ends everything is one line that names the server and a way out.
func TestFatal(t *testing.T) {
	upstream := servers.Elasticsearch(t)
	answer := func(status int, body string) string {
		return faulty(t, upstream, func([]byte) (int, string) { return status, body })
	}
	for _, c := range []struct {
		name, url string
		kind      error
		text      string
	}{
		{"unreachable", "http://127.0.0.1:1", elastic.ErrUnreachable, "the connection was refused"},
		{"wrong password", answer(401, `{}`), elastic.ErrUser, "who asks"},
		{"no permission", answer(200, `{"items":[{"create":{"_index":"i","status":403,"error":{"type":"security_exception","reason":"no"}}}]}`), elastic.ErrPermission, "the index i"},
		{"no index", answer(200, `{"items":[{"create":{"_index":"i","status":404,"error":{"type":"index_not_found_exception","reason":"no such index [i]"}}}]}`), elastic.ErrNoIndex, "no such index"},
		{"fewer answers", answer(200, `{"items":[]}`), nil, "answers for 0 documents of 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := cluster(t, c.url, sink.Options{}).Send(t.Context(), docs("i", `{}`))
			if err == nil || c.kind != nil && !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want %q", err, c.text)
			}
		})
	}
}

// Prepare finds out that there is no cluster before anything is sent.
func TestPrepare(t *testing.T) {
	upstream := servers.Elasticsearch(t)
	web := servers.NewProxy(t, upstream, servers.ProxyOptions{Answer: func(*http.Request) (int, string) { return 200, "<html>" }})
	if err := cluster(t, web.URL, sink.Options{}).Prepare(t.Context(), nil); !errors.Is(err, elastic.ErrProduct) {
		t.Errorf("a web server: %v", err)
	}
	forbidden := servers.NewProxy(t, upstream, servers.ProxyOptions{Answer: func(r *http.Request) (int, string) {
		if r.Method == http.MethodPut {
			return 403, `{"error":{"type":"security_exception","reason":"action is unauthorized"}}`
		}
		return 0, ""
	}})
	err := cluster(t, forbidden.URL, sink.Options{}).Prepare(t.Context(), []standard.Template{{Name: "x", Body: []byte("{}")}})
	if !errors.Is(err, elastic.ErrPermission) || !strings.Contains(err.Error(), "manage_index_templates") {
		t.Errorf("templates are forbidden: %v", err)
	}
}

// When it is ended, Send returns, and nothing is under way any more.
func TestEnded(t *testing.T) {
	upstream := servers.Elasticsearch(t)
	ctx, cancel := context.WithCancel(t.Context())
	var requests atomic.Int32
	url := faulty(t, upstream, func([]byte) (int, string) {
		if requests.Add(1) == 2 {
			cancel()
		}
		return http.StatusTooManyRequests, `{}`
	})
	if _, err := cluster(t, url, sink.Options{}).Send(ctx, docs("i", numbered(5)...)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestLines(t *testing.T) {
	var out strings.Builder
	send(t, sink.NewLines(&out), docs("i", `{"a":1}`, `{"a":2}`), 2, 0)
	if out.String() != "{\"a\":1}\n{\"a\":2}\n" {
		t.Errorf("%q", out.String())
	}
}

func TestDeadFile(t *testing.T) {
	f := sink.DeadFile{Path: filepath.Join(t.TempDir(), "dead.ndjson")}
	letters := []sink.Dead{{Source: "a", Record: 3, Line: 4, Reason: "r", Event: []byte("{\"x\":\xff}")}}
	for range 2 {
		if err := f.Keep(t.Context(), letters); err != nil {
			t.Fatal(err)
		}
	}
	want := strings.Repeat(`{"source":"a","record":3,"line":4,"reason":"r","event":"{\"x\":\ufffd}"}`+"\n", 2)
	if got := read(t, f.Path); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if err := (sink.DeadFile{Path: filepath.Join(t.TempDir(), "no", "dead")}).Keep(t.Context(), letters); err == nil {
		t.Error("a folder that is missing is no error")
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
