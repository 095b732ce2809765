package lucene

import (
	"fmt"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
)

// show writes a tree in one line.
func show(e ir.Expr) string {
	join := func(name string, x []ir.Expr) string {
		var parts []string
		for _, e := range x {
			parts = append(parts, show(e))
		}
		return name + "(" + strings.Join(parts, ", ") + ")"
	}
	switch e := e.(type) {
	case *ir.And:
		return join("and", e.X)
	case *ir.Or:
		return join("or", e.X)
	case *ir.Not:
		return "not(" + show(e.X) + ")"
	case *ir.Match:
		ops := map[ir.Op]string{ir.Like: ":", ir.Number: "=", ir.Null: " null", ir.CIDR: " in ", ir.Regexp: "~", ir.Less: "<", ir.LessEqual: "<=", ir.Greater: ">", ir.GreaterEqual: ">="}
		text := e.Text
		if e.Op == ir.Like {
			text = e.Pattern.String()
		}
		return e.Field + ops[e.Op] + text
	}
	return "?"
}

func TestParse(t *testing.T) {
	cases := []struct{ query, want string }{
		// Values.
		{`EventID:1`, `EventID=1`},
		{`EventID:01`, `EventID:01`},
		{`Image:*\\cmd.exe`, `Image:*\cmd.exe`},
		{`Image:a\*b?c`, `Image:a\*b?c`},
		{`Image:"C:\\Program Files\\a*b"`, `Image:C:\Program Files\a\*b`},
		{`host.name:WS\-1`, `host.name:WS-1`},
		{`field\ with\:signs:x`, `field with:signs:x`},
		{`whoami`, `:whoami`},
		{`"who am i"`, `:who am i`},
		{`7`, `:7`},
		{`Größe:日本`, `Größe:日本`},
		{`CommandLine:/.*who(ami)?\/x/`, `CommandLine~^(?s:.*who(ami)?/x)$`},
		{`CommandLine:/[a-z$]{2}\.$/`, `CommandLine~^(?s:[a-z$]{2}\.\$)$`},
		{`Size:>10 AND Size:<=2.5`, `and(Size>10, Size<=2.5)`},
		{`Size:\>10`, `Size>10`},
		{`Size:[1 TO 5}`, `and(Size>=1, Size<5)`},
		{`Size:{1 TO *]`, `Size>1`},
		{`Size:[* TO *]`, `not(Size null)`},
		{`Size:\-5`, `Size=-5`},
		{`_exists_:User`, `not(User null)`},
		{`User:*`, `not(User null)`},
		{`*`, `and()`},
		{`*:*`, `and()`},
		{`Image:a^2.5 AND b^3`, `and(Image:a, :b)`},
		{`Ip:"10.0.0.0/8"`, `or(Ip:10.0.0.0/8, Ip in 10.0.0.0/8)`},
		{`Ip:\:\:1\/128`, `or(Ip:::1/128, Ip in ::1/128)`},
		{`"10.0.0.0/8"`, `:10.0.0.0/8`},
		{`Image.keyword:*\\cmd.exe AND _exists_:a.b.caseless`, `and(Image:*\cmd.exe, not(a.b null))`},
		{`.keyword:x`, `.keyword:x`},
		// Lists of a field.
		{`EventID:(1 OR 3)`, `or(EventID=1, EventID=3)`},
		{`Image:(*a AND NOT "b c")`, `and(Image:*a, not(Image:b c))`},
		{`Image:(a User:b)`, `or(Image:a, User:b)`},
		// What is required.
		{`a AND b`, `and(:a, :b)`},
		{`a && b || c`, `and(:a, :b)`},
		{`a b`, `or(:a, :b)`},
		{`a OR b OR c`, `or(:a, :b, :c)`},
		{`+a b -c`, `and(:a, not(:c))`},
		{`a OR b AND c`, `and(:b, :c)`},
		{`a AND NOT b`, `and(:a, not(:b))`},
		{`NOT a OR b`, `and(:b, not(:a))`},
		{`a !b`, `and(:a, not(:b))`},
		{`NOT a AND b`, `and(:b, not(:a))`},
		{`a OR (NOT b)`, `or(:a, not(:b))`},
		{`NOT (a OR b)`, `not(or(:a, :b))`},
		{`-a`, `not(:a)`},
		{`((a))`, `:a`},
		{`(a OR b) AND (c OR d)`, `and(or(:a, :b), or(:c, :d))`},
		{"a\n  AND\tb", `and(:a, :b)`},
		{`ANDROID or and`, `or(:ANDROID, :or, :and)`},
	}
	for _, c := range cases {
		e, diags := Parse(c.query)
		if diags.HasErrors() {
			t.Errorf("%s: %v", c.query, diags)
			continue
		}
		if got := show(e); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.query, got, c.want)
		}
	}
}

