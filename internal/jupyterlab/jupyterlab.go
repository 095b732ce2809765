// Package jupyterlab starts real Jupyter servers, with JupyterLab, for tests.
//
// The Python is that of the environment variable HUNTBOOK_LAB_PYTHON
// (scripts/requirements-lab.txt). A server has a folder, settings and kernels of its
// own, and ends with its test. The package knows nothing of what the servers are asked.
package jupyterlab

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Python is the Python with JupyterLab and the tools around notebooks. The test is
// skipped without one.
func Python(t testing.TB) string {
	t.Helper()
	path := os.Getenv("HUNTBOOK_LAB_PYTHON")
	if path == "" {
		t.Skip("HUNTBOOK_LAB_PYTHON is not set: no JupyterLab here (make test sets it)")
	}
	return path
}

// Server is a Jupyter server that runs.
type Server struct {
	// URL is its address, Token what it wants, Root the folder that it shows.
	URL, Token, Root string

	home string
	cmd  *exec.Cmd
	log  log
	done chan struct{}
}

// Start starts a server, with further options, "--ServerApp.x=y". An empty token is
// for a server that lets everybody in.
func Start(t testing.TB, token string, options ...string) *Server {
	t.Helper()
	python := Python(t)
	s := &Server{Token: token, Root: t.TempDir(), home: t.TempDir()}
	s.set(t, "apputils-extension/notification", `{"fetchNews": "false"}`)
	// All cells are in the page, not only those that are seen.
	s.set(t, "notebook-extension/tracker", `{"windowingMode": "none"}`)
	// Somebody may take the port between its choice and its use.
	for range 3 {
		s.start(t, python, options)
		if s.ready() {
			t.Cleanup(s.Stop)
			return s
		}
		s.Stop()
	}
	t.Fatalf("the Jupyter server does not start:\n%s", s.Log())
	return nil
}

func (s *Server) start(t testing.TB, python string, options []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	_ = listener.Close()
	s.URL = fmt.Sprintf("http://127.0.0.1:%d/jupyter/", port)
	s.cmd = exec.Command(python, append([]string{ //nolint:gosec // the tests' Python
		"-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", fmt.Sprintf("--ServerApp.port=%d", port),
		"--ServerApp.port_retries=0", "--ServerApp.base_url=/jupyter/", "--ServerApp.root_dir=" + s.Root, "--IdentityProvider.token=" + s.Token,
		"--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
	}, options...)...)
	s.cmd.Env = append(os.Environ(),
		"JUPYTER_CONFIG_DIR="+filepath.Join(s.home, "config"), "JUPYTER_DATA_DIR="+s.DataDir(), "JUPYTER_RUNTIME_DIR="+filepath.Join(s.home, "runtime"),
		"IPYTHONDIR="+filepath.Join(s.home, "ipython"), "JUPYTER_PATH=", "JUPYTER_TOKEN=", "JUPYTERLAB_SETTINGS_DIR="+filepath.Join(s.home, "settings"), "JUPYTERLAB_WORKSPACES_DIR="+filepath.Join(s.home, "workspaces"))
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	// Kernels are in the server's group, and end with it.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.cmd.WaitDelay = time.Second
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	s.done = done
	cmd := s.cmd
	go func() { _ = cmd.Wait(); close(done) }()
}

// ready waits until the server answers.
func (s *Server) ready() bool {
	client := http.Client{Timeout: 5 * time.Second}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if answer, err := client.Get(s.URL + "api"); err == nil {
			_ = answer.Body.Close()
			return answer.StatusCode == http.StatusOK
		}
		select {
		case <-s.done:
			return false
		case <-time.After(50 * time.Millisecond):
		}
	}
	return false
}

// DataDir is the folder in which the server looks for kernels and keeps signatures.
func (s *Server) DataDir() string { return filepath.Join(s.home, "data") }

// set changes settings of a part of JupyterLab.
func (s *Server) set(t testing.TB, part, settings string) {
	s.write(t, "settings/@jupyterlab/"+part+".jupyterlab-settings", settings)
}

// write writes a file of the server's own.
func (s *Server) write(t testing.TB, name, text string) {
	t.Helper()
	file := filepath.Join(s.home, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// AddKernel gives the server a kernel with that kernel.json.
func (s *Server) AddKernel(t testing.TB, name, spec string) {
	t.Helper()
	s.write(t, "data/kernels/"+name+"/kernel.json", spec)
}

// Stop ends the server, and its kernels, by force.
func (s *Server) Stop() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	<-s.done
}

// Get is what the server answers at a path of its API.
func (s *Server) Get(t testing.TB, path string) string {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "token "+s.Token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Log is what the server wrote.
func (s *Server) Log() string { return s.log.String() }

// log is a buffer that is written and read at once.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimSpace(l.text.String())
}
