package hunt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/huntbook/huntbook/internal/atomicfile"
	"github.com/huntbook/huntbook/notebook"
	"github.com/huntbook/huntbook/report"
)

// span is where a finding lies in findings.ndjson.
type span struct{ from, to int64 }

// findingsOf is the file with a rule's findings beside its notebook.
func findingsOf(notebook string) string {
	return strings.TrimSuffix(notebook, ".ipynb") + "." + fileFindings
}

// ownFindings writes a rule's findings beside its notebook where the template reads
// them, and removes those of an earlier hunt where there are none.
func (h *hunter) ownFindings(p *plan) error {
	name := h.folder.path(findingsOf(p.notebook))
	if !h.Template.Files || len(p.lines) == 0 {
		if h.folder.old == nil {
			return nil
		}
		// Where a file stands in the place of the folder, writing the notebook says so.
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return fmt.Errorf("output folder: %w", err)
		}
		return nil
	}
	all, err := os.Open(h.folder.path(fileFindings))
	if err != nil {
		return err
	}
	defer all.Close()
	out, err := atomicfile.Create(name)
	if err != nil {
		return err
	}
	for _, line := range p.lines {
		if _, err := io.Copy(out, io.NewSectionReader(all, line.from, line.to-line.from)); err != nil {
			out.Abort()
			return err
		}
	}
	return out.Commit()
}

// execute runs the notebooks on their kernels. What goes wrong with one is its rule's
// row; the notebook shows the rest.
func (h *hunter) execute(ctx context.Context, plans []*plan) error {
	if h.ownKernel() || len(plans) == 0 {
		return nil
	}
	h.Progress.Notebooks.Store(0)
	var failed error
	files, byFile := make([]string, len(plans)), map[string]*plan{}
	for i, p := range plans {
		files[i] = h.folder.path(p.notebook)
		byFile[files[i]] = p
	}
	err := h.Execute(ctx, files, func(file string, err error) {
		h.Progress.Notebooks.Add(1)
		p := byFile[file]
		failed = errors.Join(failed, h.ran(p))
		if err == nil {
			return
		}
		row := &h.outcome.Hunt.Rules[p.row]
		row.State, row.Reason = report.Failed, err.Error()
		h.outcome.Failed = true
		h.outcome.Stopped = append(h.outcome.Stopped, fmt.Errorf("%s: %w", filepath.Join(h.Out, filepath.FromSlash(p.notebook)), err))
		h.outcome.Hunt.Problems = append(h.outcome.Hunt.Problems, report.Problem{Where: p.notebook, What: err.Error()})
	})
	return errors.Join(err, failed)
}

// ran writes a notebook that its kernel has run as one of ours: with the digest of what
// we wrote and the kernel gave, so that only what a person writes is an edit.
func (h *hunter) ran(p *plan) error {
	executed, err := h.folder.notebook(p.notebook)
	if err != nil || executed == nil {
		return err
	}
	cells := map[string]*notebook.Cell{}
	for i := range executed.Cells {
		cells[executed.Cells[i].ID] = &executed.Cells[i]
	}
	fresh := p.fresh
	fresh.Metadata = executed.Metadata
	for i := range fresh.Cells {
		cell := &fresh.Cells[i]
		if ran := cells[cell.ID]; ran != nil && cell.Type == notebook.Code {
			cell.Outputs, cell.ExecutionCount, cell.Metadata = ran.Outputs, ran.ExecutionCount, ran.Metadata
		}
	}
	old := p.old
	p.fresh, p.old = nil, nil
	notebook.Carry(executed, fresh)
	if err := h.writeEncoded(p, fresh); err != nil {
		return err
	}
	return h.writeCopies(p.notebook, old, fresh)
}
