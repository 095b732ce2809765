package cluster_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/convert/esdsl"
	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/engine/cluster"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/internal/servers"
	"github.com/huntbook/huntbook/pipeline"
)

// luceneEvents are kept as Sigma compares them: whole, letters of any case. What words
// side by side mean, and letters in a regular expression, depends on how a cluster keeps
// a field, and is not compared.
var luceneEvents = []string{
	`{"id":"1","Image":"C:\\Windows\\cmd.exe","User":"anna","Size":10,"Note":"a b"}`,
	`{"id":"2","Image":"C:\\Windows\\System32\\whoami.exe","User":"bob","Size":20}`,
	`{"id":"3","Image":"/usr/bin/ls","User":"anna","Size":30,"Note":"a"}`,
	`{"id":"4","Image":"x:y","User":"carl","Size":-5,"Note":"b"}`,
	`{"id":"5","Image":"10","Size":2.5}`,
	`{"id":"6","User":"AND","Note":"(a) [b] {c} ~d! ^e"}`,
	`{"id":"7","User":"Größe","Note":"a*b?c"}`,
	`{"id":"8","User":["anna","dora"],"Size":15}`,
}

const luceneIndex = `{
  "settings": {"number_of_shards": 1, "number_of_replicas": 0, "analysis": {"normalizer": {"low": {"type": "custom", "filter": ["lowercase"]}}}},
  "mappings": {"properties": {
    "id": {"type": "keyword"}, "Image": {"type": "keyword", "normalizer": "low"}, "User": {"type": "keyword", "normalizer": "low"},
    "Note": {"type": "keyword", "normalizer": "low"}, "Size": {"type": "double"}
  }}
}`

// TestLuceneOnFilesIsLuceneOnACluster: a query string finds the same events in files as
// in the clusters whose language it is.
func TestLuceneOnFilesIsLuceneOnACluster(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events.json")
	if err := os.WriteFile(file, []byte(strings.Join(luceneEvents, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	local, err := engine.NewLocal(".", ingest.Options{}, engine.Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := local.Open(t.Context(), engine.Data{Paths: []string{file}}); err != nil {
		t.Fatal(err)
	}
	queries := []string{
		`User:anna`, `User:ANNA`, `User:an*`, `User:?nna`, `User:gr*SSe`, `User:größe`, `User:GRÖSSE`,
		`Image:*\\cmd.exe`, `Image:"C:\\Windows\\cmd.exe"`, `Image:x\:y`, `Image:\/usr\/bin\/ls`, `Image:10`, `Image:"10"`,
		`User:"AND"`, `User:\AND`, `Note:a\*b\?c`, `Note:"a*b?c"`, `Note:"(a) [b] {c} ~d! ^e"`, `Note:\(a\)\ \[b\]\ \{c\}\ \~d\!\ \^e`,
		`Size:10`, `Size:>10`, `Size:>=10`, `Size:<10`, `Size:<=2.5`, `Size:\-5`, `Size:[10 TO 20]`, `Size:{10 TO 20}`, `Size:[10 TO 20}`, `Size:{* TO 10]`, `Size:[* TO *]`,
		`_exists_:Note`, `Note:*`, `NOT _exists_:Note`, `*`, `*:*`,
		`User:(anna OR bob)`, `User:(+anna -dora)`, `Size:(10 OR 20)`,
		`User:anna AND Size:10`, `User:anna && Size:10`, `User:anna OR User:bob`, `User:anna || User:bob`, `User:anna User:bob`,
		`+User:anna Size:10`, `User:anna -Size:10`, `User:anna NOT Size:10`, `User:anna AND NOT Size:10`, `User:anna !Size:10`,
		`User:anna OR User:bob AND Size:20`, `User:anna AND Size:10 OR User:bob`, `User:anna AND Size:10 OR User:bob AND Size:20`,
		`NOT User:anna OR User:bob`, `User:bob OR NOT User:anna`, `User:bob OR (NOT User:anna)`, `NOT User:anna`, `-User:anna -User:bob`,
		`(User:anna OR User:bob) AND (Size:10 OR Size:20)`, `NOT (User:anna OR User:bob)`, `((User:anna))`,
		`User:anna^2 AND Size:10^0.5`, `Image:/\/usr.*s/`, `Image:/[a-z]:\\\\windows.*/`, `Image:/cmd/`, `User:/(anna|bob)/`, `User:/b.{2}/`,
	}
	both(t, func(t *testing.T, address string) {
		client := connect(t, address)
		name := servers.Name(t)
		ctx := t.Context()
		if err := client.Do(ctx, elastic.Request{Method: "PUT", Path: "/" + name, Body: json.RawMessage(luceneIndex)}, nil); err != nil {
			t.Fatal(err)
		}
		var lines strings.Builder
		for _, e := range luceneEvents {
			lines.WriteString(`{"index":{"_index":"` + name + `"}}` + "\n" + e + "\n")
		}
		if _, err := client.Bulk(ctx, []byte(lines.String())); err != nil {
			t.Fatal(err)
		}
		if err := client.Do(ctx, elastic.Request{Method: "POST", Path: "/" + name + "/_refresh"}, nil); err != nil {
			t.Fatal(err)
		}
		remote := cluster.New(cluster.Options{Client: client, Index: []string{name}, Chain: pipeline.NewChain(), Target: esdsl.Target})
		if _, err := remote.Open(ctx, engine.Data{Paths: []string{address}}); err != nil {
			t.Fatal(err)
		}
		for _, query := range queries {
			want, got := ids(t, remote, query), ids(t, local, query)
			if !slices.Equal(got, want) {
				t.Errorf("%s finds %v in files, %v in the cluster", query, got, want)
			}
		}
		// What the cluster can't read is its error, in our form.
		var refused *elastic.Error
		if _, err := remote.Run(ctx, engine.Query{Lucene: "a AND ("}); !errors.As(err, &refused) {
			t.Errorf("a query that is none gives %v", err)
		}
		report, err := remote.Sample(ctx)
		if err != nil || len(report.Fields) != 5 || report.Fields[0].Name != "Image" {
			t.Errorf("fields %+v, %v", report, err)
		}
	})
}

func ids(t *testing.T, e engine.Engine, query string) []string {
	t.Helper()
	result, err := e.Run(t.Context(), engine.Query{Lucene: query})
	if err != nil {
		return []string{"error: " + err.Error()}
	}
	var out []string
	for _, f := range result.Findings {
		var event struct{ ID string }
		if err := json.Unmarshal(f.Event, &event); err != nil {
			t.Fatal(err)
		}
		out = append(out, event.ID)
	}
	slices.Sort(out)
	return out
}
