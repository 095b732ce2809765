package ingest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/ingest"
)

// TestLayoutsProperty writes objects of random sizes in a random layout, reads
// them in pieces of random sizes, and expects each once, in order, as written.
func TestLayoutsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "objects")
		objects := make([]string, n)
		for i := range objects {
			padding := rapid.SampledFrom([]int{0, 1, 100, 5_000, 33_000, 70_000}).Draw(t, "size")
			filler := rapid.SampledFrom([]string{"x", `\"}`, `\\`, "{", "ü", `\u005d`}).Draw(t, "filler")
			objects[i] = fmt.Sprintf(`{"id":%d,"x":["%s"]}`, i, strings.Repeat(filler, padding/len(filler)))
		}
		layout := rapid.SampledFrom([]struct{ before, between, after string }{
			{"", "\n", "\n"}, {"", "\r\n\r\n", ""}, {"[", ",", "]"}, {"[\n  ", ",\n  ", "\n]\n"}, {"", "", ""}, {"", " ", "\n"}, {"", ",\n", ""},
			{"Record 1\n", "\nRecord 22\n", "\n"},
		}).Draw(t, "layout")
		text := layout.before + strings.Join(objects, layout.between) + layout.after
		var in io.Reader = strings.NewReader(text)
		if rapid.Bool().Draw(t, "halves") {
			in = iotest.HalfReader(in)
		}
		r, err := ingest.Open(context.Background(), []string{"-"}, ingest.Options{Stdin: in, BatchRows: 7})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		next := 0
		for {
			b, err := r.Next(context.Background())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range b.Records {
				if next >= n || string(rec.Raw) != objects[next] || rec.Number != next+1 {
					t.Fatalf("record %d is %.60s", next+1, rec.Raw)
				}
				next++
			}
		}
		if s := r.Summary(); next != n || s.Broken > 0 || len(s.Failed) > 0 {
			t.Fatalf("%d of %d objects, broken %v, failed %v", next, n, s.BrokenPlaces, s.Failed)
		}
	})
}

// FuzzRead reads any bytes as a file. Whatever comes out as an event is JSON, and
// the numbers of records only grow.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		ab, "[" + one + "," + two + "]", "{\n\"id\":1\n}\n{bad\n{\n}\n", one + two, "Record 1\n" + one + "\nRecord 2\n" + two,
		"\xff\xfe{\x00}\x00", "\xef\xbb\xbf" + one, gzipOf(ab), gzipOf(ab)[:20], zstdOf(f, ab), zipOf(f, entry{"a", ab}),
		tarOf(f, entry{"a", ab}), gzipOf(tarOf(f, entry{"a", ab})), table, "ElfFile\x00", "[[[{", `{"a":"` + strings.Repeat("x", 300),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o := ingest.Options{Stdin: strings.NewReader(string(data)), MaxEventBytes: 256, BatchRows: 3,
			Limits: ingest.Limits{MemberBytes: 1 << 20, SpoolBytes: 1 << 20}}
		r, err := ingest.Open(context.Background(), []string{"-"}, o)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		last, name := 0, ""
		for {
			b, err := r.Next(context.Background())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range b.Records {
				if rec.Source.Name != name {
					last, name = 0, rec.Source.Name
				}
				if !json.Valid(rec.Raw) || len(rec.Raw) > 256 {
					t.Fatalf("%q is no event", rec.Raw)
				}
				if rec.Number <= last {
					t.Fatalf("record %d follows %d", rec.Number, last)
				}
				last = rec.Number
			}
		}
	})
}
