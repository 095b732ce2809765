package targettest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/explain"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/ir"
)

// Matching gives the places, as text, of the events that a tree matches by package
// explain's evaluator, which looks at one event and one comparison at a time. An
// event is a JSON object.
func Matching(t testing.TB, events []string) func(ir.Expr) []string {
	t.Helper()
	builder := event.NewBuilder(event.Options{})
	for i, e := range events {
		if err := builder.AppendJSON([]byte(e), event.Record{Number: i}); err != nil {
			t.Fatal(err)
		}
	}
	matching := BatchMatching(builder.Batch())
	return func(e ir.Expr) []string {
		var ids []string
		for _, row := range matching(e) {
			ids = append(ids, strconv.Itoa(row))
		}
		return ids
	}
}

// BatchMatching gives the rows of a batch that a tree matches, as Matching does.
func BatchMatching(batch *event.Batch) func(ir.Expr) []int {
	evaluator := explain.NewEvaluator()
	return func(e ir.Expr) []int {
		var rows []int
		for row := range batch.Rows {
			if evaluator.Event(batch, row).Matches(e) {
				rows = append(rows, row)
			}
		}
		return rows
	}
}

// Events are so many events of the corpus, the same ones every time: first those for
// which rules were written, then a few of each kind of other datasets.
func Events(t testing.TB, n int) *event.Batch {
	t.Helper()
	corpus := filepath.Join(Shared(t), "corpus")
	var datasets []string
	err := filepath.WalkDir(filepath.Join(corpus, "mordor"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			datasets = append(datasets, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	inputs := []string{filepath.Join(corpus, "sigma", "regression_data"), filepath.Join(corpus, "evtx-attack-samples")}
	for i := 0; i < len(datasets); i += 4 {
		inputs = append(inputs, datasets[i])
	}
	r, err := ingest.Open(context.Background(), inputs, ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	builder := event.NewBuilder(event.Options{})
	seen := map[string]int{}
	for builder.Rows() < n {
		b, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for row, rec := range b.Records {
			kind := rec.Source.Name + value(b, row, "Channel") + value(b, row, "EventID")
			if seen[kind]++; seen[kind] > 20 || builder.Rows() == n {
				continue
			}
			if err := builder.AppendJSON(append([]byte(nil), rec.Raw...), rec); err != nil {
				t.Fatal(err)
			}
		}
	}
	if builder.Rows() < n {
		t.Fatalf("only %d events", builder.Rows())
	}
	return builder.Batch()
}

func value(b *event.Batch, row int, field string) string {
	c := b.Column(field)
	if c == nil {
		return ""
	}
	return fmt.Sprint("\x00", c.Values[c.Codes[row]].Text)
}
