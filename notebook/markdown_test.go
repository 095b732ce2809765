package notebook

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	goldhtml "github.com/yuin/goldmark/renderer/html"
	"pgregory.net/rapid"
)

// commonMark renders as front ends do at their most willing: with the extensions
// of GitHub and more, raw HTML let through.
var commonMark = goldmark.New(
	goldmark.WithExtensions(extension.GFM, extension.Footnote, extension.DefinitionList),
	goldmark.WithParserOptions(parser.WithAttribute(), parser.WithHeadingAttribute()),
	goldmark.WithRendererOptions(goldhtml.WithUnsafe()),
)

func render(t interface{ Fatal(...any) }, markdown string) string {
	var b bytes.Buffer
	if err := commonMark.Convert([]byte(markdown), &b); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

var tags = regexp.MustCompile(`<[^>]*>`)

// hostileTexts are texts that would be something else in Markdown, HTML, a
// notebook's front end, a template or a language of cells.
var hostileTexts = []string{
	`<script>alert(1)</script>`, `</script><img src=x onerror=alert(1)>`, `<!-- x`, `<?php`, `&lt;b&gt; &#60;b&#62;`,
	`[x](javascript:alert(1))`, `![x](http://evil.example/p.png)`, `<javascript:alert(1)>`, `[x]: http://evil.example`, `[^1]: note`,
	`http://evil.example/ www.evil.example me@evil.example mailto:me@evil.example`, `WWW.evil.example`,
	"**bold** _em_ ~~gone~~ `code` ^up^ ==mark==", "# heading", "Setext\n===", "a\n---", "- item", "* item", "+ item", "1. item", "12) item", "> quote", "    code",
	"```\nfence", "~~~", "| a | b |\n|---|---|\n| c | d |", "term\n: definition", ": definition", "- [ ] task",
	`$x^2$ $$y$$ \(z\) \[w\] \begin{equation}x\end{equation}`, `C:\Windows\*\(x86)\$Recycle.Bin`, `\`, `\\`, `a\`, `ends with two  `,
	`{{ 7*7 }} {% raw %} ${7*7} #{7} <%= 7 %> {role}` + "`x`", `{.class #id}`, `% comment`, `(target)=`, `:::{note}`, ":smile:", `+++`,
	`"""; import os; os.system("x") #`, `'''`, `\N{BULLET} \x41 \u0041 %s %(x)s {x!r}`, "a\x00b\x1b[31mc", "\u202egnp.exe", "\u2028\u2029\u0085", "\ufeffbom", "\xff\xfe",
	"%%sigma\n%%bash", "!ls", "?x", "=== x code", "a\r\nb\rc", "😀é日本", strings.Repeat("long ", 20000), strings.Repeat("`", 50), strings.Repeat("[", 500), "../../etc/passwd", "CON", "",
}

func TestInlineMarkdownIsTheTextAndNothingElse(t *testing.T) {
	for _, s := range hostileTexts {
		checkInline(t, s)
	}
}

func TestInlineMarkdownProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkInline(t, drawText(t)) })
}

func drawText(t *rapid.T) string {
	markup := rapid.StringOf(rapid.RuneFrom([]rune("<>[](){}!*_~`#&;:/\\|^$@=+-.%'\" \n\t\r0123abw\u202e\u00a0é😀\x00")))
	return rapid.OneOf(markup, markup, rapid.String(), rapid.Map(rapid.SliceOfN(rapid.SampledFrom(hostileTexts[:40]), 1, 4), func(l []string) string {
		return strings.Join(l, "")
	})).Draw(t, "text")
}

type fataler interface {
	Fatal(...any)
	Fatalf(string, ...any)
}

// checkInline puts a text where templates put it, and looks at what a reader
// sees there.
func checkInline(t fataler, s string) {
	m := InlineMarkdown(s)
	if strings.ContainsAny(m, "\n<>`$") || strings.Contains(m, `\\`) {
		t.Fatalf("%q becomes %q", s, m)
	}
	want := plainLine(s)
	if want == "" {
		return
	}
	for _, place := range []struct{ before, after, htmlBefore, htmlAfter string }{
		{"", "", "<p>", "</p>"},
		{"# ", "", "<h1>", "</h1>"},
		{"**Level** ", " · **x** y", "<p><strong>Level</strong> ", " · <strong>x</strong> y</p>"},
		{"- ", "\n- b", "<ul>\n<li>", "</li>\n<li>b</li>\n</ul>"},
		{"a\n", "\nb", "<p>a\n", "\nb</p>"},
		{"[", "](https://x.example/)", `<p><a href="https://x.example/">`, "</a></p>"},
	} {
		got := render(t, place.before+m+place.after)
		inner, ok := strings.CutPrefix(got, place.htmlBefore)
		inner, ok2 := strings.CutSuffix(inner, place.htmlAfter)
		if !ok || !ok2 || tags.MatchString(inner) || html.UnescapeString(inner) != want {
			t.Fatalf("%q in %q becomes %q, shown as %q; want %q", s, place.before, m, got, want)
		}
	}
}

