package engine

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/sigma"
)

// BenchmarkFile matches the rules of the folder $HUNTBOOK_BENCH_RULES against the file
// $HUNTBOOK_BENCH_EVENTS on one core: for profiles of the whole way.
func BenchmarkFile(b *testing.B) {
	events, folder := os.Getenv("HUNTBOOK_BENCH_EVENTS"), os.Getenv("HUNTBOOK_BENCH_RULES")
	if events == "" || folder == "" {
		b.Skip("HUNTBOOK_BENCH_EVENTS and HUNTBOOK_BENCH_RULES name no file and folder")
	}
	info, err := os.Stat(events)
	if err != nil {
		b.Fatal(err)
	}
	rules := preparedFolder(b, folder)
	b.SetBytes(info.Size())
	b.ReportAllocs()
	for b.Loop() {
		hits := 0
		r, err := Open(context.Background(), []string{events}, ingest.Options{}, rules)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Scan(context.Background(), r, rules, 1, func(Hit) error { hits++; return nil }); err != nil {
			b.Fatal(err)
		}
		r.Close()
		b.ReportMetric(float64(hits), "hits")
	}
}

func preparedFolder(b *testing.B, folder string) []Prepared {
	preparer, err := NewPreparer()
	if err != nil {
		b.Fatal(err)
	}
	var list []Prepared
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yml" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rules, _ := sigma.Parse(&diag.File{Path: path, Data: text})
		for _, r := range rules {
			if p, err := preparer.Prepare(r); err == nil {
				list = append(list, p)
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return list
}
