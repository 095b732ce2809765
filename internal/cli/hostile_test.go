package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/yuin/goldmark"
	markdown "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"

	"github.com/huntbook/huntbook/notebook"
)

// payloads are texts that mean something in the languages of notebooks, pages,
// templates, paths and shells.
var payloads = map[string]string{
	"harmless":   "plain",
	"script":     `<script>alert(1)</script>`,
	"end":        `</script></style></textarea></title><script>alert(1)</script>`,
	"handler":    `<img src=x onerror=alert(1)><svg/onload=alert(1)>`,
	"attribute":  `" onmouseover="alert(1)" x="' onclick='alert(1)' ` + "`",
	"link":       `javascript:alert(1)`,
	"markdown":   `[x](javascript:alert(1)) ![x](data:text/html;base64,PHNjcmlwdD4=) <javascript:alert(1)> $\href{javascript:alert(1)}{x}$`,
	"fence":      "```\n\n# out\n\n```python\nimport os\n```\n~~~~\n",
	"longfence":  strings.Repeat("`", 40) + "\n" + strings.Repeat("~", 40),
	"magic":      "x\n%data /etc\n%%sigma\n!ls\n%system ls",
	"quotes":     `"'"""'''` + "`" + `\"\'`,
	"backslash":  `\`,
	"backslashN": `\n\x22\u0022\N{QUOTATION MARK}\`,
	"python":     `"; import os; os.system("id"); "`,
	"python3":    `""")` + "\nimport os\n" + `("""`,
	"fstring":    `{__import__('os').system('id')}`,
	"template":   `{{.}} {{template "x"}} {{/* */}} {{"\u0000"}} {% raw %} <% x %> ${x} #{x}`,
	"newlines":   "a\r\nb\rc\u2028d\u2029e\u0085f\vg\fh",
	"nulbyte":    "a\x00b\x1b[31mc\x07\x08",
	"bidi":       "\u202ertl\u202c \u2066x\u2069 \u200f\u061c",
	"tags":       "\U000E0041\U000E0042\ufeff\u200b",
	"path":       `../../../../escape/../..\..\escape`,
	"absolute":   `/tmp/huntbook-escape`,
	"comment":    `<!-- --> <!--> <![CDATA[ ]]> <?x ?>`,
	"entity":     `&lt;script&gt; &#x3c;script&#62; &amp;`,
	"json":       `"}],"cells":[{"cell_type":"code","source":"x"}]`,
	"yaml":       "x: !!python/object/apply:os.system [id]\n---\n...\n",
	"sql":        `'); DROP TABLE x; --`,
	"lucene":     `* OR _exists_:x) /.*/ {!xmlparser}`,
	"shell":      "$(id) `id` ; id | id && id",
	"format":     `%s%n%x %(x)s`,
	"long":       strings.Repeat(`"<b>`, 25_000),
	"longword":   strings.Repeat("W", 100_000),
	"manylines":  strings.Repeat("<i>\n", 2_000),
}

// hostileRule puts a text wherever a rule may have one.
func hostileRule(text string) string {
	q := strconv.QuoteToASCII(text) // whose escapes are those of YAML
	if len(q) > 10_000 {            // more would be refused as too large
		return "title: " + q + "\ndescription: " + q + "\nreferences: [" + q + "]\nfalsepositives: [x]\ntags: [attack.t1059]\nlogsource: {product: windows, service: security}\n" +
			"detection:\n  selection: {EventID: 4624, Text|contains: [" + q + ", x]}\n  other: {EventID: 4624}\n  condition: selection or other\n"
	}
	// A | in a field's name begins a modifier.
	field := strings.ReplaceAll(q, "|", "!")
	return `title: ` + q + `
id: ` + q + `
status: test
level: high
description: ` + q + `
author: ` + q + `
date: ` + q + `
modified: ` + q + `
license: ` + q + `
references: [` + q + `, "https://example.com/` + q[1:] + `]
falsepositives: [` + q + `]
tags: [` + q + `, attack.t1059, "attack.` + q[1:] + `]
fields: [` + q + `, EventID]
related: [{id: ` + q + `, type: ` + q + `}]
logsource:
  product: windows
  service: security
  definition: ` + q + `
detection:
  selection:
    EventID: 4624
  other:
    Text|contains: ` + q + `
    ` + field + `: ` + q + `
  ` + q + `:
    - ` + q + `
  condition: selection or other
` + q + `: ` + q + `
`
}

