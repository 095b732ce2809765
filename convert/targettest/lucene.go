package targettest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/internal/querystring"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// Lucene compares what a target prints for the corpus with what another converter
// printed, where both print query strings, alone or in objects.
type Lucene struct {
	Target  *backend.Target
	Format  string
	Options map[string]string
	Chain   *pipeline.Chain
	// Oracle names the file of the other converter's verdicts; Other is its name.
	Oracle, Other string
	// Ours and Theirs read what is printed: the query string, and what else is
	// compared, by names of our own. Nil reads a text.
	Ours, Theirs func(value any) (query string, about map[string]any)
	// Parse reads what both print, where it is no query string.
	Parse func(value any) (querystring.Query, error)
	// About has the reason for which what is compared under a name may differ,
	// beginning with who is right: "ours", "theirs" or "equal" and a tab.
	About map[string]string
	// Errors are texts in the messages of the other converter's errors, with a reason.
	Errors [][2]string
	// Unsupported has the reason for which we print an error, by texts in its message.
	Unsupported map[string]string
	// Counts is the reason for which the numbers of queries may differ.
	Counts string
	// Rules has the reason for which single rules differ, by their paths.
	Rules map[string]string
	// Steps are known differences of queries.
	Steps []LuceneStep
}

// LuceneStep makes two queries equal where a known difference is all there is.
type LuceneStep struct {
	Reason string
	Change func(querystring.Query) querystring.Query
}

const same = "equal\tthe same"

// Compare compares rule by rule and writes down how many are the same, and how many
// differ for which reason. A rule that differs for none fails the test.
func (c Lucene) Compare(t *testing.T, file string) {
	theirs := Oracle(t, c.Oracle)
	rules := Corpus(t)
	counts := map[string]int{}
	for _, path := range slices.Sorted(maps.Keys(theirs)) {
		reasons, detail := c.rule(rules[path], theirs[path])
		if reason := c.Rules[path]; detail != "" && reason != "" {
			reasons, detail = []string{reason}, ""
		}
		if detail != "" {
			t.Errorf("%s: %s", path, detail)
			reasons = append(reasons, "unexplained\t")
		}
		for _, reason := range reasons {
			counts[reason]++
		}
	}
	var report strings.Builder
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&report, "%d\t%s\n", counts[reason], reason)
	}
	CompareFile(t, file, report.String())
}

func (c Lucene) rule(rules []*sigma.Rule, theirs Verdict) (reasons []string, detail string) {
	var ours []any
	for _, r := range rules {
		queries, diags := Convert(c.Target, r, rules, c.Chain, c.Format, c.Options)
		if diags.HasErrors() {
			return c.ourError(diags.Errors()[0].Message, theirs)
		}
		for _, q := range queries {
			ours = append(ours, q.Value)
		}
	}
	switch {
	case len(rules) == 0 && theirs.Error != "":
		return []string{"neither\tthe rule can't be read"}, ""
	case theirs.Error != "":
		for _, known := range c.Errors {
			if strings.Contains(theirs.Error, known[0]) {
				return []string{known[1]}, ""
			}
		}
		return nil, c.Other + " is an error: " + theirs.Error
	case len(ours) != len(theirs.Query) && c.Counts != "":
		return []string{c.Counts}, ""
	case len(ours) != len(theirs.Query):
		return nil, fmt.Sprintf("we print %d queries, %s %d", len(ours), c.Other, len(theirs.Query))
	}
	for i := range ours {
		more, detail := c.query(ours[i], theirs.Query[i])
		if detail != "" {
			return nil, detail
		}
		reasons = append(reasons, more...)
	}
	slices.Sort(reasons)
	if reasons = slices.Compact(reasons); len(reasons) > 1 {
		reasons = slices.DeleteFunc(reasons, func(r string) bool { return r == same })
	}
	return reasons, ""
}

