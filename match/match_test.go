package match

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// row is one event of a test: JSON text as Builder takes it.
func batchOf(t interface{ Fatal(...any) }, rows ...string) *event.Batch {
	b := event.NewBuilder(event.Options{})
	for i, r := range rows {
		if err := b.AppendJSON([]byte(r), event.Record{Number: i + 1}); err != nil {
			t.Fatal(r, err)
		}
	}
	return b.Batch()
}

func like(field, pattern string) *ir.Match {
	return &ir.Match{Field: field, Op: ir.Like, Pattern: sigma.ParsePattern(pattern)}
}

func cased(field, pattern string) *ir.Match {
	m := like(field, pattern)
	m.Cased = true
	return m
}

func op(field string, o ir.Op, text string) *ir.Match {
	return &ir.Match{Field: field, Op: o, Text: text}
}

func TestMatches(t *testing.T) {
	affix := func(field, other string, a ir.Affix) *ir.Match {
		return &ir.Match{Field: field, Op: ir.FieldRef, Text: other, Affix: a}
	}
	part := func(p string, c ir.Op, n string) *ir.Match {
		return &ir.Match{Field: "a", Op: ir.TimePart, Part: p, Compare: c, Text: n}
	}
	tests := []struct {
		event string
		expr  ir.Expr
		want  bool
	}{
		{`{"a":"ABC"}`, like("a", "abc"), true},
		{`{"a":"ABC"}`, cased("a", "abc"), false},
		{`{"a":"abc"}`, cased("a", "abc"), true},
		{`{"a":"xABCx"}`, cased("a", "*ABC*"), true},
		{`{"a":"xABCx"}`, cased("a", "*abc*"), false},
		{`{"a":"abc"}`, like("b", "abc"), false},
		{`{"a":"xabcx"}`, like("a", "abc"), false},
		{`{"a":"xabcx"}`, like("a", "*abc*"), true},
		{`{"a":"abcx"}`, like("a", "abc*"), true},
		{`{"a":"xabc"}`, like("a", "*abc"), true},
		{`{"a":"xabcx"}`, like("a", "*abc"), false},
		{`{"a":"a.c"}`, like("a", "a?c"), true},
		{`{"a":"aüc"}`, like("a", "a?c"), true},
		{`{"a":"ac"}`, like("a", "a?c"), false},
		{`{"a":"axxbxxb"}`, like("a", "a*b"), true},
		{`{"a":"ÜBER"}`, like("a", "über"), true},
		{`{"a":"\u212aelvin"}`, like("a", "kelvin"), true},
		{`{"a":""}`, like("a", ""), true},
		{`{"a":null}`, like("a", ""), false},
		{`{}`, like("a", ""), false},
		{`{"a":""}`, like("a", "*"), true},
		{`{"a":null}`, like("a", "*"), false},
		{`{"a":19}`, op("a", ir.Number, "19"), true},
		{`{"a":"19"}`, op("a", ir.Number, "19"), true},
		{`{"a":"019"}`, op("a", ir.Number, "19"), false},
		{`{"a":1.0}`, op("a", ir.Number, "1.0"), true},
		{`{"a":"1.0"}`, op("a", ir.Number, "1.0"), true},
		{`{"a":19}`, like("a", "1*"), true},
		{`{"a":true}`, op("a", ir.Bool, "true"), true},
		{`{"a":"True"}`, op("a", ir.Bool, "true"), true},
		{`{"a":null}`, op("a", ir.Null, ""), true},
		{`{}`, op("a", ir.Null, ""), true},
		{`{"a":""}`, op("a", ir.Null, ""), false},
		{`{"a":[]}`, op("a", ir.Null, ""), true},
		{`{"a":[null,1]}`, op("a", ir.Null, ""), false},
		{`{"a":null}`, op("a", ir.Exists, ""), true},
		{`{"b":1}`, op("a", ir.Exists, ""), false},
		{`{"a":"xAbc"}`, op("a", ir.Regexp, "Ab"), true},
		{`{"a":"xabc"}`, op("a", ir.Regexp, "Ab"), false},
		{`{"a":"xabc"}`, op("a", ir.Regexp, "(?i)AB"), true},
		{`{"a":"foo 12"}`, op("a", ir.Regexp, `^(foo|bar)\s\d+$`), true},
		{`{"a":"zzz"}`, op("a", ir.Regexp, `[xyz]{3}`), true},
		{`{"a":"10.1.2.3"}`, op("a", ir.CIDR, "10.0.0.0/8"), true},
		{`{"a":"::ffff:10.1.2.3"}`, op("a", ir.CIDR, "10.0.0.0/8"), true},
		{`{"a":"11.1.2.3"}`, op("a", ir.CIDR, "10.0.0.0/8"), false},
		{`{"a":"fe80::1%eth0"}`, op("a", ir.CIDR, "fe80::/10"), true},
		{`{"a":"x"}`, op("a", ir.CIDR, "10.0.0.0/8"), false},
		{`{"a":5}`, op("a", ir.Less, "6"), true},
		{`{"a":"5"}`, op("a", ir.Less, "5"), false},
		{`{"a":"5"}`, op("a", ir.LessEqual, "5"), true},
		{`{"a":"0x10"}`, op("a", ir.Greater, "5"), false},
		{`{"a":"7.5"}`, op("a", ir.GreaterEqual, "7.5"), true},
		{`{"a":"2020-03-01T13:14:15Z"}`, part("hour", ir.Number, "13"), true},
		{`{"a":"2020-03-01 13:14:15.123"}`, part("minute", ir.Less, "15"), true},
		{`{"a":"2020-03-01"}`, part("week", ir.Number, "9"), true},
		{`{"a":"2020-03-01"}`, part("hour", ir.Number, "0"), false},
		{`{"a":"Bob","b":"bob"}`, affix("a", "b", ir.Whole), true},
		{`{"a":"Bobby","b":"bob"}`, affix("a", "b", ir.Whole), false},
		{`{"a":"Bobby","b":"bob"}`, affix("a", "b", ir.Prefix), true},
		{`{"a":"a bob","b":"bob"}`, affix("a", "b", ir.Suffix), true},
		{`{"a":"a bob b","b":"bob"}`, affix("a", "b", ir.Anywhere), true},
		{`{"a":"a"}`, affix("a", "b", ir.Whole), false},
		{`{"a":["x","abc"]}`, like("a", "ABC"), true},
		{`{"x":"some Mimikatz here"}`, like("", "mimikatz"), true},
		{`{"mimikatz":"x"}`, like("", "mimikatz"), false},
		{`{"x":{"y":["a","mimikatz"]}}`, like("", "mimi*z"), true},
		{`{"x":4688}`, op("", ir.Number, "4688"), true},
		{`{"x":"a1b"}`, op("", ir.Regexp, `a\db`), true},
		{`{"a":"1","b":"2"}`, &ir.And{X: []ir.Expr{like("a", "1"), like("b", "2")}}, true},
		{`{"a":"1","b":"2"}`, &ir.And{X: []ir.Expr{like("a", "1"), &ir.Not{X: like("b", "2")}}}, false},
		{`{"a":"1"}`, &ir.Or{X: []ir.Expr{like("a", "9"), &ir.Not{X: like("b", "2")}}}, true},
		{`{"a":"1"}`, &ir.And{}, true},
		{`{"a":"1"}`, &ir.Or{}, false},
	}
	for _, tt := range tests {
		p, errs := Compile([]Rule{{Expr: tt.expr}})
		if errs[0] != nil {
			t.Fatal(errs[0])
		}
		got := false
		NewMatcher(p, event.Options{}).Batch(batchOf(t, tt.event), func(int, []int) { got = true })
		if got != tt.want {
			t.Errorf("%s %s: %v, want %v", tt.event, describe(tt.expr), got, tt.want)
		}
		if ref := reference(t, tt.expr, tt.event); ref != tt.want {
			t.Errorf("%s %s: the reference says %v, want %v", tt.event, describe(tt.expr), ref, tt.want)
		}
	}
}

