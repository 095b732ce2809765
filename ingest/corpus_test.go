package ingest_test

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ingest"
)

// shared is the folder of the corpus that the tests may read; it is not part of
// the repository.
func shared(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("HUNTBOOK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	if _, err := os.Stat(filepath.Join(dir, "corpus")); err != nil {
		t.Skip("the corpus is not here: HUNTBOOK_SHARED says where it is")
	}
	return dir
}

// counts is what reading gave: events by the part of their source's name before
// the first "!", and in all.
type counts struct {
	events   map[string]int
	all      int
	windows  int
	undated  int
	summary  ingest.Summary
	channels map[string]int
}

func readAll(t testing.TB, o ingest.Options, inputs ...string) counts {
	t.Helper()
	ctx := context.Background()
	r, err := ingest.Open(ctx, inputs, o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := counts{events: map[string]int{}, channels: map[string]int{}}
	for {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		channel := b.Column("Channel")
		for i, rec := range b.Records {
			archive, _, _ := strings.Cut(rec.Source.Name, "!")
			c.events[archive]++
			c.all++
			if b.Windows[i] {
				c.windows++
				if channel != nil {
					c.channels[channel.Values[channel.Codes[i]].Text]++
				}
			}
			if b.Times[i] == event.NoTime {
				c.undated++
			}
		}
	}
	c.summary = r.Summary()
	return c
}

func TestMordor(t *testing.T) {
	dir := shared(t)
	f, err := os.Open(filepath.Join(dir, "facts", "mordor_datasets.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	reader := csv.NewReader(f)
	reader.Comma, reader.LazyQuotes, reader.FieldsPerRecord = '\t', true, -1
	rows, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	for _, row := range rows[1:] {
		if len(row) > 5 && row[4] == "json" {
			n, err := strconv.Atoi(row[5])
			if err != nil {
				t.Fatal(err)
			}
			want[row[0]] += n
		}
	}
	root := filepath.Join(dir, "corpus", "mordor")
	got := readAll(t, ingest.Options{}, root)
	if len(got.events) < 60 {
		t.Errorf("%d archives with events, want at least 60", len(got.events))
	}
	for name, n := range got.events {
		archive := strings.TrimPrefix(name, root+"/")
		if n != want[archive] {
			t.Errorf("%s: %d events, want %d", archive, n, want[archive])
		}
	}
	if got.windows < 422_000 || got.all != got.windows+103 {
		t.Errorf("%d events of Windows of %d; all but 103 of CloudTrail are", got.windows, got.all)
	}
	if got.undated > 0 {
		t.Errorf("%d events without a time", got.undated)
	}
	s := got.summary
	if s.Broken != 0 || len(s.Failed) != 0 {
		t.Errorf("broken %d %v, failed %v; want none", s.Broken, s.BrokenPlaces, s.Failed)
	}
	if len(s.Unknown) != 3 {
		t.Errorf("unknown: %v; want the CSV and the two audit logs", s.Unknown)
	}
	t.Logf("%d events, %d of Windows, %d files, %d bytes", got.all, got.windows, s.Files, s.Bytes)
}

func TestSeed(t *testing.T) {
	got := readAll(t, ingest.Options{}, filepath.Join(shared(t), "corpus", "seed", "empire_elevated_wmi.tar.gz"))
	want := map[string]int{
		"Microsoft-Windows-Sysmon/Operational":       2126,
		"Security":                                   439,
		"Windows PowerShell":                         259,
		"Microsoft-Windows-PowerShell/Operational":   218,
		"Microsoft-Windows-WMI-Activity/Operational": 47,
	}
	if got.all != 3089 || got.windows != 3089 {
		t.Errorf("%d events, %d of Windows; want 3089", got.all, got.windows)
	}
	for channel, n := range want {
		if got.channels[channel] != n {
			t.Errorf("%s: %d events, want %d", channel, got.channels[channel], n)
		}
	}
	if len(got.summary.Failed) > 0 {
		t.Errorf("failed: %v", got.summary.Failed)
	}
}

func TestRegressionData(t *testing.T) {
	got := readAll(t, ingest.Options{}, filepath.Join(shared(t), "corpus", "sigma", "regression_data"))
	// Each event stands there twice: in a .json file and in an .evtx file.
	if got.all != 244 || got.windows != 244 || got.undated != 0 || got.summary.Broken != 0 {
		t.Errorf("%d events, %d of Windows, %d without a time, %d broken; want 244, 244, 0, 0",
			got.all, got.windows, got.undated, got.summary.Broken)
	}
	for _, p := range got.summary.Unknown {
		if !strings.HasSuffix(p.Name, ".yml") {
			t.Errorf("unknown: %v", p)
		}
	}
}

func BenchmarkCorpus(b *testing.B) {
	root := filepath.Join(shared(b), "corpus", "mordor")
	for b.Loop() {
		got := readAll(b, ingest.Options{}, root)
		b.SetBytes(got.summary.Bytes)
	}
}
