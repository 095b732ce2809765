package esqs

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

var update = flag.Bool("update", false, "write the golden files anew")

// A golden file has cases with a blank line between them. A case is lines of
// "key: value": case (its name), logsource, config and pipeline (names, with
// spaces between), option, detection (YAML in flow style), what sigmac printed
// where the case comes from it, and at last what we print: query for each
// query, warning, or error. Lines with # are remarks.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { golden(t, file) })
	}
}

func golden(t *testing.T, file string) {
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
			got := c.run(t)
			if *update {
				blocks[i] = strings.Join(append(c.given, got...), "\n")
				return
			}
			if g, w := strings.Join(got, "\n"), strings.Join(c.want, "\n"); g != w {
				t.Errorf("%s\ngot:\n%s\nwant:\n%s", strings.Join(c.given, "\n"), g, w)
			}
			// Where we print something else than sigmac did, a remark says why.
			if c.sigmac != "" && len(got) == 1 && got[0] != "query: "+c.sigmac && !c.remark {
				t.Errorf("differs from sigmac without a remark: %s", c.sigmac)
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
	name, logsource, detection, sigmac string
	configs, pipelines                 []string
	options                            map[string]string
	given, want                        []string
	remark                             bool
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
		case "pipeline":
			c.pipelines = strings.Fields(value)
		case "option":
			name, v, _ := strings.Cut(value, "=")
			c.options[name] = v
		case "detection":
			c.detection = value
		case "sigmac":
			c.sigmac = value
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

// run gives the lines of what we print.
func (c goldenCase) run(t *testing.T) []string {
	text := "title: t\nlogsource: " + c.logsource + "\ndetection: " + c.detection + "\n"
	rules, diags := sigma.Parse(&diag.File{Path: "rule.yml", Data: []byte(text)})
	if diags.HasErrors() {
		return []string{"error: " + first(diags)}
	}
	var parts []pipeline.Part
	for _, name := range c.configs {
		path := filepath.Join("testdata", "config", name+".yml")
		if _, err := os.Stat(path); err != nil {
			path = name
		}
		config, err := pipeline.LoadSigmac(path, Target.Name)
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
	l, diags := pipeline.Lower(rules[0], pipeline.NewChain(parts...))
	if l == nil {
		return []string{"error: " + first(diags)}
	}
	queries, err := Target.Convert(l, "", c.options)
	if err != nil {
		return []string{"error: " + first(diag.Of(err))}
	}
	var out []string
	for _, q := range queries {
		out = append(out, "query: "+strings.ReplaceAll(q.Value.(string), "\n", "␤"))
	}
	return out
}

func first(diags diag.List) string {
	d := diags.Errors()[0]
	if d.Hint != "" {
		return d.Message + "; " + d.Hint
	}
	return d.Message
}