func describe(e ir.Expr) string {
	b, _ := json.Marshal(e)
	return fmt.Sprintf("%T%s", e, b)
}

func TestKeywordsInRawText(t *testing.T) {
	tests := []struct {
		keyword, event string
		want           bool
	}{
		{"mimikatz", `{"a":"MIMIKATZ"}`, true},
		{"mimikatz", `{"a":"mimi\u006batz"}`, true},
		{"mimikatz", `{"a":"mimi\\u006batz"}`, false},
		{"mimikatz", `{"a":"mimi\u212Aatz"}`, true},
		{"mimikatz", `{"a":"\u0027mimikatz\u003c"}`, true},
		{"it's", `{"a":"it\u0027s"}`, true},
		{"mimikatz", `{"a":"mimi\u212aatz"}`, true},
		{"mimikatz", "{\"a\":\"mimi\u212aatz\"}", true},
		{"masse", "{\"a\":\"ma\u017fse\"}", true},
		{`c:\\temp`, `{"a":"C:\\Temp\\x"}`, true},
		{`a/b`, `{"a":"xA\/By"}`, true},
		{"100", `{"a":1e2}`, true},
		{"über", `{"a":"ÜBER"}`, true},
		{"mimikatz", `{"mimikatz":"x"}`, false},
	}
	for _, tt := range tests {
		p, _ := Compile([]Rule{{Expr: like("", tt.keyword)}})
		got := false
		NewMatcher(p, event.Options{}).Batch(batchOf(t, tt.event), func(int, []int) { got = true })
		if got != tt.want {
			t.Errorf("%s in %s: %v, want %v", tt.keyword, tt.event, got, tt.want)
		}
	}
}

