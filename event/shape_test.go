package event

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write golden files anew")

var kindNames = map[Kind]string{Null: "null", Bool: "bool", Number: "number", String: "text", List: "list"}

// TestShapes reads the events of each file in testdata/shapes into one batch and
// compares it with the golden file beside it.
func TestShapes(t *testing.T) {
	files, err := filepath.Glob("testdata/shapes/*.ndjson")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".ndjson"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := render(batchOf(t, Options{}, bytes.Split(bytes.TrimSpace(data), []byte("\n"))...))
			golden := strings.TrimSuffix(file, ".ndjson") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func batchOf(t testing.TB, o Options, events ...[]byte) *Batch {
	t.Helper()
	b := NewBuilder(o)
	for i, raw := range events {
		if err := b.AppendJSON(raw, Record{Number: i + 1}); err != nil {
			t.Fatalf("event %d: %v", i+1, err)
		}
	}
	return b.Batch()
}

func render(b *Batch) string {
	var out strings.Builder
	for i := range b.Rows {
		stamp := "no time"
		if b.Times[i] != NoTime {
			stamp = time.Unix(0, b.Times[i]).UTC().Format(time.RFC3339Nano)
		}
		fmt.Fprintf(&out, "event %d: %s, Windows %t\n", b.Records[i].Number, stamp, b.Windows[i])
		for _, c := range b.Columns {
			if code := c.Codes[i]; code != 0 {
				v := c.Values[code]
				fmt.Fprintf(&out, "  %s = %s %q\n", c.Name, kindNames[v.Kind], v.Text)
			}
		}
	}
	return out.String()
}
