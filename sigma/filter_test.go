package sigma

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/diag"
)

const filterHead = "title: f\nlogsource: {product: windows, category: process_creation}\nfilter:\n"

func parseAll(t *testing.T, text string) *Documents {
	t.Helper()
	docs, diags := ParseAll(&diag.File{Path: "f.yml", Data: []byte(text)})
	if diags.HasErrors() {
		t.Fatalf("%v\n%s", diags, text)
	}
	return docs
}

func TestFilterParses(t *testing.T) {
	f := parseAll(t, filterHead+"  rules: [abc, some_name]\n  selection: {User: adm}\n  condition: not selection\n").Filters[0]
	if f.Title != "f" || f.LogSource.Category != "process_creation" || f.Any || len(f.Rules) != 2 ||
		f.Rules[1] != (RuleRef{Name: "some_name", Pos: diag.Pos{Line: 4, Column: 16}}) || len(f.Detection.Identifiers) != 1 {
		t.Errorf("%+v", f)
	}
	for rules, any := range map[string]bool{"any": true, "Any": true, "[]": true, "abc": false, "[abc]": false} {
		if f := parseAll(t, filterHead+"  rules: "+rules+"\n  s: {User: adm}\n  condition: s\n").Filters[0]; f.Any != any || !any && f.Rules[0].Name != "abc" {
			t.Errorf("rules: %s gives %v %v", rules, f.Any, f.Rules)
		}
	}
}

func TestFilterErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{filterHead + "  s: {A: 1}\n  condition: s\n", "f.yml:4:3: the filter does not say which rules it is for"},
		{filterHead + "  rule: any\n  s: {A: 1}\n  condition: s\n", `did you mean "rules"?`},
		{filterHead + "  rules: {a: b}\n  s: {A: 1}\n  condition: s\n", "f.yml:4:10: rules must be any, or a list of ids or names, this is a map"},
		{filterHead + "  rules: any\n  s: {A: 1}\n", "f.yml:4:3: the filter section has no condition"},
		{filterHead + "  rules: any\n  condition: s\n", "the filter section has no search identifier"},
		{filterHead + "  rules: any\n  s: {A: 1}\n  condition: [s, s]\n", "f.yml:6:14: a filter has one condition, this is a list"},
		{filterHead + "  rules: any\n  s: {A: 1}\n  condition: s | count() > 5\n", "the condition of a filter can't count"},
		{filterHead + "  rules: any\n  s: {A|contians: 1}\n  condition: s\n", `f.yml:5:9: unknown modifier "contians"; did you mean "contains"?`},
		{filterHead + "  rules: any\n  s: {A: 1}\n  condition: not t\n", `f.yml:6:18: unknown search identifier "t"`},
		{"title: f\nfilter: [a]\nlogsource: {product: x}\n", "f.yml:2:9: filter must be a map"},
		{"title: f\nfilter: {rules: any, s: {A: 1}, condition: s}\n", "f.yml:1:1: a filter needs a logsource"},
	} {
		docs, diags := ParseAll(&diag.File{Path: "f.yml", Data: []byte(c.text)})
		if !strings.Contains(diags.Errors().Error(), c.want) || len(docs.Filters) > 0 {
			t.Errorf("%s\n  gives %v\n  want  %s", c.text, diags, c.want)
		}
	}
}

const ruleHead = "title: r\nid: 6F3E2987-db24-4c78-a860-b4f4095a7095\nname: some_name\nlogsource: {product: windows, category: process_creation, service: x}\ndetection:\n  selection: {Image: a}\n  other: {Image: b}\n"

