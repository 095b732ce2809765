package event

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

// TestLongTexts holds the scanner's reading of many bytes at once against
// encoding/json.
func TestLongTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-c]{0,90}([\\"\x1fäa]{0,2}[a-c]{0,90}){0,3}`).Draw(t, "text")
		raw := append(append([]byte(`{"a":"`), text...), `"}`...)
		var want map[string]string
		wrong := json.Unmarshal(raw, &want) != nil
		b := NewBuilder(Options{})
		if err := b.AppendJSON(raw, Record{}); (err != nil) != wrong {
			t.Fatalf("%q: %v, encoding/json says %v", raw, err, wrong)
		}
		if got := b.Batch().Column("a"); want["a"] != "" && want["a"] != got.Values[1].Text {
			t.Fatalf("%q: %q", raw, got.Values[1].Text)
		}
	})
}
