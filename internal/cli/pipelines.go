package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/convert"
	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/notebook"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// defaultTarget is the language that a query is shown in unless asked otherwise.
const defaultTarget = "es-qs"

// pipelineFlags name what translates a rule for a target.
type pipelineFlags struct {
	pipelines, configs []string
}

func (f *pipelineFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&f.configs, "config", "c", nil, "a sigmac configuration: a `file`, or a built-in name such as helk; may be repeated")
	cmd.Flags().StringArrayVarP(&f.pipelines, "pipeline", "p", nil, "a processing pipeline: a `file`, or a built-in name such as helk; may be repeated")
	_ = cmd.RegisterFlagCompletionFunc("pipeline", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, b := range pipeline.Builtins() {
			if !b.Sigmac {
				names = append(names, b.Name)
			}
		}
		return names, cobra.ShellCompDirectiveDefault
	})
	_ = cmd.MarkFlagFilename("config", "yml", "yaml")
}

// chain loads the pipelines and configurations and checks that the target takes
// them.
func (f *pipelineFlags) chain(target *backend.Target) (*pipeline.Chain, error) {
	var parts []pipeline.Part
	var errs []error
	for _, name := range f.configs {
		c, err := pipeline.LoadSigmac(name, target.Names()...)
		if err != nil {
			errs = append(errs, fitting(asUsage(err), target, true))
			continue
		}
		parts = append(parts, c)
	}
	for _, name := range f.pipelines {
		p, err := pipeline.Load(name)
		if err != nil {
			errs = append(errs, asUsage(err))
			continue
		}
		parts = append(parts, p)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	chain := pipeline.NewChain(parts...)
	if err := chain.Check(target.Names()...); err != nil {
		return nil, fitting(usageError{err}, target, false)
	}
	return chain, nil
}

// fitting adds the built-in ones that a target takes to the error about a pipeline or
// configuration that is for others.
func fitting(err error, target *backend.Target, sigmac bool) error {
	var unfit *pipeline.NotForError
	if !errors.As(err, &unfit) {
		return err
	}
	var names []string
	for _, b := range pipeline.Builtins() {
		if b.Sigmac == sigmac && b.Fits(target.Names()...) {
			names = append(names, b.Name)
		}
	}
	flag := "-p"
	if sigmac {
		flag = "-c"
	}
	if len(names) == 0 {
		return usageError{fmt.Errorf("%w; none of the built-in ones (%s) is for %s", err, flag, target.Name)}
	}
	return usageError{fmt.Errorf("%w; for %s there are %s (%s)", err, target.Name, strings.Join(names, ", "), flag)}
}

// asUsage makes unknown names and missing files usage errors.
func asUsage(err error) error {
	for _, kind := range []error{
		pipeline.ErrUnknown, convert.ErrUnknownTarget, backend.ErrUnknownFormat, backend.ErrUnknownOption, backend.ErrOption, fs.ErrNotExist,
	} {
		if errors.Is(err, kind) {
			return usageError{err}
		}
	}
	return err
}

// converter turns rules into queries of one target.
type converter struct {
	target  *backend.Target
	format  string
	options map[string]string
	chain   *pipeline.Chain
	names   []string
	// library has the rules that correlations name.
	library *sigma.Library
}

// converted is what became of a rule.
type converted struct {
	queries  []backend.Query
	lowered  *pipeline.Lowered
	warnings diag.List
}

func newConverter(target, format string, options map[string]string, f *pipelineFlags) (*converter, error) {
	t, err := convert.Target(target)
	if err != nil {
		return nil, asUsage(err)
	}
	if err := t.Check(format, options); err != nil {
		return nil, asUsage(err)
	}
	chain, err := f.chain(t)
	if err != nil {
		return nil, err
	}
	return &converter{
		target: t, format: format, options: options, chain: chain,
		names: append(append([]string(nil), f.configs...), f.pipelines...), library: sigma.NewLibrary(),
	}, nil
}

// convert gives a rule's queries; the error is a diag.List where it is about
// the rule.
func (c *converter) convert(r *sigma.Rule) (*converted, error) {
	if r.Correlation != nil {
		return c.correlation(r)
	}
	lowered, diags := pipeline.Lower(r, c.chain)
	if lowered == nil {
		return nil, diags.Errors()
	}
	queries, err := c.target.Convert(lowered, c.format, c.options)
	if err != nil {
		return nil, err
	}
	return &converted{queries, lowered, diags}, nil
}

func (c *converter) correlation(r *sigma.Rule) (*converted, error) {
	if err := c.target.Correlates(r); err != nil {
		return nil, err
	}
	correlation, diags := pipeline.LowerCorrelation(r, c.library, c.chain)
	if correlation == nil {
		return nil, diags.Errors()
	}
	queries, err := c.target.ConvertCorrelation(correlation, c.format, c.options)
	if err != nil {
		return nil, err
	}
	return &converted{queries, correlation.Lowered, diags}, nil
}

// postprocess gives the queries the form that the pipelines ask for. Notebooks
// show and run them as the target wrote them.
func (c *converted) postprocess() error {
	for i := range c.queries {
		var err error
		if c.queries[i].Value, err = c.lowered.Postprocess(c.queries[i].Value); err != nil {
			return err
		}
	}
	return nil
}

// show gives the queries that a notebook shows, as Markdown or for a client;
// nil when no pipeline was named.
func (f *pipelineFlags) show() (func(*sigma.Rule) []notebook.Query, error) {
	if len(f.pipelines)+len(f.configs) == 0 {
		return nil, nil
	}
	c, err := newConverter(defaultTarget, "", nil, f)
	if err != nil {
		return nil, err
	}
	return func(r *sigma.Rule) []notebook.Query {
		out, err := c.convert(r)
		if err != nil {
			// A notebook of a rule that the target can't express says so.
			return []notebook.Query{{Target: c.target.Name, Pipelines: c.names, Warnings: []string{"not converted: " + firstLine(err.Error())}}}
		}
		return c.pages(out)
	}, nil
}

// pages are the queries in the form that notebook templates take.
func (c *converter) pages(out *converted) []notebook.Query {
	var list []notebook.Query
	for _, q := range out.queries {
		text, _ := q.Value.(string)
		list = append(list, notebook.Query{
			Text: text, Target: c.target.Name, Pipelines: c.names, Fields: fieldsOf(out.lowered),
			Index: out.lowered.Index, Unmapped: out.lowered.Unmapped, Warnings: messages(out.warnings),
		})
	}
	return list
}

// fieldsOf are the fields that a rule wants shown, then those that it reads.
func fieldsOf(l *pipeline.Lowered) []string {
	var out []string
	for _, f := range slices.Concat(l.Fields, ir.Fields(l.Expr())) {
		if f != "" && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

func messages(list diag.List) []string {
	var out []string
	for _, d := range list {
		text := d.Message
		if d.Hint != "" {
			text += "; " + d.Hint
		}
		out = append(out, text)
	}
	return out
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
