package jupyter

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestMain makes the tests' program a kernel when it is started as one.
func TestMain(m *testing.M) {
	switch mode := os.Getenv("HUNTBOOK_TOY_KERNEL"); mode {
	case "":
		os.Exit(m.Run())
	case "broken":
		fmt.Fprintln(os.Stderr, "something\nno module named x")
		os.Exit(3)
	case "mute":
		time.Sleep(time.Hour) // with an empty select Go would find a deadlock
	default:
		c, err := ReadConnection(os.Args[1])
		if err != nil {
			panic(err)
		}
		s, err := NewServer(c, toy{})
		if err != nil {
			panic(err)
		}
		s.Run(context.Background())
	}
}

// toySpec starts the tests' program as a kernel.
func toySpec(t *testing.T, mode string) Spec {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Spec{Name: "toy", Argv: []string{self, "{connection_file}"}, InterruptMode: "message", Env: map[string]string{"HUNTBOOK_TOY_KERNEL": mode}}
}

// toy is a kernel whose cells are a line a command.
type toy struct{}

func (toy) Info() KernelInfo {
	return KernelInfo{Implementation: "toy", LanguageInfo: LanguageInfo{Name: "toy"}}
}

func (toy) Execute(ctx context.Context, code string, out *Publisher) *Failure {
	for line := range strings.Lines(code) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "print":
			out.Stream("stdout", rest+"\n")
		case "warn":
			out.Stream("stderr", rest+"\n")
		case "show":
			out.Display(map[string]any{"text/plain": rest}, nil, "id")
		case "change":
			out.Update(map[string]any{"text/plain": rest}, nil, "id")
		case "clear":
			out.Clear(true)
		case "result":
			out.Result(map[string]any{"text/plain": rest}, nil)
		case "env":
			out.Stream("stdout", os.Getenv(rest)+"\n")
		case "flood":
			for range 20_000 {
				out.Stream("stdout", strings.Repeat("x", 100))
			}
		case "wait":
			<-ctx.Done()
			return &Failure{Ename: "Interrupted", Evalue: "stopped", Traceback: []string{"here"}}
		case "fail":
			return &Failure{Ename: "Failed", Evalue: rest, Traceback: []string{"line 1", "line 2"}}
		case "child":
			// It holds on to the kernel's output, and lives longer if it may.
			c := exec.Command("sleep", "1000")
			c.Stdout, c.Stderr = os.Stdout, os.Stderr
			if err := c.Start(); err != nil {
				return &Failure{Ename: "Failed", Evalue: err.Error()}
			}
			out.Stream("stdout", fmt.Sprint(c.Process.Pid))
		case "die":
			fmt.Fprintln(os.Stderr, "segmentation fault, or so")
			os.Exit(7)
		}
	}
	return nil
}

func (toy) Complete(code string, cursor int) Completions {
	return Completions{Matches: []string{code + "!"}, CursorEnd: cursor}
}

func (toy) Inspect(code string, _ int) Inspection {
	return Inspection{Found: code != "", Data: map[string]any{"text/plain": code}}
}

func (toy) IsComplete(code string) Completeness {
	if strings.HasSuffix(code, "\\") {
		return Completeness{Status: "incomplete", Indent: "  "}
	}
	return Completeness{Status: "complete"}
}