func (c Lucene) ourError(message string, theirs Verdict) ([]string, string) {
	if theirs.Error != "" {
		return []string{"neither\t" + strings.TrimSpace(message[:strings.IndexAny(message+"(", "(%\"")])}, ""
	}
	for part, reason := range c.Unsupported {
		if strings.Contains(message, part) {
			return []string{reason}, ""
		}
	}
	if strings.Contains(message, "regular expressions") {
		return []string{"ours\ta query of " + c.Other + "'s finds nothing: " + message}, ""
	}
	return nil, "we print an error: " + message
}

func (c Lucene) query(ours, theirs any) (reasons []string, detail string) {
	if c.Parse != nil {
		a, err := c.Parse(generic(ours))
		if err != nil {
			return nil, fmt.Sprintf("our query can't be read: %v: %v", err, ours)
		}
		b, err := c.Parse(generic(theirs))
		if err != nil {
			return nil, fmt.Sprintf("%s's query can't be read: %v: %v", c.Other, err, theirs)
		}
		reason, detail := c.trees(a, b, same, fmt.Sprint(theirs))
		return []string{reason}, detail
	}
	a, about := read(c.Ours, generic(ours))
	b, aboutTheirs := read(c.Theirs, generic(theirs))
	q, err := querystring.Parse(a)
	if err != nil {
		return nil, fmt.Sprintf("our query can't be read: %v: %s", err, a)
	}
	reason, detail := c.compare(q, b)
	if detail != "" {
		return nil, detail
	}
	reasons = append(reasons, reason)
	for _, key := range slices.Sorted(maps.Keys(about)) {
		x, y := fmt.Sprintf("%#v", about[key]), fmt.Sprintf("%#v", aboutTheirs[key])
		switch {
		case x == y:
		case c.About[key] == "":
			return nil, fmt.Sprintf("%s differs: ours %s, %s's %s", key, x, c.Other, y)
		default:
			reasons = append(reasons, c.About[key])
		}
	}
	return reasons, ""
}

func read(reader func(any) (string, map[string]any), value any) (string, map[string]any) {
	if reader == nil {
		text, _ := value.(string)
		return text, nil
	}
	return reader(value)
}

// generic is a value as JSON reads it.
func generic(value any) any {
	data, err := json.Marshal(value)
	var out any
	if err != nil || json.Unmarshal(data, &out) != nil {
		return value
	}
	return out
}

// At goes down a value as JSON reads it: names of keys, and numbers in lists.
func At(value any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, _ := value.(map[string]any)
			value = object[step]
		case int:
			list, _ := value.([]any)
			if step >= len(list) {
				return nil
			}
			value = list[step]
		}
	}
	return value
}

// YAML is a text of YAML as JSON reads it.
func YAML(text any) any {
	s, _ := text.(string)
	var out any
	if err := yaml.Unmarshal([]byte(s), &out); err != nil {
		return err.Error()
	}
	return generic(out)
}

// JSON is a text of JSON.
func JSON(text any) any {
	s, _ := text.(string)
	var out any
	if err := json.Unmarshal([]byte(s), &out); err != nil {
		return err.Error()
	}
	return out
}

// Select reads what stands at paths.
func Select(value any, paths map[string][]any) map[string]any {
	out := map[string]any{}
	for name, path := range paths {
		out[name] = At(value, path...)
	}
	return out
}

func (c Lucene) compare(ours querystring.Query, text string) (reason, detail string) {
	theirs, mixed, err := querystring.ParseLenient(text)
	switch {
	case err != nil && strings.Contains(text, `\\/`):
		return "ours\ta slash ends " + c.Other + "'s expression early: it is escaped behind a backslash that is escaped already", ""
	case err != nil:
		return "", fmt.Sprintf("%s's query can't be read: %v: %s", c.Other, err, text)
	}
	reason = same
	if mixed {
		reason = "ours\t" + c.Other + " left out the parentheses of AND beside OR"
	}
	return c.trees(ours, theirs, reason, text)
}

