package sigma

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
)

var update = flag.Bool("update", false, "write the golden files")

// parseItem reads one detection item and shows its values after modifiers.
func parseItem(t *testing.T, item string) string {
	t.Helper()
	text := "title: t\nlogsource: {product: windows}\ndetection:\n  sel:\n    " + item + "\n  condition: sel\n"
	rules, diags := Parse(&diag.File{Path: "r.yml", Data: []byte(text)})
	if diags.HasErrors() {
		return "error: " + diags.Errors()[0].Message
	}
	it := rules[0].Detection.Identifiers[0].Body.(*Group).Members[0].(*Item)
	s := ""
	if it.Negated {
		s += "not "
	}
	if it.All {
		s += "all "
	}
	return s + showValues(it.Values)
}

func showValues(values []Value) string {
	var out []string
	for _, v := range values {
		switch v := v.(type) {
		case String:
			if v.Cased {
				out = append(out, "cased"+show(v.Pattern))
			} else {
				out = append(out, show(v.Pattern))
			}
		case Alternatives:
			out = append(out, "("+showValues(v)+")")
		case Regexp:
			out = append(out, "/"+v.Expr()+"/")
		default:
			out = append(out, fmt.Sprintf("%T(%v)", v, v))
		}
	}
	return strings.Join(out, " ")
}

