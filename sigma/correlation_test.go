package sigma

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/huntbook/huntbook/diag"
)

// parseCorrelation reads a document with a correlation section, given as its
// lines in YAML's flow style.
func parseCorrelation(section string) (*Rule, diag.List) {
	text := "title: t\ncorrelation:\n  " + strings.ReplaceAll(section, "; ", "\n  ") + "\n"
	rules, diags := Parse(&diag.File{Path: "c.yml", Data: []byte(text)})
	if len(rules) != 1 {
		return nil, diags
	}
	return rules[0], diags
}

// showCorrelation writes what a correlation means in a line.
func showCorrelation(c *Correlation) string {
	var parts []string
	for _, r := range c.Rules {
		name := r.Name
		if r.Part != nil {
			name = "{" + conditionText(r.Part, false) + "}"
		}
		parts = append(parts, name)
	}
	s := c.Type + " of " + strings.Join(parts, ", ")
	for _, g := range c.GroupBy {
		s += " by " + g.Name
	}
	s += " in " + c.Span.String()
	for _, f := range c.Condition.Fields {
		s += " field " + f.Name
	}
	for _, b := range c.Condition.Bounds {
		s += fmt.Sprintf(" %s %v", b.Op, b.Value)
	}
	if c.Condition.Percentile > 0 {
		s += fmt.Sprintf(" percentile %v", c.Condition.Percentile)
	}
	if c.Expr != nil {
		s += " where " + conditionText(c.Expr, false)
	}
	for _, a := range c.Aliases {
		for _, f := range a.Fields {
			s += fmt.Sprintf(" alias %s is %s of %s", a.Name, f.Field, f.Rule)
		}
	}
	if c.Generate {
		s += " generate"
	}
	return s
}

func TestCorrelation(t *testing.T) {
	for _, c := range []struct{ section, want string }{
		{"type: event_count; rules: [a]; group-by: [H]; timespan: 1h; condition: {gte: 100}", "event_count of a by H in 1h0m0s gte 100"},
		{"type: event_count; rules: a; group-by: H; timespan: 90s; condition: {gt: 100, lte: 200}", "event_count of a by H in 1m30s gt 100 lte 200"},
		{"type: event_count; rules: [a, b]; group-by: [H, U]; timespan: 1d; condition: {neq: 0}", "event_count of a, b by H by U in 24h0m0s neq 0"},
		{"type: value_count; rules: [a]; timespan: 1w; condition: {field: U, lt: 5}", "value_count of a in 168h0m0s field U lt 5"},
		{"type: value_count; rules: [a]; timespan: 1m; condition: {field: [U, D], eq: 5}", "value_count of a in 1m0s field U field D eq 5"},
		{"type: value_sum; rules: [a]; timespan: 1m; condition: {field: B, gt: 1.5e3}", "value_sum of a in 1m0s field B gt 1500"},
		{"type: value_avg; rules: [a]; timespan: 1m; condition: {field: B, gt: '0.5'}", "value_avg of a in 1m0s field B gt 0.5"},
		{"type: value_percentile; rules: [a]; timespan: 1m; condition: {field: B, gt: 5, percentile: 99}", "value_percentile of a in 1m0s field B gt 5 percentile 99"},
		{"type: value_percentile; rules: [a]; timespan: 1m; condition: {field: B, gt: 5}", "value_percentile of a in 1m0s field B gt 5 percentile 50"},
		{"type: value_median; rules: [a]; timespan: 1m; condition: {field: B, gt: 5}", "value_median of a in 1m0s field B gt 5 percentile 50"},
		{"type: temporal; rules: [a, b]; timespan: 5m", "temporal of a, b in 5m0s gte 2"},
		{"type: temporal; rules: [a, b, c]; timespan: 5m; condition: {gte: 2}", "temporal of a, b, c in 5m0s gte 2"},
		{"type: temporal_ordered; rules: [a, b]; timespan: 5m", "temporal_ordered of a, b in 5m0s gte 2"},
		{"type: temporal; rules: [a, b]; timespan: 5m; condition: a and not b", "temporal of a, b in 5m0s where a and not b"},
		{"type: temporal; timespan: 5m; condition: a and (b or c)", "temporal of a, b, c in 5m0s where a and (b or c)"},
		{"type: temporal; rules: [a, A, b]; timespan: 5m", "temporal of a, b in 5m0s gte 2"},
		{"type: temporal; rules: [a, b]; group-by: [ip]; timespan: 5m; aliases: {ip: {a: src, b: dst}}; generate: true",
			"temporal of a, b by ip in 5m0s gte 2 alias ip is src of a alias ip is dst of b generate"},
	} {
		r, diags := parseCorrelation(c.section)
		if diags.HasErrors() {
			t.Errorf("%s: %v", c.section, diags)
		} else if got := showCorrelation(r.Correlation); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.section, got, c.want)
		}
	}
	rules, _ := Parse(&diag.File{Data: []byte("title: t\ngenerate: true\ncorrelation: {type: event_count, rules: [a], timespan: 1m, condition: {gt: 1}}\n")})
	if len(rules) != 1 || !rules[0].Correlation.Generate || len(rules[0].Custom) > 0 {
		t.Errorf("generate beside the section, where the JSON schema has it, is not read: %+v", rules)
	}
}