func TestMarkdownText(t *testing.T) {
	cases := []struct{ text, want string }{
		{"", ""},
		{"one\ntwo\n\n\nthree", "one\ntwo\n\nthree"},
		{"  see:\n  - a\n  - b\n  1. c", "see:\\\n\\- a\\\n\\- b\\\n1\\. c"},
		{"a\r\nb\rc", "a\nb\nc"},
		{"    # not code", `\# not code`},
		{"a\n---\nb", "a\n\\---\nb"},
	}
	for _, c := range cases {
		if got := MarkdownText(c.text); got != c.want {
			t.Errorf("MarkdownText(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}

// Paragraphs hold the words of the text, in order, and no markup but line ends.
func TestMarkdownTextProperty(t *testing.T) {
	check := func(t fataler, s string) {
		got := render(t, MarkdownText(s))
		plain := regexp.MustCompile(`</?p>|<br ?/?>`).ReplaceAllString(got, " ")
		if tags.MatchString(plain) {
			t.Fatalf("%q is shown as %q", s, got)
		}
		// Each line is shown as InlineMarkdown shows it.
		want := []string{}
		for line := range strings.Lines(unixLines(s)) {
			want = append(want, strings.Fields(plainLine(line))...)
		}
		if words := strings.Fields(html.UnescapeString(plain)); strings.Join(words, " ") != strings.Join(want, " ") {
			t.Fatalf("%q is shown as %q, want %q", s, words, want)
		}
	}
	for _, s := range hostileTexts {
		check(t, s)
	}
	rapid.Check(t, func(t *rapid.T) { check(t, drawText(t)) })
}

func TestMarkdownLink(t *testing.T) {
	cases := []struct{ address, href string }{
		{"https://attack.mitre.org/techniques/T1084/", "https://attack.mitre.org/techniques/T1084/"},
		{"http://x.example:8080/a?b=c&copy=d#e_f", "http://x.example:8080/a?b=c&amp;copy=d#e_f"},
		{"HTTPS://x.example/", "https://x.example/"},
		{" https://x.example/ ", "https://x.example/"},
		{"https://x.example/Film_(2012)_*x*", "https://x.example/Film_%282012%29_*x*"},
		{`https://x.example/"onmouseover="alert(1)`, "https://x.example/%22onmouseover=%22alert%281%29"},
		{"https://x.example/<script>`$x$`[a](b)", "https://x.example/%3Cscript%3E%60%24x%24%60%5Ba%5D%28b%29"},
		{"https://x.example/é\u202e", "https://x.example/%C3%A9%E2%80%AE"},
		{"https://x.example/%2e%2E", "https://x.example/%2e%2E"},
		{"javascript:alert(1)", ""},
		{"JaVaScRiPt://x.example/%0aalert(1)", ""},
		{"data:text/html,<script>", ""},
		{"file:///etc/passwd", ""},
		{"//x.example/", ""},
		{"https:x.example", ""},
		{"https://", ""},
		{"https://user:secret@x.example/", ""},
		{"https://x.еxample/", ""},
		{"https://x.example/a b", ""},
		{"https://x.example/\n)](javascript:alert(1))", ""},
		{"see https://x.example/", ""},
		{"", ""},
	}
	for _, c := range cases {
		got := render(t, "- "+MarkdownLink(c.address)+" end")
		hrefs := regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(got, -1)
		switch {
		case c.href == "" && len(hrefs) == 0:
		case c.href != "" && len(hrefs) == 1 && hrefs[0][1] == c.href:
		default:
			t.Errorf("MarkdownLink(%q) = %q, shown as %q", c.address, MarkdownLink(c.address), got)
		}
		text := strings.TrimSpace(html.UnescapeString(tags.ReplaceAllString(got, "")))
		if want := strings.TrimSpace(plainLine(c.address) + " end"); text != want {
			t.Errorf("MarkdownLink(%q) reads %q, want %q", c.address, text, want)
		}
	}
}

// The only link that a text can become is one to the address that it is.
func TestMarkdownLinkProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		address := rapid.SampledFrom([]string{"https://", "http://x.example/", "https://x.example/?", "javascript:", ""}).Draw(t, "start") + drawText(t)
		got := render(t, "- "+MarkdownLink(address)+" end")
		rest := regexp.MustCompile(`^<ul>\n<li>(<a href="https?://[^"<>]*">[^<>]*</a>|[^<>]*) ?end</li>\n</ul>$`).FindString(got)
		if rest == "" {
			t.Fatalf("%q is shown as %q", address, got)
		}
	})
}

// A code block holds its text whole, whatever fences are in it.
func TestMarkdownCode(t *testing.T) {
	check := func(t fataler, s string) {
		got := render(t, MarkdownCode("yaml", s)+"\n\nafter")
		inner, ok := strings.CutPrefix(got, `<pre><code class="language-yaml">`)
		inner, ok2 := strings.CutSuffix(inner, "\n</code></pre>\n<p>after</p>")
		want := strings.ReplaceAll(strings.TrimSuffix(unixLines(s), "\n"), "\x00", "\uFFFD")
		if !ok || !ok2 || tags.MatchString(inner) || html.UnescapeString(inner) != want {
			t.Fatalf("%q is shown as %q", s, got)
		}
	}
	for _, s := range hostileTexts {
		check(t, s)
	}
	rapid.Check(t, func(t *rapid.T) { check(t, drawText(t)) })
}
