package cluster_test

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huntbook/huntbook/convert/esdsl"
	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/engine/cluster"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/internal/agreement"
	"github.com/huntbook/huntbook/internal/servers"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/samples"
	"github.com/huntbook/huntbook/sigma"
	"github.com/huntbook/huntbook/standard"
)

// ground is the samples' events on a server, under a standard, in indices of a test.
type ground struct {
	*testing.T
	client *elastic.Client
	prefix string
	chain  *pipeline.Chain
}

func readSamples() ingest.Options {
	return ingest.Options{Embedded: map[string]fs.FS{samples.Name: samples.Data()}}
}

func newGround(t *testing.T, address, standardName string) *ground {
	t.Helper()
	g := &ground{T: t, client: connect(t, address), prefix: servers.Name(t) + "-"}
	s, err := standard.Load(standardName)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := agreement.Store(t.Context(), g.client, s, g.prefix, agreement.Events{Paths: []string{samples.Name}, Read: readSamples()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = g.client.Do(context.Background(), elastic.Request{Method: http.MethodDelete, Path: elastic.Path(g.prefix + "*")}, nil)
	})
	g.chain = chain(t, s.Pipeline, g.prefix+"*")
	return g
}

func connect(t *testing.T, address string) *elastic.Client {
	t.Helper()
	client, err := elastic.New(elastic.Config{Addresses: []string{address}, Wait: func(int) time.Duration { return 200 * time.Millisecond }, Retries: 3000})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// chain is a pipeline, and one that makes all rules look into some indices.
func chain(t *testing.T, name, index string) *pipeline.Chain {
	t.Helper()
	file := filepath.Join(t.TempDir(), "index.yml")
	text := "name: index\npriority: 90\ntransformations:\n  - {type: set_state, key: index, val: '" + index + "'}\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var parts []pipeline.Part
	for _, n := range []string{name, file} {
		p, err := pipeline.Load(n)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p)
	}
	return pipeline.NewChain(parts...)
}

func (g *ground) options() cluster.Options {
	return cluster.Options{Client: g.client, Index: []string{g.prefix + "*"}, Chain: g.chain, Target: esdsl.Target}
}

// both runs a test on the real Elasticsearch and on the real OpenSearch.
func both(t *testing.T, test func(t *testing.T, address string)) {
	t.Run("Elasticsearch", func(t *testing.T) { test(t, servers.Elasticsearch(t)) })
	t.Run("OpenSearch", func(t *testing.T) { test(t, servers.OpenSearch(t)) })
}

// rules are the samples' rules, so many times over, and others.
func rules(t *testing.T, times int, others ...string) []*sigma.Rule {
	t.Helper()
	var list []*sigma.Rule
	for range times {
		set, err := ruleset.LoadFS(samples.Rules(), ruleset.Choice{})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, set.List()...)
	}
	for _, text := range others {
		list = append(list, parse(t, text)...)
	}
	return list
}

func parse(t *testing.T, text string) []*sigma.Rule {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "rule.yml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	set, err := ruleset.Load([]string{dir}, ruleset.Choice{})
	if err != nil || len(set.Unreadable) > 0 {
		t.Fatal(err, set.Unreadable)
	}
	return set.List()
}

// found is a rule's hits: "title: time host", in the order in which they came.
type found map[string][]string

func (f found) add(list []*sigma.Rule, h engine.Hit) {
	title := list[h.Rule].Title
	hit := h.Time().Format(time.RFC3339Nano) + " " + strings.ToLower(h.Host())
	if h.Match != nil {
		// HELK writes hosts in lower case, what rules group by too.
		hit = strings.ToLower(fmt.Sprint(h.Match.Count, " ", h.Match.First.Format(time.RFC3339Nano), " ", hit, " ", h.Match.Group))
	}
	f[title] = append(f[title], hit)
}

func (f found) sorted() found {
	for _, hits := range f {
		slices.Sort(hits)
	}
	return f
}

// local is what the rules find in the files.
func local(t *testing.T, list []*sigma.Rule) found {
	t.Helper()
	preparer, err := engine.NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	prepared, errs := preparer.PrepareAll(list, nil)
	noErrors(t, errs)
	r, err := engine.Open(t.Context(), []string{samples.Name}, readSamples(), prepared)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	f := found{}
	if _, err := engine.Scan(t.Context(), r, prepared, 0, func(h engine.Hit) error { f.add(list, h); return nil }); err != nil {
		t.Fatal(err)
	}
	return f.sorted()
}

func noErrors(t *testing.T, errs []error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// scan is what the rules find on the cluster.
func scan(t *testing.T, c *cluster.Cluster, list []*sigma.Rule) (found, *engine.ScanInfo) {
	t.Helper()
	prepared, errs := c.PrepareAll(list, nil)
	noErrors(t, errs)
	f := found{}
	info, err := c.Scan(t.Context(), prepared, func(h engine.Hit) error { f.add(list, h); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return f, info
}

const burst = `
title: Many processes
name: many
logsource: {category: process_creation, product: windows}
detection:
  selection: {Image|endswith: '.exe'}
  condition: selection
---
title: Burst
correlation:
  type: event_count
  rules: [many]
  group-by: [Computer]
  timespan: 1h
  condition: {gte: 5}
`

const keywords = `
title: Keywords
logsource: {product: windows}
detection:
  keywords: ['downloadstring', 'Administrators']
  condition: keywords
`

func TestClusterFindsWhatFilesGive(t *testing.T) {
	for _, name := range []string{"helk", "ecs"} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, address string) {
				g := newGround(t, address, name)
				// Few rules are asked as they are, many against the values there are.
				for _, times := range []int{1, 2} {
					list := rules(t, times, burst, keywords)
					got, info := scan(t, cluster.New(g.options()), list)
					for i, about := range info.Rules {
						if about.Err != nil || about.Incomplete != "" {
							t.Errorf("%s: %v, %s", list[i].Title, about.Err, about.Incomplete)
						}
					}
					want := local(t, list)
					if len(want) < 10 || len(want["Burst"]) == 0 || len(want["Keywords"]) == 0 {
						t.Fatalf("the files give hits of %d rules", len(want))
					}
					if d := cmp.Diff(want, got.sorted()); d != "" {
						t.Errorf("%d rules (-files +cluster):\n%s", len(list), d)
					}
				}
			})
		})
	}
}
