package explain_test

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var example = regexp.MustCompile("(?s)(```yaml\n(.*?)```\n\n```json\n(.*?)```\n\n```\n).*?(```\n)")

// TestDocs holds the examples of docs/explain.md to what comes out; -update writes
// them.
func TestDocs(t *testing.T) {
	const page = "../docs/explain.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	got := example.ReplaceAllFunc(text, func(b []byte) []byte {
		examples++
		m := example.FindSubmatch(b)
		var out bytes.Buffer
		if bytes.Contains(m[2], []byte("\ncorrelation:")) {
			err = explainCorrelation(t, string(m[2]), m[3]).WriteText(&out, false)
		} else {
			rule := ruleOf(t, string(m[2]))
			err = rule.Explain(rule.Event(batchOf(t, string(bytes.TrimSpace(m[3]))), 0)).WriteText(&out, false)
		}
		if err != nil {
			t.Fatal(err)
		}
		return slices.Concat(m[1], out.Bytes(), m[4])
	})
	if examples != 2 {
		t.Errorf("%d examples, want 2", examples)
	}
	if *update {
		if err := os.WriteFile(page, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(text), string(got)); d != "" {
		t.Errorf("%s is out of date (-page +program); go test ./explain -update writes it:\n%s", page, d)
	}
}
