// Command testlog reads what "go test -json" writes and prints what a person needs
// of it: a line a package, failed tests in full, skipped tests with their reasons,
// and the numbers at the end.
//
// "go test" alone hides skipped tests, so that a run which skipped half of them
// looks like any other; "go test -v" hides failures among passes. The command
// knows nothing of huntbook. Data flows: events on standard input → text on
// standard output; the exit code is 1 when a test or a package failed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

func main() {
	ok, err := summarize(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testlog:", err)
		os.Exit(1)
	}
	if !ok {
		os.Exit(1)
	}
}

// event is a line of "go test -json" ("go doc test2json").
type event struct {
	Action, Package, Test, Output string
}

// test names one test or subtest.
type test struct{ pkg, name string }

type summary struct {
	out     io.Writer
	pending map[test][]string // output of the tests that have not ended
	skipped map[string][]test // by reason

	passed, failed, failedPackages int
}

func summarize(in io.Reader, out io.Writer) (ok bool, err error) {
	s := &summary{out: out, pending: map[test][]string{}, skipped: map[string][]test{}}
	lines := bufio.NewReader(in)
	for {
		line, readErr := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) != nil {
				fmt.Fprint(out, line)
			} else {
				s.add(e)
			}
		}
		if readErr == io.EOF {
			break
		}
		if readErr != nil {
			return false, readErr
		}
	}
	s.close()
	return s.failed+s.failedPackages == 0, nil
}

func (s *summary) add(e event) {
	t := test{e.Package, e.Test}
	switch {
	case e.Action == "build-output", e.Action == "output" && e.Test == "":
		if e.Output != "PASS\n" {
			fmt.Fprint(s.out, e.Output)
		}
	case e.Action == "output":
		s.pending[t] = append(s.pending[t], e.Output)
	case e.Action == "fail" && e.Test == "":
		s.failedPackages++
		s.flush(e.Package)
	case e.Action == "fail":
		s.failed++
		s.print(t)
	case e.Action == "pass" && e.Test != "":
		s.passed++
		delete(s.pending, t)
	case e.Action == "skip" && e.Test != "":
		reason := skipReason(s.pending[t])
		s.skipped[reason] = append(s.skipped[reason], t)
		delete(s.pending, t)
	}
}

// print writes the output of a test that is not going to write more.
func (s *summary) print(t test) {
	for _, line := range s.pending[t] {
		fmt.Fprint(s.out, line)
	}
	delete(s.pending, t)
}

// flush writes the output of a package's tests that never ended: one of them is
// why the package's process died.
func (s *summary) flush(pkg string) {
	var names []string
	for t := range s.pending {
		if t.pkg == pkg {
			names = append(names, t.name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		s.print(test{pkg, name})
	}
}

func (s *summary) close() {
	var reasons []string
	count := 0
	for reason, tests := range s.skipped {
		reasons = append(reasons, reason)
		count += len(tests)
	}
	slices.Sort(reasons)
	for _, reason := range reasons {
		fmt.Fprintf(s.out, "\nskipped: %s\n", reason)
		for _, t := range s.skipped[reason] {
			fmt.Fprintf(s.out, "  %s %s\n", t.pkg, t.name)
		}
	}
	fmt.Fprintf(s.out, "\n%d passed, %d failed, %d skipped\n", s.passed, s.failed, count)
}

// skipReason returns what a test said when it skipped: its last line of its own,
// without the place in the source.
func skipReason(output []string) string {
	reason := "no reason given"
	for _, line := range output {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		if place, rest, ok := strings.Cut(line, ": "); ok && strings.Contains(place, ".go:") {
			line = rest
		}
		reason = line
	}
	return reason
}
