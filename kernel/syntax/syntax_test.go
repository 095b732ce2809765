package syntax

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// show writes commands in a form that tests can hold in one line.
func show(commands []Command) string {
	var b strings.Builder
	for _, c := range commands {
		fmt.Fprintf(&b, "%s%s@%d:%d", []string{"%", "%%", "$"}[c.Kind], c.Name, c.Pos.Line, c.Pos.Column)
		for _, w := range c.Words {
			fmt.Fprintf(&b, " [%s]@%d+%d", w.Text, w.Pos.Column, w.Width)
		}
		if c.BodyLine > 0 {
			fmt.Fprintf(&b, " body@%d %q", c.BodyLine, c.Body)
		}
		if c.Save.Text != "" {
			fmt.Fprintf(&b, " as %s@%d+%d", c.Save.Text, c.Save.Pos.Column, c.Save.Width)
		}
		if len(c.Then) > 0 {
			b.WriteString(" | " + show(c.Then))
		}
		b.WriteString("; ")
	}
	return strings.TrimSuffix(b.String(), "; ")
}

func TestParse(t *testing.T) {
	cases := []struct{ source, want string }{
		{"", ""},
		{"\n# only a comment\n  \n", ""},
		{"%table", "%table@1:1"},
		{"  %table --rows 5 # five", "%table@1:3 [--rows]@10+6 [5]@17+1"},
		{"%data a.json 'b c.json' \"d e\"\r\n%top", "%data@1:1 [a.json]@7+6 [b c.json]@14+10 [d e]@25+5; %top@2:1"},
		{`%data C:\logs\new.json`, `%data@1:1 [C:\logs\new.json]@7+16`},
		{`%data "a\"b\\c\d"`, `%data@1:1 [a"b\c\d]@7+11`},
		{`%data $'a\nb\'\x41\u00e9'`, "%data@1:1 [a\nb'Aé]@7+19"},
		{`%data a'b c'd`, `%data@1:1 [ab cd]@7+7`},
		{`%data a#b`, `%data@1:1 [a#b]@7+3`},
		{`%data ''`, `%data@1:1 []@7+2`},
		{"rows = 50", "$rows@1:1 [50]@8+2"},
		{`since="2020-01-01" # day`, "$since@1:1 [2020-01-01]@7+12"},
		{"é = 1", "$é@1:1 [1]@5+1"},
		{"%%sigma", `%%sigma@1:1 body@2 ""`},
		{"# a rule\n%%sigma\ntitle: x\n%table", `%%sigma@2:1 body@3 "title: x\n%table\n"`},
		{"%a = %last", "%last@1:6 as a@1+2"},
		{"%a=%lucene 'x y'", "%lucene@1:4 [x y]@12+5 as a@1+2"},
		{"  %a\t=  %b | join X %c | top", "%b@1:9 as a@3+2 | %join@1:14 [X]@19+1 [%c]@21+2; %top@1:26"},
		{"%last | %top User --n 3 # it", "%last@1:1 | %top@1:9 [User]@14+4 [--n]@19+3 [3]@23+1"},
		{"%data a|b 'c' '|' x", "%data@1:1 [a|b]@7+3 [c]@11+3 [|]@15+3 [x]@19+1"},
		{"%data x=1", "%data@1:1 [x=1]@7+3"},
		{"rows = '|'", "$rows@1:1 [|]@8+3"},
		{"%%sigma\ntitle: |\n  x\n", `%%sigma@1:1 body@2 "title: |\n  x\n\n"`},
	}
	for _, c := range cases {
		commands, diags := Parse(c.source)
		if got := show(commands); got != c.want || len(diags) > 0 {
			t.Errorf("Parse(%q)\n got %s %v\nwant %s", c.source, got, diags, c.want)
		}
	}
}

