package docs

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/huntbook/huntbook/check"
	"github.com/huntbook/huntbook/convert"
	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/kernel"
	"github.com/huntbook/huntbook/sigma"
	"github.com/huntbook/huntbook/standard"
)

var update = flag.Bool("update", false, "write the pages")

func TestPages(t *testing.T) {
	for name, page := range map[string]func() string{
		"cells.md":           kernel.Reference,
		"kernel.md":          kernelPage,
		"checks.md":          check.Reference,
		"targets.md":         targets,
		"modifiers.md":       modifiers,
		"notebooks.md":       notebooks,
		"pipelines.md":       pipelines,
		"transformations.md": transformations,
		"standards.md":       standard.Reference,
	} {
		file := filepath.Join("..", "..", "docs", name)
		got := page()
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got); d != "" {
			t.Errorf("docs/%s is out of date (-page +program); go test ./internal/docs -update writes it:\n%s", name, d)
		}
	}
}

func modifiers() string {
	var b strings.Builder
	b.WriteString("# Modifiers\n\nModifiers stand behind a field's name and are applied from left to right: " +
		"`CommandLine|wide|base64offset|contains`.\n\n| modifier | what it does | example |\n|---|---|---|\n")
	for _, m := range sigma.Modifiers() {
		fmt.Fprintf(&b, "| `%s` | %s | `%s` |\n", m.Name, cell(m.Prose), cell(m.Example))
	}
	return b.String()
}

func targets() string {
	var b strings.Builder
	b.WriteString("# Targets\n\n`huntbook convert -t TARGET` writes a rule in one of these languages.\n" +
		"Forms of JSON are held against the shapes published for them, and ElastAlert's rules are loaded by\n" +
		"ElastAlert 2 itself, for every rule of SigmaHQ. What queries find is shown on [servers](agreement.md).\n")
	for _, t := range convert.Targets() {
		fmt.Fprintf(&b, "\n## %s\n\n%s [Reference](%s)%s\n\n", t.Name, t.Description, t.Reference, aliases(t))
		fmt.Fprintf(&b, "A rule's detection:\n\n```yaml\n%s\n```\n\nbecomes\n\n```\n%s\n```\n", strings.TrimSpace(t.Example.Rule), t.Example.Query)
		if len(t.Limits) > 0 {
			b.WriteString("\nWhat it can't express, or means otherwise:\n\n")
			for _, l := range t.Limits {
				fmt.Fprintf(&b, "- %s\n", l)
			}
		}
		if len(t.Correlations) > 0 {
			fmt.Fprintf(&b, "\nCorrelations: `%s`.\n", strings.Join(t.Correlations, "`, `"))
		}
		b.WriteString("\n| output format (`-f`) | | files |\n|---|---|---|\n")
		for _, f := range t.Formats {
			fmt.Fprintf(&b, "| `%s` | %s | `.%s` |\n", f.Name, cell(f.Description), t.Extension(f.Name))
		}
		if len(t.Options) == 0 {
			continue
		}
		b.WriteString("\n| option (`-O name=value`) | default | |\n|---|---|---|\n")
		for _, o := range t.Options {
			value := ""
			if o.Default != "" {
				value = "`" + cell(o.Default) + "`"
			}
			what := cell(o.Description)
			if o.Stated {
				what += "; a pipeline may state it"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", o.Name, value, what)
		}
	}
	return b.String()
}

// aliases are the other names of a target.
func aliases(t *backend.Target) string {
	var names []string
	for _, a := range t.Aliases {
		name := "`" + a.Name + "`"
		if a.Format != "" {
			name += " (with the format `" + a.Format + "`)"
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return ""
	}
	return " Also named " + strings.Join(names, ", ") + "."
}

// cell makes a text fit into a table's cell.
func cell(s string) string {
	return string(bytes.ReplaceAll(bytes.ReplaceAll([]byte(s), []byte("|"), []byte(`\|`)), []byte("\n"), []byte(" ")))
}