func TestFilterCovers(t *testing.T) {
	r := parseAll(t, ruleHead+"  condition: selection\n").Rules[0]
	for _, c := range []struct {
		source, rules string
		want          bool
	}{
		{"{product: windows}", "any", true},
		{"{product: windows, category: process_creation, service: x}", "any", true},
		{"{product: Windows}", "any", true},
		{"{product: linux}", "any", false},
		{"{product: windows, service: y}", "any", false},
		{"{category: process_creation}", "6f3e2987-db24-4c78-a860-b4f4095a7095", true},
		{"{category: process_creation}", "[other, some_name]", true},
		{"{category: process_creation}", "[r]", false},
		{"{category: file_event}", "[some_name]", false},
	} {
		f := parseAll(t, "title: f\nlogsource: "+c.source+"\nfilter: {rules: "+c.rules+", s: {A: 1}, condition: s}\n").Filters[0]
		if f.Covers(r) != c.want {
			t.Errorf("%s %s: %v", c.source, c.rules, !c.want)
		}
	}
	correlation := parseAll(t, "title: c\ncorrelation: {type: event_count, rules: [some_name], timespan: 5m, condition: {gte: 5}}\n").Rules[0]
	if parseAll(t, "title: f\nlogsource: {product: x}\nfilter: {rules: any, s: {A: 1}, condition: s}\n").Filters[0].Covers(correlation) {
		t.Error("a correlation is filtered")
	}
}

func TestWithFilters(t *testing.T) {
	for _, c := range []struct{ condition, filter, want string }{
		{"selection", "not s1", "(selection) and (not _filter_1_s1)"},
		{"selection or other", "s1", "(selection or other) and (_filter_1_s1)"},
		{"1 of them", "not 1 of s*", "(1 of them) and (not 1 of _filter_1_s*)"},
		{"selection", "not all of them or (s1 and s2)", "(selection) and (not all of _filter_1_* or (_filter_1_s1 and _filter_1_s2))"},
		{"[selection, other]", "s1", "(selection) and (_filter_1_s1) | (other) and (_filter_1_s1)"},
	} {
		docs := parseAll(t, ruleHead+"  condition: "+c.condition+"\n---\n"+filterHead+"  rules: any\n  s1: {A: 1}\n  s2: {A: 2}\n  condition: "+c.filter+"\n")
		rule := docs.Rules[0]
		before := *rule
		got := rule.WithFilters(docs.Filters)
		var texts []string
		for _, x := range got.Detection.Conditions {
			texts = append(texts, x.Text)
			and := x.Expr.(*CondAnd)
			if and.X[1] == docs.Filters[0].Detection.Conditions[0].Expr {
				t.Error("the filter's own tree is in the rule")
			}
		}
		if s := strings.Join(texts, " | "); s != c.want {
			t.Errorf("%s with %s gives %s, want %s", c.condition, c.filter, s, c.want)
		}
		if len(rule.Detection.Identifiers) != 2 || rule.Detection.Conditions[0].Text != before.Detection.Conditions[0].Text || rule.Text != before.Text {
			t.Error("the rule has changed")
		}
		if got.Detection.Identifier("_filter_1_s2").File != docs.Filters[0].File {
			t.Error("the filter's identifiers do not know their file")
		}
	}
}

// "1 of them" of a rule never means the filter's searches, nor the other way.
func TestThemStaysApart(t *testing.T) {
	docs := parseAll(t, ruleHead+"  condition: all of them\n---\n"+filterHead+"  rules: any\n  s1: {A: 1}\n  condition: not 1 of them\n")
	and := docs.Rules[0].WithFilters(docs.Filters).Detection.Conditions[0].Expr.(*CondAnd)
	if names := and.X[0].(*CondOf).Names; strings.Join(names, " ") != "selection other" {
		t.Errorf("the rule's names: %v", names)
	}
	if names := and.X[1].(*CondNot).X.(*CondOf).Names; strings.Join(names, " ") != "_filter_1_s1" {
		t.Errorf("the filter's names: %v", names)
	}
}

