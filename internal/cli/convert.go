package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/convert"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/internal/atomicfile"
	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/sigma"
)

func (a *app) convertCommand() *cobra.Command {
	c := &converting{app: a}
	var list bool
	cmd := &cobra.Command{
		Use:   "convert -t TARGET RULES...",
		Short: "Convert rules into queries",
		Long: `Convert rules into queries of a target's language. RULES are files or folders.

Queries go to standard output, one a line, and what could not be converted to
standard error; the exit code is 1 then, or 0 with --skip-unsupported.`,
		Example: `  huntbook convert -t es-qs -c helk rule.yml
  huntbook convert -t es-qs -p helk rules/windows -o queries/
  huntbook convert -t es-qs -O keyword_field=.raw rule.yml
  huntbook convert --format json rules/ | jq -r .query
  huntbook convert -l`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if list {
				return a.list(nil, false)
			}
			c.rules.paths = append(c.rules.paths, args...)
			return c.run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&c.target, "target", "t", defaultTarget, "the `language` to convert to; see -l")
	c.pipelines.add(cmd)
	flags.StringVarP(&c.outputFormat, "output-format", "f", "", "the target's output `format`; see -l (default the target's first)")
	flags.StringVar(&c.envelope, "format", "text", "`text`, or json: an object a query with path, id, title, target, query, index, unmapped, part")
	flags.StringVarP(&c.output, "output", "o", "", "write to a `file`, or into a folder, a file a rule (default standard output)")
	flags.StringArrayVarP(&c.optionTexts, "backend-option", "O", nil, "an option of the target, as `name=value`; may be repeated")
	flags.BoolVarP(&c.skip, "skip-unsupported", "I", false, "exit with 0 though some rules could not be converted")
	flags.BoolVar(&c.without, "without-pipeline", false, "use no pipeline, not even the target's default one")
	flags.BoolVarP(&list, "list", "l", false, "list targets, their formats and options, and pipelines")
	c.rules.addPaths(cmd)
	c.rules.add(cmd)
	a.addDiagnostics(cmd)
	complete(cmd, "format", []string{"text", "json"})
	complete(cmd, "target", targetNames())
	return cmd
}

func targetNames() []string {
	var names []string
	for _, t := range convert.Targets() {
		names = append(names, t.Name)
	}
	return names
}

// converting is one run of the command.
type converting struct {
	*app
	rules                                  ruleFlags
	pipelines                              pipelineFlags
	target, outputFormat, envelope, output string
	optionTexts                            []string
	skip, without                          bool

	conv   *converter
	set    *ruleset.Set
	failed int
	// queries are those that a pipeline's finalizers make one output of.
	queries []any
}

func (c *converting) run(ctx context.Context) error {
	if len(c.rules.paths) == 0 {
		return usagef("no rules; name rule files or folders, or list what there is with -l")
	}
	if c.envelope != "text" && c.envelope != "json" {
		return usagef("unknown --format %q; there are text and json (the target's own formats are chosen with -f)", c.envelope)
	}
	if c.without && len(c.pipelines.pipelines)+len(c.pipelines.configs) > 0 {
		return usagef("--without-pipeline and -p or -c exclude each other")
	}
	options, err := parseOptions(c.optionTexts)
	if err != nil {
		return err
	}
	if c.conv, err = newConverter(c.target, c.outputFormat, options, &c.pipelines); err != nil {
		return err
	}
	if c.set, err = c.rules.load(c.app); err != nil {
		return err
	}
	if err := c.checkFinalizers(); err != nil {
		return err
	}
	if err := c.all(ctx); err != nil {
		return err
	}
	c.failed += len(c.set.Unreadable)
	if c.failed > 0 && !c.skip {
		if err := c.out.Flush(); err != nil {
			return err
		}
		return errFailed
	}
	return nil
}

func parseOptions(texts []string) (map[string]string, error) {
	options := map[string]string{}
	for _, t := range texts {
		name, value, ok := strings.Cut(t, "=")
		if !ok || name == "" {
			return nil, usagef("-O %q is no option; write name=value", t)
		}
		options[name] = value
	}
	return options, nil
}

