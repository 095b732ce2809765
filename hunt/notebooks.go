package hunt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/kernel"
	"github.com/huntbook/huntbook/notebook"
	"github.com/huntbook/huntbook/report"
)

// notebooks builds, runs and writes a notebook for every rule that ran.
func (h *hunter) notebooks(ctx context.Context) error {
	memo, err := h.memo()
	if err != nil {
		return err
	}
	old := h.earlierNotebooks()
	workers := h.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	var planned []*plan
	for _, p := range h.plans {
		if !h.OnlyFindings || p.count > 0 || old[p].edited() {
			planned = append(planned, p)
		}
	}
	h.relate(planned)
	h.Progress.Planned.Store(int64(len(planned)))
	for _, p := range planned {
		if groupCtx.Err() != nil {
			break
		}
		group.Go(func() error {
			if err := h.writeNotebook(groupCtx, p, memo, old[p]); err != nil {
				return err
			}
			h.Progress.Notebooks.Add(1)
			return nil
		})
	}
	if err = group.Wait(); err == nil {
		err = h.execute(ctx, slices.DeleteFunc(planned, func(p *plan) bool { return p.unreadable != nil }))
	}
	for _, p := range h.plans {
		if p.unreadable != nil {
			h.outcome.Unreadable = append(h.outcome.Unreadable, p.unreadable)
		}
		if p.unreadable != nil || h.outcome.Hunt.Rules[p.row].State == report.Failed {
			h.outcome.Failed = true
		}
	}
	if err != nil {
		return err
	}
	return ctx.Err()
}

// memo holds what the pass found, for the interpreter.
func (h *hunter) memo() (*engine.Memo, error) {
	data := h.Data
	var err error
	if data.Paths, err = h.absolute(h.Data.Paths); err != nil {
		return nil, err
	}
	data.Pipelines, data.Configs = absolutePipelines(h.Data.Pipelines), absolutePipelines(h.Data.Configs)
	info := h.outcome.Scan.Data()
	if info.Engine = h.outcome.Hunt.Engine; info.Engine != "" {
		info.Files = len(h.outcome.Scan.Sources)
	}
	memo := engine.NewMemo(data, h.Data.Paths, h.Ingest, info, h.Bounds)
	for i, p := range h.plans {
		result := engine.NewResult(p.prepared)
		if h.cluster != nil {
			result = h.cluster.Result(p.prepared)
		}
		result.Count = p.count
		result.Notes = append(result.Notes, p.remarks...)
		result.Notes = append(result.Notes, h.outcome.Scan.CorrelationNotes(i)...)
		page := notebook.Page{Rule: p.entry.Rule, YAML: p.prepared.Text()}
		memo.Put(page.CellRule(), &engine.Answer{Result: *result, Events: p.events, Err: p.failed})
	}
	return memo, nil
}

func (h *hunter) writeNotebook(ctx context.Context, p *plan, memo *engine.Memo, old *earlier) error {
	row := &h.outcome.Hunt.Rules[p.row]
	oldNotebook, err := old.read()
	if err != nil && old.name == p.notebook {
		row.Notebook, p.unreadable = p.notebook, err
		return nil
	}
	dir := h.folder.path(path.Dir(p.notebook))
	page := &notebook.Page{
		Rule:     p.entry.Rule,
		RulePath: p.entry.Path,
		YAML:     p.prepared.Text(),
		Options: notebook.Options{
			Rows: h.Rows, Limit: h.Bounds.Findings(), EventSize: min(h.Bounds.Size(), notebook.DefaultOptions().EventSize),
			Since: h.Data.Since, Until: h.Data.Until,
		},
	}
	if h.Data.Location != nil {
		page.Timezone = h.Data.Location.String()
	}
	for _, d := range h.Data.Paths {
		if engine.IsPath(d, h.Ingest) {
			d = relativeTo(dir, d)
		}
		page.Data = append(page.Data, d)
	}
	page.DataFlags = DataFlags(dir, h.Data)
	page.Related, page.Version, page.Engine = h.relatedTo(p), h.Version, h.outcome.Hunt.Engine
	page.Findings = path.Base(findingsOf(p.notebook))
	if h.cluster != nil {
		page.Server, page.Index = h.Data.Paths[0], cmp.Or(strings.Join(h.Data.Index, ","), "*")
	}
	if h.Convert != nil {
		page.Queries = h.Convert(p.entry.Rule)
	}
	nb, err := h.Template.Build(page)
	if err != nil {
		return fmt.Errorf("notebook of %s: %w", p.entry.Path, err)
	}
	if err := h.ownFindings(p); err != nil {
		return err
	}
	if h.ownKernel() {
		if err := h.interpret(ctx, dir, row, memo, nb); err != nil {
			return err
		}
	}
	if !h.ownKernel() {
		// It has no outputs yet; see ran.
		p.old, p.fresh = oldNotebook, &notebook.Notebook{Cells: slices.Clone(nb.Cells)}
	}
	notebook.Carry(oldNotebook, nb)
	if err := h.writeEncoded(p, nb); err != nil {
		return err
	}
	row.Notebook = p.notebook
	if !h.ownKernel() {
		return nil
	}
	return h.writeCopies(p.notebook, oldNotebook, nb)
}

func (h *hunter) writeEncoded(p *plan, nb *notebook.Notebook) error {
	content, err := notebook.Encode(nb)
	if err != nil {
		return fmt.Errorf("notebook of %s: %w", p.entry.Path, err)
	}
	return h.folder.write(p.notebook, content)
}

// interpret runs a notebook in huntbook's own language.
func (h *hunter) interpret(ctx context.Context, dir string, row *report.Rule, memo *engine.Memo, nb *notebook.Notebook) error {
	session := kernel.NewSession(memo.For(dir, func() (engine.Engine, error) {
		if h.Cluster != nil {
			return h.Cluster(), nil
		}
		return engine.NewLocal(dir, h.Ingest, h.Bounds)
	}))
	var cell *kernel.CellError
	switch err := kernel.Run(ctx, session, nb); {
	case errors.As(err, &cell):
		// The notebook shows the error to its reader.
		row.State, row.Reason = report.Failed, cell.Error()
	case err != nil:
		return err
	}
	return nil
}

// DataFlags say in a notebook in dir where and how a cluster keeps its events.
func DataFlags(dir string, data engine.Data) []notebook.DataFlag {
	var flags []notebook.DataFlag
	for _, f := range []struct {
		name   string
		values []string
	}{
		{"index", data.Index},
		{"pipeline", relativePipelines(dir, data.Pipelines)},
		{"config", relativePipelines(dir, data.Configs)},
	} {
		if len(f.values) > 0 {
			flags = append(flags, notebook.DataFlag{Name: f.name, Value: strings.Join(f.values, ",")})
		}
	}
	return flags
}

func absolutePipelines(names []string) []string {
	wd, err := filepath.Abs(".")
	if err != nil {
		return names
	}
	return engine.ResolvePipelines(wd, names)
}

// relativePipelines are the names as a notebook in dir writes them.
func relativePipelines(dir string, names []string) []string {
	out := absolutePipelines(names)
	for i, name := range out {
		if filepath.IsAbs(name) {
			out[i] = relativeTo(dir, name)
		}
	}
	return out
}