// The text of a filtered and expanded rule, read alone, gives the same rule.
func TestTextGivesTheRule(t *testing.T) {
	docs := parseAll(t, "action: global\nlogsource: {product: windows, category: process_creation}\n---\ntitle: r\nname: n\ndetection:\n  selection: {A|expand|contains: 'x%p%y%q%', B|re|expand: '^%p%$', C|expand: '%open%'}\n  condition: selection\n"+
		"---\n"+filterHead+"  rules: [n]\n  s: {B|expand: '%q%'}\n  condition: not s\n---\n"+filterHead+"  rules: any\n  s: {B: y}\n  condition: not s\n")
	rule := docs.Rules[0].WithFilters(append(docs.Filters, docs.Filters...))
	rule, diags := rule.WithPlaceholders(Placeholders{"p": {"1", `a*\*`}, "q": {"\n- x: 'y'\u2028", "yes", "é"}, "unused": {"z"}})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	again := parseAll(t, rule.Text)
	if list := again.Apply(); len(list) > 0 {
		t.Fatal(list)
	}
	if len(again.Rules) != 1 {
		t.Fatalf("%d rules in\n%s", len(again.Rules), rule.Text)
	}
	got := again.Rules[0]
	if g, w := showRule(got), showRule(rule); g != w {
		t.Errorf("read again\n%s\nwant\n%s", g, w)
	}
	if strings.Contains(rule.Text, "unused") || strings.Count(rule.Text, "title: f") != 2 {
		t.Errorf("text:\n%s", rule.Text)
	}
	if got.Text != rule.Text {
		t.Errorf("the text changes when it is read again:\n%s", got.Text)
	}
}