func TestScopes(t *testing.T) {
	b := batchOf(t, `{"EventID":1,"Channel":"Security","a":"x"}`, `{"a":"x"}`)
	for scope, want := range map[Scope][]int{AnyEvent: {0, 1}, WindowsEvent: {0}, OtherEvent: {1}} {
		p, _ := Compile([]Rule{{Expr: like("a", "x"), Scope: scope}})
		var got []int
		NewMatcher(p, event.Options{}).Batch(b, func(_ int, rows []int) { got = slices.Clone(rows) })
		if !slices.Equal(got, want) {
			t.Errorf("scope %d: rows %v, want %v", scope, got, want)
		}
	}
}

func TestCompileReportsBadRules(t *testing.T) {
	p, errs := Compile([]Rule{{Expr: op("a", ir.Regexp, "(")}, {Expr: like("a", "x")}, {Expr: op("a", ir.CIDR, "x")}})
	if errs[0] == nil || errs[1] != nil || errs[2] == nil {
		t.Fatal(errs)
	}
	var got []int
	NewMatcher(p, event.Options{}).Batch(batchOf(t, `{"a":"x"}`), func(rule int, _ []int) { got = append(got, rule) })
	if !slices.Equal(got, []int{1}) {
		t.Errorf("rules %v matched, want only the second", got)
	}
}

// TestAgreesWithReference holds the columnar matcher against an evaluator that
// looks at one event and one comparison at a time.
func TestAgreesWithReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		exprs := rapid.SliceOfN(genExpr(3), 1, 6).Draw(t, "rules")
		rules := make([]Rule, len(exprs))
		for i, e := range exprs {
			rules[i].Expr = e
		}
		p, errs := Compile(rules)
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
		m := NewMatcher(p, event.Options{})
		for range 2 { // the second batch finds the first one's buffers
			events := rapid.SliceOfN(genEvent(), 1, 70).Draw(t, "events")
			got := map[[2]int]bool{}
			m.Batch(batchOf(t, events...), func(rule int, rows []int) {
				for _, r := range rows {
					got[[2]int{rule, r}] = true
				}
			})
			for rule, e := range exprs {
				for row, ev := range events {
					if want := reference(t, e, ev); got[[2]int{rule, row}] != want {
						t.Fatalf("event %s\nrule %s\ngot %v, want %v", ev, describe(e), !want, want)
					}
				}
			}
		}
	})
}

var fields = []string{"a", "b", "c"}

