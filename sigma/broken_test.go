package sigma

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/diag"
)

// Documents with errors are kept apart from those that can be used, with the keys
// that were not read whole.
func TestBroken(t *testing.T) {
	const (
		head = "title: t\nlogsource: {product: windows}\n"
		rule = head + "detection: {s: {a: b}, condition: s}\n"
		lost = "title: a: b\n"
	)
	for _, c := range []struct{ name, text, want string }{
		{"none", rule, "rule"},
		{"a modifier", head + "detection: {s: {a|is: b}, condition: s}\n", "broken rule [detection]"},
		{"a condition", head + "detection: {s: {a: b}, condition: x}\n", "broken rule [detection]"},
		{"an aggregation", head + "detection: {s: {a: b}, condition: s | sum() > 1}\n", "broken rule [correlation detection]"},
		{"texts", "title: [x]\nid: {a: b}\nlevel: high\nlogsource: {product: [x]}\ndetection: {s: {a: b}, condition: s}\n", "broken rule [id logsource title]"},
		{"no detection", "title: t\nlogsource: {product: windows}\n", "broken rule [detection]"},
		{"a detection of another name", "title: t\nlogsource: {product: windows}\ndetecton: {}\n", "broken rule [detection detecton]"},
		{"a key twice", "level: low\n" + rule + "level: high\n", "broken rule [level]"},
		{"a key twice in a map", head + "detection:\n  s: {a: b}\n  s: {a: c}\n  condition: s\n", "broken rule [detection]"},
		{"a key that is none", head + "detection:\n  s: {[x]: b}\n  condition: s\n", "broken rule [detection]"},
		{"a correlation beside a detection", rule + "correlation: {type: event_count, rules: [x], timespan: 1m, condition: {gt: 1}}\n", "broken rule [correlation detection]"},
		{"a filter", head + "filter: {rules: any, s: {a|is: b}, condition: s}\n", "broken filter [filter]"},
		{"a filter without a log source", "title: t\nfilter: {rules: any, s: {a: b}, condition: s}\n", "broken filter [logsource]"},
		{"no YAML", lost + "---\n" + rule, "broken text; rule"},
		{"other YAML", "a: b\n---\n" + rule, "rule"},
		{"a list", "- a\n---\n" + rule, "rule"},
		{"an unknown action", "action: x\n" + rule, "broken text"},
		{"a lost global part", "action: global\n" + lost + "---\n" + rule + "---\naction: repeat\ntitle: u\n---\naction: reset\n---\n" + rule, "broken text; broken text; broken text; rule"},
		{"a flaw in the global part", "action: global\nlevel: low\nlevel: high\n---\n" + rule, "broken text; broken text"},
		{"a lost document", lost + "---\naction: repeat\ntitle: u\n---\n" + rule + "---\naction: repeat\ntitle: u\n", "broken text; broken text; rule; rule"},
		{"a repetition of a flaw", rule + "level: low\nlevel: high\n---\naction: repeat\ntitle: u\n", "broken rule [level]; broken text"},
		{"too many levels", strings.Repeat("[", 100) + strings.Repeat("]", 100) + "\n---\n" + rule, "broken text; broken text"},
	} {
		docs, diags := ParseAll(&diag.File{Path: "f.yml", Data: []byte(c.text)})
		var got []string
		for _, b := range docs.Broken {
			kind := "text"
			switch {
			case b.Rule != nil:
				kind = fmt.Sprintf("rule %v", slices.Sorted(maps.Keys(b.Flawed)))
			case b.Filter != nil:
				kind = fmt.Sprintf("filter %v", slices.Sorted(maps.Keys(b.Flawed)))
			}
			got = append(got, "broken "+kind)
		}
		for range docs.Rules {
			got = append(got, "rule")
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s: %s\nwant %s\n%v", c.name, strings.Join(got, "; "), c.want, diags)
		}
		if len(docs.Broken) > 0 && !diags.HasErrors() {
			t.Errorf("%s: a broken document and no error", c.name)
		}
	}
}
