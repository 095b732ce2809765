package runner

import (
	"fmt"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// values show a value with its type.
func values(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case *big.Int:
		return v.String()
	case []any:
		var items []string
		for _, item := range v {
			items = append(items, values(item))
		}
		return "[" + strings.Join(items, " ") + "]"
	case Parameters:
		var items []string
		for _, p := range v {
			items = append(items, p.Name+":"+values(p.Value))
		}
		return "{" + strings.Join(items, " ") + "}"
	case float64:
		return fmt.Sprintf("%gf", v)
	}
	return fmt.Sprintf("%#v", v)
}

// commandLine are values of -p; that they mean the same to papermill is checked where it
// is installed.
var commandLine = []struct{ text, want string }{
	{"", `""`},
	{"x", `"x"`},
	{"5", "5"},
	{"-5", "-5"},
	{"+5", "5"},
	{"007", "7"},
	{" 5 ", "5"},
	{"1_000", "1000"},
	{"1__0", `"1__0"`},
	{"_1", `"_1"`},
	{"123456789012345678901234567890", "123456789012345678901234567890"},
	{"0x10", `"0x10"`},
	{"1.5", "1.5f"},
	{".5", "0.5f"},
	{"5.", "5f"},
	{"1e5", "100000f"},
	{"1E-7", "1e-07f"},
	{"1e400", "+Inff"},
	{"inf", "+Inff"},
	{"-Infinity", "-Inff"},
	{"nan", "NaNf"},
	{"infinite", `"infinite"`},
	{"1e", `"1e"`},
	{"0x1p-2", `"0x1p-2"`},
	{"True", "true"},
	{"true", `"true"`},
	{"False", "false"},
	{"None", "null"},
	{"2020-09-21", `"2020-09-21"`},
	{"a=b", `"a=b"`},
	{`"q" \ ' é 😀`, `"\"q\" \\ ' é 😀"`},
}

func TestParseValue(t *testing.T) {
	for _, c := range commandLine {
		if got := values(ParseValue(c.text)); got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
	}
}

// yamlFile is what papermill reads the same way, except for the last values.
const yamlFile = `
text: hello
quoted: "5"
int: 5
negative: -17
octal: 010
hex: 0xff
binary: 0b101
spaced: 1_000
no_octal: 08
float: 1.5
exponent: 1.0e+3
no_exponent: 1e5
infinite: -.inf
yes_: yes
off_: off
"y": y
none: ~
empty:
date: 2020-09-21
moment: 2020-09-21 12:00:00
list: [1, a, [true, null]]
map: {a: 1, b: {c: "x y"}}
base: &base {a: 1, b: 2}
merged: {<<: *base, b: 3}
same: *base
block: |
  two
  lines
tagged: !!str 5
twice: 1
twice2: é
`

func TestRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.yml")
	read := func(text string) (Parameters, error) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p := Parameters{{"int", "before"}}
		err := p.Read(file)
		return p, err
	}
	got, err := read(yamlFile)
	if err != nil {
		t.Fatal(err)
	}
	want := `{int:5 text:"hello" quoted:"5" negative:-17 octal:8 hex:255 binary:5 spaced:1000 no_octal:"08" float:1.5f exponent:1000f no_exponent:"1e5" ` +
		`infinite:-Inff yes_:true off_:false y:"y" none:null empty:null date:"2020-09-21" moment:"2020-09-21 12:00:00" list:[1 "a" [true null]] ` +
		`map:{a:1 b:{c:"x y"}} base:{a:1 b:2} merged:{a:1 b:3} same:{a:1 b:2} block:"two\nlines\n" tagged:"5" twice:1 twice2:"é"}`
	if got := values(got); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"# nothing\n", ""},
		{`{"a": 1}`, ""},
		{"- 1\n", "parameters are a map"},
		{"hello\n", "parameters are a map"},
		{"a: [\n", "yaml: "},
		{"? [a]\n: 1\n", "1: a name must be text"},
		{"a: !!python/name:os.system x\n", "the tag"},
		{"a: !!binary aGVsbG8=\n", "the tag !!binary is not known"},
		{"<<: 5\n", "<< takes a map"},
		{bomb(), "more than 100000 values"},
		{strings.Repeat("#", maxParameterFile+1), "too many for parameters"},
	} {
		if _, err := read(c.text); c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%.40q: %v, want %q", c.text, err, c.want)
		}
	}
}

// bomb is a small file of very many values.
func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [1, 1]\n")
	for i := range 30 {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d, *a%d, *a%d]\n", i+1, i+1, i, i, i)
	}
	return b.String()
}

