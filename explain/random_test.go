package explain_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/explain"
	"github.com/huntbook/huntbook/match"
	"github.com/huntbook/huntbook/sigma"
)

// TestMatcherAgreesOnRandomRules holds the whole way of rules, from their text to
// the matcher, against the evaluator; and an explanation against both.
func TestMatcherAgreesOnRandomRules(t *testing.T) {
	preparer, err := engine.NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	used := 0
	rapid.Check(t, func(t *rapid.T) {
		text := randomRule().Draw(t, "rule")
		rules, diags := sigma.Parse(&diag.File{Data: []byte(text)})
		if diags.HasErrors() || len(rules) != 1 {
			return // chains of modifiers that make no sense
		}
		prepared, err := preparer.Prepare(rules[0])
		if err != nil {
			return
		}
		lowered, _ := preparer.Lower(rules[0])
		rule := explain.NewRule(lowered)
		used++
		b := event.NewBuilder(event.Options{})
		for i := range rapid.IntRange(1, 30).Draw(t, "events") {
			if err := b.AppendJSON([]byte(randomEvent().Draw(t, "event")), event.Record{Number: i + 1}); err != nil {
				t.Fatal(err)
			}
		}
		batch := b.Batch()
		program, errs := match.Compile([]match.Rule{{Expr: prepared.Expr, Scope: prepared.Scope}})
		if errs[0] != nil {
			t.Fatal(errs[0])
		}
		var got []int
		match.NewMatcher(program, event.Options{}).Batch(batch, func(_ int, rows []int) { got = slices.Clone(rows) })
		for row := range batch.Rows {
			e := rule.Event(batch, row)
			want := rule.Matches(e)
			if slices.Contains(got, row) != want {
				t.Fatalf("event %d: the matcher says %v, the evaluator %v\n%s", row+1, !want, want, text)
			}
			if x := rule.Explain(e); x.Matched != want {
				t.Fatalf("event %d: the explanation says %v, the evaluator %v\n%s", row+1, x.Matched, want, text)
			}
		}
	})
	// About two of five can be: fewer than ten of a hundred is no chance.
	if used < 10 {
		t.Errorf("only %d rules could be used", used)
	}
}

var fieldNames = []string{"a", "b", "Image", "EventID", "Channel"}

// chains are modifiers as they may stand behind a field's name.
var chains = []string{
	"", "", "|contains", "|startswith", "|endswith", "|contains|all", "|cased", "|cased|contains", "|neq", "|contains|neq",
	"|windash|contains", "|re", "|re|i", "|exists", "|lt", "|gte", "|cidr", "|fieldref", "|fieldref|contains",
	"|base64offset|contains", "|wide|base64", "|hour", "|day|gt", "|fieldref|cased", "|re|m|s",
}

var values = []string{
	"x", "X*", "'*y?'", `'\a\\*'`, `'a\*'`, "5", "05", "-1", "5.0", "true", "null", "''", "'*'", "ſK", `'-a /b'`,
	"10.0.0.0/8", "Image", "b", "'^x.*y$'", "'[a-x]+'", "'12'", "13", "security", "4688",
}

func randomRule() *rapid.Generator[string] {
	sources := []string{
		"{category: any}", "{category: process_creation, product: windows}", "{product: windows, service: security}",
		"{product: linux}", "{category: antivirus}",
	}
	conditions := []string{
		"s1", "not s1", "s1 and s2", "s1 or not s2", "1 of s*", "all of s*", "not 1 of them", "s1 and not (s2 or s3)", "[s1, s2 and s3]",
	}
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		fmt.Fprintf(&b, "title: t\nlogsource: %s\ndetection:\n", rapid.SampledFrom(sources).Draw(t, "source"))
		for i := 1; i <= 3; i++ {
			fmt.Fprintf(&b, "  s%d:\n", i)
			if rapid.IntRange(0, 5).Draw(t, "keywords") == 0 {
				fmt.Fprintf(&b, "    - %s\n", rapid.SampledFrom(values[:15]).Draw(t, "keyword"))
				continue
			}
			for range rapid.IntRange(1, 3).Draw(t, "items") {
				list := rapid.SliceOfN(rapid.SampledFrom(values), 1, 3).Draw(t, "values")
				field, chain := rapid.SampledFrom(fieldNames).Draw(t, "field"), rapid.SampledFrom(chains).Draw(t, "modifiers")
				fmt.Fprintf(&b, "    - %s%s: [%s]\n", field, chain, strings.Join(list, ", "))
			}
		}
		fmt.Fprintf(&b, "  condition: %s\n", rapid.SampledFrom(conditions).Draw(t, "condition"))
		return b.String()
	})
}

func randomEvent() *rapid.Generator[string] {
	scalars := []any{
		"x", "XY", "xay", "a*", `\a\b`, "-a –b", "ſ", "k", "", nil, 5, "05", 5.0, -1, true, "true", "10.1.2.3", "Image",
		"2024-03-05T13:00:00Z", "eA==", "4688", 4688, "Security", "null",
	}
	return rapid.Custom(func(t *rapid.T) string {
		e := map[string]any{}
		for _, f := range append(slices.Clone(fieldNames), "NewProcessName") {
			switch rapid.IntRange(0, 5).Draw(t, "shape") {
			case 0:
			case 1:
				e[f] = rapid.SliceOfN(rapid.SampledFrom(scalars), 0, 3).Draw(t, f)
			default:
				e[f] = rapid.SampledFrom(scalars).Draw(t, f)
			}
		}
		if rapid.Bool().Draw(t, "windows") {
			e["Channel"] = rapid.SampledFrom([]any{"Security", "Microsoft-Windows-Sysmon/Operational"}).Draw(t, "channel")
			e["EventID"] = rapid.SampledFrom([]any{1, "4688", 4688, "1"}).Draw(t, "id")
		}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	})
}