func showRule(r *Rule) string {
	var b strings.Builder
	for _, c := range r.Detection.Conditions {
		b.WriteString(c.Text + "\n")
	}
	for _, id := range r.Detection.Identifiers {
		b.WriteString(id.Name + ":")
		for _, m := range id.Body.(*Group).Members {
			b.WriteString(" " + m.(*Item).Field + " " + showValues(m.(*Item).Values))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestMissingRules(t *testing.T) {
	docs := parseAll(t, ruleHead+"  condition: selection\n---\n"+filterHead+"  rules:\n    - some_name\n    - some_nam\n  s: {A: 1}\n  condition: s\n")
	got := MissingRules(docs.Filters, docs.Rules)
	if len(got) != 1 || got[0].Error() != `f.yml:15:7: the filter names a rule that is not there: "some_nam"; did you mean "some_name"?` || got[0].Severity != diag.Warning {
		t.Errorf("%v", got)
	}
}

func TestPlaceholders(t *testing.T) {
	given := Placeholders{"p": {"1", "x*"}, "q": {"a", "b"}, "one": {"o"}}
	for _, c := range []struct{ item, want string }{
		{`A|expand: '%one%'`, `[o]`},
		{`A|expand: '%p%'`, `([1] [x]*)`},
		{`A|expand|contains: '%p%'`, `(*[1]* *[x]*)`},
		{`A|contains|expand: '-%p%-%q%'`, `(*[-1-a]* *[-1-b]* *[-x]*[-a]* *[-x]*[-b]*)`},
		{`A|expand: ['%p%', z]`, `([1] [x]*) [z]`},
		{`A|expand|contains|all: ['%q%', z]`, `all (*[a]* *[b]*) *[z]*`},
		{`A|expand: '%open%%one%'`, `%open%[o]`},
		{`A|expand: '\%p%'`, `[%p%]`},
		{`A|expand|cased: '%q%'`, `(cased[a] cased[b])`},
		{`A|re|expand: '^%q%$'`, `(/^a$/ /^b$/)`},
		{`A|re|expand: '\%p%%q%'`, `(/\%p%a/ /\%p%b/)`},
		{`A|re|expand: '%open%'`, `/%open%/`},
		{`A|re|expand: '\\%q%'`, `(/\\a/ /\\b/)`},
		{`A|re|expand: '\\\%q%'`, `/\\\%q%/`},
		{`A|re|expand: '%open%\%\\%one%'`, `/%open%\%\\o/`},
		{`A|re|i|expand: '\\%one%'`, `/(?i)\\o/`},
		{`A|expand: 'C:\Users\\%q%\x'`, `([C:\Users\a\x] [C:\Users\b\x])`},
		{`A|expand: '\\%p%'`, `([\1] [\x]*)`},
		{`A|windash|contains|expand: ' -x \\%one%'`, `(*[ -x \o]* *[ /x \o]* *[ –x \o]* *[ —x \o]* *[ ―x \o]*)`},
		{`A: '%p%'`, `[%p%]`},
	} {
		docs := parseAll(t, "title: t\nlogsource: {product: windows}\ndetection:\n  sel:\n    "+c.item+"\n  condition: sel\n")
		got, diags := docs.Rules[0].WithPlaceholders(given)
		if len(diags) > 0 {
			t.Fatal(diags)
		}
		it := got.Detection.Identifiers[0].Body.(*Group).Members[0].(*Item)
		s := showValues(it.Values)
		if it.All {
			s = "all " + s
		}
		if s != c.want {
			t.Errorf("%s\n  gives %s\n  want  %s", c.item, s, c.want)
		}
	}
}

func TestPlaceholderErrors(t *testing.T) {
	many := make([]string, 200)
	for i := range many {
		many[i] = strings.Repeat("x", i+1)
	}
	given := Placeholders{"many": many, "bad": {"("}}
	for _, c := range []struct{ item, want string }{
		{`A|expand: '%many%%many%%many%'`, "f.yml:5:5: the placeholders make more than 20000 values"},
		{`A|re|expand: '%bad%'`, "f.yml:5:5: the expression can't be read"},
	} {
		docs := parseAll(t, "title: t\nlogsource: {product: windows}\ndetection:\n  sel:\n    "+c.item+"\n  condition: sel\n")
		if r, diags := docs.Rules[0].WithPlaceholders(given); r != nil || !strings.HasPrefix(diags.Error(), c.want) {
			t.Errorf("%s gives %v", c.item, diags)
		}
	}
	for _, c := range []struct{ item, want string }{
		{`A|expand|base64: '%x%'`, "modifier base64: takes text, not a placeholder"},
		{`A|expand|re: '%x%'`, "modifier re: stands before expand"},
	} {
		if got := parseItem(t, c.item); !strings.HasPrefix(got, "error: "+c.want) {
			t.Errorf("%s gives %s", c.item, got)
		}
	}
}

func TestParsePlaceholders(t *testing.T) {
	for _, c := range []struct{ path, text, want string }{
		{"p.yml", "a: [x, 1, 1.50, '2']\nb: y\n", "a=x,1,1.50,2 b=y"},
		{"p.yml", "placeholders: {a: x}\n", "a=x"},
		{"p.yml", "placeholders: x\n", "placeholders=x"},
		{"p.csv", "name,value\na,x\nb,y\na,\"z,\"\n", "a=x,z, b=y"},
		{"p.CSV", "\ufeffnote,Value,Name\nn,x,a\n", "a=x"},
		{"p.yml", "a: [x, null]\n", "p.yml:1:8: a value of placeholder a must be a text or a number, this is empty; put it in quotes if it is meant as text"},
		{"p.yml", "a: true\n", "p.yml:1:4: a value of placeholder a must be a text or a number, this is true or false; put it in quotes if it is meant as text"},
		{"p.yml", "a: []\n", "p.yml:1:4: placeholder a has no value"},
		{"p.yml", "a: {b: c}\n", "p.yml:1:4: a value of placeholder a must be a text or a number, this is a map; put it in quotes if it is meant as text"},
		{"p.yml", "- a\n", "p.yml:1:1: placeholders must be a map from names to values, this is a list"},
		{"p.yml", "", `p.yml: the file holds no placeholders; write "name: [value, value]", or a .csv with the columns name and value`},
		{"p.csv", "a,b\nx,y\n", "p.csv:1:1: the first line must name the columns name and value"},
		{"p.csv", "name,value\nx\n", "p.csv:2:1: a line needs a name and a value"},
		{"p.csv", "name,value\nx,\"y\n", "p.csv:2:6: not valid CSV: extraneous or missing \" in quoted-field"},
	} {
		p, diags := ParsePlaceholders(&diag.File{Path: c.path, Data: []byte(c.text)})
		got := diags.Error()
		if len(diags) == 0 {
			var parts []string
			for _, name := range []string{"a", "b", "placeholders"} {
				if len(p[name]) > 0 {
					parts = append(parts, name+"="+strings.Join(p[name], ","))
				}
			}
			got = strings.Join(parts, " ")
		}
		if got != c.want {
			t.Errorf("%s %q\n  gives %s\n  want  %s", c.path, c.text, got, c.want)
		}
	}
}

// Replacing gives every combination, as a slow substitution of texts does.
func TestPlaceholderCombinations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`(%[pqr]%|\\%|\\\\|a|\\\*|\*|-){0,6}`).Draw(t, "text")
		given := Placeholders{}
		for _, name := range []string{"p", "q"} {
			given[name] = rapid.SliceOfN(rapid.StringMatching(`[xy*?]{0,2}`), 1, 3).Draw(t, name)
		}
		want := []string{""}
		for at := 0; at < len(text); {
			pieces := []string{text[at : at+1]}
			step := 1
			switch text[at] {
			case '\\':
				step = 2
				if pieces[0] = text[at : at+2]; pieces[0] == `\%` {
					pieces[0] = "%"
				}
			case '%':
				step = 3
				if pieces = given[text[at+1:at+2]]; pieces == nil {
					pieces = []string{text[at : at+3]}
				}
			}
			var next []string
			for _, before := range want {
				for _, piece := range pieces {
					next = append(next, before+piece)
				}
			}
			want, at = next, at+step
		}
		item, err := modExpand.value(operand{Value: String{Pattern: ParsePattern(text)}, at: &yaml.Node{Value: text}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := replaceOne(item, func(name string) ([]string, bool) { v, ok := given[name]; return v, ok })
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d forms of %q, want %d (%v)", len(got), text, len(want), err)
		}
		for i, v := range got {
			if g, w := v.(String).Pattern.String(), ParsePattern(want[i]).String(); g != w {
				t.Fatalf("form %d of %q is %q, want %q", i, text, g, w)
			}
		}
	})
}