// TestLanguages: every value is a literal of the language, whatever it holds.
func TestLanguages(t *testing.T) {
	all := Parameters{
		{"_x", nil},
		{"yes", true}, {"no", false},
		{"big", new(big.Int).Lsh(big.NewInt(1), 40)},
		{"f", 1e20}, {"inf", math.Inf(-1)}, {"nan", math.NaN()},
		{"s", "\"; é\\\n\x07😀$x"},
		{"list", []any{big.NewInt(1), "a"}}, {"map", Parameters{{"k\"", 0.5}}},
	}
	for _, c := range []struct{ kernel, language, want string }{
		{"python3", "python", `# Parameters
_x = None
yes = True
no = False
big = 1099511627776
f = 1e+20
inf = float('-inf')
nan = float('nan')
s = "\"; \xe9\\\n\x07\U0001f600$x"
list = [1, "a"]
map = {"k\"": 0.5}
`},
		{"ir", "R", `# Parameters
x = NULL
yes = TRUE
no = FALSE
big = 1099511627776
f = 1e+20
inf = -Inf
nan = NaN
s = "\"; \u00e9\\\n\u0007\U0001f600$x"
list = list(1, "a")
map = list("k\"" = 0.5)
`},
		{"sparkkernel", "whatever", `// Parameters
val _x = None
val yes = true
val no = false
val big = 1099511627776L
val f = 1e+20
val inf = Double.NegativeInfinity
val nan = Double.NaN
val s = "\"; \u00e9\\\n\u0007\ud83d\ude00$x"
val list = Seq(1, "a")
val map = Map("k\"" -> 0.5)
`},
	} {
		l, err := findLanguage(c.kernel, c.language)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := l.cell(all); got != c.want || err != nil {
			t.Errorf("%s: %v, got\n%swant\n%s", c.kernel, err, got, c.want)
		}
	}
	if _, err := findLanguage("cobol", "COBOL"); err == nil {
		t.Error("there is a language COBOL")
	}
	for _, v := range []any{nil, true, math.NaN(), math.Inf(1), []any{}, Parameters{}} {
		if text, err := languages[Own].value(v); err == nil {
			t.Errorf("%v is %s in huntbook's language", v, text)
		}
	}
}

// TestValuesThatALanguageLacks: what a language has no literal for is refused by the
// parameter's name, before a kernel starts.
func TestValuesThatALanguageLacks(t *testing.T) {
	digits := func(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)-1), nil) }
	for _, c := range []struct {
		language string
		value    any
		lacks    string // "" for nothing
	}{
		{"r", "a\x00b", "a text with the character U+0000"},
		{"r", []any{"a", Parameters{{"k", "\x00"}}}, "a text with the character U+0000"},
		{"r", Parameters{{"\x00", "v"}}, "a text with the character U+0000"},
		{"r", Parameters{{"", "v"}}, "an empty name in a map"},
		{"r", big.NewInt(1 << 53), ""},
		{"r", big.NewInt(1<<53 + 1), "a number of so many digits"},
		{"r", digits(400), "a number of so many digits"},
		{"scala", digits(19), ""},
		{"scala", digits(20), "a number of so many digits"},
		{"scala", "\x00", ""},
		{"python", Parameters{{"", "\x00"}}, ""},
		{"python", digits(4300), ""},
		{"python", digits(4301), "a number of so many digits"},
		{Own, "\x00", ""},
		{Own, digits(4301), ""},
	} {
		want := ""
		if c.lacks != "" {
			want = `parameter "name": the kernel's language has no way to write ` + c.lacks
		}
		if _, err := languages[c.language].cell(Parameters{{"name", c.value}}); text(err) != want {
			t.Errorf("%s, %.40s: error %q, want %q", c.language, values(c.value), text(err), want)
		}
	}
}

func TestAssigned(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{"x = 1\ny=2 # z = 3\n# w = 4", "x y"},
		{"a, b = 1, 2", "a b"},
		{"since: str = '2020-01-01'", "since str"},
		{"x <- 5\nmy.name = 6", "x my.name"},
		{"val x = 5 // y = 6", "val x"},
		{"größe = 1", "größe"},
		{"print('hello')", ""},
		{"d = {\n  'a': 1,\n}", "d"},
	} {
		if got := strings.Join(assigned(c.source), " "); got != c.want {
			t.Errorf("%q: %q, want %q", c.source, got, c.want)
		}
	}
}

func TestSecrets(t *testing.T) {
	found := findSecrets([]string{
		"ES_PASSWORD=pa\"ss&word", "JUPYTER_TOKEN=0123456789", "HUNTBOOK_API_KEY=abcdefgh==", "AWS_SECRET_ACCESS_KEY=s3cr3t/key", "DB_PASS=passpass",
		"ES_URL=https://elastic:changeme@localhost:9200", "HOME=/somewhere", "PWD=/somewhere/long", "SHORT_TOKEN=abc", "PATH=/usr/bin", "HTTP=http://example.com/", "PASSWORD=",
	})
	var names []string
	for _, s := range found {
		names = append(names, s.name+"="+s.value)
	}
	want := []string{`ES_PASSWORD=pa"ss&word`, "JUPYTER_TOKEN=0123456789", "HUNTBOOK_API_KEY=abcdefgh==", "AWS_SECRET_ACCESS_KEY=s3cr3t/key", "DB_PASS=passpass", "ES_URL=changeme"}
	if !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	m := masker{secrets: found[:1]}
	for _, c := range []struct{ text, want string }{
		{`is pa"ss&word.`, "is [$ES_PASSWORD]."},
		{`{"p": "pa\"ss\u0026word"}`, `{"p": "[$ES_PASSWORD]"}`},
		{`'{\'p\': "pa\\\"ss&word"}'`, `'{\'p\': "[$ES_PASSWORD]"}'`},
		{"<b>pa&#34;ss&amp;word</b>", "<b>[$ES_PASSWORD]</b>"},
		{"<b>pa&quot;ss&#x26;word</b>", "<b>[$ES_PASSWORD]</b>"},
		{"?p=pa%22ss%26word", "?p=[$ES_PASSWORD]"},
		{"cGEic3Mmd29yZA==", "[$ES_PASSWORD]A=="},
		{"Authorization: Basic ZWxhc3RpYzpwYSJzcyZ3b3Jk", "Authorization: Basic ZWxhc3RpYzp[$ES_PASSWORD]"},
		{"password", "password"},
	} {
		if got := m.text(c.text); got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
}
