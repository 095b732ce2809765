package notebook

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/kernel/syntax"
	"github.com/huntbook/huntbook/sigma"
)

var update = flag.Bool("update", false, "write the golden files anew")

// wmi is a page with everything; its rule is of our own writing.
func wmi() *Page {
	yaml := `title: WMI Consumer Created
id: 5c1f4a52-5c5e-4f0e-9a3c-9d2f9d0d7a11
status: test
description: |
  Finds event consumers of WMI, which run a command on some event.

  Look at:
  - the command of the consumer
  - who created it
references:
  - https://attack.mitre.org/techniques/T1546/003/
  - Internal note 7
tags:
  - attack.t1546.003
  - attack.persistence
  - attack.privilege_escalation
  - detection.threat-hunting
author: huntbook
date: 2026-01-05
logsource:
  product: windows
  service: sysmon
detection:
  selection:
    EventID: 20
  condition: selection
fields:
  - Destination
falsepositives:
  - Administrators' scripts
level: high
`
	return &Page{
		Rule: parseRule(yaml), RulePath: "windows/wmi_consumer.yml",
		Data: []string{"../../logs/a.json", "../more logs.zip"},
		Queries: []Query{{
			Text: `event_id:"20"`, Target: "es-qs", Pipelines: []string{"helk"}, Fields: []string{"event_id"},
			Index: []string{"logs-endpoint-winevent-sysmon-*"}, Unmapped: []string{"Destination"}, Warnings: []string{"slow: *"},
		}},
		Server: "http://user:secret@helk-elasticsearch:9200", Index: "logs-*",
		Related: []Related{{"Consumer Bound [2]", "../other (1)/bound.ipynb", "T1546.003; 3 findings"}, {"Not Here", "", "derived"}},
		Version: "1.0", Engine: "Elasticsearch 8.19.4",
		Options: Options{Rows: 50, Limit: 1000, EventSize: 16384, Since: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)},
	}
}

func parseRule(yaml string) *sigma.Rule {
	rules, diags := sigma.Parse(&diag.File{Path: "rule.yml", Data: []byte(yaml)})
	if len(rules) != 1 {
		panic(diags.Error())
	}
	return rules[0]
}

// pages are the cases that every flavour is built for.
func pages() map[string]*Page {
	several := wmi()
	several.Queries = []Query{{Text: "a:1", Target: "es-qs", Index: []string{"x-*"}}, {Text: "b:2", Target: "es-qs", Index: []string{"x-*", "y-*"}}}
	several.Timezone = "Europe/Berlin"
	return map[string]*Page{
		"full":    wmi(),
		"several": several,
		"bare":    {Rule: &sigma.Rule{}, Options: DefaultOptions()},
	}
}

func flavourNames() []string {
	var names []string
	for _, f := range Flavours() {
		names = append(names, f.Name)
	}
	return names
}

func build(t *testing.T, flavour string, p *Page) *Notebook {
	t.Helper()
	template, err := Builtin(flavour)
	if err != nil {
		t.Fatal(err)
	}
	nb, err := template.Build(p)
	if err != nil {
		t.Fatal(err)
	}
	return nb
}

func TestBuildGolden(t *testing.T) {
	for _, flavour := range flavourNames() {
		for name, page := range pages() {
			nb := build(t, flavour, page)
			Carry(nil, nb)
			got, err := Encode(nb)
			if err != nil {
				t.Fatal(err)
			}
			validate(t, got)
			path := filepath.Join("testdata", "golden", flavour+"-"+name+".ipynb")
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s differs; go test ./notebook -update writes it anew", path)
			}
		}
	}
}

func TestServerPasswordStaysOut(t *testing.T) {
	data, _ := Encode(build(t, "python-es", wmi()))
	if bytes.Contains(data, []byte("secret")) {
		t.Error("the notebook holds the password of the server's address")
	}
}

func TestBuiltinNamesTheFlavours(t *testing.T) {
	_, err := Builtin("python")
	if err == nil || err.Error() != `there is no notebook flavour "python": take one of huntbook, python-es, python-es7, python-files, python-opensearch, r-es` {
		t.Error(err)
	}
}

// hostile is a page in which every text is s.
func hostile(s string) *Page {
	texts := []string{s, s}
	rule := &sigma.Rule{
		Title: s, ID: s, Status: s, Description: s, Author: s, References: []string{s, "https://x.example/" + s, "javascript:" + s},
		Date: s, Modified: s, LogSource: sigma.LogSource{Category: s, Product: s, Service: s, Definition: s},
		Fields: texts, FalsePositives: texts, Level: s, Tags: []string{s, "attack.execution", "attack.t1059.001"}, Text: s,
	}
	return &Page{
		Rule: rule, RulePath: s, Data: texts, Timezone: s, Server: s, Index: s, Options: DefaultOptions(),
		Related: []Related{{s, s, s}, {s, "", s}}, Version: s, Engine: s, Findings: s,
		Queries: []Query{
			{Text: s, Target: s, Pipelines: texts, Index: texts, Unmapped: texts, Warnings: texts, Fields: texts},
			{Text: s + s, Target: s},
		},
	}
}