func TestParseSaysWhatIsWrongAndWhere(t *testing.T) {
	cases := []struct{ source, want string }{
		{"hello", `cell:1:1: this line is no command; write a magic ("%table"), a parameter ("rows = 50") or a comment ("# …")`},
		{"!ls", `cell:1:1: this line is no command; write a magic ("%table"), a parameter ("rows = 50") or a comment ("# …")`},
		{"%a = 5", `cell:1:1: a result of a magic is kept, and none stands behind %a =; write %a = %last, for example`},
		{"%a = %%sigma", `cell:1:1: a result of a magic is kept, and none stands behind %a =; write %a = %last, for example`},
		{"%a =", `cell:1:1: a result of a magic is kept, and none stands behind %a =; write %a = %last, for example`},
		{"%a = %b = %c", `cell:1:6: a result gets one name; write a line for each`},
		{"%a = %", `cell:1:6: a magic is % and a name of letters; write "%table", for example`},
		{"%a |", `cell:1:4: no magic stands behind |; write "| table" or "| top User", for example`},
		{"%a | | top", `cell:1:4: no magic stands behind |; write "| table" or "| top User", for example`},
		{"%a | --n", `cell:1:4: no magic stands behind |; write "| table" or "| top User", for example`},
		{"%a | %%top", `cell:1:4: no magic stands behind |; write "| table" or "| top User", for example`},
		{"%table\n  %", `cell:2:3: a magic is % and a name of letters; write "%table", for example`},
		{"%ta-ble", `cell:1:1: a magic is % and a name of letters; write "%table", for example`},
		{"%data 'é x", `cell:1:7: the quote ' is not closed; quote as a shell does: 'my file.json'`},
		{`%data é "x`, `cell:1:9: the quote " is not closed; quote as a shell does: 'my file.json'`},
		{`%data $'\q'`, `cell:1:7: this escape is not known (known are \n \r \t \\ \' \xHH \uXXXX \UXXXXXXXX); quote as a shell does: 'my file.json'`},
		{`%data $'\n`, `cell:1:7: the quote $' is not closed; quote as a shell does: 'my file.json'`},
		{"rows = 1 2", `cell:1:1: a parameter has one value, rows has not; quote it: rows = "…"`},
		{"rows =", `cell:1:1: a parameter has one value, rows has not; quote it: rows = "…"`},
		{"%table\n%%sigma\ntitle: x", `cell:2:1: %%sigma must be the first line of its cell; split the cell in two`},
		{"oops\n%data '\n%table", "cell:1:1: this line is no command; write a magic (\"%table\"), a parameter (\"rows = 50\") or a comment (\"# …\")\ncell:2:7: the quote ' is not closed; quote as a shell does: 'my file.json'"},
	}
	for _, c := range cases {
		_, diags := Parse(c.source)
		if got := diags.Error(); got != c.want {
			t.Errorf("Parse(%q)\n got %s\nwant %s", c.source, got, c.want)
		}
	}
}

func TestQuote(t *testing.T) {
	cases := []struct{ text, want string }{
		{"logs/a.json", "logs/a.json"},
		{"журнал.json", "журнал.json"},
		{"", "''"},
		{"-x", "'-x'"},
		{"#x", "'#x'"},
		{"my file.json", "'my file.json'"},
		{`C:\logs`, `'C:\logs'`},
		{"it's", `$'it\'s'`},
		{"a\nb", `$'a\x0ab'`},
		{"a\u202eb", `$'a\u202eb'`},
		{"a\xffb", `$'a\xffb'`},
		{"😀", "'😀'"},
	}
	for _, c := range cases {
		if got := Quote(c.text); got != c.want {
			t.Errorf("Quote(%q) = %s, want %s", c.text, got, c.want)
		}
	}
}

// Any bytes at all come back from a cell as they were, and never as a flag.
func TestQuoteReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.RuneFrom([]rune("ab '\"\\$#-=%\n\r\t\u202e\u2028😀"))),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "s")
		for _, quote := range []func(string) string{Quote, QuoteValue} {
			source := "%data " + quote(s) + " " + quote(s)
			commands, diags := Parse(source)
			if len(diags) > 0 || len(commands) != 1 || len(commands[0].Words) != 2 {
				t.Fatalf("%q reads as %v, %v", source, commands, diags)
			}
			for _, w := range commands[0].Words {
				if w.Text != s {
					t.Fatalf("%q reads as %q, want %q", source, w.Text, s)
				}
				if strings.HasPrefix(s, "-") && !w.Quoted {
					t.Fatalf("%q is read as a flag", source)
				}
			}
			if !utf8.ValidString(source) {
				t.Fatalf("%q can't stand in a notebook", source)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"%table --rows 5", "%%sigma\ntitle: x", "rows = $'\\x41'", "%data 'a' \"b\" # c", "%data $'\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		commands, diags := Parse(source)
		for _, d := range diags {
			if d.Pos.Line < 1 || d.Pos.Column < 1 || d.Pos.Line > 1+strings.Count(source, "\n") {
				t.Errorf("message at %v of %q", d.Pos, source)
			}
		}
		for _, c := range commands {
			if c.Name == "" || c.Kind == Parameter && len(c.Words) != 1 {
				t.Errorf("%q reads as %+v", source, c)
			}
		}
	})
}
