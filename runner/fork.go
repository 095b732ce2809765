package runner

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/huntbook/huntbook/jupyter"
)

// worthForking is the number of notebooks from which on kernels are forked: the process
// that they are forked from takes longer to start than a kernel.
const worthForking = 4

//go:embed fork.py
var forkProgram []byte

// warmModules are imported before kernels are forked, when a notebook names them. They
// are modules that take long, and that bear a fork: none starts a thread when it is
// imported.
var warmModules = []string{"numpy", "pandas", "matplotlib", "matplotlib.pyplot", "altair", "elasticsearch", "elasticsearch_dsl", "opensearchpy", "requests"}

// isIPython tells whether a kernelspec starts the kernel of IPython.
func isIPython(s jupyter.Spec) bool { return launcher(s.Argv) >= 0 }

// launcher is the place of "-m ipykernel_launcher" in a command, -1 when it is another.
func launcher(argv []string) int {
	i := slices.Index(argv, "-m")
	if i < 1 || i+1 >= len(argv) || argv[i+1] != "ipykernel_launcher" && argv[i+1] != "ipykernel" {
		return -1
	}
	return i
}

// named are those of the warm modules that one of the notebooks imports.
func named(jobs []Job) []string {
	var out []string
	missing := slices.Clone(warmModules)
	for _, job := range jobs {
		if len(missing) == 0 {
			break
		}
		data, err := os.ReadFile(job.Input)
		if err != nil {
			continue // its own run says so
		}
		missing = slices.DeleteFunc(missing, func(m string) bool {
			is := bytes.Contains(data, []byte("import "+m)) || bytes.Contains(data, []byte("from "+m))
			if is {
				out = append(out, m)
			}
			return is
		})
	}
	return out
}

// forker is a process of Python from which kernels are forked, and so have their
// imports done and nothing of each other.
type forker struct {
	spec   jupyter.Spec
	folder string
	cmd    *exec.Cmd
	in     io.WriteCloser
	ended  chan struct{}

	mu      sync.Mutex
	asked   int
	waiting map[int]chan forkAnswer
	kernels map[int]*forked
}

type forkAnswer struct {
	ID    int
	Pid   int
	Code  *int
	Error string
}

// newForker starts the process.
func newForker(spec jupyter.Spec, jobs []Job) (_ *forker, err error) {
	if !canFork {
		return nil, errors.ErrUnsupported
	}
	f := &forker{spec: spec, ended: make(chan struct{}), waiting: map[int]chan forkAnswer{}, kernels: map[int]*forked{}}
	if f.folder, err = os.MkdirTemp("", "huntbook-fork-"); err != nil {
		return nil, err
	}
	program := filepath.Join(f.folder, "fork.py")
	if err := os.WriteFile(program, forkProgram, 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(f.folder))
	}
	// The kernel's arguments without those that say where it listens.
	argv := spec.Command("")
	at := launcher(argv)
	arguments := slices.Clone(argv[at+2:])
	if i := slices.Index(arguments, "-f"); i >= 0 && i+1 < len(arguments) {
		arguments = slices.Delete(arguments, i, i+2)
	}
	command := append(slices.Clone(argv[1:at]), program, f.folder, strings.Join(named(jobs), ","))
	f.cmd = exec.Command(argv[0], append(command, arguments...)...) //nolint:gosec // the kernelspec's own command
	f.cmd.Env = spec.Environment(nil)
	f.cmd.Dir = f.folder
	f.cmd.WaitDelay = time.Second
	ownGroup(f.cmd)
	if f.in, err = f.cmd.StdinPipe(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(f.folder))
	}
	out, err := f.cmd.StdoutPipe()
	if err == nil {
		err = f.cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(f.folder))
	}
	go f.listen(out)
	return f, nil
}

// listen takes what the process says, until its end.
func (f *forker) listen(out io.Reader) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var a forkAnswer
		if json.Unmarshal(lines.Bytes(), &a) != nil {
			continue
		}
		f.mu.Lock()
		if k := f.kernels[a.Pid]; a.Code != nil && k != nil {
			k.end(a.Code)
			delete(f.kernels, a.Pid)
		}
		if to := f.waiting[a.ID]; a.Code == nil && to != nil {
			if a.Pid != 0 {
				f.kernels[a.Pid] = &forked{forker: f, pid: a.Pid, exited: make(chan struct{})}
			}
			to <- a
			delete(f.waiting, a.ID)
		}
		f.mu.Unlock()
	}
	_ = f.cmd.Wait() // the kernels' ends say what there is to say
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, k := range f.kernels {
		k.end(nil)
	}
	f.kernels = map[int]*forked{}
	close(f.ended)
}

