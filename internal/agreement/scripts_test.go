package agreement_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/convert/esdsl"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/engine/cluster"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/hunttest"
	"github.com/huntbook/huntbook/internal/servers"
	"github.com/huntbook/huntbook/pipeline"
)

// TestScriptsOnServers runs the scripts that say what rules mean on the servers. What
// can't hold there stands in testdata/scripts.tsv, with the reason.
func TestScriptsOnServers(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "hunttest", "testdata", "*.hunt"))
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for product, address := range map[string]func(testing.TB) string{"Elasticsearch": servers.Elasticsearch, "OpenSearch": servers.OpenSearch} {
		t.Run(product, func(t *testing.T) {
			client, err := elastic.New(elastic.Config{Addresses: []string{address(t)}})
			if err != nil {
				t.Fatal(err)
			}
			p, err := pipeline.Load("windows-logsources")
			if err != nil {
				t.Fatal(err)
			}
			e := &scriptEngine{client: client, chain: pipeline.NewChain(p), prefix: servers.Name(t), indices: map[string]string{}}
			t.Cleanup(func() {
				for _, index := range e.indices {
					_ = client.Do(context.WithoutCancel(t.Context()), elastic.Request{Method: http.MethodDelete, Path: elastic.Path(index)}, nil)
				}
			})
			known := scriptReasons(t)
			for _, name := range files {
				data, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				base := filepath.Base(name)
				script, diags := hunttest.Parse(&diag.File{Path: base, Data: data})
				if len(diags) > 0 {
					t.Fatal(diags)
				}
				for _, d := range script.Run(t.Context(), e) {
					if !slices.ContainsFunc(known, func(r scriptReason) bool { return r.explains(base, d.Pos.Line, d.Message) }) {
						t.Errorf("%s:%d\t%s", base, d.Pos.Line, d.Message)
					}
				}
			}
		})
	}
}

// scriptReason is a row of testdata/scripts.tsv.
type scriptReason struct{ place, part string }

func scriptReasons(t *testing.T) []scriptReason {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "scripts.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.Comment, r.LazyQuotes = '\t', '#', true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var list []scriptReason
	for _, row := range rows {
		list = append(list, scriptReason{row[0], row[1]})
	}
	return list
}

// explains tells whether the reason is one for a message about a line of a script.
func (r scriptReason) explains(file string, line int, message string) bool {
	return (r.place == "*" || r.place == file || r.place == fmt.Sprintf("%s:%d", file, line)) && strings.Contains(message, r.part)
}

// scriptEngine stores the events of a case, each set once, and asks the cluster.
type scriptEngine struct {
	client  *elastic.Client
	chain   *pipeline.Chain
	prefix  string
	indices map[string]string // by the text of the events
}

func (e *scriptEngine) Run(ctx context.Context, events []hunttest.Event, rules string) ([]hunttest.Finding, error) {
	index, err := e.store(ctx, events)
	if err != nil {
		// Only what is wrong with the events is one of the reasons: a server that takes
		// no more indices would have all scripts pass.
		var e *elastic.Error
		if errors.As(err, &e) && e.Type != "mapper_parsing_exception" {
			return nil, err
		}
		return nil, fmt.Errorf("storing: %w", err)
	}
	c := cluster.New(cluster.Options{Client: e.client, Index: []string{index}, Chain: e.chain, Target: esdsl.Target})
	rule, others, diags := engine.ParseQuery(rules)
	if rule == nil {
		return nil, diags
	}
	prepared, errs := c.PrepareAll(append(others, rule), nil)
	at := slices.IndexFunc(prepared, func(p engine.Prepared) bool { return p.Rule == rule })
	if errs[at] != nil {
		return nil, errs[at]
	}
	id := func(source string) string { return source[strings.LastIndexByte(source, '/')+1:] }
	var found []hunttest.Finding
	info, err := c.Scan(ctx, prepared[at:at+1], func(h engine.Hit) error {
		finding := hunttest.Finding{id(h.Record().Source.Name)}
		if h.Match != nil {
			finding = nil
			for _, event := range h.Match.Events {
				finding = append(finding, id(event.Source))
			}
		}
		found = append(found, finding)
		return nil
	})
	if err == nil && info.Rules[0].Err != nil {
		err = info.Rules[0].Err
	}
	return found, err
}

