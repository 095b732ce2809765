package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/hunt"
	"github.com/huntbook/huntbook/internal/atomicfile"
	"github.com/huntbook/huntbook/internal/parallel"
	"github.com/huntbook/huntbook/internal/version"
	"github.com/huntbook/huntbook/notebook"
	"github.com/huntbook/huntbook/notebook/export"
	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/sigma"
)

func (a *app) notebookCommand() *cobra.Command {
	n := &notebooks{app: a}
	cmd := &cobra.Command{
		Use:   "notebook -r RULES -e URL",
		Short: "Write notebooks that query Elasticsearch or OpenSearch, and run nothing",
		Long: `Write a notebook a rule that queries a cluster, with the rule converted to es-qs.
Nothing is run and nothing is asked of the server; user and password come from the
environment when the notebook runs.

` + flavourTable() + `
A requirements.txt beside the notebooks says which packages they need. What you wrote
into the cells for notes and the verdict is kept.`,
		Example: `  huntbook notebook -r rules/ -c helk -e http://helk-elasticsearch:9200 -i 'logs-*' -o notebooks/sigma/
  huntbook notebook -r rules/ -p ecs_windows -e https://opensearch:9200 --client opensearch
  huntbook notebook -r rules/ -p ecs_windows -e https://es:9200 --kernel ir
  huntbook notebook -r rules/ -p ecs_windows -e https://es:9200 --template team/spark`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return n.run(cmd.Context()) },
	}
	n.rules.addPaths(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&n.server, "elasticsearch", "e", "", "the `URL` of the Elasticsearch that the notebooks query")
	flags.StringVarP(&n.index, "index", "i", "*", "the `index` to query where the pipeline names none")
	flags.StringVarP(&n.output, "output", "o", "notebooks", "the `folder` to write")
	n.flavour.add(cmd, "python3")
	n.pipelines.add(cmd)
	flags.BoolVarP(&n.skip, "skip-unsupported", "I", false, "exit with 0 though some rules could not be converted")
	n.format.add(cmd)
	n.rules.add(cmd)
	a.addDiagnostics(cmd)
	return cmd
}

// notebooks is one run of the command.
type notebooks struct {
	*app
	rules                 ruleFlags
	pipelines             pipelineFlags
	flavour               flavourFlags
	server, index, output string
	skip                  bool
	format                formatFlag
	formats               []export.Format
}

// flavourTable lists the notebooks that ask a cluster.
func flavourTable() string {
	var b strings.Builder
	for _, f := range notebook.Flavours() {
		if f.Files {
			continue
		}
		flags := "--kernel " + f.Kernel
		if f.Client != "" {
			flags += " --client " + f.Client
		}
		fmt.Fprintf(&b, "  %-36s %s\n", flags, f.Description)
	}
	return b.String()
}

func (n *notebooks) run(ctx context.Context) error {
	if len(n.rules.paths) == 0 {
		return usagef("no rules; give a rule file or a folder with -r")
	}
	var err error
	if n.formats, err = n.format.formats(); err != nil {
		return err
	}
	if n.server == "" {
		return usagef("no server; give the address of the Elasticsearch that the notebooks query with -e")
	}
	u, err := url.Parse(n.server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return usagef("-e %q is no address of an Elasticsearch; write for example http://127.0.0.1:9200", n.server)
	}
	conv, err := newConverter(defaultTarget, "", nil, &n.pipelines)
	if err != nil {
		return err
	}
	template, err := n.flavour.template(false)
	if err != nil {
		return err
	}
	set, err := n.rules.load(n.app)
	if err != nil {
		return err
	}
	written, failed, err := n.all(ctx, conv, template, set)
	if err != nil {
		return err
	}
	if err := n.writeRequirements(n.output, template); err != nil {
		return err
	}
	failed += len(set.Unreadable)
	fmt.Fprintf(n.Err, "%s written to %s\n", plural(written, "notebook", "notebooks"), n.output)
	if failed > 0 && !n.skip {
		return errFailed
	}
	return nil
}