func TestValues(t *testing.T) {
	tests := []struct{ item, want string }{
		{`F: abc`, `[abc]`},
		{`F: 19`, `sigma.Number({19})`},
		{`F: -1`, `sigma.Number({-1})`},
		{`F: 0x1F`, `sigma.Number({31})`},
		{`F: 010`, `[010]`},
		{`F: 00000429`, `[00000429]`},
		{`F: 0o10`, `sigma.Number({8})`},
		{`F: 1.50`, `sigma.Number({1.50})`},
		{`F: 1e3`, `sigma.Number({1000})`},
		{`F: 99999999999999999999999`, `sigma.Number({99999999999999999999999})`},
		{`F: '19'`, `[19]`},
		{`F: true`, `sigma.Bool(true)`},
		{`F: null`, `sigma.Null({})`},
		{`F:`, `sigma.Null({})`},
		{`F: ''`, ``},
		{`F: 2020-01-01`, `[2020-01-01]`},
		{`F: [a, null, 3]`, `[a] sigma.Null({}) sigma.Number({3})`},
		{`F: []`, `error: the list of values is empty`},
		{`F: {a: b}`, `error: a field's value is a text, a number, true, false, null or a list of these, this is a map`},
		{`F|contains: a b`, `*[a b]*`},
		{`F|contains: '*x*'`, `*[x]*`},
		{`F|contains: 'ends\'`, `*[ends\]*`},
		{`F|contains: 5`, `*[5]*`},
		{`F|startswith: 'C:\x\'`, `[C:\x\]*`},
		{`F|endswith: '\cmd.exe'`, `*[\cmd.exe]`},
		{`F|contains|all: [a, b]`, `all *[a]* *[b]*`},
		{`F|all: [a, b]`, `all [a] [b]`},
		{`F|cased: A`, `cased[A]`},
		{`F|contains|cased: A`, `cased*[A]*`},
		{`F|neq: A`, `not [A]`},
		{`F|exists: true`, `sigma.Exists(true)`},
		{`F|exists: 1`, `error: modifier exists: takes true or false`},
		{`F|base64: foo`, `[Zm9v]`},
		{`F|base64: 'a*'`, `error: modifier base64: takes text without wildcards; a wildcard modifier such as contains comes after it`},
		{`F|base64offset|contains: foo`, `(*[Zm9v]* *[Zvb]* *[mb2]*)`},
		{`F|wide|base64offset|contains: foo`, `(*[ZgBvAG8A]* *[YAbwBvA]* *[mAG8Abw]*)`},
		{`F|utf16|base64: a`, `[//5hAA==]`},
		{`F|utf16be|base64: a`, `[AGE=]`},
		{`F|utf16le|base64: a`, `[YQA=]`},
		{`F|utf16: a`, `error: the encoded value is not text; add base64 or base64offset after the UTF-16 modifier`},
		{`F|windash: ' -f'`, `([ -f] [ /f] [ –f] [ —f] [ ―f])`},
		{`F|windash: 'a-b'`, `[a-b]`},
		{`F|windash|contains: '/f'`, `(*[/f]* *[-f]* *[–f]* *[—f]* *[―f]*)`},
		{`F|windash: '-a -b -c -d -e -f -g'`, `error: modifier windash: a value may hold six flags; use several values`},
		{`F|re: '^a.*b$'`, `/^a.*b$/`},
		{`F|re: 'a\\b'`, `/a\\b/`},
		{`F|re|i: a`, `/(?i)a/`},
		{`F|re|m|s: a`, `/(?ms)a/`},
		{`F|re: 5`, `/5/`},
		{`F|re: 'a(?=b)'`, `error: modifier re: "(?=" is not part of RE2, which has no look-around and no back-references`},
		{`F|re: '(a)\1'`, `error: modifier re: "\\1" is not part of RE2, which has no look-around and no back-references`},
		{`F|re: '('`, `error: modifier re: the expression can't be read: missing closing ): "("`},
		{`F|i: a`, `error: modifier i: stands behind re only`},
		{`F|lt: 5`, `sigma.Compare({lt 5})`},
		{`F|gte: '5.5'`, `sigma.Compare({gte 5.5})`},
		{`F|gte: x`, `error: modifier gte: takes a number, this is text`},
		{`F|hour: 3`, `sigma.TimePart({hour  3})`},
		{`F|hour|lt: 3`, `sigma.TimePart({hour lt 3})`},
		{`F|cidr: 10.0.0.0/8`, `sigma.CIDR(10.0.0.0/8)`},
		{`F|cidr: 10.1.2.3/8`, `sigma.CIDR(10.0.0.0/8)`},
		{`F|cidr: fe80::/10`, `sigma.CIDR(fe80::/10)`},
		{`F|cidr: ::1`, `sigma.CIDR(::1/128)`},
		{`F|cidr: nowhere`, `error: modifier cidr: "nowhere" is no network; write 10.0.0.0/8 or fe80::/10`},
		{`F|expand: '%x%'`, `%x%`},
		{`F|expand: 'a%x%\%b'`, `[a]%x%[%b]`},
		{`F|expand: '\%x%'`, `[%x%]`},
		{`F|expand: '\\%x%'`, `[\]%x%`},
		{`F|expand: '\\\%x%'`, `[\%x%]`},
		{`F|expand: '\\\\%x%'`, `[\\]%x%`},
		{`F|expand: 'C:\d\\%x%\y'`, `[C:\d\]%x%[\y]`},
		{`F|expand: "\\\\%x%"`, `[\]%x%`},
		{`F|expand: '%a%%b%'`, `%a%%b%`},
		{`F|expand: '%a%b%'`, `%a%[b%]`},
		{`F|expand: '%a\%b%'`, `[%a%b%]`},
		{`F|expand: '%a%\%%b%'`, `%a%[%]%b%`},
		{`F|expand: '\%plain%name%'`, `[%plain]%name%`},
		{`F|expand: '50\\%'`, `[50\%]`},
		{`F|expand: '50\%'`, `[50%]`},
		{`F|expand: '%%'`, `[%%]`},
		{`F|expand: '%%x%'`, `[%]%x%`},
		{`F|expand: 'a*\\%x%?'`, `[a]*[\]%x%?`},
		{`F|expand: '\*\\%x%'`, `[*\]%x%`},
		{`F|expand: '%a*b%'`, `[%a]*[b%]`},
		{`F|expand: 5`, `[5]`},
		{`F|expand: null`, `error: modifier expand: takes text, not null`},
		{`F|contains|expand: '\\%x%'`, `*[\]%x%*`},
		{`F|expand|contains: '\\%x%'`, `*[\]%x%*`},
		{`F|endswith|expand: '\\%x%\%'`, `*[\]%x%[%]`},
		{`F|cased|expand: '\\%x%'`, `cased[\]%x%`},
		{`F|expand|windash: '%x% -f'`, `(%x%[ -f] %x%[ /f] %x%[ –f] %x%[ —f] %x%[ ―f])`},
		{`F|windash|expand: '\%-f\\%x%'`, `([%-f\]%x% [%/f\]%x% [%–f\]%x% [%—f\]%x% [%―f\]%x%)`},
		{`F|base64|expand: '%x%'`, `[JXgl]`},
		{`F|expand|base64: '\%x\%'`, `[JXgl]`},
		{`F|re|expand: '\\%x%'`, `/\\%x%/`},
		{`F: '%x%'`, `[%x%]`},
		{`F|fieldref: G`, `sigma.FieldRef({G false false false})`},
		{`F|fieldref|startswith: G`, `sigma.FieldRef({G true false false})`},
		{`F|contains|fieldref: G`, `sigma.FieldRef({G true true false})`},
		{`F|contain: a`, `error: unknown modifier "contain"`},
	}
	for _, tt := range tests {
		if got := parseItem(t, tt.item); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.item, got, tt.want)
		}
	}
}