func genExpr(depth int) *rapid.Generator[ir.Expr] {
	return rapid.Custom(func(t *rapid.T) ir.Expr {
		kind := rapid.IntRange(0, 9).Draw(t, "kind")
		if depth == 0 || kind > 4 {
			return genMatch().Draw(t, "match")
		}
		x := rapid.SliceOfN(genExpr(depth-1), 1, 3).Draw(t, "members")
		switch kind {
		case 0, 1:
			return &ir.And{X: x}
		case 2, 3:
			return &ir.Or{X: x}
		}
		return &ir.Not{X: x[0]}
	})
}

func genMatch() *rapid.Generator[*ir.Match] {
	return rapid.Custom(func(t *rapid.T) *ir.Match {
		m := &ir.Match{Field: rapid.SampledFrom(append(fields, "")).Draw(t, "field")}
		switch rapid.IntRange(0, 9).Draw(t, "op") {
		case 0:
			m.Op, m.Text = ir.Number, rapid.SampledFrom([]string{"1", "12", "-1", "1.50"}).Draw(t, "n")
		case 1:
			if m.Field == "" {
				m.Field = "a"
			}
			m.Op = rapid.SampledFrom([]ir.Op{ir.Null, ir.Exists}).Draw(t, "null")
		case 2:
			m.Op, m.Text = ir.Regexp, rapid.SampledFrom([]string{"a", "^ab", "(?i)AB|1", "b+$", "a.c", "[0-9]", "(ab|bc)c?", "(?i)ſ"}).Draw(t, "re")
		case 3:
			m.Op, m.Text = rapid.SampledFrom([]ir.Op{ir.Less, ir.GreaterEqual}).Draw(t, "cmp"), "1"
		case 4:
			if m.Field == "" {
				m.Field = "b"
			}
			m.Op, m.Text = ir.FieldRef, rapid.SampledFrom(fields).Draw(t, "other")
			m.Affix = ir.Affix(rapid.IntRange(0, 3).Draw(t, "affix"))
			m.Cased = rapid.Bool().Draw(t, "cased")
		default:
			m.Op, m.Pattern = ir.Like, sigma.ParsePattern(rapid.StringMatching(`[aAbBcs1*?Kſ]{0,6}`).Draw(t, "pattern"))
			m.Cased = rapid.Bool().Draw(t, "cased")
		}
		return m
	})
}

func genEvent() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		e := map[string]any{}
		for _, f := range fields {
			scalar := rapid.OneOf(
				rapid.StringMatching(`[aAbBcCsS1kKſK]{0,6}`).AsAny(),
				rapid.SampledFrom([]any{1, 12, -1, 1.5, true, nil, "", "10.0.0.1"}),
			)
			switch rapid.IntRange(0, 4).Draw(t, "shape") {
			case 0:
			case 1:
				e[f] = rapid.SliceOfN(scalar, 0, 3).Draw(t, f)
			default:
				e[f] = scalar.Draw(t, f)
			}
		}
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	})
}

// reference evaluates one tree on one flat event, in the plainest way.
func reference(t interface{ Fatal(...any) }, e ir.Expr, raw string) bool {
	d := json.NewDecoder(strings.NewReader(raw))
	d.UseNumber()
	var ev map[string]any
	if err := d.Decode(&ev); err != nil {
		t.Fatal(err)
	}
	return refEval(e, ev)
}