// close ends the process, and its kernels with it.
func (f *forker) close() {
	_ = f.in.Close()
	select {
	case <-f.ended:
	case <-time.After(5 * time.Second):
		killGroup(f.cmd.Process.Pid)
		<-f.ended
	}
	_ = os.RemoveAll(f.folder)
}

// kernel forks a kernel that works in a folder, and waits until it is ready.
func (f *forker) kernel(ctx context.Context, dir string) (_ *forked, err error) {
	connection, err := jupyter.NewConnection(f.spec.Name)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.asked++
	id, answer := f.asked, make(chan forkAnswer, 1)
	f.waiting[id] = answer
	f.mu.Unlock()
	file := filepath.Join(f.folder, strconv.Itoa(id)+".json")
	if err := connection.Write(file); err != nil {
		return nil, err
	}
	request, err := json.Marshal(object{"id": id, "connection": file, "folder": dir})
	if err != nil {
		return nil, err
	}
	var k *forked
	if _, err := f.in.Write(append(request, '\n')); err != nil {
		return nil, err
	}
	select {
	case a := <-answer:
		if a.Pid == 0 {
			return nil, errors.New(a.Error)
		}
		f.mu.Lock()
		k = f.kernels[a.Pid]
		f.mu.Unlock()
	case <-f.ended:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if k == nil {
		return nil, jupyter.ErrDead
	}
	k.file, k.connection = file, connection
	if err := k.connect(ctx); err != nil {
		k.Kill()
		return nil, err
	}
	return k, nil
}

// forked is a kernel that was forked.
type forked struct {
	client     *jupyter.Client
	forker     *forker
	info       jupyter.KernelInfo
	pid        int
	file       string
	connection jupyter.Connection

	exited chan struct{}
	code   *int // once exited is closed; nil when it is not known
}

func (k *forked) end(code *int) {
	k.code = code
	close(k.exited)
}

func (k *forked) connect(ctx context.Context) error {
	connecting, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-k.exited:
			cancel()
		case <-connecting.Done():
		}
	}()
	var err error
	if k.client, err = jupyter.Connect(connecting, k.connection); err != nil {
		return err
	}
	info, err := k.client.Ready(connecting)
	if err == nil {
		k.info = *info
	}
	return err
}

// Execute is that of the client; its error says how the process ended.
func (k *forked) Execute(ctx context.Context, request jupyter.ExecuteRequest, each func(*jupyter.Message)) (*jupyter.ExecuteReply, error) {
	reply, err := k.client.Execute(ctx, request, each)
	if !errors.Is(err, jupyter.ErrDead) {
		return reply, err
	}
	select {
	case <-k.exited:
	case <-time.After(2 * time.Second):
		return reply, fmt.Errorf("%w: it closed the connection", jupyter.ErrDead)
	}
	switch {
	case k.code == nil:
	case *k.code < 0:
		err = fmt.Errorf("%w (signal: %s)", jupyter.ErrDead, syscall.Signal(-*k.code))
	default:
		err = fmt.Errorf("%w (exit status %d)", jupyter.ErrDead, *k.code)
	}
	return reply, err
}

// Exited is closed when the process has ended.
func (k *forked) Exited() <-chan struct{} { return k.exited }

// Interrupt stops the cell that runs.
func (k *forked) Interrupt(context.Context) error { return interruptGroup(k.pid) }

// Shutdown asks the kernel to end, and ends it when it does not.
func (k *forked) Shutdown(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if k.client.Request(ctx, "shutdown_request", object{"restart": false}, nil) == nil {
		select {
		case <-k.exited:
		case <-ctx.Done():
		}
	}
	k.Kill()
}

// Kill ends the kernel at once, and what it started.
func (k *forked) Kill() {
	killGroup(k.pid)
	select {
	case <-k.exited:
	case <-k.forker.ended:
	}
	if k.client != nil {
		k.client.Close()
	}
	_ = os.Remove(k.file)
	k.connection.Release()
}