// hostiles are the hostile texts that leave no cell of the page empty.
func hostiles() []string {
	return slices.DeleteFunc(slices.Clone(hostileTexts), func(s string) bool { return strings.TrimSpace(s) == "" })
}

// Whatever a rule says, its notebook's Markdown holds our markup alone.
func TestHostileRuleIsNoMarkup(t *testing.T) {
	allowed := regexp.MustCompile(`^</?(h1|h2|p|strong|ul|li|br|pre|code|em)( class="language-yaml"|\s*/)?>$|^<input disabled="" type="checkbox">$|^<a href="\./[^":]*">$|^</a>$|^<a href="https://(attack\.mitre\.org|x\.example)/[^"]*">$`)
	for _, flavour := range flavourNames() {
		for _, s := range hostiles() {
			nb := build(t, flavour, hostile(s))
			data, err := Encode(nb)
			if err != nil {
				t.Fatal(err)
			}
			validate(t, data)
			for _, c := range nb.Cells {
				if c.Type != Markdown {
					continue
				}
				got := render(t, c.Source)
				for _, tag := range tags.FindAllString(got, -1) {
					// A text that is an address may be a link to itself.
					isLink := strings.HasPrefix(tag, "<a href=") && MarkdownLink(s) != InlineMarkdown(s)
					if !allowed.MatchString(tag) && !isLink {
						t.Errorf("%s, cell %s of %.60q shows %s", flavour, c.ID, s, tag)
					}
				}
			}
			// The outline is that of a harmless rule.
			if a, b := ids(nb), ids(build(t, flavour, hostile("harmless"))); !slices.Equal(a, b) {
				t.Errorf("%s of %.60q has cells %v, a harmless one %v", flavour, s, a, b)
			}
		}
	}
}

func ids(nb *Notebook) []string {
	var out []string
	for _, c := range nb.Cells {
		out = append(out, c.ID)
	}
	return out
}

// The headings and lists of the page are the same for every rule.
func TestHostileRuleKeepsTheOutline(t *testing.T) {
	shape := func(s string) []string {
		nb := build(t, "huntbook", hostile(s))
		// Lines end where the text has lines, so they are left out, and so
		// are links, which depend on the text being an address.
		return slices.DeleteFunc(tags.FindAllString(render(t, nb.Cells[0].Source), -1), func(tag string) bool {
			return strings.Contains(tag, "a href") || tag == "</a>" || tag == "<p>" || tag == "</p>" || strings.HasPrefix(tag, "<br")
		})
	}
	want := shape("harmless")
	for _, s := range hostiles() {
		if got := shape(s); !slices.Equal(got, want) {
			t.Errorf("%.60q: %v\nwant %v", s, got, want)
		}
	}
}

// In our own language a hostile rule is words and a body, never a command.
func TestHostileRuleIsNoHuntbookCode(t *testing.T) {
	for _, s := range hostiles() {
		page := hostile(s)
		for _, c := range build(t, "huntbook", page).Cells {
			if c.Type != Code {
				continue
			}
			commands, diags := syntax.Parse(c.Source)
			if len(diags) > 0 {
				t.Fatalf("%.60q: cell %s: %v", s, c.ID, diags)
			}
			switch c.ID {
			case "parameters":
				var names []string
				for _, p := range commands {
					names = append(names, p.Name)
				}
				if got := strings.Join(names, " "); got != "rows limit event_size since until" {
					t.Errorf("%.60q: parameters %s", s, got)
				}
			case "data":
				w := commands[0].Words
				if len(commands) != 1 || len(w) != 4 || w[0].Text != s || w[1].Text != s || w[2].Text != "--timezone" || w[3].Text != s {
					t.Errorf("%.60q: %%data reads as %+v", s, commands)
				}
			case "query":
				if len(commands) != 1 || commands[0].Name != "sigma" || commands[0].Body != page.CellRule() {
					t.Errorf("%.60q: %%%%sigma reads as %+v", s, commands)
				}
			default:
				if len(commands) != 1 || c.Source != "%"+c.ID {
					t.Errorf("%.60q: cell %s is %q", s, c.ID, c.Source)
				}
			}
		}
	}
}