// all converts every rule and writes what became of it.
func (c *converting) all(ctx context.Context) error {
	files := map[string]*bytes.Buffer{}
	var order []string
	folder := c.isFolder()
	// to is where a rule's rows go: one text for all, or a file a rule.
	to := func(path string) *bytes.Buffer {
		name := ""
		if folder {
			name = c.fileOf(path)
		}
		if files[name] == nil {
			files[name] = &bytes.Buffer{}
			order = append(order, name)
		}
		return files[name]
	}
	generated := sigma.NewLibrary(c.set.All).Named(c.set.List())
	for _, e := range c.set.Rules {
		if err := ctx.Err(); err != nil {
			return err
		}
		if own, named := generated[e.Rule]; named && !own {
			// Alone it would say more than the correlation that it is a part of.
			continue
		}
		if err := c.one(to(e.Path), e); err != nil {
			return err
		}
	}
	for _, u := range c.set.Unreadable {
		if c.envelope != "json" {
			break
		}
		if err := writeJSON(to(u.Path), errorRow{Path: u.Path, Error: firstLine(u.Error.Error())}); err != nil {
			return err
		}
	}
	if !folder {
		if err := c.finalize(to("")); err != nil {
			return err
		}
		all := to("").Bytes()
		if c.output == "" {
			_, err := c.out.Write(all)
			return err
		}
		return atomicfile.Write(c.output, all)
	}
	written := 0
	for _, name := range order {
		if files[name].Len() == 0 {
			continue
		}
		if err := atomicfile.Write(filepath.Join(c.output, filepath.FromSlash(name)), files[name].Bytes()); err != nil {
			return err
		}
		written++
	}
	fmt.Fprintf(c.Err, "%s written to %s\n", plural(written, "file", "files"), c.output)
	return nil
}

// isFolder tells a folder from a file: one that is there, or whose name ends
// like one, or several rules and a name without an extension.
func (c *converting) isFolder() bool {
	if c.output == "" {
		return false
	}
	if info, err := os.Stat(c.output); err == nil {
		return info.IsDir()
	}
	last := c.output[len(c.output)-1]
	return last == '/' || os.IsPathSeparator(last) || len(c.set.Rules) > 1 && filepath.Ext(c.output) == ""
}

// fileOf is the name of the file in the output folder for the rules of a file.
func (c *converting) fileOf(rules string) string {
	ext := ".txt"
	if c.envelope == "json" {
		ext = ".json"
	}
	return strings.TrimSuffix(rules, path.Ext(rules)) + ext
}

// queryRow and errorRow are the objects of --format json, a contract.
type queryRow struct {
	Path     string   `json:"path"`
	ID       *string  `json:"id"`
	Title    *string  `json:"title"`
	Target   string   `json:"target"`
	Query    any      `json:"query"`
	Index    []string `json:"index"`
	Unmapped []string `json:"unmapped"`
	Part     int      `json:"part"`
}

type errorRow struct {
	Path  string  `json:"path"`
	ID    *string `json:"id"`
	Error string  `json:"error"`
}

func (c *converting) one(to *bytes.Buffer, e ruleset.Entry) error {
	out, err := c.conv.convert(e.Rule)
	if err == nil {
		err = out.postprocess()
	}
	if err != nil {
		c.failed++
		c.diagnostics(diag.Of(err))
		if c.envelope == "json" {
			return writeJSON(to, errorRow{e.Path, nonEmpty(e.Rule.ID), firstLine(diag.Of(err)[0].Error())})
		}
		return nil
	}
	c.diagnostics(out.warnings)
	for _, q := range out.queries {
		if c.conv.chain.Finalizes() {
			c.queries = append(c.queries, q.Value)
			continue
		}
		if c.envelope == "json" {
			row := queryRow{
				Path: e.Path, ID: nonEmpty(e.Rule.ID), Title: nonEmpty(e.Rule.Title), Target: c.conv.target.Name,
				Query: q.Value, Index: out.lowered.Index, Unmapped: append([]string{}, out.lowered.Unmapped...), Part: max(q.Part, 1),
			}
			if err := writeJSON(to, row); err != nil {
				return err
			}
			continue
		}
		if text, ok := q.Value.(string); ok {
			to.WriteString(text)
			to.WriteByte('\n')
		} else if err := writeJSON(to, q.Value); err != nil {
			return err
		}
	}
	if len(out.lowered.Unmapped) > 0 && c.envelope == "text" {
		fmt.Fprintf(c.Err, "%s: no pipeline maps %s\n", diag.Printable(e.Path), diag.Printable(strings.Join(out.lowered.Unmapped, ", ")))
	}
	return nil
}

// checkFinalizers refuses forms of output that hold an entry a rule where the
// pipelines make one output of all queries.
func (c *converting) checkFinalizers() error {
	switch {
	case !c.conv.chain.Finalizes():
	case c.envelope == "json":
		return usagef("the pipeline's finalizers make one output of all queries, and --format json is an object a query; use one of them")
	case c.isFolder():
		return usagef("the pipeline's finalizers make one output of all queries, and %s is a folder; name a file with -o", c.output)
	}
	return nil
}

// finalize writes the one output that finalizers make.
func (c *converting) finalize(to *bytes.Buffer) error {
	if !c.conv.chain.Finalizes() {
		return nil
	}
	out, err := c.conv.chain.Finalize(c.queries)
	if err != nil {
		return err
	}
	text, ok := out.(string)
	if !ok {
		return writeJSON(to, out)
	}
	to.WriteString(text)
	if !strings.HasSuffix(text, "\n") {
		to.WriteByte('\n')
	}
	return nil
}

func nonEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func writeJSON(to io.Writer, v any) error {
	enc := json.NewEncoder(to)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