// Whatever stands beside a rule, the text of what comes of it gives the same.
func FuzzDocuments(f *testing.F) {
	const rule = "title: r\nname: n\nlogsource: {product: windows}\ndetection:\n  a: {A|expand: '%p%x%q%', B|re|expand: '^%p%'}\n  condition: a\n"
	f.Add([]byte(rule + "---\n" + filterHead + "  rules: any\n  s: {A: 1}\n  condition: not 1 of them\n---\nplaceholders: {p: [a, 'b*'], q: 1}\n"))
	f.Add([]byte(rule + "--- # x\ntitle: f\nlogsource: {product: windows}\nfilter: {rules: [n], s: [x, {B|expand: '%q%'}], condition: s}\n...\nplaceholders:\n  q: \"\\0\\u2028\"\n"))
	f.Add([]byte("action: global\nlogsource: {product: windows}\n---\n" + rule + "---\naction: repeat\ntitle: again\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, diags := ParsePlaceholders(&diag.File{Path: "x.csv", Data: data}); len(diags) > 0 {
			_ = diags.Error()
		}
		_, _ = ParsePlaceholders(&diag.File{Path: "x.yml", Data: data})
		docs, diags := ParseAll(&diag.File{Data: data})
		if diags = append(diags, docs.Apply()...); len(diags) > 0 {
			return
		}
		for _, r := range docs.Rules {
			again, diags := ParseAll(&diag.File{Data: []byte(r.Text)})
			if diags = append(diags, again.Apply()...); diags.HasErrors() {
				if len(r.Text) > MaxFileSize {
					return
				}
				t.Fatalf("%v\n%q", diags, r.Text)
			}
			last := again.Rules[len(again.Rules)-1]
			if got, want := showTrees(last), showTrees(r); got != want {
				t.Fatalf("%q gives\n%s\nwant\n%s", r.Text, got, want)
			}
		}
	})
}

func showTrees(r *Rule) string {
	var b strings.Builder
	for _, c := range r.Detection.Conditions {
		b.WriteString(conditionForPySigma(c.Expr) + "\n")
	}
	for _, id := range r.Detection.Identifiers {
		b.WriteString(id.Name + " " + searchForPySigma(id.Body) + "\n")
	}
	return b.String()
}

// The document of placeholders that a rule's text carries gives them back.
func TestPlaceholderDocument(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Placeholders(rapid.MapOfN(rapid.StringN(1, 5, -1), rapid.SliceOfN(rapid.String(), 1, 3), 1, 3).Draw(t, "placeholders"))
		docs, diags := ParseAll(&diag.File{Data: []byte(want.document())})
		if len(diags) > 0 || !cmp.Equal(docs.Placeholders, want) {
			t.Fatalf("%v\n%s", diags, cmp.Diff(want, docs.Placeholders))
		}
	})
}