// The rule that a query cell holds is the rule of the page.
func TestQueryCellHoldsTheRule(t *testing.T) {
	yamls := []string{
		wmi().Rule.Text,
		strings.ReplaceAll(wmi().Rule.Text, "\n", "\r\n"),
		"\ufeff" + wmi().Rule.Text,
		strings.TrimSuffix(wmi().Rule.Text, "\n"),
		strings.Replace(wmi().Rule.Text, "Administrators' scripts", "'%%sigma ``` </script> {{ x }} \\ \"'", 1),
		strings.Replace(wmi().Rule.Text, "description: |", "description: |+", 1) + "custom: |+\n  a\n\n\n",
	}
	for _, y := range yamls {
		rule := parseRule(y)
		commands, diags := syntax.Parse(buildCell(t, &Page{Rule: rule, YAML: y}, "query"))
		if len(diags) > 0 {
			t.Fatal(diags)
		}
		again := parseRule(commands[0].Body)
		if a, b := asJSON(t, rule), asJSON(t, again); a != b {
			t.Errorf("%q\nreads as %s\nwas      %s", y, b, a)
		}
	}
}

func buildCell(t *testing.T, p *Page, id string) string {
	t.Helper()
	for _, c := range build(t, "huntbook", p).Cells {
		if c.ID == id {
			return c.Source
		}
	}
	t.Fatalf("no cell %s", id)
	return ""
}

// Python sees the same program whatever the rule says: only its literals
// differ, and they hold exactly the texts.
func TestHostileRuleIsNoPythonCode(t *testing.T) {
	path := python(t)
	for _, flavour := range Flavours() {
		if flavour.Language != "python" {
			continue
		}
		all := hostileCode(t, flavour.Name)
		input, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		var problems []string
		if err := json.Unmarshal(runPython(t, path, pythonShapes, input), &problems); err != nil {
			t.Fatal(err)
		}
		for i, p := range problems {
			if p != "" {
				t.Errorf("%s, %.60q: %.300s", flavour.Name, all[i].Texts[0], p)
			}
		}
	}
}

// code is the code of a notebook and the texts that its queries are.
type code struct{ Cells, Texts []string }

// hostileCode is the code of notebooks of hostile rules, after that of a harmless one.
func hostileCode(t *testing.T, flavour string) []code {
	t.Helper()
	var all []code
	for _, s := range append([]string{"harmless"}, hostiles()...) {
		var n code
		for _, c := range build(t, flavour, hostile(s)).Cells {
			if c.Type == Code {
				n.Cells = append(n.Cells, c.Source)
			}
		}
		n.Texts = []string{strings.ToValidUTF8(s, "\uFFFD"), strings.ToValidUTF8(s+s, "\uFFFD")}
		all = append(all, n)
	}
	return all
}

const pythonShapes = `
import ast, json, sys
# The encoded texts are lists and strings; blanked, programs must be equal.
class Blank(ast.NodeTransformer):
    def visit_Constant(self, node):
        return ast.Constant(0) if isinstance(node.value, str) else node
def shape(cells):
    return [ast.dump(Blank().visit(ast.parse(c))) for c in cells]
out, want = [], None
for nb in json.load(sys.stdin):
    got = shape(nb["Cells"])
    want = want or got
    problem = "" if got == want else "another program"
    values = {}
    for cell in nb["Cells"]:
        for node in ast.parse(cell).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.startswith("query_"):
                values[node.targets[0].id] = ast.literal_eval(node.value)
    if values and values != {"query_1": nb["Texts"][0], "query_2": nb["Texts"][1]}:
        problem += " other values: %r" % values
    out.append(problem)
json.dump(out, sys.stdout)
`

