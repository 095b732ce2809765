// Package servers gives tests the real servers that they need: Elasticsearch,
// OpenSearch and a Kafka broker.
//
// scripts/servers/run.sh starts them once for a whole test run and names them in the
// environment; a test asks here for an address, and is skipped where there is none. A
// test that stops its server gets one of its own. The package knows nothing of what
// the servers are asked.
package servers

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Elasticsearch is the URL of the Elasticsearch of the test run.
func Elasticsearch(t testing.TB) string { return address(t, "Elasticsearch", "HUNTBOOK_ES") }

// OpenSearch is the URL of the OpenSearch of the test run.
func OpenSearch(t testing.TB) string { return address(t, "OpenSearch", "HUNTBOOK_OPENSEARCH") }

// Kafka is the host and port of the broker of the test run.
func Kafka(t testing.TB) string { return address(t, "Kafka", "HUNTBOOK_KAFKA") }

func address(t testing.TB, what, variable string) string {
	t.Helper()
	a := os.Getenv(variable)
	if a == "" {
		t.Skipf("no %s: set %s, or run the test with scripts/servers/run.sh", what, variable)
	}
	return a
}

// Name is a name for an index or topic that no other test uses, now or in an
// earlier run against the same server.
func Name(t testing.TB) string {
	name := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(t.Name()))
	return "t-" + name + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
}

// Server is a server that belongs to one test.
type Server struct {
	// Address is the host and port; it stays the same when it starts again.
	Address string

	t         testing.TB
	name, dir string
	pid       int
}

// The servers that Own starts.
const (
	OwnElasticsearch = "elasticsearch"
	OwnOpenSearch    = "opensearch"
	OwnKafka         = "kafka"
)

// Own starts a server for a test that stops it; it ends with the test. Where the test
// run has no such server the test is skipped.
func Own(t testing.TB, name string) *Server {
	t.Helper()
	switch name {
	case OwnElasticsearch:
		Elasticsearch(t)
	case OwnOpenSearch:
		OpenSearch(t)
	case OwnKafka:
		Kafka(t)
	}
	s := &Server{t: t, name: name, dir: t.TempDir()}
	t.Cleanup(s.Kill)
	s.Start()
	return s
}

// Start starts the server with the data that it had, and returns when it answers.
func (s *Server) Start() {
	s.t.Helper()
	cmd := exec.Command(filepath.Join(scripts(), "start.sh"), s.name, s.dir) //nolint:gosec // tests run their own scripts
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("%s did not start: %v\n%s", s.name, err, problems.String())
	}
	var port int
	if _, err := fmt.Sscan(string(out), &s.pid, &port); err != nil {
		s.t.Fatalf("%s: start.sh printed %q", s.name, out)
	}
	s.Address = "127.0.0.1:" + strconv.Itoa(port)
}

// Stop asks the server to end and waits until it has.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// Kill ends the server at once, as a crash would.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

// Pause stops the server's process where it is until Resume: requests get no answer.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume lets a paused server go on.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	if s.pid > 0 {
		_ = syscall.Kill(s.pid, sig)
	}
}

func (s *Server) end(sig syscall.Signal) {
	if s.pid == 0 {
		return
	}
	s.signal(sig)
	for deadline := time.Now().Add(30 * time.Second); syscall.Kill(s.pid, 0) == nil; {
		if time.Now().After(deadline) {
			sig = syscall.SIGKILL
			s.signal(sig)
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.pid = 0
}

// scripts is the folder of start.sh in this repository.
func scripts() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "scripts", "servers")
}
