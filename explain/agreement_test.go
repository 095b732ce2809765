package explain_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/explain"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/match"
	"github.com/huntbook/huntbook/ruleset"
)

// The agreement test holds the matcher, which looks at every distinct value once,
// against the evaluator, which looks at one event and one comparison at a time:
// every rule of the corpus on a fixed sample of its events, or with
// HUNTBOOK_AGREEMENT=all on all of them ("make agreement").

const sampleSize = 20_000

// perKind is how many events of each channel and event id a file gives to the
// sample, so that every rule that a log source has meets events of it.
const perKind = 12

func TestMatcherAgreesOnCorpus(t *testing.T) {
	root := corpus(t)
	rules := corpusRules(t, root)
	if os.Getenv("HUNTBOOK_AGREEMENT") == "all" {
		a := newAgreement(t, rules)
		read(t, root, func(b *event.Batch) { a.batches <- b })
		a.finish(400_000, 15_000)
		return
	}
	a := newAgreement(t, rules)
	builder := event.NewBuilder(event.Options{})
	for _, r := range sample(t, root) {
		if err := builder.AppendJSON(r.Raw, r); err != nil {
			t.Fatal(err)
		}
		if builder.Full() || builder.Rows() == 4096 {
			a.batches <- builder.Batch()
		}
	}
	a.batches <- builder.Batch()
	a.finish(sampleSize, 2_500)
}