func TestCorrelationErrors(t *testing.T) {
	for _, c := range []struct{ section, want string }{
		{"type: event_cuont; rules: [a]; timespan: 1h; condition: {gt: 1}", `3:9: unknown correlation type "event_cuont"; did you mean "event_count"?`},
		{"rules: [a]; timespan: 1h; condition: {gt: 1}", "the correlation has no type"},
		{"type: event_count; timespan: 1h; condition: {gt: 1}", "3:3: the correlation names no rules"},
		{"type: event_count; rules: []; timespan: 1h; condition: {gt: 1}", "4:10: the correlation names no rules"},
		{"type: event_count; rules: {a: b}; timespan: 1h; condition: {gt: 1}", "4:10: rules must be a list of texts, this is a map"},
		{"type: event_count; rules: [a]; condition: {gt: 1}", "3:3: the correlation has no timespan"},
		{"type: event_count; rules: [a]; timeframe: 1h; condition: {gt: 1}", `5:3: correlation has no key "timeframe"; did you mean "timespan"?`},
		{"type: event_count; rules: [a]; timespan: 1h30m; condition: {gt: 1}", `5:13: timespan "1h30m" is not understood; did you mean "90m"?`},
		{"type: event_count; rules: [a]; timespan: 15H; condition: {gt: 1}", `timespan "15H" is not understood; did you mean "15h"?`},
		{"type: event_count; rules: [a]; timespan: 60; condition: {gt: 1}", `timespan "60" is not understood; add a unit: 60s, 60m, 60h or 60d`},
		{"type: event_count; rules: [a]; timespan: 0m; condition: {gt: 1}", `timespan "0m" is not understood`},
		{"type: event_count; rules: [a]; timespan: 999999999y; condition: {gt: 1}", `timespan "999999999y" is not understood`},
		{"type: event_count; rules: [a]; timespan: 1h", "3:3: the correlation has no condition"},
		{"type: event_count; rules: [a]; timespan: 1h; condition: {}", "6:14: the condition compares with no number"},
		{"type: event_count; rules: [a]; timespan: 1h; condition: {gtee: 1}", `6:15: a correlation's condition has no key "gtee"; did you mean "gte"?`},
		{"type: event_count; rules: [a]; timespan: 1h; condition: {gt: many}", "6:19: gt takes a number, this is text"},
		{"type: event_count; rules: [a]; timespan: 1h; condition: {gt: 10, lt: 5}", "6:14: no number fulfils the whole condition"},
		{"type: event_count; rules: [a]; timespan: 1h; condition: a and b", "6:14: a condition over rules belongs to temporal correlations; event_count takes a map such as {gte: 10}"},
		{"type: temporal_ordered; rules: [a, b]; timespan: 1h; condition: a and b", "a condition over rules belongs to temporal correlations"},
		{"type: temporal; rules: [a, b]; timespan: 1h; condition: a and c", `6:20: unknown search identifier "c"`},
		{"type: value_count; rules: [a]; timespan: 1h; condition: {gt: 1}", "6:14: value_count needs the field to look at"},
		{"type: value_sum; rules: [a]; timespan: 1h; condition: {gt: 1, field: [a, b]}", "value_sum calculates with one field, these are 2"},
		{"type: value_percentile; rules: [a]; timespan: 1h; condition: {gt: 1, field: a, percentile: 101}", "percentile is a number from 0 to 100, this is 101"},
		{"type: temporal; rules: [a, b]; timespan: 1h; ordered: true", `6:3: correlation has no key "ordered"; write "type: temporal_ordered"`},
		{"type: temporal; rules: [a, b]; timespan: 1h; groupby: [x]", `correlation has no key "groupby"; did you mean "group-by"?`},
		{"type: temporal; rules: [a, b]; timespan: 1h; aliases: [x]", "aliases must be a map from aliases to {rule: field}, this is a list"},
		{"type: temporal; rules: [a, b]; timespan: 1h; aliases: {x: y}", `alias "x" must be a map from rules to fields, this is text`},
		{"type: temporal; rules: [a, b]; timespan: 1h; generate: maybe", "generate is true or false, this is text"},
		{"[a]", "3:3: correlation must be a map, this is a list"},
	} {
		_, diags := parseCorrelation(c.section)
		if !diags.HasErrors() || !strings.Contains(diags.Errors()[0].Error(), c.want) {
			t.Errorf("%s\n got %v\nwant %s", c.section, diags.Errors(), c.want)
		} else if len(diags.Errors()) > 1 {
			t.Errorf("%s: one fault, several errors: %v", c.section, diags.Errors())
		}
	}
}