func TestMessages(t *testing.T) {
	cases := []struct{ query, want string }{
		{``, `1:1 there is nothing to look for`},
		{`a AND`, `1:3 AND has nothing behind it`},
		{`OR a`, `1:1 OR has nothing before it`},
		{`(a OR b`, `1:1 this parenthesis is not closed`},
		{`a)`, `1:2 a closing parenthesis without an opening one`},
		{`()`, `1:2 there is nothing to look for`},
		{`Image:`, `1:7 a value is missing here`},
		{`Image:-5`, `1:7 a value is missing here`},
		{`:x`, `1:1 a value is missing before :`},
		{`Image:C:\x`, `1:8 a value is missing before :`},
		{`Image:"a`, `1:7 this quote is not closed`},
		{`Image:/a`, `1:7 this regular expression is not closed`},
		{"a AND\n日本:[1 TO", `2:4 this range is not closed`},
		{`Image:/a(/`, `1:7 the regular expression can't be read: error parsing regexp: missing closing ): ` + "`^(?s:a()$`"},
		{`Image:/a~b/`, `1:7 ~ in a regular expression is not supported`},
		{`Image:cmd~2`, `1:10 words that are like a word are not looked for`},
		{`"a b"~3`, `1:6 words at a distance are not looked for`},
		{`@timestamp:[2020-01-01 TO 2020-01-02]`, `1:12 the bound "2020-01-01" is no number of a field`},
		{`Size:[1 5]`, `1:6 a range has two bounds`},
		{`Size:>x`, `1:6 > compares a field with a number`},
		{`win*.x:1`, `1:1 wildcards in the name of a field are not supported`},
		{`_exists_:a*`, `1:10 _exists_ wants the name of a field`},
		{`a^`, `1:2 a number is missing behind ^`},
		{`NOT`, `1:1 NOT has nothing behind it`},
		{`a -`, `1:3 - has nothing behind it`},
		{`a\`, `1:1 the query ends in a backslash`},
		{strings.Repeat("(", 200), `1:102 parentheses nest deeper than 100`},
		{strings.Repeat("x", 2<<20), `1:1 the query has 2097152 bytes, more than the 1048576 that are read`},
		{`a b`, `1:3 warning: words stand side by side: one of them is enough, where a cluster may take them for one value`},
		{`User:(anna bob carl)`, `1:12 warning: words stand side by side: one of them is enough, where a cluster may take them for one value`},
		{`a b* "c" User:d`, ``},
		{`a OR b`, ``},
		{`a OR b AND c`, `1:1 warning: AND and OR stand side by side: what AND stands next to is required, and the rest then changes nothing`},
		{`(a OR b) AND (c AND d OR e)`, `1:15 warning: AND and OR stand side by side: what AND stands next to is required, and the rest then changes nothing`},
		{`a AND b AND NOT c`, ``},
		{`a OR b OR NOT c`, ``},
	}
	for _, c := range cases {
		e, diags := Parse(c.query)
		got := ""
		for _, d := range diags {
			kind := ""
			if d.Severity == diag.Warning {
				kind = "warning: "
			}
			got += fmt.Sprintf("%d:%d %s%s", d.Pos.Line, d.Pos.Column, kind, d.Message)
		}
		if got != c.want {
			t.Errorf("%.60q\n got %s\nwant %s", c.query, got, c.want)
		}
		if (e == nil) != diags.HasErrors() {
			t.Errorf("%.60q: tree %v with messages %v", c.query, e, diags)
		}
	}
}

// A query as long as one may be is read in a time that grows with its length.
func TestLongQueries(t *testing.T) {
	for _, part := range []string{"a:1 OR ", "(a:b c AND d OR e) ", "日本 "} {
		query := strings.Repeat(part, maxText/len(part)-1) + "x"
		e, diags := Parse(query)
		if e == nil || len(diags) > maxWarnings {
			t.Errorf("%q repeated: %d messages", part, len(diags))
		}
	}
}

// Whatever is read, the messages point into it, and a tree comes when none is an error.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`a AND (b OR NOT c)`, `x:[1 TO *] y:/a/ "z"^2`, `+a -b !c \`, `_exists_:x && *:*`, "\u3000日:本"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		e, diags := Parse(query)
		if (e == nil) != diags.HasErrors() {
			t.Errorf("tree %v with messages %v", e, diags)
		}
		lines := strings.Split(query, "\n")
		for _, d := range diags {
			if d.Pos.Line < 1 || d.Pos.Line > len(lines) || d.Pos.Column < 1 || d.Pos.Column > len([]rune(lines[d.Pos.Line-1]))+1 {
				t.Errorf("%v points to %v", d, d.Pos)
			}
		}
	})
}
