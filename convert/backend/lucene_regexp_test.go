package backend

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/sigma"
)

var luceneCases = []struct{ search, want string }{
	{`^a.*b$`, `a.*b`},
	{`^abc`, `abc.*`},
	{`abc$`, `.*abc`},
	{`a/b`, `.*a\/b.*`},
	{`a|b`, `.*[ab].*`},
	{`aa|bb`, `.*(aa|bb).*`},
	{`^a|b$`, `(a.*|.*b)`},
	{`^(?:aa|bb)$`, `(aa|bb)`},
	{`(^|\\)x`, `(()|.*\\)x.*`},
	{`(?:^a)?b`, `(a|.*)b.*`},
	{`(?i)ab1`, `.*[Aa][Bb]1.*`},
	{`\d\w\S`, `.*[0-9][0-9A-Z_a-z][^` + "\t-\n\f-\r " + `].*`},
	{`a+?b*?c??d{2,3}?e{4,}f{5}`, `.*a+b*c?d{2,3}e{4,}f{5}.*`},
	{`(?:ab)+`, `.*(ab)+.*`},
	{`a@b&c<d>e#f~g"h`, `.*a\@b\&c\<d\>e\#f\~g\"h.*`},
	{`[-\]^&]`, `.*[\&\-\]-\^].*`},
	{`\\$`, `(.*\\)`},
	{`a\.*`, `.*a\.*.*`},
	{`.*a.*`, `.*a.*`},
	{`(?m)^a$`, "(.*\n)?a(\n.*)?"},
	{`.{5,}`, `.{5,}`},
	{`a.+`, `.*a.+`},
	{`a.{3,}$`, `.*a.{3,}`},
	// More than Lucene takes: the upper bounds go.
	{`a .{2,128} -b .{1,32}c{3}`, `.*a .{2,} \-b .{1,}c{3}.*`},
	{`a[^x]{0,300}b`, `.*a[^x]{0,}b.*`},
	{``, `.*`},
	{`^$`, `()`},
}

func TestLuceneRegexp(t *testing.T) {
	for _, c := range luceneCases {
		got, err := LuceneRegexp(c.search)
		if err != nil {
			t.Errorf("%s: %v", c.search, err)
		} else if want := unrange(c.want); unrange(got) != want {
			t.Errorf("%s gives %s, want %s", c.search, got, c.want)
		}
	}
}

// unrange makes classes with and without short ranges the same text.
func unrange(s string) string {
	return strings.NewReplacer("\t-\n", "\t\n", "\f-\r", "\f\r", `\]-\^`, `\]\^`).Replace(s)
}

func TestLuceneRegexpErrors(t *testing.T) {
	for search, want := range map[string]string{
		`\bx`:      "no word boundary",
		`(?:^a)*b`: "no anchor",
		`a^b`:      `no "^" behind`,
		`a$b`:      `no "$" before`,
		`(?=a)`:    "can't be read",
	} {
		if _, err := LuceneRegexp(search); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives error %v, want one with %q", search, err, want)
		}
	}
}

// What we write for Lucene is an expression of RE2 too, so RE2 can tell
// whether it matches the same values, as a whole, as the search finds.
func TestLuceneRegexpMeansTheSame(t *testing.T) {
	atoms := []string{"a", "b", "k", `\\`, "/", `\.`, ".", `\d`, `\w`, `\s`, "[^a]", "[a-c]", "(?i:k)", "^", "$", "(", ")", "|", "*", "+?", "?", "{1,2}", "(?:", "-", `"`, "<", "é"}
	letters := []string{"a", "b", "k", "K", "\u212a", `\`, "/", ".", "1", "_", " ", "-", `"`, "<", "é", "É"}
	rapid.Check(t, func(t *rapid.T) {
		search := strings.Join(rapid.SliceOfN(rapid.SampledFrom(atoms), 0, 8).Draw(t, "atoms"), "")
		re, err := regexp.Compile(search)
		if err != nil {
			t.Skip("not an expression")
		}
		text, err := LuceneRegexp(search)
		if err != nil {
			t.Skip("can't be written")
		}
		whole, err := regexp.Compile(`^(?s:` + strings.ReplaceAll(text, "#", "[^\\x00-\\x{10FFFF}]") + `)$`)
		if err != nil {
			t.Fatalf("%s became %s: %v", search, text, err)
		}
		for range 10 {
			value := strings.Join(rapid.SliceOfN(rapid.SampledFrom(letters), 0, 8).Draw(t, "letters"), "")
			if re.MatchString(value) != whole.MatchString(value) {
				t.Fatalf("%q: search %s finds %v, %s matches %v", value, search, re.MatchString(value), text, whole.MatchString(value))
			}
		}
	})
}

func TestLucenePattern(t *testing.T) {
	if got, want := LucenePattern(sigma.ParsePattern(`C:\a?b*`)), `[Cc]\:\\[Aa].[Bb].*`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
