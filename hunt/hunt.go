// Package hunt runs rules over data and leaves a folder behind: a notebook a
// rule that has been run, the findings, a page and a file for machines.
//
// All rules are matched in one pass over the data; the notebooks' cells are
// then run by the interpreter, which is answered from that pass. The package
// knows nothing of how things are shown. Data flows: rules and paths → engine →
// findings → notebooks, run → folder. On a cluster each rule is asked for, many in a
// request, and all else is the same.
package hunt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/engine/cluster"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/internal/atomicfile"
	"github.com/huntbook/huntbook/notebook"
	"github.com/huntbook/huntbook/notebook/export"
	"github.com/huntbook/huntbook/report"
	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/sigma"
)

// Options say what to hunt for, where, and where to write.
type Options struct {
	Rules *ruleset.Set
	// Data names the events; its paths are as the user gave them.
	Data   engine.Data
	Ingest ingest.Options
	// Cluster makes an engine on the cluster that Data names; nil for files.
	Cluster func() *cluster.Cluster
	// Out is the output folder.
	Out string
	// Inputs are written into hunt.json.
	Inputs  report.Inputs
	Version string
	// Convert gives the queries that a rule's notebook shows; nil for none.
	Convert func(*sigma.Rule) []notebook.Query
	// Formats are those in which notebooks are written too, beside them.
	Formats []export.Format
	// Template makes the notebooks, nil stands for that of huntbook's own kernel.
	// Execute runs those of another kernel; done tells of each, one at a time.
	Template *notebook.Template
	Execute  func(ctx context.Context, files []string, done func(file string, err error)) error
	// OnlyFindings leaves out the notebooks of rules that matched nothing.
	OnlyFindings bool
	// Rows is the number of rows in a notebook's table.
	Rows int
	// Bounds limit the findings a rule and the size of an event.
	Bounds engine.Bounds
	// Workers is the number of goroutines, 0 for one a processor.
	Workers int
	// Progress may be nil.
	Progress *Progress
}

// Progress is what a hunt tells while it runs; its fields may be read at any
// time.
type Progress struct {
	// Stage is 0 while the data is read, 1 while notebooks are written.
	Stage     atomic.Int32
	Findings  atomic.Int64
	Notebooks atomic.Int64
	// Planned is the number of notebooks to write.
	Planned atomic.Int64
	// Reader is the pass over the data, nil before it begins; Asked is that of a
	// cluster.
	Reader atomic.Pointer[ingest.Reader]
	Asked  atomic.Pointer[cluster.Progress]
}

// Outcome is what a hunt did beside what its folder holds.
type Outcome struct {
	Hunt *report.Hunt
	Scan *engine.ScanInfo
	// Notebooks is the number of notebooks in the folder that this hunt wrote.
	Notebooks int
	// Kept are notebooks of an earlier hunt whose rule is gone and which
	// somebody edited.
	Kept []string
	// Unreadable are errors of notebooks that stand where this hunt would
	// have written, and that nothing can be carried over from.
	Unreadable []error
	// Stopped are errors of notebooks that their kernels did not run to the end.
	Stopped []error
	// Incomplete are rules whose counts may be too low, and why.
	Incomplete []Incomplete
	// Diagnostics are errors of rules that could be read but not run.
	Diagnostics diag.List
	// Failed tells that something asked for could not be done.
	Failed bool
}

// Incomplete is a rule that a cluster could not answer whole.
type Incomplete struct{ Rule, Why string }

// plan is one rule on its way through the hunt.
type plan struct {
	entry    ruleset.Entry
	prepared engine.Prepared
	row      int // in Hunt.Rules
	notebook string
	count    int
	events   []*engine.Captured
	lines    []span // in findings.ndjson, where a notebook reads them
	// remarks are what a cluster had to say of the rule, failed why it could not
	// be asked.
	remarks []string
	failed  error
	// old is the notebook of an earlier hunt, fresh the new one without what a person
	// wrote, both kept until another kernel has run it.
	old, fresh *notebook.Notebook
	// unreadable is the error of the notebook that stands in this one's place.
	unreadable error
}