// store puts events into an index of their own, under the names that rules use, and
// mapped by what values they have.
func (e *scriptEngine) store(ctx context.Context, events []hunttest.Event) (string, error) {
	builder := event.NewBuilder(event.Options{})
	var key strings.Builder
	for i, ev := range events {
		fmt.Fprintf(&key, "%s %s\n", ev.ID, ev.JSON)
		if err := builder.AppendJSON(ev.JSON, event.Record{Number: i + 1}); err != nil {
			return "", err
		}
	}
	if index, known := e.indices[key.String()]; known {
		return index, nil
	}
	index := fmt.Sprintf("%s-%d", e.prefix, len(e.indices))
	batch := builder.Batch()
	properties := map[string]any{}
	docs := make([]map[string]any, len(events))
	for i := range docs {
		docs[i] = map[string]any{}
	}
	for _, c := range batch.Columns {
		var all []event.Value
		for row := range docs {
			v := c.Values[c.Codes[row]]
			if v.Kind == event.Absent {
				continue
			}
			docs[row][c.Name] = plain(v)
			if all = append(all, v); v.Kind == event.List {
				all = append(all[:len(all)-1], v.Elems...)
			}
		}
		properties[c.Name] = kept(all)
	}
	for row := range docs {
		if when := batch.Times[row]; when != event.NoTime && docs[row]["@timestamp"] == nil {
			docs[row]["@timestamp"] = when / 1_000_000
		}
	}
	properties["@timestamp"] = map[string]any{"type": "date"}
	body := map[string]any{"settings": map[string]any{"number_of_replicas": 0}, "mappings": map[string]any{"properties": properties}}
	if err := e.client.Do(ctx, elastic.Request{Method: http.MethodPut, Path: elastic.Path(index), Body: body}, nil); err != nil {
		return "", err
	}
	var lines strings.Builder
	for i, doc := range docs {
		text, err := json.Marshal(doc)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&lines, "{\"index\":{\"_index\":%q,\"_id\":%q}}\n%s\n", index, events[i].ID, text)
	}
	results, err := e.client.Bulk(ctx, []byte(lines.String()))
	if err != nil && len(events) > 0 {
		return "", err
	}
	for _, r := range results {
		if r.Err != nil {
			return "", r.Err
		}
	}
	e.indices[key.String()] = index
	return index, e.client.Do(ctx, elastic.Request{Method: http.MethodPost, Path: elastic.Path(index, "_refresh")}, nil)
}

func plain(v event.Value) any {
	switch v.Kind {
	case event.Null:
		return nil
	case event.Number:
		return json.Number(v.Text)
	case event.Bool:
		return v.Text == "true"
	case event.List:
		list := []any{}
		for _, elem := range v.Elems {
			list = append(list, plain(elem))
		}
		return list
	}
	return v.Text
}

// kept is how an index keeps values: as numbers, flags or addresses where all are, else
// as texts, as ECS does.
func kept(values []event.Value) any {
	every := func(is func(event.Value) bool) bool {
		return len(values) > 0 && !slices.ContainsFunc(values, func(v event.Value) bool { return !is(v) })
	}
	keyword := map[string]any{"type": "keyword"}
	switch {
	case every(func(v event.Value) bool {
		return v.Kind == event.Number && !strings.ContainsAny(v.Text, ".eE") && len(v.Text) < 18
	}):
		return map[string]any{"type": "long", "fields": map[string]any{"keyword": keyword}}
	case every(func(v event.Value) bool { return v.Kind == event.Bool }):
		return map[string]any{"type": "boolean"}
	case every(func(v event.Value) bool {
		_, err := netip.ParseAddr(v.Text)
		return v.Kind == event.String && err == nil
	}):
		return map[string]any{"type": "ip", "fields": map[string]any{"keyword": keyword}}
	}
	return map[string]any{"type": "keyword", "ignore_above": 32766, "fields": map[string]any{
		"caseless": map[string]any{"type": "keyword", "normalizer": "lowercase", "ignore_above": 32766},
	}}
}