func refEval(e ir.Expr, ev map[string]any) bool {
	switch e := e.(type) {
	case *ir.And:
		for _, x := range e.X {
			if !refEval(x, ev) {
				return false
			}
		}
		return true
	case *ir.Or:
		for _, x := range e.X {
			if refEval(x, ev) {
				return true
			}
		}
		return false
	case *ir.Not:
		return !refEval(e.X, ev)
	}
	m := e.(*ir.Match)
	if m.Field == "" {
		for _, v := range ev {
			for _, text := range texts(v) {
				if refKeyword(m, text) {
					return true
				}
			}
		}
		return false
	}
	v, present := ev[m.Field]
	switch m.Op {
	case ir.Exists:
		return present
	case ir.Null:
		return len(texts(v)) == 0
	case ir.FieldRef:
		for _, a := range texts(v) {
			for _, b := range texts(ev[m.Text]) {
				if !m.Cased {
					a, b = refFold(a), refFold(b)
				}
				if m.Affix == ir.Whole && a == b || m.Affix == ir.Prefix && strings.HasPrefix(a, b) ||
					m.Affix == ir.Suffix && strings.HasSuffix(a, b) || m.Affix == ir.Anywhere && strings.Contains(a, b) {
					return true
				}
			}
		}
		return false
	}
	return slices.ContainsFunc(texts(v), func(s string) bool { return refText(m, s) })
}

// texts lists the values of a field that are not null, as text.
func texts(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		return []string{v}
	case bool:
		return []string{strconv.FormatBool(v)}
	case json.Number:
		f, _ := v.Float64()
		return []string{strconv.FormatFloat(f, 'f', -1, 64)}
	case []any:
		var out []string
		for _, x := range v {
			out = append(out, texts(x)...)
		}
		return out
	case map[string]any:
		var out []string
		for _, x := range v {
			out = append(out, texts(x)...)
		}
		return out
	}
	panic(fmt.Sprintf("%T", v))
}

func refKeyword(m *ir.Match, text string) bool {
	switch m.Op {
	case ir.Number, ir.Bool:
		return strings.Contains(refFold(text), refFold(m.Text))
	case ir.Like:
		return refGlob(m.Pattern.Contains(), m.Cased, text)
	}
	return refText(m, text)
}

func refText(m *ir.Match, text string) bool {
	switch m.Op {
	case ir.Like:
		return refGlob(m.Pattern, m.Cased, text)
	case ir.Bool:
		return refFold(text) == m.Text
	case ir.Number:
		return text == m.Text || text == shortNumber(m.Text)
	case ir.Regexp:
		return regexp.MustCompile(m.Text).MatchString(text)
	case ir.CIDR:
		a, err := netip.ParseAddr(text)
		return err == nil && netip.MustParsePrefix(m.Text).Contains(a.Unmap().WithZone(""))
	case ir.TimePart:
		n, ok := timePart(m.Part, text)
		want, _ := strconv.ParseFloat(m.Text, 64)
		return ok && compare(m.Compare, float64(n), want)
	}
	a, err := strconv.ParseFloat(text, 64)
	b, _ := strconv.ParseFloat(m.Text, 64)
	if err != nil || strings.ContainsAny(text, "xXnNiI") {
		return false
	}
	return m.Op == ir.Less && a < b || m.Op == ir.LessEqual && a <= b || m.Op == ir.Greater && a > b || m.Op == ir.GreaterEqual && a >= b
}

// refGlob turns the pattern into a regular expression over folded text.
func refGlob(p ir.Pattern, cased bool, text string) bool {
	if !cased {
		text = refFold(text)
	}
	re := `(?s)\A`
	for _, t := range p {
		switch t.Kind {
		case sigma.AnyChars:
			re += ".*"
		case sigma.OneChar:
			re += "."
		default:
			lit := t.Text
			if !cased {
				lit = refFold(lit)
			}
			re += regexp.QuoteMeta(lit)
		}
	}
	return regexp.MustCompile(re + `\z`).MatchString(text)
}

// refFold takes of every set of letters that fold together the largest.
func refFold(s string) string {
	return strings.Map(func(r rune) rune {
		largest := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			largest = max(largest, f)
		}
		return largest
	}, s)
}

func TestFoldAgreesWithEqualFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.StringMatching(`[a-zA-Z@\[`+"`"+`{ßſKkÄä0-9]{0,40}`).Draw(t, "a")
		if got, want := fold(a), strings.Map(foldRune, a); got != want {
			t.Fatalf("fold(%q) = %q, rune by rune %q", a, got, want)
		}
		b := strings.ToUpper(a)
		if (fold(a) == fold(b)) != strings.EqualFold(a, b) {
			t.Fatalf("%q and %q", a, b)
		}
	})
}