func (c Lucene) trees(ours, theirs querystring.Query, reason, text string) (string, string) {
	// Quotes make no difference where a field holds whole values.
	plain := func(q querystring.Query) querystring.Query {
		if q.Form != "regexp" {
			q.Form = ""
		}
		return q
	}
	ours, theirs = ours.Leaves(plain), theirs.Leaves(plain)
	for i := 0; ; i++ {
		if ours.Normal().String() == theirs.Normal().String() {
			return reason, ""
		}
		if i == len(c.Steps) {
			return "", fmt.Sprintf("\n  ours  %s\n  %s %s\n   %s", ours.Normal(), c.Other, theirs.Normal(), text)
		}
		ours, theirs = ours.Leaves(c.Steps[i].Change), theirs.Leaves(c.Steps[i].Change)
		reason = c.Steps[i].Reason
	}
}

// PySigma compares a target that prints whole values in the fields themselves with
// pySigma.
func PySigma(target *backend.Target, format, oracle string) Lucene {
	return Lucene{
		Target: target, Format: format, Oracle: oracle, Other: "pySigma",
		Errors: [][2]string{
			{"unhandled placeholder", "neither\tplaceholder"},
			{"Expected end of text", "ours\tpySigma is an error: condition"},
			{"pipe syntax", "ours\tpySigma is an error: aggregation"},
		},
		Steps: []LuceneStep{
			{"ours\tpySigma looks for an expression as the whole value, with ^, $ and (?i) as text", anyExpression},
			{"ours\tpySigma looks for a number without field as a whole word", func(q querystring.Query) querystring.Query {
				if q.Field == "" {
					q.Value = strings.Trim(q.Value, "*")
				}
				return q
			}},
		},
	}
}

func anyExpression(q querystring.Query) querystring.Query {
	if q.Form == "regexp" {
		q.Value = "expression"
	}
	q.Form = ""
	return q
}

var dashes = strings.NewReplacer("–", "-", "—", "-", "―", "-")

// Sigmac compares a target that has the query strings of es-qs with sigmac.
func Sigmac(target *backend.Target, chain *pipeline.Chain, oracle string) Lucene {
	return Lucene{
		Target: target, Chain: chain, Oracle: oracle, Other: "sigmac",
		Errors: [][2]string{
			{"Aggregations not implemented", "ours\tsigmac is an error: aggregation"},
			{"KeyError: 'expand'", "neither\tplaceholder"},
			{"KeyError", "ours\tsigmac is an error: a modifier that it does not know"},
			{"List values must be strings or numbers", "ours\tsigmac is an error: null in a list"},
			{"cidr", "ours\tsigmac is an error: cidr"},
			{"Backend does not support map values", "ours\tsigmac is an error: true or false"},
			{"SigmaModifierValueTypeError", "ours\tsigmac is an error: list of expressions"},
			{"Unexpected token in condition", "ours\tsigmac is an error: condition"},
			{"Unknown definition", "ours\tsigmac is an error: an operator inside of a name"},
			{"Base backend doesn't support multiple conditions", "ours\tsigmac is an error: several conditions"},
		},
		Steps: []LuceneStep{
			{"ours\tsigmac looked for an expression as the whole value", anyExpression},
			{"ours\twindash has more dashes since", func(q querystring.Query) querystring.Query {
				q.Value = dashes.Replace(q.Value)
				return q
			}},
			{"ours\tsigmac lost the field of a single keyword, or of keywords with all", func(q querystring.Query) querystring.Query {
				if q.Field == `*.keyword` || q.Field == "*" || q.Field == "" {
					q.Field, q.Value = "*", strings.Trim(q.Value, "*")
				}
				return q
			}},
			{"ours\tsigmac took an escaped wildcard for one, or let a backslash escape the wildcard behind it", func(q querystring.Query) querystring.Query {
				if strings.Contains(q.Value, `\*`) || strings.Contains(q.Value, `\?`) {
					q.Field = strings.TrimSuffix(q.Field, ".keyword")
					q.Value = strings.ReplaceAll(strings.ReplaceAll(q.Value, `\`, ""), "**", "*")
				}
				return q
			}},
		},
	}
}
