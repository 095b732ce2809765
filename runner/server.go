package runner

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/jupyter/remote"
	"github.com/huntbook/huntbook/notebook"
)

// Put puts a file on a server, under the job's Output, and runs nothing; for trust see
// Options.
func Put(ctx context.Context, server *remote.Server, job Job, trust bool) error {
	if err := server.MakeFolder(ctx, path.Dir(job.Output)); err != nil {
		return err
	}
	if !strings.HasSuffix(job.Output, ".ipynb") {
		file, err := os.Open(job.Input)
		if err != nil {
			return err
		}
		defer file.Close()
		return server.PutFile(ctx, job.Output, file)
	}
	nb, err := read(job.Input)
	if err != nil {
		return err
	}
	if err := carry(ctx, server, job.Output, nb); err != nil {
		return err
	}
	return putNotebook(ctx, server, job.Output, nb, trust)
}

// putNotebook puts a notebook in place. A server signs one whose cells all say that they
// are trusted, and takes that out again.
func putNotebook(ctx context.Context, server *remote.Server, name string, nb *notebook.Notebook, trust bool) error {
	if trust {
		marked := *nb
		marked.Cells = slices.Clone(nb.Cells)
		for i := range marked.Cells {
			if c := &marked.Cells[i]; c.Type == notebook.Code {
				if c.Metadata = maps.Clone(c.Metadata); c.Metadata == nil {
					c.Metadata = object{}
				}
				c.Metadata["trusted"] = true
			}
		}
		nb = &marked
	}
	data, err := notebook.Encode(nb)
	if err != nil {
		return err
	}
	return server.PutNotebook(ctx, name, data)
}

// carry brings into a notebook that a hunt wrote what a person wrote into the one on the
// server that it is about to replace.
func carry(ctx context.Context, server *remote.Server, name string, nb *notebook.Notebook) error {
	if notebook.Edited(nb) {
		return nil // by a person, here: theirs counts
	}
	data, err := server.Notebook(ctx, name)
	if err != nil || data == nil {
		return err
	}
	old, err := notebook.Decode(data)
	if err != nil {
		return nil //nolint:nilerr // what can't be read is replaced, as a file here is
	}
	digest := nb.Metadata["huntbook"]
	notebook.Carry(old, nb)
	nb.Metadata["huntbook"] = digest // that of the hunt
	return nil
}

// keep writes a notebook here that the server does not take any more, and says where.
// err is how the run ended.
func (d *document) keep(err, failed error) error {
	err = cmp.Or(err, failed)
	folder, keeping := os.MkdirTemp("", "huntbook-run-")
	file := filepath.Join(folder, path.Base(d.result.Output))
	if keeping == nil {
		var data []byte
		if data, keeping = notebook.Encode(d.nb); keeping == nil {
			keeping = os.WriteFile(file, data, 0o600)
		}
	}
	if keeping != nil {
		return fmt.Errorf("%w; what ran is lost: %w", err, keeping)
	}
	return fmt.Errorf("%w; what ran is in %s", err, file)
}
