package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/convert"
	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/internal/parallel"
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

Queries go to standard output, to one file (-o FILE) or into a tree like that of the
rules (-o DIR), in which what is JSON or YAML has a file each. What could not be
converted is listed at the end on standard error, with its place in the rule and the
reason; the exit code is 1 then, or 0 with --skip-unsupported.

--mapping, or -e, tells how an index keeps its fields, so that a query asks each in the form
that finds what the rule means. --diff compares with an earlier output, and so shows
what an update of rules changes.`,
		Example: `  huntbook convert -t es-qs -c helk rule.yml
  huntbook convert -t es-qs -p helk rules/windows -o queries/
  huntbook convert -t lucene -p ecs_windows -f siem_rule_ndjson -o rules.ndjson rules/
  curl -s localhost:9200/logs-*/_mapping >mapping.json
  huntbook convert -t es-dsl -p helk --mapping mapping.json rule.yml
  huntbook convert -t lucene -p helk -e http://localhost:9200 -i 'logs-*' rules/
  huntbook convert -t lucene -p ecs_windows rules/ --diff queries/
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
	flags.StringVar(&c.mapping, "mapping", "", "a `file` with what GET index/_mapping returned: fields are asked as it says that they are kept")
	flags.StringArrayVarP(&c.addresses, "elasticsearch", "e", nil, "the `URL` of an Elasticsearch or OpenSearch to read the mapping from; may be repeated for more nodes of it")
	flags.StringSliceVarP(&c.index, "index", "i", nil, "the `index` whose mapping is read with -e (default all)")
	c.connect.add(cmd)
	flags.StringVar(&c.old, "diff", "", "show what changed since an earlier output (a `path`: the file or folder of -o) instead of the queries")
	flags.BoolVarP(&c.skip, "skip-unsupported", "I", false, "exit with 0 though some rules could not be converted")
	flags.BoolVar(&c.without, "without-pipeline", false, "use no pipeline, not even the target's default one")
	flags.BoolVarP(&list, "list", "l", false, "list targets, their formats and options, and pipelines")
	c.rules.addPaths(cmd)
	c.rules.add(cmd)
	a.addDiagnostics(cmd)
	_ = cmd.MarkFlagFilename("mapping", "json")
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
	mapping, old                           string
	addresses, index                       []string
	connect                                connectFlags
	optionTexts                            []string
	skip, without                          bool

	conv *converter
	set  *ruleset.Set
	// entries are the queries, and rules that could not be read or converted, in
	// the order of the rules.
	entries []entry
	failed  []failure
	remarks diag.List
}

// failure is a rule that could not be converted.
type failure struct {
	title string
	why   diag.List
}

// entry is a query of a rule, or the error in its place.
type entry struct {
	path, title string
	query       backend.Query
	// row is the entry's object of --format json.
	row    any
	failed bool
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
	if err := c.readMapping(ctx); err != nil {
		return err
	}
	if c.set, err = c.rules.load(c.app); err != nil {
		return err
	}
	if err := c.checkFinalizers(); err != nil {
		return err
	}
	// The earlier output may be where the new one goes.
	old, err := c.readOld()
	if err != nil {
		return err
	}
	if err := c.all(ctx); err != nil {
		return err
	}
	if old != nil {
		if err := c.showChanges(old); err != nil {
			return err
		}
	}
	if old == nil || c.output != "" {
		if err := c.write(); err != nil {
			return err
		}
	}
	c.tellRemarks()
	c.tellFailed()
	if len(c.failed)+len(c.set.Unreadable) > 0 && !c.skip {
		if err := c.out.Flush(); err != nil {
			return err
		}
		return errFailed
	}
	return nil
}

// maxMapping bounds the file of a mapping, in bytes.
const maxMapping = 256 << 20

func (c *converting) readMapping(ctx context.Context) error {
	fromCluster := len(c.addresses) > 0 || c.connect.cloudID != ""
	switch {
	case fromCluster && c.mapping != "":
		return usagef("--mapping and -e: a mapping is read from a file or from a cluster")
	case fromCluster:
		return c.fetchMapping(ctx)
	case len(c.index) > 0:
		return usagef("-i names an index of the cluster that -e names")
	case c.mapping == "":
		return nil
	}
	info, err := os.Stat(c.mapping)
	if errors.Is(err, fs.ErrNotExist) {
		return usagef("--mapping %s: there is no such file", c.mapping)
	}
	if err == nil && info.Size() > maxMapping {
		err = fmt.Errorf("it has more than %d MB", maxMapping>>20)
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(c.mapping)
	}
	if err != nil {
		return fmt.Errorf("--mapping %s: %w", c.mapping, err)
	}
	index, err := mapping.Parse(data)
	if err != nil {
		return fmt.Errorf("--mapping %s: %w", c.mapping, err)
	}
	c.conv.target = c.conv.target.With(index)
	return nil
}

