package runner

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/huntbook/huntbook/jupyter"
	"github.com/huntbook/huntbook/kernel"
	"github.com/huntbook/huntbook/notebook"
)

// ErrNoName is in the error about a notebook that names no kernel.
var ErrNoName = errors.New("it names no kernel")

// kernels are the kernels of a run, by name.
type kernels struct {
	runner *runner
	mu     sync.Mutex
	kinds  map[string]*kind
	ending sync.WaitGroup // kernels that were asked to end
}

func newKernels(r *runner) *kernels {
	k := &kernels{runner: r, kinds: map[string]*kind{}}
	own := &kind{kernels: k, spec: jupyter.Spec{Name: Own, DisplayName: Own, Language: Own}}
	if r.Server != nil {
		own.spec, own.broken = r.Server.Spec(Own)
	}
	for _, p := range kernel.Parameters() {
		own.parameters = append(own.parameters, p.Name)
	}
	k.kinds[Own] = own
	return k
}

// close waits until no kernel is left.
func (k *kernels) close() {
	k.ending.Wait()
	for _, kind := range k.kinds {
		if kind.fork != nil {
			kind.fork.close()
		}
	}
}

// find finds the kernel of that name or, for "", that of the notebook.
func (k *kernels) find(name string, nb *notebook.Notebook) (*kind, error) {
	if name == "" {
		name = kernelName(nb)
	}
	if name == "" {
		return nil, ErrNoName
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kinds[name] == nil {
		found := &kind{kernels: k}
		if server := k.runner.Server; server != nil {
			found.spec, found.broken = server.Spec(name)
		} else {
			found.spec, found.broken = jupyter.FindSpec(name)
		}
		if isIPython(found.spec) {
			// Nothing of a run belongs into the history that a person keeps.
			found.spec.Argv = append(slices.Clone(found.spec.Argv), "--HistoryManager.hist_file=:memory:")
		}
		k.kinds[name] = found
	}
	return k.kinds[name], k.kinds[name].broken
}

// kind is a kernel that notebooks name.
type kind struct {
	kernels *kernels
	spec    jupyter.Spec
	// parameters are those that every notebook of the kernel has.
	parameters []string
	// broken says why no kernel of the kind can be had; see start.
	broken error

	forking sync.Once
	fork    *forker // nil: each kernel is started by itself
}

// cells runs the code cells of one notebook.
type cells interface {
	// execute runs a cell. The outputs are those until the error.
	execute(ctx context.Context, source string) ([]notebook.Output, error)
	// info says what the kernel is, nil when that is known.
	info() *jupyter.KernelInfo
	// close ends the kernel; well says that it can be asked to.
	close(well bool)
}

// open gives a notebook a kernel of its own, which works in the notebook's folder.
func (k *kind) open(ctx context.Context, job Job) (cells, error) {
	r := k.kernels.runner
	dir := path.Dir(job.Output)
	if r.Server == nil {
		var err error
		if dir, err = filepath.Abs(filepath.Dir(job.Input)); err != nil {
			return nil, err
		}
	}
	if k.spec.Name == Own && r.Server == nil {
		session, err := r.Session(dir)
		if err != nil {
			return nil, err
		}
		return &sessionCells{session, r.Timeout}, nil
	}
	p, info, err := k.start(ctx, dir)
	if err != nil {
		return nil, err
	}
	return &kernelCells{kernels: k.kernels, process: p, kernelInfo: info, displays: jupyter.Displays{}}, nil
}

// process is a kernel that runs: a *jupyter.Kernel, a *forked or a *remote.Kernel.
type process interface {
	Execute(context.Context, jupyter.ExecuteRequest, func(*jupyter.Message)) (*jupyter.ExecuteReply, error)
	Interrupt(context.Context) error
	Shutdown(context.Context)
	Kill()
	Exited() <-chan struct{}
}

// attempts is how often the start of a kernel is tried that ends before it is ready.
const attempts = 3

// start starts a kernel. Once none came up no further one is tried, so that not each
// notebook waits for the same failure.
func (k *kind) start(ctx context.Context, dir string) (process, *jupyter.KernelInfo, error) {
	k.kernels.mu.Lock()
	broken := k.broken
	k.kernels.mu.Unlock()
	if broken != nil {
		return nil, nil, broken
	}
	r := k.kernels.runner
	starting, cancel := context.WithTimeoutCause(ctx, r.StartTimeout, fmt.Errorf("it was not ready after %s", r.StartTimeout))
	defer cancel()
	p, info, err := k.launch(starting, dir)
	if err == nil {
		return p, info, nil
	}
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if starting.Err() != nil {
		err = fmt.Errorf("kernel %s does not start: %w", k.spec.Name, context.Cause(starting))
	}
	k.kernels.mu.Lock()
	k.broken = err
	k.kernels.mu.Unlock()
	return nil, nil, err
}

// launch starts a kernel, once or, here, several times.
func (k *kind) launch(ctx context.Context, dir string) (process, *jupyter.KernelInfo, error) {
	r := k.kernels.runner
	if r.Server != nil {
		started, err := r.Server.Start(ctx, k.spec.Name, dir)
		if err != nil {
			return nil, nil, err
		}
		return started, &started.Info, nil
	}
	k.forking.Do(func() {
		if len(r.jobs) >= worthForking && isIPython(k.spec) {
			// A kernel that can't be forked is started.
			k.fork, _ = newForker(k.spec, r.jobs)
		}
	})
	var err error
	for range attempts {
		if k.fork != nil {
			if f, err := k.fork.kernel(ctx, dir); err == nil {
				return f, &f.info, nil
			}
		}
		var started *jupyter.Kernel
		if started, err = jupyter.Start(ctx, k.spec, jupyter.StartOptions{Dir: dir}); err == nil {
			return started, &started.Info, nil
		}
		if !errors.Is(err, jupyter.ErrDead) {
			break
		}
	}
	return nil, nil, err
}

// kernelCells runs cells on a Jupyter kernel.
type kernelCells struct {
	kernels    *kernels
	process    process
	kernelInfo *jupyter.KernelInfo
	displays   jupyter.Displays
	written    int // bytes of outputs, about
}

func (k *kernelCells) info() *jupyter.KernelInfo { return k.kernelInfo }

func (k *kernelCells) close(well bool) {
	k.kernels.ending.Go(func() {
		if well {
			k.process.Shutdown(context.Background())
		} else {
			k.process.Kill()
		}
	})
}

// maxOutputs bounds the number of a cell's outputs, whatever their size.
const maxOutputs = 10_000

// execute runs a cell and stops it when it takes too long or writes too much: by an
// interrupt, which may leave a traceback in the outputs, else by force.
func (k *kernelCells) execute(ctx context.Context, source string) ([]notebook.Output, error) {
	o := &k.kernels.runner.Options
	tooMuch := fmt.Errorf("with it the notebook has more than %s of outputs, or the cell more than %d", megabytes(o.OutputLimit), maxOutputs)
	recorder := &jupyter.Recorder{Displays: k.displays, Limit: max(o.OutputLimit-k.written, 1)}
	flood := make(chan struct{}, 1)
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	var reply *jupyter.ExecuteReply
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		request := jupyter.ExecuteRequest{Code: source, StoreHistory: true, StopOnError: true}
		reply, err = k.process.Execute(running, request, func(m *jupyter.Message) {
			recorder.Take(m)
			if m.Header.MsgType != "status" && m.Header.MsgType != "execute_input" {
				k.written += len(m.Content)
			}
			if recorder.Dropped > 0 || len(recorder.Outputs) > maxOutputs {
				select {
				case flood <- struct{}{}:
				default:
				}
			}
		})
	}()
	timeout := time.NewTimer(o.Timeout)
	defer timeout.Stop()
	var stopped error
	select {
	case <-done:
	case <-ctx.Done():
	case <-timeout.C:
		stopped = fmt.Errorf("the cell took longer than %s", o.Timeout)
	case <-flood:
		stopped = tooMuch
	}
	if stopped != nil {
		k.interrupt(ctx, done)
	}
	cancel()
	<-done
	switch {
	case stopped != nil:
		return recorder.Outputs, stopped
	case recorder.Dropped > 0:
		return recorder.Outputs, tooMuch
	case errors.Is(err, jupyter.ErrDead) && !closed(k.process.Exited()):
		return recorder.Outputs, errors.New("the kernel broke off the connection, as it does when it sends an output that is too large")
	case err != nil:
		return recorder.Outputs, err
	case reply.Status == "error":
		return recorder.Outputs, &raisedError{reply.Ename, reply.Evalue}
	case reply.Status != "ok":
		return recorder.Outputs, fmt.Errorf("the kernel did not run the cell (%s)", reply.Status)
	}
	return recorder.Outputs, nil
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func megabytes(n int) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%d MB", n>>20)
}

// interrupt interrupts the cell and waits a while for its end.
func (k *kernelCells) interrupt(ctx context.Context, done <-chan struct{}) {
	waiting, cancel := context.WithTimeout(ctx, k.kernels.runner.Grace)
	defer cancel()
	if err := k.process.Interrupt(waiting); err != nil {
		return
	}
	select {
	case <-done:
	case <-waiting.Done():
	}
}

// sessionCells runs cells of huntbook's own language.
type sessionCells struct {
	session *kernel.Session
	timeout time.Duration
}

func (*sessionCells) info() *jupyter.KernelInfo { return nil }

func (*sessionCells) close(bool) {}

func (s *sessionCells) execute(ctx context.Context, source string) ([]notebook.Output, error) {
	running, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	outputs, err := s.session.Execute(running, source)
	var failed *kernel.CellError
	switch {
	case errors.As(err, &failed):
		return outputs, &raisedError{failed.Kind, failed.Error()}
	case err != nil && running.Err() != nil && ctx.Err() == nil:
		return outputs, fmt.Errorf("the cell took longer than %s", s.timeout)
	}
	return outputs, err
}