func TestCorrelationWarnings(t *testing.T) {
	for _, c := range []struct{ section, want string }{
		{"type: temporal; rules: [a, a]; timespan: 1h", `4:14: rule "a" stands here again: it counts once`},
		{"type: temporal; rules: [a, b]; timespan: 1h; condition: a", `4:14: the condition does not name rule "b"`},
		{"type: temporal; rules: [a, b]; timespan: 1h; window: tumbling", `6:3: correlation has no key "window": it is ignored`},
		{"type: temporal; rules: [a, b]; timespan: 1h; aliases: {x: {a: f}}", `6:13: alias "x" is used neither in group-by nor in the condition`},
		{"type: event_count; rules: [a]; timespan: 1h; condition: {gt: 1, field: U}", "event_count does not look at a field; value_count counts the values of one"},
		{"type: value_percentile; rules: [a]; timespan: 1m; condition: {field: B, gt: 5}", "value_percentile names no percentile: 50, the median, is taken"},
	} {
		r, diags := parseCorrelation(c.section)
		if r == nil || len(diags) != 1 || !strings.Contains(diags[0].Error(), c.want) {
			t.Errorf("%s\n got %v\nwant %s", c.section, diags, c.want)
		}
	}
}

func TestLegacyCorrelation(t *testing.T) {
	const head = "title: t\nlogsource: {product: x}\ndetection:\n  a: {A: 1}\n  b: {B: 1}\n  c: {C: 1}\n"
	for _, c := range []struct{ condition, want string }{
		{"a | count() > 5", "event_count of {a} in 10m0s gt 5"},
		{"a or b | count() by host >= 5", "event_count of {a or b} by host in 10m0s gte 5"},
		{"a|count(user) by host,ip<5", "value_count of {a} by host by ip in 10m0s field user lt 5"},
		{"a | min(x.y) by z = 5", "value_min of {a} by z in 10m0s field x.y eq 5"},
		{"a | max(x) == 5.5", "value_max of {a} in 10m0s field x eq 5.5"},
		{"a | avg(x) != -5", "value_avg of {a} in 10m0s field x neq -5"},
		{"a | SUM ( x ) BY z <= 5", "value_sum of {a} by z in 10m0s field x lte 5"},
		{"a | near b", "temporal of {a}, {b} in 10m0s where a and b"},
		{"a and not c |near b and not c", "temporal of {a and not c}, {b}, {c} in 10m0s where a and not c and b and not c"},
		{"a | near (b or c)", "temporal of {a}, {b or c} in 10m0s where a and b or c"},
		{"a | near 1 of b*", "temporal of {a}, {1 of b*} in 10m0s where a and 1 of b*"},
		{"a | cuont() > 5", `error: 8:18: unknown aggregation "cuont"; did you mean "count"?`},
		{"a | count > 5", `error: 8:24: expected "(" in the aggregation, found ">"`},
		{"a | count() by > 5", `error: 8:29: expected the name of a field after "by"`},
		{"a | count() by x", `error: 8:30: expected a comparison such as "> 5", found ""`},
		{"a | count() > x", `error: 8:28: expected a number after ">", found "x"`},
		{"a | count() > 5 or b", `error: 8:30: the aggregation ends before "or"`},
		{"a | sum() > 5", "error: 8:18: sum needs a field; write sum(FIELD)"},
		{"a | near d", `error: 8:23: unknown search identifier "d"`},
		{"a | near", `error: 8:18: expected search identifiers after "near"`},
		{"a | near b c", `error: 8:25: expected "and" before "c"`},
		{"a |", `error: 8:17: unknown aggregation ""`},
		{"[a | count() > 5, b]", "error: 8:15: a rule with an aggregation has one condition, this one has 2; make each one a rule of its own"},
	} {
		rules, diags := Parse(&diag.File{Path: "r", Data: []byte(head + "  timeframe: 10m\n  condition: " + c.condition + "\n")})
		got := ""
		switch {
		case diags.HasErrors():
			got = "error: " + strings.TrimPrefix(diags.Errors()[0].Error(), "r:")
			if !strings.HasPrefix(got, c.want) {
				t.Errorf("%s\n got %s\nwant %s", c.condition, got, c.want)
			}
			continue
		case len(rules) == 1:
			got = showCorrelation(rules[0].Correlation)
		}
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.condition, got, c.want)
		}
	}
	rules, diags := Parse(&diag.File{Data: []byte(head + "  condition: a | count() > 5\n")})
	if len(rules) != 1 || rules[0].Correlation.Span != 0 || len(diags) != 1 || diags[0].Code != "timeframe" {
		t.Errorf("without a timeframe: %v, want one window and a warning", diags)
	}
	part := rules[0].Part(rules[0].Correlation.Rules[0])
	if part.Correlation != nil || len(part.Detection.Conditions) != 1 || part.Detection.Conditions[0].Aggregation != "" {
		t.Errorf("a part is no plain rule: %+v", part.Detection.Conditions)
	}
}