// Run hunts. When ctx ends early, the notebooks that are finished stay whole
// and the error is the context's.
func Run(ctx context.Context, o Options) (*Outcome, error) {
	start := time.Now()
	out, err := openFolder(o.Out)
	if err != nil {
		return nil, err
	}
	if o.Progress == nil {
		o.Progress = &Progress{}
	}
	if o.Template == nil {
		if o.Template, err = notebook.Builtin(notebook.OwnKernel); err != nil {
			return nil, err
		}
	}
	if o.Rows <= 0 {
		o.Rows = notebook.DefaultOptions().Rows
	}
	h := &hunter{Options: o, folder: out, outcome: &Outcome{Hunt: &report.Hunt{Version: o.Version, Inputs: o.Inputs}}}
	if o.Cluster != nil {
		h.cluster = o.Cluster()
	}
	if err := h.prepare(); err != nil {
		return nil, err
	}
	scan, err := h.source(ctx, h.prepared())
	if err != nil {
		return nil, err
	}
	if err := h.pass(scan); err != nil {
		return h.outcome, err
	}
	o.Progress.Stage.Store(1)
	runErr := h.notebooks(ctx)
	h.outcome.Hunt.Seconds = time.Since(start).Round(time.Millisecond).Seconds()
	return h.outcome, errors.Join(runErr, h.finish(runErr == nil))
}

// hunter is the state of one hunt.
type hunter struct {
	Options
	folder  *folder
	cluster *cluster.Cluster // nil for files
	plans   []*plan
	tally   *report.Tally
	outcome *Outcome
	// relations tell of each rule which others to look at.
	relations relations
}

// ownKernel tells that the interpreter here runs the notebooks.
func (h *hunter) ownKernel() bool { return h.Template.Kernel == notebook.OwnKernel }

func (h *hunter) ingestOptions() ingest.Options {
	o := h.Ingest
	o.Since, o.Until, o.Location = h.Data.Since, h.Data.Until, h.Data.Location
	return o
}

// prepare lowers the rules, and gives every one a row of the report.
func (h *hunter) prepare() error {
	prepared, errs, err := h.lower()
	if err != nil {
		return err
	}
	rows := &h.outcome.Hunt.Rules
	for i, e := range h.Rules.Rules {
		row := ruleRow(e)
		if err := errs[i]; err != nil {
			diags := diag.Of(err)
			row.State, row.Reason = report.Failed, diags.Errors().Error()
			h.outcome.Failed = true
			h.outcome.Diagnostics = append(h.outcome.Diagnostics, diags...)
		} else if prepared[i].Quiet {
			row.State, row.Reason = report.Skipped, "a correlation names it, so it gives no findings of its own"
		} else {
			h.plans = append(h.plans, &plan{entry: e, prepared: prepared[i], row: len(*rows)})
		}
		*rows = append(*rows, row)
	}
	for _, u := range h.Rules.Unreadable {
		h.outcome.Failed = true
		*rows = append(*rows, report.Rule{Path: u.Path, State: report.Failed, Reason: u.Error.Error()})
	}
	h.nameNotebooks()
	return nil
}

func (h *hunter) lower() ([]engine.Prepared, []error, error) {
	if h.cluster != nil {
		prepared, errs := h.cluster.PrepareAll(h.Rules.List(), h.Rules.All)
		return prepared, errs, nil
	}
	preparer, err := engine.NewPreparer()
	if err != nil {
		return nil, nil, err
	}
	prepared, errs := preparer.PrepareAll(h.Rules.List(), h.Rules.All)
	return prepared, errs, nil
}

// prepared are the rules that run, in the order of the plans.
func (h *hunter) prepared() []engine.Prepared {
	rules := make([]engine.Prepared, len(h.plans))
	for i, p := range h.plans {
		rules[i] = p.prepared
	}
	return rules
}

func (h *hunter) nameNotebooks() {
	refs := make([]notebook.RuleRef, len(h.plans))
	for i, p := range h.plans {
		refs[i] = notebook.RuleRef{Path: p.entry.Path, Document: p.entry.Rule.Document}
	}
	for i, name := range notebook.FileNames(refs) {
		h.plans[i].notebook = name
	}
}

// scan puts all rules to the events, and hands over every hit.
type scan func(each func(engine.Hit) error) (*engine.ScanInfo, error)

