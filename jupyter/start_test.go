package jupyter

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/huntbook/huntbook/internal/python"
)

func startToy(t *testing.T) *Kernel {
	t.Helper()
	k, err := Start(t.Context(), toySpec(t, "serve"), StartOptions{Dir: t.TempDir(), Env: []string{"HUNT_SECRET=s3"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Kill)
	return k
}

func TestKernelLife(t *testing.T) {
	k := startToy(t)
	if got := run(t, k.Client, "env HUNT_SECRET"); got != `ok 1 ; stdout "s3\n"` {
		t.Errorf("a cell gives %s", got)
	}
	if k.Info.Implementation != "toy" {
		t.Errorf("the kernel is %+v", k.Info)
	}
	folder := k.folder
	k.Shutdown(t.Context())
	<-k.Exited()
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("the connection file is left: %v", err)
	}
	if k.exit != nil {
		t.Errorf("the kernel did not end by itself: %v", k.exit)
	}
	if err := k.Interrupt(t.Context()); !errors.Is(err, ErrDead) {
		t.Errorf("interrupting it then gives %v", err)
	}
	k.Kill() // once more is no harm
}

// A kernel that dies in a cell is noticed at once, with how it ended and its last words.
func TestKernelDies(t *testing.T) {
	k := startToy(t)
	r := &Recorder{}
	_, err := k.Execute(t.Context(), ExecuteRequest{Code: "print a\ndie"}, r.Take)
	if !errors.Is(err, ErrDead) || err.Error() != "the kernel died (exit status 7); it said: segmentation fault, or so" {
		t.Errorf("error %v", err)
	}
	other := startToy(t)
	begun := make(chan struct{})
	go func() {
		<-begun
		_ = other.cmd.Process.Kill()
	}()
	_, err = other.Execute(t.Context(), ExecuteRequest{Code: "print a\nwait"}, func(m *Message) {
		if m.Header.MsgType == "stream" {
			close(begun)
		}
	})
	if !errors.Is(err, ErrDead) || err.Error() != "the kernel died (signal: killed)" {
		t.Errorf("error %v", err)
	}
}

func TestKernelsThatDoNotStart(t *testing.T) {
	_, err := Start(t.Context(), toySpec(t, "broken"), StartOptions{})
	if !errors.Is(err, ErrDead) || err.Error() != "kernel toy: the kernel died (exit status 3); it said: no module named x" {
		t.Errorf("a broken one: %v", err)
	}
	_, err = Start(t.Context(), Spec{Name: "gone", Argv: []string{"/no/such/program"}}, StartOptions{})
	if !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), "kernel gone: ") {
		t.Errorf("one without a program: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = Start(ctx, toySpec(t, "mute"), StartOptions{})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "it does not start: ") {
		t.Errorf("a mute one: %v", err)
	}
}

// What a kernel started ends with it, though it holds on to the kernel's output.
func TestNothingIsLeftBehind(t *testing.T) {
	if _, err := exec.LookPath("sleep"); err != nil {
		t.Skip("there is no sleep")
	}
	k := startToy(t)
	r := &Recorder{}
	if _, err := k.Execute(t.Context(), ExecuteRequest{Code: "child"}, r.Take); err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(r.Outputs[0].Text)
	if err != nil {
		t.Fatal(err)
	}
	k.Shutdown(t.Context())
	for syscall.Kill(pid, 0) == nil && !isZombie(pid) {
		time.Sleep(time.Millisecond) // until the signal is delivered
	}
}

// isZombie tells a process that has ended and that nobody has asked for.
func isZombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// ipython finds the kernel of the tests' Python.
func ipython(t *testing.T) Spec {
	t.Helper()
	path := python.With(t, "HUNTBOOK_PYTHON", "no kernel of Python is run", "ipykernel")
	return Spec{Name: "python3", Argv: []string{path, "-m", "ipykernel_launcher", "-f", "{connection_file}"}}
}

func TestPythonKernel(t *testing.T) {
	k, err := Start(t.Context(), ipython(t), StartOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Kill()
	for _, cell := range []struct{ code, want string }{
		{"import sys\nprint('a')\nprint('b', file=sys.stderr)\n1+1", `ok 1 ; stdout "a\n"; stderr "b\n"; execute_result {"text/plain":"2"}`},
		{"from IPython.display import *\nd = display('x', display_id=True)\nd.update('y')", `ok 2 ; display_data {"text/plain":"'y'"}`},
		{"print('a'); clear_output(wait=True); print('b')", `ok 3 ; stdout "b\n"`},
		{"1/0", `error 4 division by zero; ZeroDivisionError: division by zero`},
		{"input()", `error 5 raw_input was called, but this frontend does not support input requests.; StdinNotImplementedError: raw_input was called, but this frontend does not support input requests.`},
		{"for i in range(3000): print(i, flush=True)\nclear_output()", `ok 6 `},
	} {
		if got := run(t, k.Client, cell.code); got != cell.want {
			t.Errorf("%s\n got %s\nwant %s", cell.code, got, cell.want)
		}
	}
	if err := k.Heartbeat(t.Context()); err != nil {
		t.Error(err)
	}
	begun := make(chan struct{})
	begin := sync.OnceFunc(func() { close(begun) }) // the output may come in pieces
	go func() {
		<-begun
		if err := k.Interrupt(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	reply, err := k.Execute(t.Context(), ExecuteRequest{Code: "import time\nprint(1, flush=True)\ntime.sleep(1000)"}, func(m *Message) {
		if m.Header.MsgType == "stream" {
			begin()
		}
	})
	if err != nil || reply.Ename != "KeyboardInterrupt" {
		t.Errorf("interrupted: %+v, %v", reply, err)
	}
	_, err = k.Execute(t.Context(), ExecuteRequest{Code: "import os; os.abort()"}, nil)
	if !errors.Is(err, ErrDead) || !strings.Contains(err.Error(), "signal: aborted") {
		t.Errorf("aborted: %v", err)
	}
}
