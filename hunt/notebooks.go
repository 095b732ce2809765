package hunt

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"

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
	template, err := notebook.Builtin("huntbook")
	if err != nil {
		return err
	}
	old := h.oldNotebooks()
	workers := h.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for _, p := range h.plans {
		if h.OnlyFindings && p.count == 0 && !h.wasEdited(old[p]) {
			continue
		}
		h.Progress.Planned.Add(1)
		if groupCtx.Err() != nil {
			break
		}
		group.Go(func() error {
			if err := h.writeNotebook(groupCtx, p, template, memo, old[p]); err != nil {
				return err
			}
			h.Progress.Notebooks.Add(1)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
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
	memo := engine.NewMemo(data, h.Data.Paths, h.Ingest, h.outcome.Scan.Data(), h.Bounds)
	for _, p := range h.plans {
		result := engine.NewResult(p.prepared)
		result.Count = p.count
		page := notebook.Page{Rule: p.entry.Rule}
		memo.Put(page.CellRule(), &engine.Answer{Result: *result, Events: p.events})
	}
	return memo, nil
}

// oldNotebooks finds for every plan the name of the notebook that an earlier
// hunt wrote for its rule, which may have stood elsewhere then.
func (h *hunter) oldNotebooks() map[*plan]string {
	names := map[*plan]string{}
	if h.folder.old == nil {
		return names
	}
	byName, byID := map[string]bool{}, map[string]string{}
	for _, r := range h.folder.old.Rules {
		if r.Notebook != "" {
			byName[r.Notebook] = true
			byID[r.ID] = r.Notebook
		}
	}
	for _, p := range h.plans {
		switch id := p.entry.Rule.ID; {
		case id != "" && byID[id] != "":
			names[p] = byID[id]
		default:
			names[p] = p.notebook
		}
	}
	return names
}

func (h *hunter) wasEdited(name string) bool {
	nb := h.folder.notebook(name)
	return nb != nil && notebook.Edited(nb)
}

func (h *hunter) writeNotebook(ctx context.Context, p *plan, t *notebook.Template, memo *engine.Memo, old string) error {
	dir := h.folder.path(path.Dir(p.notebook))
	page := &notebook.Page{
		Rule:     p.entry.Rule,
		RulePath: p.entry.Path,
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
	if h.Convert != nil {
		page.Queries = h.Convert(p.entry.Rule)
	}
	nb, err := t.Build(page)
	if err != nil {
		return fmt.Errorf("notebook of %s: %w", p.entry.Path, err)
	}
	session := kernel.NewSession(memo.For(dir, func() (engine.Engine, error) {
		return engine.NewLocal(dir, h.Ingest, h.Bounds)
	}))
	row := &h.outcome.Hunt.Rules[p.row]
	var cell *kernel.CellError
	switch err := kernel.Run(ctx, session, nb); {
	case errors.As(err, &cell):
		// The notebook shows the error to its reader.
		row.State, row.Reason = report.Failed, cell.Error()
	case err != nil:
		return err
	}
	notebook.Carry(h.folder.notebook(old), nb)
	content, err := notebook.Encode(nb)
	if err != nil {
		return fmt.Errorf("notebook of %s: %w", p.entry.Path, err)
	}
	if err := h.folder.write(p.notebook, content); err != nil {
		return err
	}
	row.Notebook = p.notebook
	return nil
}
