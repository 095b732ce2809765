package jupyter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kernel is a kernel whose process we started, and the connection to it.
type Kernel struct {
	*Client
	Spec Spec
	Info KernelInfo

	connection Connection
	folder     string // of the connection file
	cmd        *exec.Cmd
	exited     chan struct{}
	exit       error // how the process ended, once exited is closed
	kill       sync.Once
	words      tail
}

// StartOptions say where a kernel runs.
type StartOptions struct {
	// Dir is the working folder, "" for ours.
	Dir string
	// Env are further variables, "NAME=value". Secrets belong here, since neither
	// process lists nor notebooks show it.
	Env []string
}

const (
	// patience is how long a kernel that was asked to end may take.
	patience = 5 * time.Second
	// lastWords is how much of what the process writes is kept for error messages.
	lastWords = 4 << 10
)

// Start starts a kernel and waits until it is ready, as long as ctx lets it; the life
// of the process does not depend on ctx. Whoever starts a kernel must end it with
// Shutdown or Kill.
func Start(ctx context.Context, spec Spec, options StartOptions) (*Kernel, error) {
	k := &Kernel{Spec: spec, exited: make(chan struct{})}
	if err := k.start(ctx, options); err != nil {
		k.Kill()
		return nil, fmt.Errorf("kernel %s: %w", spec.Name, err)
	}
	return k, nil
}

func (k *Kernel) start(ctx context.Context, options StartOptions) (err error) {
	if k.connection, err = NewConnection(k.Spec.Name); err != nil {
		return err
	}
	if k.folder, err = os.MkdirTemp("", "huntbook-kernel-"); err != nil {
		return err
	}
	file := filepath.Join(k.folder, "connection.json")
	if err := k.connection.Write(file); err != nil {
		return err
	}
	argv := k.Spec.Command(file)
	k.cmd = exec.Command(argv[0], argv[1:]...) //nolint:gosec // a kernelspec names a program to start
	k.cmd.Dir = options.Dir
	k.cmd.Env = k.Spec.Environment(append([]string{"JPY_PARENT_PID=" + strconv.Itoa(os.Getpid())}, options.Env...))
	k.cmd.Stdout, k.cmd.Stderr = &k.words, &k.words
	// A process that the kernel leaves behind may keep its output open.
	k.cmd.WaitDelay = time.Second
	ownGroup(k.cmd)
	if err := k.cmd.Start(); err != nil {
		k.cmd = nil
		return err
	}
	go func() {
		k.exit = k.cmd.Wait()
		close(k.exited)
	}()

	starting, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-k.exited:
			cancel()
		case <-starting.Done():
		}
	}()
	if k.Client, err = Connect(starting, k.connection); err == nil {
		k.Client.died = k.end
		var info *KernelInfo
		if info, err = k.Client.Ready(starting); err == nil {
			k.Info = *info
			k.words.forget() // of the start
			return nil
		}
	}
	select {
	case <-k.exited:
		return k.end()
	default:
		return fmt.Errorf("it does not start: %w%s", err, k.words.said())
	}
}

// end says how the kernel ended: an error that is ErrDead.
func (k *Kernel) end() error {
	select {
	case <-k.exited:
	case <-time.After(2 * time.Second):
		return fmt.Errorf("%w: it closed the connection", ErrDead)
	}
	how := "exit status 0"
	if k.exit != nil && !errors.Is(k.exit, exec.ErrWaitDelay) {
		how = k.exit.Error()
	}
	return fmt.Errorf("%w (%s)%s", ErrDead, how, k.words.said())
}

// Exited is closed when the process has ended.
func (k *Kernel) Exited() <-chan struct{} { return k.exited }

// Interrupt stops the cell that runs, in the way that the kernelspec asks for. The
// cell's Execute returns by itself.
func (k *Kernel) Interrupt(ctx context.Context) error {
	if k.Spec.InterruptMode == "message" {
		return k.Request(ctx, "interrupt_request", struct{}{}, nil)
	}
	select {
	case <-k.exited:
		return k.end()
	default:
		return interruptGroup(k.cmd.Process)
	}
}

// Shutdown asks the kernel to end, and ends it when it does not within some seconds or
// when ctx ends. Nothing of it is left.
func (k *Kernel) Shutdown(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := k.Request(ctx, "shutdown_request", shutdownContent{}, nil); err == nil || errors.Is(err, ErrDead) {
		select {
		case <-k.exited:
		case <-ctx.Done():
		}
	}
	k.Kill()
}

// Kill ends the kernel's process, and what it started, at once.
func (k *Kernel) Kill() { k.kill.Do(k.remove) }

func (k *Kernel) remove() {
	if k.cmd != nil {
		killGroup(k.cmd.Process)
		<-k.exited
	}
	if k.Client != nil {
		k.Client.Close()
	}
	if k.folder != "" {
		_ = os.RemoveAll(k.folder)
	}
	k.connection.Release()
}

// tail keeps the last bytes that are written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if n := len(t.text) - lastWords; n > 0 {
		t.text = append(t.text[:0], t.text[n:]...)
	}
	return len(p), nil
}

func (t *tail) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = nil
}

// said is the last thing that the kernel wrote, for the end of a message.
func (t *tail) said() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(strings.ToValidUTF8(string(t.text), "\uFFFD")), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return "; it said: " + last
	}
	return ""
}
