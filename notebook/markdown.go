package notebook

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/huntbook/huntbook/attack"
	"github.com/huntbook/huntbook/diag"
)

// InlineMarkdown writes any text as one line of Markdown that renders as that
// text and nothing else: no markup, HTML, link or formula, also with the
// extensions that GitHub, Jupyter (MathJax) and Jupyter Book (MyST) have. White
// space is one space, what can't be seen is written U+XXXX.
func InlineMarkdown(s string) string {
	s = plainLine(s)
	var b strings.Builder
	for i, r := range s {
		next, _ := utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):])
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		// Front ends look for formulas and code before they read Markdown,
		// where a backslash would not help.
		case r == '\\':
			b.WriteString("&#92;")
		case r == '$':
			b.WriteString("&#36;")
		case r == '`':
			b.WriteString("&#96;")
		case strings.ContainsRune("*_[]{}|~#^@", r),
			r == ':' && (next == '/' || next == ':' || unicode.IsLetter(next)),
			r == '.' && i >= 3 && strings.EqualFold(s[i-3:i], "www"),
			i == 0 && strings.ContainsRune("-+=%:(!)", r),
			(r == '.' || r == ')') && isNumber(s[:i]):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// plainLine is the text as InlineMarkdown shows it.
func plainLine(s string) string {
	return diag.Printable(strings.Join(strings.Fields(s), " "))
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// listLine finds lines that stand as an item of a list in plain text.
var listLine = regexp.MustCompile(`^([-*+•]|[0-9]+[.)]) `)

// MarkdownText writes text of several lines as paragraphs. Blank lines divide
// paragraphs; a line that looks like an item of a list stays a line of its own.
func MarkdownText(s string) string {
	var b strings.Builder
	blank := true
	for line := range strings.Lines(unixLines(s)) {
		line = strings.TrimSpace(line)
		if line == "" {
			blank = true
			continue
		}
		switch {
		case b.Len() == 0:
		case blank:
			b.WriteString("\n\n")
		case listLine.MatchString(line):
			b.WriteString("\\\n")
		default:
			b.WriteByte('\n')
		}
		blank = false
		b.WriteString(InlineMarkdown(line))
	}
	return b.String()
}

// MarkdownLink writes an address as a link if it is a whole http or https one,
// as text otherwise.
func MarkdownLink(address string) string {
	text := InlineMarkdown(address)
	if target := linkTarget(address); target != "" {
		return "[" + text + "](<" + target + ">)"
	}
	return text
}

// attackLink writes a tactic or technique as a link to its page.
func attackLink(e attack.Entry) string {
	label := e.FullName()
	if e.Kind == attack.Technique {
		label = e.ID + " " + label
	}
	return "[" + InlineMarkdown(label) + "](" + e.URL + ")"
}

// linkTarget returns the address in characters that mean nothing to Markdown,
// "" if it must not be a link.
func linkTarget(address string) string {
	address = strings.TrimSpace(address)
	u, err := url.Parse(address)
	if err != nil || strings.ContainsFunc(address, unicode.IsSpace) || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ""
	}
	for _, c := range []byte(u.Host) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("-.:_", c) < 0 {
			return ""
		}
	}
	var b strings.Builder
	for _, c := range []byte(u.String()) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._:/?#@!+,;=%*'", c) >= 0:
			b.WriteByte(c)
		case c == '&':
			b.WriteString("&amp;")
		default:
			const digits = "0123456789ABCDEF"
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}

// backticks finds the runs of backticks that could end a code block.
var backticks = regexp.MustCompile("`+")

// MarkdownCode writes text as a fenced code block in that language. The fence is
// longer than any run of backticks in the text, so the text can't end it.
func MarkdownCode(language, text string) string {
	fence := "```"
	for _, run := range backticks.FindAllString(text, -1) {
		if len(run) >= len(fence) {
			fence = run + "`"
		}
	}
	text = strings.TrimSuffix(unixLines(text), "\n")
	return fence + language + "\n" + text + "\n" + fence
}

// unixLines makes every end of line a newline, and bytes that are no UTF-8 the
// replacement character, as notebooks can't hold them.
func unixLines(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}
