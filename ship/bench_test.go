package ship_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esutil"

	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/internal/servers"
	"github.com/huntbook/huntbook/ship"
	"github.com/huntbook/huntbook/sink"
	"github.com/huntbook/huntbook/standard"
)

// BenchmarkIngest compares in one run: events of the corpus taken from their
// archives, standardized and stored, and the same documents, ready-made, sent by
// Elastic's own bulk helper. The first counts as x/bare of the second's throughput.
//
//	scripts/servers/run.sh go test ./ship -run - -bench Ingest -benchtime 3x
func BenchmarkIngest(b *testing.B) {
	url := servers.Elasticsearch(b)
	source := corpus(b)
	std := ownStandard(b)
	client, err := elastic.New(elastic.Config{Addresses: []string{url}})
	if err != nil {
		b.Fatal(err)
	}
	cluster := sink.NewCluster(client, sink.Options{})
	if err := cluster.Prepare(b.Context(), std.Templates()); err != nil {
		b.Fatal(err)
	}
	clear := func() {
		indices := strings.TrimSuffix(filepath.Base(std.ID), ".yml") + "-*"
		if err := client.Do(context.Background(), elastic.Request{Method: http.MethodDelete, Path: "/" + indices}, nil); err != nil {
			b.Fatal(err)
		}
	}
	ready := &keepAll{}
	if _, err := ship.Files(b.Context(), open(b, source), ship.Options{Standard: std, Sink: ready, Workers: 1}); err != nil {
		b.Fatal(err)
	}
	var whole, bare time.Duration
	events := 0
	for b.Loop() {
		start := time.Now()
		out, err := ship.Files(b.Context(), open(b, source), ship.Options{Standard: std, Sink: cluster})
		if err != nil || out.Refused > 0 {
			b.Fatal(err, out)
		}
		whole += time.Since(start)
		clear()
		start = time.Now()
		bareBulk(b, url, ready.docs)
		bare += time.Since(start)
		clear()
		events += out.Events
	}
	b.ReportMetric(float64(events)/whole.Seconds(), "ingest-events/s")
	b.ReportMetric(float64(events)/bare.Seconds(), "bare-events/s")
	b.ReportMetric(bare.Seconds()/whole.Seconds(), "x/bare")
}

// corpus is a part of the corpus, some tens of thousands of events.
func corpus(b *testing.B) string {
	shared := os.Getenv("HUNTBOOK_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	path := filepath.Join(shared, "corpus", "mordor", "atomic", "windows", "persistence")
	if _, err := os.Stat(path); err != nil {
		b.Skip("the corpus is not here: HUNTBOOK_SHARED says where it is")
	}
	return path
}

// ownStandard is HELK's with indices of this run.
func ownStandard(b *testing.B) *standard.Standard {
	data, err := os.ReadFile(filepath.Join("..", "standard", "builtin", "helk.yml"))
	if err != nil {
		b.Fatal(err)
	}
	name := servers.Name(b)
	path := filepath.Join(b.TempDir(), name+".yml")
	text := strings.NewReplacer("logs-endpoint-winevent-{log}-", name+"-{log}-", "logs-indexme-", name+"-indexme-").Replace(string(data))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	std, err := standard.Load(path)
	if err != nil {
		b.Fatal(err)
	}
	return std
}

func open(b *testing.B, source string) *ingest.Reader {
	r, err := ingest.Open(b.Context(), []string{source}, ingest.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// keepAll is a sink that keeps documents.
type keepAll struct{ docs []standard.Document }

func (*keepAll) Prepare(context.Context, []standard.Template) error { return nil }

func (k *keepAll) Send(_ context.Context, docs []standard.Document) (sink.Result, error) {
	for _, d := range docs {
		d.JSON = bytes.Clone(d.JSON)
		k.docs = append(k.docs, d)
	}
	return sink.Result{Stored: len(docs)}, nil
}

// bareBulk sends documents as Elastic's helper does it, with its own settings.
func bareBulk(b *testing.B, url string, docs []standard.Document) {
	client, err := elasticsearch.NewClient(elasticsearch.Config{Addresses: []string{url}})
	if err != nil {
		b.Fatal(err)
	}
	indexer, err := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{Client: client, NumWorkers: runtime.NumCPU()})
	if err != nil {
		b.Fatal(err)
	}
	for _, d := range docs {
		item := esutil.BulkIndexerItem{Action: "create", Index: d.Index, DocumentID: d.ID, Body: bytes.NewReader(d.JSON)}
		if err := indexer.Add(b.Context(), item); err != nil {
			b.Fatal(err)
		}
	}
	if err := indexer.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	if s := indexer.Stats(); s.NumAdded != uint64(len(docs)) || s.NumCreated == 0 {
		b.Fatalf("%+v", s)
	}
}