// hostileNames are names of rule files; the operating system may refuse some.
func hostileNames() []string {
	return []string{
		`"><script>alert(1)<`, `' onclick='alert(1)`, "$(id);`id`", `..\..\escape`, `..`, `...`, "a\nb", "a\tb\x1b[31m", "\u202efdp",
		"{{.}}", "%2e%2e%2f", "CON", "nul.x", "aux", "COM1", "-rf", "~", "trailing. ", " leading", "\xff\xfe", "a:b*c?d|e",
		strings.Repeat("n", 240), strings.Repeat("\u00e9", 120), "x.ipynb", "index.html", "hunt.json", "findings.ndjson", "[x](javascript:alert(1))", "UPPER", "upper",
	}
}

// hostileFolder goes to a folder with hostile rules and events; some levels
// below its root, so that paths that lead up still end in it.
func hostileFolder(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	work := filepath.Join(root, "a", "b", "c")
	write := func(name, text string) error {
		name = filepath.Join(work, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		return os.WriteFile(name, []byte(text), 0o644)
	}
	var events bytes.Buffer
	enc := json.NewEncoder(&events)
	for name, text := range payloads {
		if err := write("rules/"+name+".yml", hostileRule(text)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(payloads)) {
		text := payloads[name]
		if err := enc.Encode(map[string]any{
			"EventID": 4624, "Channel": "Security", "@timestamp": "2020-09-04T20:00:00Z", "Computer": text, "Text": text, text: text, "Message": text,
		}); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range hostileNames() {
		// A file system may not take the name: then nobody can give it to us.
		_ = write("rules/names/"+name+".yml", strings.Replace(hostileRule("plain"), `"plain"`, fmt.Sprintf(`"plain %d"`, i), 1))
	}
	if err := write("logs.json", events.String()); err != nil {
		t.Fatal(err)
	}
	t.Chdir(work)
	return root
}

// run runs a command line in this process.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Main(t.Context(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	return code, out.String(), errs.String()
}

func tree(t *testing.T, root string) map[string]bool {
	t.Helper()
	files := map[string]bool{}
	if err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files[name] = true
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return files
}

func decoded(t *testing.T, name string) *notebook.Notebook {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	nb, err := notebook.Decode(data)
	if err != nil {
		t.Fatalf("%q: %v", name, err)
	}
	return nb
}

// shape is what a notebook's cells are, whatever they say.
func shape(nb *notebook.Notebook) string {
	var b strings.Builder
	for i := range nb.Cells {
		c := &nb.Cells[i]
		fmt.Fprintln(&b, c.Type, c.ID, c.Tags())
		for _, o := range c.Outputs {
			fmt.Fprintln(&b, "  ", o.Type, o.Name, slices.Sorted(maps.Keys(o.Data)))
		}
	}
	return b.String()
}

// written are the files that a command added, all of which must lie in a folder
// and have names that show.
func written(t *testing.T, root, folder string, before map[string]bool) (names []string) {
	t.Helper()
	for name := range tree(t, root) {
		if before[name] {
			continue
		}
		rel, err := filepath.Rel(filepath.Join(root, "a", "b", "c", folder), name)
		if err != nil || !filepath.IsLocal(rel) {
			t.Errorf("%q was written, outside of the folder", name)
		}
		if strings.ContainsFunc(rel, func(r rune) bool { return !unicode.IsPrint(r) || strings.ContainsRune(`<>:"|?*\`, r) }) {
			t.Errorf("%q is no name for a file", rel)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// tagsOf parses HTML, reports attributes that run something, and counts tags.
func tagsOf(t *testing.T, where, text string) map[string]int {
	t.Helper()
	tags := map[string]int{}
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		tags[n.Data]++
		for _, a := range n.Attr {
			value := strings.ToLower(strings.TrimLeftFunc(a.Val, func(r rune) bool { return r <= ' ' }))
			if strings.HasPrefix(a.Key, "on") || a.Key == "srcdoc" || a.Key == "action" || a.Key == "formaction" {
				t.Errorf("%s: <%s %s=%.60q>", where, n.Data, a.Key, a.Val)
			}
			if strings.HasPrefix(value, "javascript:") && (a.Key == "href" || a.Key == "src" || a.Key == "xlink:href") {
				t.Errorf("%s: <%s %s=%.60q>", where, n.Data, a.Key, a.Val)
			}
		}
	}
	return tags
}

// rendered is Markdown as a notebook shows it, with whatever HTML stands in it.
func rendered(t *testing.T, source string) string {
	t.Helper()
	var b bytes.Buffer
	if err := goldmark.New(goldmark.WithRendererOptions(markdown.WithUnsafe())).Convert([]byte(source), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestHostileRulesHunted: no text of a rule or an event becomes code in a
// notebook, markup in a page or a path outside the output folder.
func TestHostileRulesHunted(t *testing.T) {
	skipShort(t)
	root := hostileFolder(t)
	before := tree(t, root)
	code, stdout, stderr := run(t, "hunt", "-r", "rules", "-d", "logs.json", "-o", "out", "-p", "helk")
	if code != exitOK && code != exitFailed || !strings.Contains(stdout, "open out/index.html") {
		t.Fatalf("exit code %d\n%s\n%.2000s", code, stdout, stderr)
	}
	shows(t, stdout+stderr)
	plain := decoded(t, "out/harmless.ipynb")
	allowed := map[string]bool{}
	for i := range plain.Cells {
		for _, o := range plain.Cells[i].Outputs {
			if text, ok := o.Data["text/html"].(string); ok {
				for tag := range tagsOf(t, "harmless", text) {
					allowed[tag] = true
				}
			}
		}
	}
	notebooks := 0
	for _, name := range written(t, root, "out", before) {
		if !strings.HasSuffix(name, ".ipynb") {
			continue
		}
		notebooks++
		nb := decoded(t, name)
		if got, want := shape(nb), shape(plain); got != want {
			t.Errorf("%q has not the cells of a harmless rule's notebook:\n%s\nwant\n%s", name, got, want)
			continue
		}
		for i := range nb.Cells {
			c := &nb.Cells[i]
			where := fmt.Sprintf("%q, cell %s", filepath.Base(name), c.ID)
			if c.Type == notebook.Code && c.ID != "query" && !strings.HasPrefix(c.Source, "%data") && c.Source != plain.Cells[i].Source {
				t.Errorf("%s: the code is %q", where, c.Source)
			}
			if c.ID == "query" && !strings.HasPrefix(c.Source, "%%sigma\n") {
				t.Errorf("%s: the query is %.60q", where, c.Source)
			}
			if c.Type == notebook.Markdown {
				isText(t, where, rendered(t, c.Source))
			}
			for _, o := range c.Outputs {
				text, _ := o.Data["text/html"].(string)
				for tag := range tagsOf(t, where, text) {
					if !allowed[tag] && text != "" {
						t.Errorf("%s: the table has the tag <%s>", where, tag)
					}
				}
				picture, _ := o.Data["image/svg+xml"].(string)
				isText(t, where, picture)
			}
		}
	}
	allThere(t, "out", notebooks, stderr)

	page, err := os.ReadFile("out/index.html")
	if err != nil {
		t.Fatal(err)
	}
	got := tagsOf(t, "index.html", string(page))
	if code, _, stderr := run(t, "hunt", "-r", "rules/harmless.yml", "-d", "logs.json", "-o", "plain"); code != exitOK {
		t.Fatal(stderr)
	}
	page, err = os.ReadFile("plain/index.html")
	if err != nil {
		t.Fatal(err)
	}
	want := tagsOf(t, "index.html of a harmless rule", string(page))
	for _, tag := range []string{"script", "style", "meta", "link", "base", "iframe", "object", "embed", "img", "form", "textarea", "template"} {
		if got[tag] != want[tag] {
			t.Errorf("index.html has %d <%s>, that of a harmless rule %d", got[tag], tag, want[tag])
		}
	}
}

// allThere fails when a rule has no notebook, so that nothing of it was judged.
func allThere(t *testing.T, folder string, notebooks int, stderr string) {
	t.Helper()
	for name := range payloads {
		if _, err := os.Stat(filepath.Join(folder, name+".ipynb")); err != nil {
			t.Errorf("%s: the rule has no notebook", name)
		}
	}
	if notebooks < len(payloads)+10 {
		t.Errorf("%d notebooks, want one for each of %d rules and for most of %d names", notebooks, len(payloads), len(hostileNames()))
	}
	if t.Failed() {
		t.Logf("%.2000s", stderr)
	}
}

// isText fails when a document runs, loads or embeds something.
func isText(t *testing.T, where, text string) {
	t.Helper()
	tags := tagsOf(t, where, text)
	for _, tag := range []string{"script", "style", "iframe", "object", "embed", "img", "form", "input", "button", "meta", "link", "base", "b", "i", "textarea", "template", "foreignobject"} {
		if tags[tag] > 0 {
			t.Errorf("%s: <%s>", where, tag)
		}
	}
}

// shows fails when text for a terminal holds what moves its cursor.
func shows(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && !unicode.IsPrint(r) && !unicode.IsSpace(r) || r == '\r' || r == '\v' || r == '\u2028' {
			t.Errorf("a terminal would get %U", r)
			return
		}
	}
}

// withoutLiterals is Python without what its texts say, and how many a list has.
func withoutLiterals(source string) string {
	return pythonTexts.ReplaceAllString(pythonString.ReplaceAllString(source, `""`), `""`)
}

var pythonTexts = regexp.MustCompile(`""(, "")+`)

var pythonString = regexp.MustCompile(`"(?:[^"\\\n]|\\[^\n])*"`)

// TestHostileRulesInPython: in the Python of a hostile rule's notebook only the
// insides of string literals differ from a harmless rule's.
func TestHostileRulesInPython(t *testing.T) {
	skipShort(t)
	root := hostileFolder(t)
	before := tree(t, root)
	code, stdout, stderr := run(t, "notebook", "-r", "rules", "-e", "http://127.0.0.1:9200", "-i", `x"y`, "-o", "books", "-p", "helk")
	if code != exitOK && code != exitFailed || !strings.Contains(stderr, "written to books") {
		t.Fatalf("exit code %d\n%s\n%.2000s", code, stdout, stderr)
	}
	shows(t, stdout+stderr)
	plain := decoded(t, "books/harmless.ipynb")
	var sources []string
	notebooks := 0
	for _, name := range written(t, root, "books", before) {
		if filepath.Base(name) == requirements {
			continue
		}
		notebooks++
		nb := decoded(t, name)
		if got, want := shape(nb), shape(plain); got != want {
			t.Errorf("%q has not the cells of a harmless rule's notebook:\n%s\nwant\n%s", name, got, want)
			continue
		}
		for i := range nb.Cells {
			c := &nb.Cells[i]
			if c.Type == notebook.Markdown {
				isText(t, name+" "+c.ID, rendered(t, c.Source))
				continue
			}
			sources = append(sources, c.Source)
			got, want := withoutLiterals(c.Source), withoutLiterals(plain.Cells[i].Source)
			if got != want {
				t.Errorf("%q, cell %s: without its literals it is %.300q, want %.300q", filepath.Base(name), c.ID, got, want)
			}
		}
	}
	allThere(t, "books", notebooks, stderr)
	parsePython(t, sources)
}

// parsePython has Python itself read the cells, where it is installed.
func parsePython(t *testing.T, sources []string) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Log("python3 is not there: the cells were not parsed by Python itself")
		return
	}
	input, err := json.Marshal(sources)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-I", "-c", "import ast, json, sys\nfor s in json.load(sys.stdin): ast.parse(s)")
	cmd.Stdin = bytes.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("Python does not read a cell: %v\n%s", err, out)
	}
}

// TestHostileRulesConverted: queries of hostile rules stay in their files and
// rows.
func TestHostileRulesConverted(t *testing.T) {
	skipShort(t)
	root := hostileFolder(t)
	before := tree(t, root)
	code, stdout, stderr := run(t, "convert", "--format", "json", "-p", "helk", "rules")
	if code != exitOK && code != exitFailed {
		t.Fatalf("exit code %d\n%.2000s", code, stderr)
	}
	shows(t, stderr)
	for line := range strings.SplitSeq(strings.TrimSuffix(stdout, "\n"), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("a row is no JSON: %.200q", line)
		}
	}
	if code, _, stderr = run(t, "convert", "-p", "helk", "-o", "queries/", "rules"); code != exitOK && code != exitFailed {
		t.Fatalf("exit code %d\n%.2000s", code, stderr)
	}
	for name := range tree(t, root) {
		if !before[name] && !strings.HasPrefix(name, filepath.Join(root, "a", "b", "c", "queries")+string(filepath.Separator)) {
			t.Errorf("%q was written, outside of the folder", name)
		}
	}
}

// skipShort leaves out what the race detector learns nothing from.
func skipShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("long, and nothing runs at once with something else here")
	}
}
