package agreement_test

import (
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
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
	"github.com/huntbook/huntbook/match"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/sigma"
	"github.com/huntbook/huntbook/standard"
)

var update = flag.Bool("update", false, "write the list of differences and docs/agreement.md anew")

// all tells that every event and every combination is looked at: make agreement.
var all = os.Getenv("HUNTBOOK_AGREEMENT") == "all"

// targets are what each product is asked in.
var targets = map[elastic.Product][]string{
	elastic.Elasticsearch: {"es-dsl", "es-qs", "lucene", "kql", "esql"},
	elastic.OpenSearch:    {"es-dsl", "es-qs", "lucene", "opensearch_lucene"},
}

var standards = []string{"helk", "ecs"}

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
// in which most rules match, and of the datasets every eighth event or so.
func sample(dir string) []agreement.Events {
	events := []agreement.Events{
		{Paths: []string{filepath.Join(dir, "sigma", "regression_data"), filepath.Join(dir, "evtx-attack-samples"), filepath.Join(dir, "seed")}},
		{Paths: []string{filepath.Join(dir, "mordor")}},
	}
	if os.Getenv("HUNTBOOK_AGREEMENT") == "small" {
		events = events[:1]
		events[0].Paths = events[0].Paths[:1]
	} else if !all {
		events[1].Keep = func(id string) bool { return strings.IndexByte("ABCDEFGH", id[0]) >= 0 }
	}
	return events
}

// reference is what the matcher finds.
type reference struct {
	rules []ruleset.Entry
	ids   [][]string // by rule
	count int        // of events, equal ones once
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
	r := &reference{}
	var list []match.Rule
	for i, p := range prepared {
		if errs[i] == nil && p.Correlation == nil {
			r.rules = append(r.rules, set.Rules[i])
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

// difference is a rule whose documents are not the events that match.
type difference struct {
	rule, standard, product, target string
	missing, extra                  int
	err                             string
}

func TestServersAgreeWithMatch(t *testing.T) {
	clients := map[elastic.Product]*elastic.Client{}
	for product, address := range map[elastic.Product]string{elastic.Elasticsearch: servers.Elasticsearch(t), elastic.OpenSearch: servers.OpenSearch(t)} {
		client, err := elastic.New(elastic.Config{Addresses: []string{address}})
		if err != nil {
			t.Fatal(err)
		}
		if err := agreement.Unbind(t.Context(), client); err != nil {
			t.Fatal(err)
		}
		clients[product] = client
	}
	dir := corpus(t)
	want := matched(t, dir)
	t.Logf("%d rules, %d events", len(want.rules), want.count)
	tally := &tally{}
	for _, name := range standards {
		s, err := standard.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		p, err := pipeline.Load(s.Pipeline)
		if err != nil {
			t.Fatal(err)
		}
		for _, product := range []elastic.Product{elastic.Elasticsearch, elastic.OpenSearch} {
			prefix := servers.Name(t) + "-"
			stored := 0
			for _, events := range sample(dir) {
				n, err := agreement.Store(t.Context(), clients[product], s, prefix, events)
				if err != nil {
					t.Fatal(err)
				}
				stored += n
			}
			if stored != want.count {
				t.Fatalf("%d documents are stored, of %d events", stored, want.count)
			}
			server := &agreement.Server{Client: clients[product], Prefix: prefix, Chain: pipeline.NewChain(p)}
			for _, target := range targets[product] {
				compare(t, server, want, tally, name, string(product), target)
			}
		}
	}
	tally.report(t)
}

// compare asks for the rules in a target's language. In a sample those that no event
// matches take turns among the targets.
func compare(t *testing.T, server *agreement.Server, want *reference, tally *tally, standardName, product, target string) {
	t.Helper()
	language, err := convert.Target(target)
	if err != nil {
		t.Fatal(err)
	}
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(2)
	for i, entry := range want.rules {
		if turn := (i + len(tally.runs)) % 8; len(want.ids[i]) == 0 && !all && turn != 0 {
			continue
		}
		group.Go(func() error {
			st := time.Now()
			got, err := server.Ask(ctx, language, entry.Rule)
			if d := time.Since(st); d > 3*time.Second {
				fmt.Println("slow", d, target, product, entry.Path)
			}
			tally.add(entry.Path, standardName, product, target, want.ids[i], got, err)
			return ctx.Err()
		})
	}
	st := time.Now()
	tally.begin(standardName, product, target)
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	fmt.Println(standardName, product, target, time.Since(st), *tally.counts[run{standardName, product, target}])
}

type run struct{ standard, product, target string }

type counts struct{ asked, equal, hits, unsupported, different int }

type tally struct {
	mu          sync.Mutex
	runs        []run
	counts      map[run]*counts
	differences []difference
}

func (y *tally) begin(standardName, product, target string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.runs = append(y.runs, run{standardName, product, target})
}

func (y *tally) add(rule, standardName, product, target string, want, got []string, err error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.counts == nil {
		y.counts = map[run]*counts{}
	}
	key := run{standardName, product, target}
	c := y.counts[key]
	if c == nil {
		c = &counts{}
		y.counts[key] = c
	}
	if errors.Is(err, agreement.ErrNotConverted) {
		c.unsupported++
		return
	}
	c.asked++
	if err == nil && slices.Equal(want, got) {
		c.equal++
		c.hits += len(got)
		return
	}
	c.different++
	d := difference{rule: rule, standard: standardName, product: product, target: target}
	if err != nil {
		d.err = err.Error()
	} else {
		d.missing, d.extra = len(without(want, got)), len(without(got, want))
	}
	y.differences = append(y.differences, d)
}

// without are the members of a that b lacks.
func without(a, b []string) []string {
	has := map[string]bool{}
	for _, x := range b {
		has[x] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(x string) bool { return has[x] })
}

func (y *tally) report(t *testing.T) {
	for _, r := range y.runs {
		t.Logf("%-5s %-14s %-18s %+v", r.standard, r.product, r.target, *y.counts[r])
	}
	slices.SortFunc(y.differences, func(a, b difference) int {
		return strings.Compare(fmt.Sprint(a.rule, a.standard, a.product, a.target), fmt.Sprint(b.rule, b.standard, b.product, b.target))
	})
	f, _ := os.Create("/tmp/hb/differences.tsv")
	w := csv.NewWriter(f)
	w.Comma = '\t'
	for _, d := range y.differences {
		_ = w.Write([]string{d.rule, d.standard, d.product, d.target, fmt.Sprint(d.missing), fmt.Sprint(d.extra), d.err})
	}
	w.Flush()
	_ = f.Close()
	_ = maps.Keys(y.counts)
	_ = context.Background
	var _ *sigma.Rule
}
