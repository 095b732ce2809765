// Package runner runs notebooks on the kernels that they ask for: papermill's job.
//
// A notebook gets its parameters as a cell, its code cells are run one after another,
// and it is written again with outputs, timings and errors, in the cells and the
// metadata that papermill uses. Several notebooks run at once, each on a kernel of its
// own that no other notebook has used; kernels of IPython are forked from a process
// that has their imports done, notebooks in huntbook's cell language run in this
// process. Given a Jupyter server, notebooks are put there and run on its kernels. What
// goes wrong with one notebook is its Result, and the others go on. The package knows
// nothing of flags and terminals, nor of what cells hold. Data flows: file →
// notebook.Notebook → parameters → cells on a kernel → outputs without secrets → file,
// here or on the server.
package runner

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/huntbook/huntbook/jupyter/remote"
	"github.com/huntbook/huntbook/kernel"
	"github.com/huntbook/huntbook/notebook"
	"github.com/huntbook/huntbook/notebook/export"
)

// Own is the name of huntbook's own kernel, whose notebooks run in this process.
const Own = "huntbook"

// Job is a notebook's file, and the file to write, which may be the same, or a name on
// the Server.
type Job struct{ Input, Output string }

// Options say how notebooks are run; zero fields stand for the defaults.
type Options struct {
	// Parameters are set in every notebook.
	Parameters Parameters
	// Kernel is the name of the kernel to use, "" for what each notebook names.
	Kernel string
	// Workers is how many notebooks run at once; default one a processor.
	Workers int
	// Timeout bounds a cell (10 minutes), StartTimeout the start of a kernel (1
	// minute); a kernel that does not heed an interrupt within Grace (5 seconds) is
	// killed.
	Timeout, StartTimeout, Grace time.Duration
	// OutputLimit bounds the outputs of a notebook, in bytes (32 MB).
	OutputLimit int
	// Version is that of the program, for the notebook's metadata.
	Version string
	// Session makes the interpreter for notebooks of Own in a folder.
	Session func(dir string) (*kernel.Session, error)
	// Server, when set, has the kernels and gets the notebooks.
	Server *remote.Server
	// Formats are those in which notebooks are written too, beside them.
	Formats []export.Format
	// Trust has the server sign the notebooks with the key of its user.
	Trust bool
	// Progress, when set, is told how far the notebooks are, one call at a time.
	Progress func(Progress)
	// Environ are the variables whose secrets are kept out of notebooks, nil for
	// those of this process.
	Environ []string
}

func (o Options) filled() Options {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&o.Timeout, 10 * time.Minute}, {&o.StartTimeout, time.Minute}, {&o.Grace, 5 * time.Second}} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.OutputLimit <= 0 {
		o.OutputLimit = 32 << 20
	}
	if o.Environ == nil {
		o.Environ = os.Environ()
	}
	return o
}

// Progress is a step of a notebook: a cell is about to run, or, with Result, all is
// done.
type Progress struct {
	Job Job
	// Cell is the place of the cell among all Cells, from 1; 0 while the kernel starts.
	Cell, Cells int
	Result      *Result
}

// Result is what came of a notebook.
type Result struct {
	Job
	// Cells is the number of cells that ran.
	Cells int
	Took  time.Duration
	// Err says in one line why the notebook did not run, or where it failed; what ran
	// is in the output then, too.
	Err error
	// Masked are the environment's variables whose secret values stood in outputs and
	// were taken out.
	Masked []string
}

// Run runs notebooks and returns a result for each, in their order. The error is that
// of the context only; notebooks that it stopped are written with what ran.
func Run(ctx context.Context, jobs []Job, o Options) ([]Result, error) {
	r := &runner{Options: o.filled(), jobs: jobs}
	r.secrets = findSecrets(r.Environ)
	r.kernels = newKernels(r)
	defer r.kernels.close()
	results := make([]Result, len(jobs))
	var group errgroup.Group
	group.SetLimit(r.Workers)
	for i, job := range jobs {
		group.Go(func() error {
			start := time.Now()
			result := &results[i]
			result.Job = job
			if result.Err = ctx.Err(); result.Err == nil {
				r.run(ctx, result)
			}
			result.Took = time.Since(start)
			r.tell(Progress{Job: job, Result: result})
			return nil
		})
	}
	_ = group.Wait() // what failed is in the results
	return results, ctx.Err()
}

// runner is one call of Run.
type runner struct {
	Options
	jobs    []Job
	secrets []secret
	kernels *kernels
	telling sync.Mutex
}

func (r *runner) tell(p Progress) {
	if r.Progress == nil {
		return
	}
	r.telling.Lock()
	defer r.telling.Unlock()
	r.Progress(p)
}

// run runs one notebook.
func (r *runner) run(ctx context.Context, result *Result) {
	nb, err := read(result.Input)
	if err != nil {
		result.Err = err
		return
	}
	kind, err := r.kernels.find(r.Kernel, nb)
	if err != nil {
		result.Err = err
		return
	}
	d := &document{runner: r, result: result, nb: nb}
	if r.Server != nil {
		if result.Err = r.Server.MakeFolder(ctx, path.Dir(result.Output)); result.Err == nil {
			result.Err = carry(ctx, r.Server, result.Output, nb)
		}
		if result.Err != nil {
			return
		}
	}
	d.removeMarks()
	if err := r.checkSecrets(); err != nil {
		result.Err = err
		return
	}
	if err := d.setParameters(r.Parameters, kind); err != nil {
		result.Err = err
		return
	}
	d.prepare(kind, r.Kernel != "")
	r.tell(Progress{Job: result.Job, Cells: len(nb.Cells)})
	if r.Server != nil {
		// In its place for whoever looks there meanwhile.
		if result.Err = d.save(); result.Err != nil {
			return
		}
	}
	cells, err := kind.open(ctx, result.Job)
	if err != nil {
		result.Err = err
		return
	}
	err = d.execute(ctx, cells)
	d.complete(cells.info())
	cells.close(err == nil)
	failed := d.save()
	if failed != nil && r.Server != nil {
		result.Err = d.keep(err, failed)
		return
	}
	if failed == nil {
		failed = d.copies()
	}
	if result.Err = cmp.Or(err, failed); err != nil && failed != nil {
		result.Err = fmt.Errorf("%w; and it could not be written: %w", err, failed)
	}
}

// read reads a notebook.
func read(name string) (*notebook.Notebook, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > notebook.MaxSize {
		return nil, fmt.Errorf("it has %d MB, more than the %d MB that are read", info.Size()>>20, notebook.MaxSize>>20)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return notebook.Decode(data)
}