// The same of R. Its parser tells what a program is: constants blanked, programs must
// be equal, and the queries are exactly the texts.
func TestHostileRuleIsNoRCode(t *testing.T) {
	rscript, err := exec.LookPath("Rscript")
	if err != nil || exec.Command(rscript, "-e", "library(jsonlite)").Run() != nil {
		t.Skip("no R with jsonlite")
	}
	all := hostileCode(t, "r-es")
	for _, n := range all {
		for i := range n.Texts {
			n.Texts[i] = strings.ReplaceAll(n.Texts[i], "\x00", "\uFFFD") // R has no such character
		}
	}
	input := filepath.Join(t.TempDir(), "cells.json")
	data, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(input, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(rscript, "-e", rShapes, input).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var problems []string
	if err := json.Unmarshal(out, &problems); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for i, p := range problems {
		if p != "" {
			t.Errorf("%.60q: %.300s", all[i].Texts[0], p)
		}
	}
}

const rShapes = `
nbs <- jsonlite::fromJSON(commandArgs(TRUE)[1], simplifyVector = FALSE)
blank <- function(e) {
  if (is.character(e)) return("")
  if (is.call(e) || is.pairlist(e)) for (i in seq_along(e)) {
    if (!identical(e[[i]], quote(expr = )) && !is.null(e[[i]])) e[[i]] <- blank(e[[i]])
  }
  e
}
want <- NULL
problems <- character()
for (nb in nbs) {
  programs <- lapply(nb$Cells, function(cell) parse(text = cell, keep.source = FALSE))
  got <- lapply(programs, function(p) lapply(as.list(p), function(e) deparse(blank(e))))
  if (is.null(want)) want <- got
  problem <- if (identical(got, want)) "" else "another program"
  found <- list()
  for (p in programs) for (e in as.list(p)) {
    if (is.call(e) && identical(e[[1]], as.name("<-")) && is.name(e[[2]]) && startsWith(as.character(e[[2]]), "query_")) found <- c(found, list(eval(e[[3]])))
  }
  texts <- lapply(nb$Texts, function(s) s)
  if (!identical(found, texts)) problem <- paste(problem, "other values:", paste(unlist(found), collapse = " | "))
  problems <- c(problems, problem)
}
cat(jsonlite::toJSON(problems))
`

func TestLoadTemplate(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"fine", "a comment {{ that is no template\n=== a markdown\n# {{.Title | md}}\n", ""},
		{"no encoder", "=== a markdown\n{{.Title}}", "notebook template x: notebook.tmpl:1: {{.Title}}: write the value with an encoder for markdown: attack, fence, link, list, md, number, see, text"},
		{"encoder of another language", "=== a code\n{{.Title | md}}", "notebook template x: notebook.tmpl:1: {{.Title | md}}: write the value with an encoder for python: python"},
		{"encoder not last", "\n=== a markdown\n{{.Title | md | printf \"%s\"}}", `notebook template x: notebook.tmpl:2: {{.Title | md | printf "%s"}}: write the value with an encoder`},
		{"hidden in if, range, with", "=== a markdown\n{{if .Title}}{{else}}{{range .Data}}{{with .}}{{.}}{{end}}{{end}}{{end}}", "notebook template x: notebook.tmpl:1: {{.}}: write the value"},
		{"variable", "=== a markdown\n{{$x := .Title}}{{$x}}", "notebook template x: notebook.tmpl:1: {{$x}}: write the value"},
		{"assignment", "=== a markdown\n{{$x := .Title}}{{$x = .RulePath}}{{$x | md}}", ""},
		{"define", "=== a markdown\n{{define \"b\"}}{{.}}{{end}}{{template \"b\" .}}", "notebook template x: notebook.tmpl:1: cell a: {{define}} and {{block}} are not allowed"},
		{"itself", "=== a markdown\n{{template \"a\" .}}", "notebook template x: notebook.tmpl:1: {{template \"a\" .}}: {{template}} is not allowed"},
		{"raw cell", "=== a raw\nx", `notebook template x: notebook.tmpl:1: type "raw" of cell a is neither markdown nor code`},
		{"bad option", "=== a code hidden", `notebook template x: notebook.tmpl:1: "hidden" of cell a is none of query, tag=… and from=…`},
		{"from", "=== a markdown from=own\n\n=== b markdown from=notes\n", ""},
		{"from nowhere", "=== a markdown from=none-such", "notebook template x: notebook.tmpl:1: cell a: there is no none-such.tmpl, neither in the folder nor among huntbook's own"},
		{"from outside", "=== a markdown from=../own", "notebook template x: notebook.tmpl:1: cell a: from=../own is no name of a file: write it without .tmpl"},
		{"from and a text", "=== a markdown from=own\ntext", "notebook template x: notebook.tmpl:1: cell a has a text of its own and one from own.tmpl"},
		{"from without an encoder", "=== a code from=own", "notebook template x: notebook.tmpl:1: {{.Title | md}}: write the value with an encoder for python"},
		{"bad name", "=== a/b code", `notebook template x: notebook.tmpl:1: a cell starts with "=== name type", type markdown or code`},
		{"same name", "=== a code\n=== a-2 code", `notebook template x: notebook.tmpl:2: two cells are named a`},
		{"no cell", "x", `notebook template x: notebook.tmpl has no cell: a cell starts with a line "=== name markdown"`},
		{"syntax", "=== a markdown\n{{", "notebook template x: notebook.tmpl:1: template: a:1: unclosed action"},
	}
	for _, c := range cases {
		folder := fstest.MapFS{
			"metadata.json": {Data: []byte(`{"kernelspec":{"name":"p","display_name":"p","language":"python"}}`)},
			"notebook.tmpl": {Data: []byte(c.text)},
			"own.tmpl":      {Data: []byte("# {{.Title | md}}\n")},
		}
		_, err := LoadTemplate("x", folder)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%s: %v\nwant %s", c.name, err, c.want)
		}
	}
	if _, err := LoadTemplate("x", fstest.MapFS{}); err == nil {
		t.Error("an empty folder is a template")
	}
}
