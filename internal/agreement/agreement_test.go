package agreement_test

import (
	"cmp"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/huntbook/huntbook/convert"
	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/internal/agreement"
	"github.com/huntbook/huntbook/internal/servers"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/match"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/standard"
)

var update = flag.Bool("update", false, "write docs/agreement.md anew")

// all tells that every event and every combination is looked at: make agreement.
var all = os.Getenv("HUNTBOOK_AGREEMENT") == "all"

// targets are what each product is asked in.
var targets = map[elastic.Product][]string{
	elastic.Elasticsearch: {"es-dsl", "es-qs", "lucene", "kql", "esql"},
	elastic.OpenSearch:    {"es-dsl", "es-qs", "lucene", "kql", "opensearch_lucene"},
}

func corpus(t *testing.T) string {
	t.Helper()
	shared := os.Getenv("HUNTBOOK_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	dir := filepath.Join(shared, "corpus")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the corpus is not there: set HUNTBOOK_SHARED to its folder")
	}
	return dir
}

// sample is a part of the corpus: the regression data of rules and recorded attacks,
// in which most rules match, and of the datasets every fourth event.
func sample(dir string) []agreement.Events {
	few := agreement.Events{Paths: []string{filepath.Join(dir, "sigma", "regression_data"), filepath.Join(dir, "evtx-attack-samples"), filepath.Join(dir, "seed")}}
	many := agreement.Events{Paths: []string{filepath.Join(dir, "mordor")}}
	if !all {
		many.Keep = func(id string) bool { return strings.IndexByte("ABCDEFGHIJKLMNOP", id[0]) >= 0 }
	}
	return []agreement.Events{few, many}
}

// reference is what the matcher finds.
type reference struct {
	rules []ruleset.Entry
	ids   [][]string // by rule
	// heavy tells of rules that a server works on for up to a minute.
	heavy []bool
	// windows are the ids of Windows events: rules for another product say nothing
	// about them, which no query can tell, and hunts leave them out.
	windows map[string]bool
	count   int // of events, equal ones once
}