// showCondition writes a parsed condition with all parentheses.
func showCondition(e ConditionExpr) string {
	join := func(x []ConditionExpr, op string) string {
		var parts []string
		for _, e := range x {
			parts = append(parts, showCondition(e))
		}
		return "(" + strings.Join(parts, " "+op+" ") + ")"
	}
	switch e := e.(type) {
	case *CondAnd:
		return join(e.X, "and")
	case *CondOr:
		return join(e.X, "or")
	case *CondNot:
		return "not " + showCondition(e.X)
	case *CondRef:
		return e.Name
	case *CondOf:
		if e.All {
			return "all" + fmt.Sprint(e.Names)
		}
		return "1" + fmt.Sprint(e.Names)
	}
	return "?"
}

func TestConditions(t *testing.T) {
	tests := []struct{ condition, want string }{
		{`a`, `a`},
		{`a or b and c`, `(a or (b and c))`},
		{`not a and b`, `(not a and b)`},
		{`not (a or b)`, `not (a or b)`},
		{`not not a`, `not not a`},
		{`a AND b Or c`, `((a and b) or c)`},
		{`(a)`, `a`},
		{`1 of sel*`, `1[sel_x sel_y]`},
		{`all of sel*`, `all[sel_x sel_y]`},
		{`any of sel*`, `1[sel_x sel_y]`},
		{`1 of *_x`, `1[sel_x]`},
		{`1 of s*_*`, `1[sel_x sel_y]`},
		{`1 of them`, `1[a b c sel_x sel_y notepad order android]`},
		{`1 of _*`, `1[_hidden]`},
		{`all of a`, `all[a]`},
		{`notepad or order and android`, `(notepad or (order and android))`},
		{`a and not 1 of sel_*`, `(a and not 1[sel_x sel_y])`},
		{`a | count() > 5`, `a`},
		{``, `error 6:15 a condition must be text, this is empty`},
		{`a and`, `error 6:20 the condition ends where a search identifier is expected`},
		{`a b`, `error 6:17 expected "and" or "or" before "b"`},
		{`(a`, `error 6:15 this parenthesis is never closed`},
		{`a)`, `error 6:16 this parenthesis closes nothing`},
		{`a and or b`, `error 6:21 expected a search identifier, found "or"`},
		{`selx`, `error 6:15 unknown search identifier "selx"; did you mean "sel_x"?`},
		{`sel*`, `error 6:15 "sel*" stands for several search identifiers; write "1 of sel*" or "all of sel*"`},
		{`1 of nix*`, `error 6:20 no search identifier is named like "nix*"`},
		{`2 of sel*`, `error 6:15 expected "1 of", "any of" or "all of", found "2 of"`},
	}
	const head = "title: t\nlogsource: {product: x}\ndetection:\n  {a: [k], b: [k], c: [k], sel_x: [k], sel_y: [k], _hidden: [k],\n   notepad: [k], order: [k], android: [k],\n   condition: "
	for _, tt := range tests {
		rules, diags := Parse(&diag.File{Data: []byte(head + tt.condition + "}\n")})
		got := ""
		if errs := diags.Errors(); len(errs) > 0 {
			got = fmt.Sprintf("error %d:%d %s", errs[0].Pos.Line, errs[0].Pos.Column, errs[0].Error())
		} else {
			got = showCondition(rules[0].Detection.Conditions[0].Expr)
		}
		if got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.condition, got, tt.want)
		}
	}
}

func TestDiagnostics(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal("no test files", err)
	}
	var out bytes.Buffer
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rules, diags := Parse(&diag.File{Path: filepath.Base(name), Data: data})
		fmt.Fprintf(&out, "== %s: %d rules\n", filepath.Base(name), len(rules))
		if err := diag.WriteText(&out, diags, false); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "testdata/bad.golden", out.Bytes())
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got; -update writes it):\n%s", name, d)
	}
}

func TestAliasesThatExplode(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	_, diags := Parse(&diag.File{Data: []byte(b.String())})
	if len(diags) != 1 || diags[0].Code != "too-complex" {
		t.Errorf("got %v", diags)
	}
}

func TestRefusesWhatIsNoText(t *testing.T) {
	tests := []struct {
		data []byte
		code string
	}{
		{[]byte("title: \x00"), "not-text"},
		{[]byte("title: \xff\xfe"), "not-text"},
		{bytes.Repeat([]byte("a: b\n"), MaxFileSize/5+1), "too-large"},
		{nil, "no-rule"},
		{[]byte("# only a comment\n"), "no-rule"},
		{[]byte("foo: bar\n"), "not-a-rule"},
	}
	for _, tt := range tests {
		rules, diags := Parse(&diag.File{Data: tt.data})
		if len(rules) != 0 || len(diags) != 1 || diags[0].Code != tt.code {
			t.Errorf("%.20q: %d rules, %v, want %s", tt.data, len(rules), diags, tt.code)
		}
	}
}