// all writes the notebooks of a set, several at once, and tells how many rules were
// written and how many could not be.
func (n *notebooks) all(ctx context.Context, conv *converter, template *notebook.Template, set *ruleset.Set) (written, failed int, err error) {
	generated := sigma.NewLibrary(set.All).Named(set.List())
	made, problems, errs := make([][]notebook.Query, len(set.Rules)), make([]diag.List, len(set.Rules)), make([]error, len(set.Rules))
	collectUsually()
	// All rules are converted before the first notebook, which links to others.
	err = inRuns(ctx, len(set.Rules), func(i int) {
		if own, named := generated[set.Rules[i].Rule]; named && !own {
			return
		}
		if out, err := conv.convert(set.Rules[i].Rule); err != nil {
			problems[i] = diag.Of(err)
		} else {
			made[i] = conv.pages(out)
		}
	}, func(i int) error {
		if problems[i] != nil {
			n.diagnostics(problems[i])
			failed++
		}
		return nil
	})
	if err != nil {
		return written, failed, err
	}
	names := names(set.Rules)
	linked := slices.Clone(names)
	for i := range linked {
		if made[i] == nil {
			linked[i] = ""
		}
	}
	related := notebook.NewRelatedIndex(set.List(), linked)
	err = inRuns(ctx, len(set.Rules), func(i int) {
		if made[i] != nil {
			errs[i] = n.one(made[i], template, set.Rules[i], names[i], related.Of(i, nil))
		}
	}, func(i int) error {
		if made[i] != nil && errs[i] == nil {
			written++
		}
		return errs[i]
	})
	return written, failed, err
}

// inRuns does work of 0 … n-1, several at once, and tells of what was done, in order,
// before more is begun. The first error ends it.
func inRuns(ctx context.Context, n int, work func(i int), tell func(i int) error) error {
	const run = 256
	for at := 0; at < n; at += run {
		if err := ctx.Err(); err != nil {
			return err
		}
		end := min(at+run, n)
		parallel.Each(end-at, func(i int) { work(at + i) })
		for i := at; i < end; i++ {
			if err := tell(i); err != nil {
				return err
			}
		}
	}
	return nil
}

func names(rules []ruleset.Entry) []string {
	refs := make([]notebook.RuleRef, len(rules))
	for i, e := range rules {
		refs[i] = notebook.RuleRef{Path: e.Path, Document: e.Rule.Document}
	}
	return notebook.FileNames(refs)
}

// one writes the notebook of a rule that was converted.
func (n *notebooks) one(queries []notebook.Query, template *notebook.Template, e ruleset.Entry, name string, related []notebook.Related) error {
	target := filepath.Join(n.output, filepath.FromSlash(name))
	page := &notebook.Page{
		Rule: e.Rule, RulePath: e.Path, Queries: queries, Server: n.server, Index: n.index,
		Related: related, Version: version.Number(), Options: notebook.DefaultOptions(),
	}
	page.Data = []string{page.ServerURL()}
	page.DataFlags = hunt.DataFlags(filepath.Dir(target), engine.Data{Index: []string{page.Indices()}, Pipelines: n.pipelines.pipelines, Configs: n.pipelines.configs})
	nb, err := template.Build(page)
	if err != nil {
		return err
	}
	old, err := n.old(target)
	if err != nil {
		return err
	}
	notebook.Carry(old, nb)
	content, err := notebook.Encode(nb)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(target, content); err != nil {
		return err
	}
	return writeCopies(nb, target, n.formats)
}

// old reads the notebook that stands at a place already, nil when there is
// none; a file that is not ours is not written over.
func (n *notebooks) old(target string) (*notebook.Notebook, error) {
	data, err := os.ReadFile(target)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("output folder: %w; choose another one with -o", err)
	}
	nb, err := notebook.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s stands in the way and can't be read: %w; what is written there would be lost: repair or move it, or choose another folder with -o", target, err)
	}
	if nb.Metadata["huntbook"] == nil {
		return nil, fmt.Errorf("%s stands in the way and was not written by huntbook; choose another folder with -o", target)
	}
	return nb, nil
}