// source opens the files, or the cluster: errors here are of a hunt that has not
// begun.
func (h *hunter) source(ctx context.Context, rules []engine.Prepared) (scan, error) {
	if h.cluster != nil {
		name, err := h.cluster.Describe(ctx)
		if err != nil {
			return nil, err
		}
		h.outcome.Hunt.Engine = name
		h.Progress.Asked.Store(h.cluster.Progress)
		return func(each func(engine.Hit) error) (*engine.ScanInfo, error) {
			return h.cluster.Scan(ctx, rules, each)
		}, nil
	}
	reader, err := engine.Open(ctx, h.Data.Paths, h.ingestOptions(), rules)
	if err != nil {
		return nil, err
	}
	h.Progress.Reader.Store(reader)
	return func(each func(engine.Hit) error) (*engine.ScanInfo, error) {
		defer reader.Close()
		return engine.Scan(ctx, reader, rules, h.Workers, each)
	}, nil
}

// pass puts all rules to the events, writes the findings and keeps of every rule
// those that its notebook needs.
func (h *hunter) pass(scan scan) error {
	if err := h.mark(); err != nil {
		return err
	}
	file, err := atomicfile.Create(h.folder.path(fileFindings))
	if err != nil {
		return err
	}
	h.tally = report.NewTally(len(h.plans))
	c := newCollector(h, file)
	info, err := scan(c.hit)
	if err == nil {
		err = c.flush()
	}
	if err != nil {
		file.Abort()
		return err
	}
	h.outcome.Scan = info
	h.outcome.Failed = h.outcome.Failed || len(info.Failed) > 0
	h.answers(info)
	h.describe(info)
	return file.Commit()
}

// mark leaves a hunt.json in a new folder before anything else, so that a hunt
// that is ended by force can be run again.
func (h *hunter) mark() error {
	if h.folder.old != nil {
		return nil
	}
	var b bytes.Buffer
	if err := report.WriteJSON(&b, &report.Hunt{Version: h.Version, Inputs: h.Inputs, Unfinished: true}); err != nil {
		return err
	}
	return h.folder.write(fileHunt, b.Bytes())
}

// finish writes the page and hunt.json; complete says that every notebook was
// written, so that stale ones may go.
func (h *hunter) finish(complete bool) error {
	written := map[string]bool{}
	for _, r := range h.outcome.Hunt.Rules {
		if r.Notebook != "" {
			written[r.Notebook] = true
		}
	}
	h.outcome.Notebooks = len(written)
	h.outcome.Hunt.Unfinished = !complete
	if complete {
		h.outcome.Kept = h.folder.clean(written)
	} else if h.folder.old != nil {
		h.keepOldRows(written)
	}
	var page, doc bytes.Buffer
	if err := report.WriteHTML(&page, h.linked()); err != nil {
		return err
	}
	if err := report.WriteJSON(&doc, h.outcome.Hunt); err != nil {
		return err
	}
	if err := h.folder.write(filePage, page.Bytes()); err != nil {
		return err
	}
	return h.folder.write(fileHunt, doc.Bytes())
}

// keepOldRows makes rules whose new notebook was not written keep the old one,
// so that the next hunt still knows it.
func (h *hunter) keepOldRows(written map[string]bool) {
	old := map[string]bool{}
	for _, r := range h.folder.old.Rules {
		old[r.Notebook] = r.Notebook != ""
	}
	for _, p := range h.plans {
		row := &h.outcome.Hunt.Rules[p.row]
		if row.Notebook == "" && old[p.notebook] && !written[p.notebook] {
			row.Notebook = p.notebook
		}
	}
}

// relativeTo is the path by which a notebook in dir reaches the data: relative
// where there is such a path.
func relativeTo(dir, path string) string {
	from, err1 := filepath.Abs(dir)
	to, err2 := filepath.Abs(path)
	if err1 != nil || err2 != nil {
		return path
	}
	rel, err := filepath.Rel(from, to)
	if err != nil {
		return to
	}
	return filepath.ToSlash(rel)
}

func (h *hunter) absolute(paths []string) ([]string, error) {
	out := make([]string, len(paths))
	for i, p := range paths {
		if out[i] = p; !engine.IsPath(p, h.Ingest) {
			continue
		}
		abs, err := filepath.Abs(p)
		if err != nil {
			return nil, fmt.Errorf("data: %w", err)
		}
		out[i] = abs
	}
	return out, nil
}