func TestDocuments(t *testing.T) {
	const text = `title: one
custom: {a: [1, b]}
logsource: &ls {product: windows}
detection: {sel: {A: 1}, condition: sel}
---
title: broken
detection: {sel: {A|nope: 1}, condition: sel}
--- # three
title: three
references: one only
falsepositives: [Admins: rarely]
logsource: {product: windows}
detection: {sel: {A: 1}, condition: sel}
`
	rules, diags := Parse(&diag.File{Path: "f.yml", Data: []byte(text)})
	if len(rules) != 2 || len(diags.Errors()) != 1 || diags.Errors()[0].Pos.Line != 7 {
		t.Fatalf("%d rules, %v", len(rules), diags)
	}
	one, three := rules[0], rules[1]
	if len(one.Custom) != 1 || one.Custom[0].Key != "custom" || one.Document != 1 {
		t.Errorf("custom keys %v, document %d", one.Custom, one.Document)
	}
	if three.Document != 3 || three.Pos.Line != 9 || three.References[0] != "one only" || three.FalsePositives[0] != "Admins: rarely" {
		t.Errorf("third rule: %+v", three)
	}
	if !strings.HasPrefix(one.Text, "title: one\n") || strings.Contains(one.Text, "---") {
		t.Errorf("text of the first rule: %q", one.Text)
	}
}

func TestCollections(t *testing.T) {
	const text = `action: global
title: shared
logsource: {product: windows}
detection: {condition: sel}
---
detection: {sel: {EventID: 1}}
---
action: repeat
detection: {sel: {Image: x}}
`
	rules, diags := Parse(&diag.File{Data: []byte(text)})
	if len(rules) != 2 || len(diags) != 0 {
		t.Fatalf("%d rules, %v", len(rules), diags)
	}
	second := rules[1].Detection.Identifiers[0].Body.(*Group)
	if len(second.Members) != 2 {
		t.Errorf("the repeated rule has %d items, want 2", len(second.Members))
	}
	for i, r := range rules {
		again, diags := Parse(&diag.File{Data: []byte(r.Text)})
		if len(diags) != 0 || len(again) == 0 {
			t.Fatalf("text of rule %d: %v", i, diags)
		}
		last := again[len(again)-1]
		if last.Title != "shared" || len(last.Detection.Identifiers[0].Body.(*Group).Members) != i+1 {
			t.Errorf("text of rule %d gives another rule: %q", i, r.Text)
		}
	}
}

// corpus is the folder of shared rules and data, "" when it is not there.
func corpus(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("HUNTBOOK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	if _, err := os.Stat(filepath.Join(dir, "corpus", "sigma")); err != nil {
		t.Skip("the corpus is not there: set HUNTBOOK_SHARED to its folder")
	}
	return filepath.Join(dir, "corpus", "sigma")
}

func TestCorpusParses(t *testing.T) {
	root := corpus(t)
	n := 0
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".yml" {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		if !strings.HasPrefix(rel, "rules") {
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rules, diags := Parse(&diag.File{Path: name, Data: data})
		n += len(rules)
		if len(diags) > 0 || len(rules) == 0 {
			t.Errorf("%s: %d rules, %v", rel, len(rules), diags)
		}
		return nil
	})
	if err != nil || n < 3000 {
		t.Errorf("%d rules read, %v", n, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("title: t\nlogsource: {product: windows}\ndetection:\n  sel:\n    A|contains|all: [x, y]\n  condition: sel or 1 of them\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("--- >\n...\n%YAML 1.2\n---\n- {}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rules, diags := Parse(&diag.File{Data: data})
		if len(rules) == 0 && len(diags) == 0 {
			t.Error("no rule and no reason")
		}
		for _, d := range diags {
			var b bytes.Buffer
			if err := diag.WriteText(&b, diag.List{d}, false); err != nil {
				t.Error(err)
			}
		}
	})
}

func FuzzCondition(f *testing.F) {
	for _, s := range []string{"a and not (1 of a* or b)", "((((", "all of them", "not not not a", "a|b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p := &parser{file: &diag.File{}}
		d := &Detection{Identifiers: []SearchIdentifier{{Name: "a"}, {Name: "b"}, {Name: "a2"}}}
		var n = scalarNode(s)
		search, _, _ := strings.Cut(s, "|")
		e := p.condition(n, search, d)
		if (e == nil) != p.diags.HasErrors() {
			t.Errorf("%q: tree %v, messages %v", s, e, p.diags)
		}
	})
}

func scalarNode(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s, Line: 1, Column: 1}
}