func TestParseSpan(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
	}{
		{"1s", time.Second}, {"90m", 90 * time.Minute}, {"24h", 24 * time.Hour}, {"30d", 720 * time.Hour}, {"2w", 336 * time.Hour},
		{"1M", 2_629_746 * time.Second}, {"1y", 31_556_952 * time.Second}, {"", 0}, {"m", 0}, {"-1m", 0}, {"1.5h", 0}, {"1x", 0}, {"1 m", 0}, {"٣m", 0},
	} {
		if got, _, ok := ParseSpan(c.text); got != c.want || ok != (c.want > 0) {
			t.Errorf("%q is %v, want %v", c.text, got, c.want)
		}
	}
}

func TestNeeds(t *testing.T) {
	doc := func(name, rules string) string {
		return "title: " + name + "\nname: " + name + "\ncorrelation: {type: temporal, rules: [" + rules + "], timespan: 1m}\n---\n"
	}
	const a = "title: a\nname: a\nid: 11111111-0000-4000-8000-00000000000A\nlogsource: {product: x}\ndetection: {s: {A: 1}, condition: s}\n---\n"
	for _, c := range []struct{ name, text, want string }{
		{"by name", a + doc("c", "a"), "a c"},
		{"by id, in any case", a + doc("c", "11111111-0000-4000-8000-00000000000a"), "a c"},
		{"a chain, each once", doc("top", "c, d, a") + doc("c", "a") + doc("d", "c") + a, "a c d top"},
		{"missing", a + doc("c", "a, aa"), `the correlation names rule "aa", which is not among the rules that were read; did you mean "a"?`},
		{"missing below", doc("top", "c") + doc("c", "far away"), `which is not among the rules that were read; give the file`},
		{"itself", doc("c", "c"), "the correlation stands on itself: c → c"},
		{"a circle", doc("top", "c") + doc("c", "d") + doc("d", "c"), "the correlation stands on itself: c → d → c"},
	} {
		rules, diags := Parse(&diag.File{Path: "r", Data: []byte(c.text)})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		top := rules[0]
		if top.Correlation == nil {
			top = rules[len(rules)-1]
		}
		needs, diags := NewLibrary(rules).Needs(top)
		var got []string
		for _, r := range needs {
			got = append(got, r.Name)
		}
		text := strings.Join(got, " ")
		if diags.HasErrors() {
			text = diags.Errors()[0].Error()
		}
		if !strings.Contains(text, c.want) {
			t.Errorf("%s: got %s, want %s", c.name, text, c.want)
		}
	}
	var chain strings.Builder
	for i := range 2 * maxChain {
		chain.WriteString(doc(fmt.Sprint("c", i), fmt.Sprint("c", i+1)))
	}
	rules, _ := Parse(&diag.File{Data: []byte(chain.String())})
	if _, diags := NewLibrary(rules).Needs(rules[0]); !strings.Contains(diags.Error(), "more than 16 correlations stand on each other") {
		t.Errorf("a long chain: %v", diags)
	}
}