func matched(t *testing.T, dir string) *reference {
	t.Helper()
	set, err := ruleset.Load([]string{filepath.Join(dir, "sigma", "rules"), filepath.Join(dir, "sigma", "rules-threat-hunting")}, ruleset.Choice{})
	if err != nil {
		t.Fatal(err)
	}
	preparer, err := engine.NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	prepared, errs := preparer.PrepareAll(set.List(), set.All)
	r := &reference{windows: map[string]bool{}}
	var list []match.Rule
	for i, p := range prepared {
		if errs[i] == nil && p.Correlation == nil {
			r.rules = append(r.rules, set.Rules[i])
			r.heavy = append(r.heavy, isHeavy(p.Expr))
			list = append(list, match.Rule{Expr: p.Expr, Scope: p.Scope})
		}
	}
	program, compileErrs := match.Compile(list)
	if err := errors.Join(compileErrs...); err != nil {
		t.Fatal(err)
	}
	r.ids = make([][]string, len(list))
	known := map[string]bool{}
	m := match.NewMatcher(program, event.Options{})
	for _, events := range sample(dir) {
		err := events.Each(t.Context(), func(b *event.Batch, rows []int, ids []string) error {
			kept := map[int]string{}
			for i, row := range rows {
				kept[row], known[ids[i]] = ids[i], true
				if b.Windows[row] {
					r.windows[ids[i]] = true
				}
			}
			m.Batch(b, func(rule int, rows []int) {
				for _, row := range rows {
					if id, ok := kept[row]; ok {
						r.ids[rule] = append(r.ids[rule], id)
					}
				}
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range r.ids {
		slices.Sort(r.ids[i])
		r.ids[i] = slices.Compact(r.ids[i])
	}
	r.count = len(known)
	return r
}

// isHeavy tells whether a rule looks for a text in every field, of which there are
// hundreds, or for hundreds of texts: each is an automaton that the server makes.
func isHeavy(e ir.Expr) bool {
	everywhere, n := false, 0
	ir.Walk(e, func(m *ir.Match) {
		everywhere = everywhere || m.Field == "" && m.Op != ir.Raw
		n++
	})
	return everywhere || n > 300
}

func TestServersAgreeWithMatch(t *testing.T) {
	dir := corpus(t)
	want := matched(t, dir)
	y := &tally{rules: len(want.rules), events: want.count}
	for i, heavy := range want.heavy {
		if heavy && len(want.ids[i]) > 0 {
			y.heavy++
		}
	}
	for _, name := range []string{"helk", "ecs"} {
		for _, product := range []elastic.Product{elastic.Elasticsearch, elastic.OpenSearch} {
			t.Run(name+"/"+string(product), func(t *testing.T) {
				asked := asked(name, product)
				if len(asked) == 0 {
					t.Skip("HUNTBOOK_AGREEMENT=1 asks this too, and make agreement does, of every event")
				}
				server := stored(t, connected(t, product), name, dir, want.count)
				for _, target := range asked {
					t.Run(target, func(t *testing.T) { compare(t, server, want, y, run{name, product, target}) })
				}
			})
		}
	}
	y.check(t)
	if *update {
		y.write(t)
	}
}

// connected is a client of a product's server.
func connected(t *testing.T, product elastic.Product) *elastic.Client {
	t.Helper()
	address := servers.Elasticsearch
	if product == elastic.OpenSearch {
		address = servers.OpenSearch
	}
	client, err := elastic.New(elastic.Config{Addresses: []string{address(t)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := agreement.Unbind(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	return client
}

// asked are the targets of a combination: all of them with $HUNTBOOK_AGREEMENT, else so
// many that each is asked somewhere.
func asked(standard string, product elastic.Product) []string {
	sampled := map[string]map[elastic.Product][]string{
		"helk": {elastic.Elasticsearch: {"es-dsl", "es-qs", "kql", "esql"}, elastic.OpenSearch: {"es-dsl"}},
		"ecs":  {elastic.Elasticsearch: {"es-dsl", "lucene", "esql"}, elastic.OpenSearch: {"opensearch_lucene"}},
	}
	if os.Getenv("HUNTBOOK_AGREEMENT") == "" {
		return sampled[standard][product]
	}
	return targets[product]
}

// stored puts the events into a server under a standard.
func stored(t *testing.T, client *elastic.Client, name, dir string, want int) *agreement.Server {
	t.Helper()
	s, err := standard.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := pipeline.Load(s.Pipeline)
	if err != nil {
		t.Fatal(err)
	}
	prefix := servers.Name(t) + "-"
	count := 0
	for _, events := range sample(dir) {
		n, err := agreement.Store(t.Context(), client, s, prefix, events)
		if err != nil {
			t.Fatal(err)
		}
		count += n
	}
	if count != want {
		t.Fatalf("%d documents are stored, of %d events", count, want)
	}
	return &agreement.Server{Client: client, Prefix: prefix, Chain: pipeline.NewChain(p)}
}

// compare asks for the rules in a target's language. In a sample those that no event
// matches take turns among the runs.
func compare(t *testing.T, server *agreement.Server, want *reference, y *tally, r run) {
	t.Helper()
	language, err := convert.Target(r.target)
	if err != nil {
		t.Fatal(err)
	}
	turn := y.begin(r)
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(2)
	var mu sync.Mutex
	took := map[string]time.Duration{}
	for i, entry := range want.rules {
		if !all && !want.hasTurn(i, turn) {
			continue
		}
		group.Go(func() error {
			begun := time.Now()
			got, err := server.Ask(ctx, language, entry.Rule)
			mu.Lock()
			took[entry.Path] = time.Since(begun)
			mu.Unlock()
			if p := strings.ToLower(entry.Rule.LogSource.Product); p != "" && p != "windows" {
				got = slices.DeleteFunc(got, func(id string) bool { return want.windows[id] })
			}
			y.add(r, entry.Path, want.ids[i], got, err)
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	slowest := slices.SortedFunc(maps.Keys(took), func(a, b string) int { return cmp.Compare(took[b], took[a]) })
	t.Logf("%-5s %-14s %-18s %+v", r.standard, r.product, r.target, *y.counts[r])
	for _, path := range slowest[:min(5, len(slowest))] {
		t.Logf("%6.1f s %s", took[path].Seconds(), path)
	}
}

// hasTurn tells whether a rule is asked in a run of a sample. Those that no event
// matches take turns, and so do heavy ones.
func (r *reference) hasTurn(rule, turn int) bool {
	switch {
	case len(r.ids[rule]) == 0:
		return !r.heavy[rule] && (rule+turn)%9 == 0
	case r.heavy[rule]:
		return (rule+turn)%4 == 0
	}
	return true
}