// corpus is the shared corpus; the test is skipped without it.
func corpus(t *testing.T) string {
	t.Helper()
	shared := os.Getenv("HUNTBOOK_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	root := filepath.Join(shared, "corpus")
	if _, err := os.Stat(filepath.Join(root, "mordor")); err != nil {
		t.Skip("the corpus is not there: set HUNTBOOK_SHARED to its folder")
	}
	return root
}

func corpusRules(t *testing.T, root string) []engine.Prepared {
	t.Helper()
	set, err := ruleset.Load([]string{filepath.Join(root, "sigma")}, ruleset.Choice{Statuses: []string{
		"unsupported", "deprecated", "experimental", "test", "stable",
	}})
	if err != nil {
		t.Fatal(err)
	}
	preparer, err := engine.NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	var rules []engine.Prepared
	for _, e := range set.Rules {
		if p, err := preparer.Prepare(e.Rule); err == nil && p.Expr != nil {
			rules = append(rules, p)
		}
	}
	if len(rules) < 3000 {
		t.Fatalf("only %d rules can be matched", len(rules))
	}
	return rules
}

// read gives every event of the corpus.
func read(t *testing.T, root string, each func(*event.Batch)) {
	t.Helper()
	inputs := []string{filepath.Join(root, "mordor"), filepath.Join(root, "evtx-attack-samples"), filepath.Join(root, "sigma", "regression_data")}
	r, err := ingest.Open(context.Background(), inputs, ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		b, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		each(b)
	}
}

// sample chooses events evenly over files, channels and event ids, the same ones
// every time.
func sample(t *testing.T, root string) []event.Record {
	t.Helper()
	var chosen []event.Record
	seen := map[string]int{}
	read(t, root, func(b *event.Batch) {
		for row, r := range b.Records {
			kind := r.Source.Name + "\x00" + kindOf(b, row)
			if seen[kind]++; seen[kind] <= perKind {
				r.Raw = bytes.Clone(r.Raw)
				chosen = append(chosen, r)
			}
		}
	})
	if len(chosen) < sampleSize {
		t.Fatalf("only %d events to choose from", len(chosen))
	}
	even := make([]event.Record, sampleSize)
	for i := range even {
		even[i] = chosen[i*len(chosen)/sampleSize]
	}
	return even
}

// kindOf is what the log source conditions of rules read of an event.
func kindOf(b *event.Batch, row int) string {
	kind := fmt.Sprint(b.Windows[row])
	for _, name := range logSourceFields {
		kind += "\x00"
		if c := b.Column(name); c != nil {
			kind += fmt.Sprint(c.Values[c.Codes[row]].Kind) + c.Values[c.Codes[row]].Text
		}
	}
	return kind
}

var logSourceFields = []string{"Channel", "EventID"}

// agreement compares the two on batches, several at once.
type agreement struct {
	t       *testing.T
	rules   []engine.Prepared
	batches chan *event.Batch
	done    sync.WaitGroup

	mu                   sync.Mutex
	events, hits, failed int
	fired                map[int]bool
}

func newAgreement(t *testing.T, rules []engine.Prepared) *agreement {
	compiled := make([]match.Rule, len(rules))
	for i, r := range rules {
		compiled[i] = match.Rule{Expr: r.Expr, Scope: r.Scope}
	}
	program, errs := match.Compile(compiled)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	a := &agreement{t: t, rules: rules, batches: make(chan *event.Batch), fired: map[int]bool{}}
	for range runtime.GOMAXPROCS(0) {
		a.done.Go(func() {
			matcher, evaluator := match.NewMatcher(program, event.Options{}), explain.NewEvaluator()
			for b := range a.batches {
				a.compare(b, matcher, evaluator)
			}
		})
	}
	return a
}

// finish waits, and demands that enough was compared.
func (a *agreement) finish(events, hits int) {
	close(a.batches)
	a.done.Wait()
	a.t.Logf("%d rules on %d events: %d matches of %d rules", len(a.rules), a.events, a.hits, len(a.fired))
	if a.events < events || a.hits < hits || len(a.fired) < 300 {
		a.t.Error("that is too little to tell anything")
	}
}

func (a *agreement) compare(b *event.Batch, matcher *match.Matcher, evaluator *explain.Evaluator) {
	got := make([][]int, len(a.rules))
	matcher.Batch(b, func(rule int, rows []int) { got[rule] = slices.Clone(rows) })
	events := make([]*explain.Event, b.Rows)
	kinds := map[string][]int{} // rows
	for row := range events {
		events[row] = evaluator.Event(b, row)
		kind := kindOf(b, row)
		kinds[kind] = append(kinds[kind], row)
	}
	a.mu.Lock()
	a.events += b.Rows
	a.mu.Unlock()
	for i, r := range a.rules {
		var want []int
		for _, rows := range kinds {
			e := events[rows[0]]
			if r.Scope == match.WindowsEvent && !e.Windows() || r.Scope == match.OtherEvent && e.Windows() || !possible(e, r.Expr) {
				continue
			}
			for _, row := range rows {
				if events[row].Matches(r.Expr) {
					want = append(want, row)
				}
			}
		}
		slices.Sort(want)
		a.note(b, i, got[i], want)
	}
}

// possible tells whether a tree can be true of events that have the log source
// of this one: parts that read more than that may be.
func possible(e *explain.Event, x ir.Expr) bool {
	switch x := x.(type) {
	case *ir.And:
		return !slices.ContainsFunc(x.X, func(y ir.Expr) bool { return !possible(e, y) })
	case *ir.Or:
		return slices.ContainsFunc(x.X, func(y ir.Expr) bool { return possible(e, y) })
	}
	readsMore := false
	ir.Walk(x, func(m *ir.Match) {
		readsMore = readsMore || !slices.Contains(logSourceFields, m.Field) || m.Op == ir.FieldRef
	})
	return readsMore || e.Matches(x)
}

func (a *agreement) note(b *event.Batch, rule int, got, want []int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hits += len(want)
	if len(want) > 0 {
		a.fired[rule] = true
	}
	if slices.Equal(got, want) {
		return
	}
	if a.failed++; a.failed > 20 {
		return
	}
	for row, r := range b.Records {
		g, w := slices.Contains(got, row), slices.Contains(want, row)
		if g != w {
			a.t.Errorf("%s, record %d of %s: the matcher says %v, the evaluator %v", a.rules[rule].Rule.Title, r.Number, r.Source.Name, g, w)
			return
		}
	}
}