// fetchMapping asks a cluster for the mapping.
func (c *converting) fetchMapping(ctx context.Context) error {
	c.connect.retries = -1
	client, err := c.connect.client(c.app, c.addresses)
	if err != nil {
		return err
	}
	index := c.index
	if len(index) == 0 {
		index = []string{"*"}
	}
	data, err := client.Mapping(ctx, index)
	if err != nil {
		c.hintAtSecrets(err)
		return err
	}
	fields, err := mapping.Parse(data)
	if err != nil {
		return fmt.Errorf("%s, index %s: %w", client, strings.Join(index, ","), err)
	}
	c.conv.target = c.conv.target.With(fields)
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

// all converts every rule, several at once; what comes of them stands in their order.
func (c *converting) all(ctx context.Context) error {
	c.conv.library = sigma.NewLibrary(c.set.All)
	generated := c.conv.library.Named(c.set.List())
	made, errs := make([]*converted, len(c.set.Rules)), make([]error, len(c.set.Rules))
	one := func(i int) {
		if made[i], errs[i] = c.conv.convert(c.set.Rules[i].Rule); errs[i] == nil {
			errs[i] = made[i].postprocess()
		}
	}
	parallel.Each(len(made), func(i int) {
		if c.set.Rules[i].Rule.Correlation == nil && ctx.Err() == nil {
			one(i)
		}
	})
	for i, e := range c.set.Rules {
		if err := ctx.Err(); err != nil {
			return err
		}
		if own, named := generated[e.Rule]; named && !own {
			// Alone it would say more than the correlation that it is a part of.
			continue
		}
		if e.Rule.Correlation != nil {
			one(i)
		}
		c.enter(e, made[i], errs[i])
	}
	for _, u := range c.set.Unreadable {
		c.entries = append(c.entries, entry{path: u.Path, row: errorRow{Path: u.Path, Error: firstLine(u.Error.Error())}, failed: true})
	}
	return nil
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

// enter notes what came of a rule.
func (c *converting) enter(e ruleset.Entry, out *converted, err error) {
	if err != nil {
		list := diag.Of(err)
		c.failed = append(c.failed, failure{e.Rule.Title, list})
		row := errorRow{e.Path, nonEmpty(e.Rule.ID), firstLine(list[0].Error())}
		c.entries = append(c.entries, entry{path: e.Path, title: e.Rule.Title, row: row, failed: true})
		return
	}
	c.diagnostics(out.warnings)
	for _, q := range out.queries {
		c.remarks = append(c.remarks, q.Remarks...)
		c.entries = append(c.entries, entry{path: e.Path, title: e.Rule.Title, query: q, row: queryRow{
			Path: e.Path, ID: nonEmpty(e.Rule.ID), Title: nonEmpty(e.Rule.Title), Target: c.conv.target.Name,
			Query: q.Value, Index: out.lowered.Index, Unmapped: append([]string{}, out.lowered.Unmapped...), Part: max(q.Part, 1),
		}})
	}
	if len(out.lowered.Unmapped) > 0 && c.envelope == "text" {
		fmt.Fprintf(c.Err, "%s: no pipeline maps %s\n", diag.Printable(e.Path), diag.Printable(strings.Join(out.lowered.Unmapped, ", ")))
	}
}

// tellRemarks tells what is about fields of the index, each thing once, with the
// number of rules that it holds for.
func (c *converting) tellRemarks() {
	if c.messages != "text" {
		c.diagnostics(c.remarks)
		return
	}
	var each diag.List
	count := map[string]int{}
	for _, d := range c.remarks {
		if count[d.Message]++; count[d.Message] == 1 {
			each = append(each, d)
		}
	}
	for _, d := range each {
		if n := count[d.Message]; n > 1 {
			d.Message += fmt.Sprintf(" (here and in %s)", plural(n-1, "other comparison", "other comparisons"))
		}
	}
	c.diagnostics(each)
}

// tellFailed lists the rules that could not be converted.
func (c *converting) tellFailed() {
	if c.messages != "text" || len(c.entries) == 1 {
		for _, f := range c.failed {
			c.diagnostics(f.why)
		}
		return
	}
	if len(c.failed) == 0 {
		return
	}
	fmt.Fprintf(c.Err, "%s not converted:\n", plural(len(c.failed), "rule was", "rules were"))
	for _, f := range c.failed {
		for _, d := range f.why {
			fmt.Fprintf(c.Err, "  %s (%s)\n", diag.Printable(d.Error()), diag.Printable(cmp.Or(f.title, "untitled")))
		}
	}
	if n := len(c.set.Unreadable); n > 0 {
		fmt.Fprintf(c.Err, "  %s could not be read, see above\n", plural(n, "file", "files"))
	}
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
