package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/internal/servers"
	"github.com/huntbook/huntbook/kernel"
)

func cells(t *testing.T) (*cellEngine, *bytes.Buffer) {
	t.Helper()
	var messages bytes.Buffer
	a := &app{Streams: Streams{In: strings.NewReader(""), Out: io.Discard, Err: &messages}}
	e, err := a.cellEngine(t.TempDir(), a.ingestOptions())
	if err != nil {
		t.Fatal(err)
	}
	return e, &messages
}

// A password goes to the cluster that it is for, and to no other that a cell names.
func TestSecretsAreForOneCluster(t *testing.T) {
	var header string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Get("Authorization")
		http.Error(w, `{"error":"no","status":403}`, http.StatusForbidden)
	}))
	defer server.Close()
	t.Setenv(userVariable, "anna")
	t.Setenv(passwordVariable, "s3cret")
	t.Setenv(apiKeyVariable, "")
	t.Setenv(tokenVariable, "")
	for _, c := range []struct {
		cluster string
		told    bool
	}{{server.URL, true}, {strings.ToUpper(server.URL[:4]) + server.URL[4:] + "/", true}, {"", false}, {"http://es:9200", false}, {strings.Replace(server.URL, "http", "https", 1), false}} {
		t.Setenv(clusterVariable, c.cluster)
		header = "nobody asked"
		e, messages := cells(t)
		_, err := e.Open(t.Context(), engine.Data{Paths: []string{server.URL}})
		if err == nil || header == "nobody asked" || (header != "") != c.told {
			t.Errorf("for %q the server is told %q, %v", c.cluster, header, err)
		}
		if c.told == strings.Contains(messages.String(), "is asked without a password or key: those are for the cluster that $HUNTBOOK_CLUSTER names") {
			t.Errorf("for %q it says %s", c.cluster, messages)
		}
		if strings.Contains(err.Error()+messages.String(), "s3cret") {
			t.Error("the secret is told")
		}
		if _, err := e.Run(t.Context(), engine.Query{Lucene: "a"}); !errors.Is(err, engine.ErrNoData) {
			t.Errorf("data that could not be opened: %v", err)
		}
	}
}

// A notebook's cells go from files to a cluster and back.
func TestCellsOnAClusterAndOnFiles(t *testing.T) {
	address, index := servers.Elasticsearch(t), servers.Name(t)
	client, err := elastic.New(elastic.Config{Addresses: []string{address}})
	if err != nil {
		t.Fatal(err)
	}
	mapping := `{"mappings":{"properties":{"@timestamp":{"type":"date"},"user_name":{"type":"keyword"}}}}`
	lines := `{"index":{"_index":"` + index + `"}}` + "\n" + `{"@timestamp":"2020-01-01T00:00:00Z","user_name":"anna"}` + "\n" +
		`{"index":{"_index":"` + index + `"}}` + "\n" + `{"@timestamp":"2020-01-01T00:00:01Z","user_name":"bob"}` + "\n"
	if err := client.Do(t.Context(), elastic.Request{Method: "PUT", Path: "/" + index, Body: json.RawMessage(mapping)}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Bulk(t.Context(), []byte(lines)); err != nil {
		t.Fatal(err)
	}
	if err := client.Do(t.Context(), elastic.Request{Method: "POST", Path: "/" + index + "/_refresh"}, nil); err != nil {
		t.Fatal(err)
	}
	e, _ := cells(t)
	s := kernel.NewSession(e)
	for _, c := range []struct{ cell, want string }{
		{"%data " + address + " --index " + index, "2 events in 1 index of Elasticsearch "},
		{"%%lucene\nuser_name:(anna OR carl)", "1 of 2 events match.\n"},
		{"%anna = %last", ""},
		{"%%sigma\ntitle: t\nlogsource: {product: windows}\ndetection:\n  s:\n    user_name: bob\n  condition: s", "1 of 2 events match.\n"},
		{"%data samples:", " events in 1 file, "},
		{"%lucene EventID:1", " events match.\n"},
		{"%anna | table --fields user_name", "anna"},
	} {
		outputs, err := s.Execute(t.Context(), c.cell)
		if err != nil {
			t.Fatalf("%s: %v", c.cell, err)
		}
		var text strings.Builder
		for _, o := range outputs {
			text.WriteString(o.Text)
			if plain, ok := o.Data["text/plain"].(string); ok {
				text.WriteString(plain)
			}
		}
		if !strings.Contains(text.String(), c.want) {
			t.Errorf("%s\nsays %q, not %q", c.cell, text.String(), c.want)
		}
		if strings.HasPrefix(c.cell, "%data http") {
			var names []string
			for _, f := range s.Fields(t.Context()) {
				names = append(names, f.Name)
			}
			if strings.Join(names, " ") != "@timestamp user_name" {
				t.Errorf("the fields are %v", names)
			}
		}
	}
}
