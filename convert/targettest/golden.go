// Package targettest is what the tests of text targets share: golden cases, the
// corpus of rules with what pySigma prints for them, random trees, and a normal form
// of trees.
//
// A target's tests read its queries back with a reader of the language into a tree;
// where the normal form is that of the rule's tree, the query means what the rule
// does. The package knows nothing of single targets. Data flows: rule → tree →
// query → (the reader of a test) tree → normal form.
package targettest

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

var update = flag.Bool("update", false, "write the golden files and lists anew")

// Golden checks the files testdata/golden/*.txt of a target's folder.
//
// A file has cases with a blank line between them. A case is lines of "key: value":
// case (its name), logsource, config and pipeline (names, with spaces between; a
// configuration's file may stand in testdata/config), option, format, mapping (JSON),
// meta (a further key of the rule), detection or correlation (YAML in flow style; the
// rules that a correlation names are lines "rule: name detection"), pysigma or sigmac
// (what those print), and at last what we print: query for each query, warning, or
// error. Lines with # are remarks; where we print something else than another
// converter, one says why.
func Golden(t *testing.T, target *backend.Target) {
	files, err := filepath.Glob("testdata/golden/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { golden(t, target, file) })
	}
}

func golden(t *testing.T, target *backend.Target, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(strings.TrimSpace(string(data)), "\n\n")
	for i, block := range blocks {
		c := readCase(t, block)
		if c.name == "" {
			continue // remarks
		}
		t.Run(c.name, func(t *testing.T) {
			got := c.run(t, target)
			if *update {
				blocks[i] = strings.Join(append(c.given, got...), "\n")
			} else if g, w := strings.Join(got, "\n"), strings.Join(c.want, "\n"); g != w {
				t.Errorf("%s\ngot:\n%s\nwant:\n%s", strings.Join(c.given, "\n"), g, w)
			}
			if c.theirs != "" && (len(got) != 1 || got[0] != "query: "+c.theirs) && !c.remark {
				t.Errorf("differs from another converter without a remark: %s", c.theirs)
			}
		})
	}
	if *update {
		if err := os.WriteFile(file, []byte(strings.Join(blocks, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

type goldenCase struct {
	name, logsource, detection, correlation string
	format, mapping, theirs                 string
	configs, pipelines, rules, meta         []string
	options                                 map[string]string
	given, want                             []string
	remark                                  bool
}

func readCase(t *testing.T, block string) goldenCase {
	c := goldenCase{logsource: "{product: windows}", options: map[string]string{}}
	for _, line := range strings.Split(block, "\n") {
		key, value, _ := strings.Cut(line, ": ")
		switch key {
		case "query", "warning", "error":
			c.want = append(c.want, line)
			continue
		case "case":
			c.name = value
		case "logsource":
			c.logsource = value
		case "config":
			c.configs = strings.Fields(value)
		case "meta":
			c.meta = append(c.meta, value)
		case "pipeline":
			c.pipelines = strings.Fields(value)
		case "option":
			name, v, _ := strings.Cut(value, "=")
			c.options[name] = v
		case "format":
			c.format = value
		case "mapping":
			c.mapping = value
		case "detection":
			c.detection = value
		case "correlation":
			c.correlation = value
		case "rule":
			c.rules = append(c.rules, value)
		case "pysigma", "sigmac":
			c.theirs = value
		default:
			if !strings.HasPrefix(line, "#") {
				t.Fatalf("line %q has no known key", line)
			}
			c.remark = true
		}
		c.given = append(c.given, line)
	}
	return c
}

// text is the case as a file of rules.
func (c *goldenCase) text() string {
	meta := strings.Join(c.meta, "\n") + "\n"
	if !strings.Contains(meta, "title: ") {
		meta = "title: t\n" + meta
	}
	if c.correlation == "" {
		return meta + "logsource: " + c.logsource + "\ndetection: " + c.detection + "\n"
	}
	var b strings.Builder
	for _, r := range c.rules {
		name, detection, _ := strings.Cut(r, " ")
		b.WriteString("title: t\nname: " + name + "\nlogsource: " + c.logsource + "\ndetection: " + detection + "\n---\n")
	}
	return b.String() + meta + "correlation: " + c.correlation + "\n"
}

// run gives the lines of what we print.
func (c *goldenCase) run(t *testing.T, target *backend.Target) []string {
	rules, diags := sigma.Parse(&diag.File{Path: "rule.yml", Data: []byte(c.text())})
	if diags.HasErrors() {
		return []string{"error: " + first(diags)}
	}
	var parts []pipeline.Part
	for _, name := range c.configs {
		path := filepath.Join("testdata", "config", name+".yml")
		if _, err := os.Stat(path); err != nil {
			path = name
		}
		config, err := pipeline.LoadSigmac(path, target.Name)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, config)
	}
	for _, name := range c.pipelines {
		p, err := pipeline.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p)
	}
	if c.mapping != "" {
		index, err := mapping.Parse([]byte(c.mapping))
		if err != nil {
			t.Fatal(err)
		}
		target = target.With(index)
	}
	queries, diags := Convert(target, rules[len(rules)-1], rules, pipeline.NewChain(parts...), c.format, c.options)
	if diags.HasErrors() {
		return []string{"error: " + first(diags)}
	}
	var out []string
	for _, q := range queries {
		out = append(out, "query: "+strings.ReplaceAll(Text(q), "\n", "␤"))
		for _, d := range q.Remarks {
			out = append(out, "warning: "+message(d))
		}
	}
	return out
}

// Convert converts a rule or a correlation; others are what a correlation may name.
func Convert(target *backend.Target, r *sigma.Rule, others []*sigma.Rule, chain *pipeline.Chain, format string, options map[string]string) ([]backend.Query, diag.List) {
	if r.Correlation != nil {
		if err := target.Correlates(r); err != nil {
			return nil, diag.Of(err)
		}
		c, diags := pipeline.LowerCorrelation(r, sigma.NewLibrary(others), chain)
		if c == nil {
			return nil, diags
		}
		queries, err := target.ConvertCorrelation(c, format, options)
		if err != nil {
			return nil, diag.Of(err)
		}
		return queries, nil
	}
	l, diags := pipeline.Lower(r, chain)
	if l == nil {
		return nil, diags
	}
	queries, err := target.Convert(l, format, options)
	if err != nil {
		return nil, diag.Of(err)
	}
	return queries, nil
}

// Text is a query as text, JSON where it is an object.
func Text(q backend.Query) string {
	if s, ok := q.Value.(string); ok {
		return s
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(q.Value); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func first(diags diag.List) string { return message(diags.Errors()[0]) }

func message(d *diag.Diagnostic) string {
	if d.Hint != "" {
		return d.Message + "; " + d.Hint
	}
	return d.Message
}

// CompareFile compares a text with that of a file, which -update writes anew.
func CompareFile(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update writes it); got\n%s", path, got)
	}
}