func TestAliasOfNoRule(t *testing.T) {
	const text = "title: a\nname: first\nlogsource: {product: x}\ndetection: {s: {A: 1}, condition: s}\n---\n" +
		"title: c\ncorrelation:\n  type: temporal\n  rules: [first]\n  group-by: [ip]\n  timespan: 1m\n  aliases:\n    ip:\n      frist: src\n"
	rules, _ := Parse(&diag.File{Path: "r", Data: []byte(text)})
	_, diags := NewLibrary(rules).Resolve(rules[1])
	const want = `r:14:7: alias "ip" has a field of rule "frist", which the correlation does not name; did you mean "first"?`
	if len(diags) != 1 || diags[0].Error() != want {
		t.Errorf("got %v, want %s", diags, want)
	}
}

// FuzzCorrelation feeds correlation sections and v1 conditions: no panic, and what
// is accepted can be evaluated.
func FuzzCorrelation(f *testing.F) {
	f.Add("type: value_count; rules: [a]; timespan: 1m; condition: {field: [U, D], eq: 5}", "a | count(x) by y > 5")
	f.Add("type: temporal; timespan: 5m; condition: a and (b or not c)", "a | near b and not (a or b)")
	f.Add("type: temporal; rules: [a, b]; group-by: [ip]; timespan: 5m; aliases: {ip: {a: src}}", "a|near|b")
	f.Fuzz(func(t *testing.T, section, condition string) {
		rules, _ := Parse(&diag.File{Data: []byte("title: t\ncorrelation:\n  " + strings.ReplaceAll(section, "; ", "\n  ") + "\n---\n" +
			"title: v\nlogsource: {product: x}\ndetection:\n  a: {A: 1}\n  b: {B: 1}\n  condition: |-\n    " + condition + "\n")})
		for _, r := range rules {
			c := r.Correlation
			if c == nil {
				continue
			}
			if len(c.Rules) == 0 || c.Span < 0 || c.Span == 0 && !c.Legacy() || c.Expr == nil && len(c.Condition.Bounds) == 0 {
				t.Fatalf("nothing to evaluate: %s", showCorrelation(c))
			}
			walkRefs(c.Expr, func(name string) {
				for _, ref := range c.Rules {
					if ref.Name == name {
						return
					}
				}
				t.Fatalf("%q of the condition is none of the rules: %s", name, showCorrelation(c))
			})
		}
	})
}
