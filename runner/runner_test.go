package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/kernel"
	"github.com/huntbook/huntbook/notebook"
)

func ownSession(dir string) (*kernel.Session, error) {
	local, err := engine.NewLocal(dir, ingest.Options{}, engine.Bounds{})
	return kernel.NewSession(local), err
}

// write writes a notebook: code cells, "tag: source" for one with a tag, "md: text" for
// Markdown.
func write(t testing.TB, file, kernelName string, sources ...string) Job {
	t.Helper()
	nb := &notebook.Notebook{Metadata: map[string]any{}}
	if kernelName != "" {
		nb.Metadata["kernelspec"] = map[string]any{"name": kernelName, "display_name": kernelName}
	}
	for i, source := range sources {
		c := notebook.Cell{ID: fmt.Sprintf("c%d", i+1), Type: notebook.Code, Source: source, Metadata: map[string]any{}}
		if text, ok := strings.CutPrefix(source, "md: "); ok {
			c.Type, c.Source = notebook.Markdown, text
		}
		for _, tag := range []string{"parameters", "injected-parameters", "raises-exception"} {
			if text, ok := strings.CutPrefix(source, tag+": "); ok {
				c.Source, c.Metadata["tags"] = text, []string{tag}
			}
		}
		nb.Cells = append(nb.Cells, c)
	}
	data, err := notebook.Encode(nb)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return Job{file, filepath.Join(filepath.Dir(file), "out", filepath.Base(file))}
}

func decode(t testing.TB, file string) *notebook.Notebook {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	nb, err := notebook.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return nb
}

var htmlTag = regexp.MustCompile(`<.*?>`)

// show writes a notebook that was run, a line a cell: its number, status, source and
// outputs.
func show(nb *notebook.Notebook) string {
	var b strings.Builder
	for _, c := range nb.Cells {
		p, _ := c.Metadata["papermill"].(map[string]any)
		source := c.Source
		if c.HasTag(tagMark) {
			source = htmlTag.ReplaceAllString(source, "")
		}
		fmt.Fprintf(&b, "[%d] %v %q", c.ExecutionCount, p["status"], source)
		for _, o := range c.Outputs {
			switch o.Type {
			case notebook.Stream:
				fmt.Fprintf(&b, " %s=%q", o.Name, o.Text)
			case notebook.ErrorOutput:
				fmt.Fprintf(&b, " error=%s: %s", o.Ename, o.Evalue)
			default:
				fmt.Fprintf(&b, " %s=%v", o.Type, o.Data["text/plain"])
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// run runs notebooks and shows what came of each: its error or the notebook.
func run(t *testing.T, jobs []Job, o Options) []Result {
	t.Helper()
	o.Session = ownSession
	if o.Environ == nil {
		o.Environ = []string{}
	}
	results, err := Run(context.Background(), jobs, o)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestOwn runs notebooks in huntbook's cell language, without any kernel.
func TestOwn(t *testing.T) {
	events := `{"@timestamp":"2024-05-01T12:00:00Z","Image":"C:\\a.exe"}` + "\n"
	const rule = "%%sigma\ntitle: Everything\nlogsource: {category: any}\ndetection: {s: {Image|endswith: .exe}, condition: s}"
	for _, c := range []struct {
		name       string
		cells      []string
		parameters Parameters
		err        string
		want       string // a part of the notebook as show has it
	}{
		{"a hunt", []string{"md: # Title", "parameters: rows = 5", "%data e.ndjson", rule}, nil, "", `stdout="1 event in 1 file`},
		{"parameters", []string{"parameters: rows = 5", "%data e.ndjson"}, Parameters{{"rows", ParseValue("7")}, {"since", "2030-01-01"}}, "",
			`[2] completed "# Parameters\nrows = 7\nsince = \"2030-01-01\"\n"`},
		{"parameters without a cell for them go to the top", []string{"%data e.ndjson"}, Parameters{{"rows", ParseValue("7")}}, "", `[1] completed "# Parameters\nrows = 7\n"`},
		{"parameters of an earlier run are replaced", []string{"parameters: rows = 5", "injected-parameters: rows = 6", "%data e.ndjson"}, Parameters{{"rows", ParseValue("7")}}, "",
			"[1] completed \"rows = 5\"\n[2] completed \"# Parameters\\nrows = 7\\n\"\n[3]"},
		{"a parameter that is not there", []string{"parameters: rows = 5"}, Parameters{{"row", ParseValue("7")}}, `it has no parameter "row"; it has event_size, limit, rows, since, until`, ""},
		{"a value that the language can't have", []string{"parameters: rows = 5"}, Parameters{{"rows", true}}, `parameter "rows": the kernel's language has no way to write true`, ""},
		{"a value that the parameter can't have", []string{"parameters: rows = 5"}, Parameters{{"rows", "x"}}, `In [2] failed: SyntaxError: cell:2:8: rows must be a number from 1 to 1000000, not "x"`, "[2] failed"},
		{"an error ends the notebook", []string{"%data e.ndjson", "%nonsense", "%table"}, nil, "In [2] failed: SyntaxError", "[2] failed"},
		{"what is behind an error stays pending", []string{"%nonsense", "%data e.ndjson"}, nil, "In [1] failed: SyntaxError", `[0] pending "%data e.ndjson"`},
		{"an error that is expected", []string{"raises-exception: %nonsense", "%data e.ndjson"}, nil, "", "[2] completed"},
		{"empty cells do not run", []string{" \n", "%data e.ndjson"}, nil, "", `[1] completed "%data e.ndjson"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "e.ndjson"), []byte(events), 0o600); err != nil {
				t.Fatal(err)
			}
			job := write(t, filepath.Join(dir, "n.ipynb"), Own, c.cells...)
			result := run(t, []Job{job}, Options{Parameters: c.parameters})[0]
			if got := text(result.Err); got != c.err && (c.err == "" || !strings.HasPrefix(got, c.err)) {
				t.Errorf("error %q, want %q", got, c.err)
			}
			if c.want == "" {
				if _, err := os.Stat(job.Output); err == nil {
					t.Error("something was written")
				}
				return
			}
			if got := show(decode(t, job.Output)); !strings.Contains(got, c.want) {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

// TestBadNotebooks: each is an error of one line, nothing is written for it, and the
// others go on.
func TestBadNotebooks(t *testing.T) {
	t.Setenv("JUPYTER_PATH", kernelspecs(t, map[string][]string{"gone": {"/no/such/program"}, "ends": {"sh", "-c", "echo it is broken >&2; exit 3"}, "sleeps": {"sh", "-c", "sleep 1000"}}))
	t.Setenv("JUPYTER_DATA_DIR", t.TempDir())
	dir := t.TempDir()
	plain := func(name, content string) Job {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return Job{file, filepath.Join(dir, "out", name)}
	}
	bad := []struct {
		job  Job
		want string
	}{
		{plain("empty.ipynb", ""), "this is no notebook: it ends too early"},
		{plain("text.ipynb", "hello"), "this is no notebook: invalid character"},
		{plain("old.ipynb", `{"nbformat": 3, "worksheets": []}`), "this is no notebook of nbformat 4"},
		{plain("unnamed.ipynb", `{"nbformat": 4, "cells": [], "metadata": {}}`), "it names no kernel"},
		{plain("odd.ipynb", `{"nbformat": 4, "cells": [], "metadata": {"kernelspec": 7, "papermill": 7}}`), "it names no kernel"},
		{write(t, filepath.Join(dir, "nosuch.ipynb"), "nosuch", "1"), `no such kernel as "nosuch"; installed are ends, gone, `},
		{write(t, filepath.Join(dir, "path.ipynb"), "../../evil", "1"), `no such kernel as "../../evil"; installed are`},
		{write(t, filepath.Join(dir, "gone.ipynb"), "gone", "1"), "kernel gone: fork/exec /no/such/program: no such file or directory"},
		{write(t, filepath.Join(dir, "ends.ipynb"), "ends", "1"), "kernel ends: the kernel died (exit status 3); it said: it is broken"},
		{write(t, filepath.Join(dir, "sleeps.ipynb"), "sleeps", "1"), "kernel sleeps does not start: it was not ready after 300ms"},
		{Job{filepath.Join(dir, "absent.ipynb"), filepath.Join(dir, "out", "absent.ipynb")}, "stat "},
		{Job{dir, filepath.Join(dir, "out", "dir.ipynb")}, "read "},
	}
	good := write(t, filepath.Join(dir, "good.ipynb"), Own, "rows = 5")
	jobs := []Job{good}
	for _, b := range bad {
		jobs = append(jobs, b.job)
	}
	told := map[string]int{}
	results := run(t, jobs, Options{StartTimeout: 300 * time.Millisecond, Progress: func(p Progress) {
		if p.Result != nil {
			told[p.Job.Input]++
		}
	}})
	if results[0].Err != nil || results[0].Cells != 1 {
		t.Errorf("the good one: %+v", results[0])
	}
	for i, b := range bad {
		got := text(results[i+1].Err)
		if !strings.HasPrefix(got, b.want) || strings.Contains(got, "\n") {
			t.Errorf("%s: %q, want %q", filepath.Base(b.job.Input), got, b.want)
		}
		if _, err := os.Stat(b.job.Output); err == nil {
			t.Errorf("%s was written", b.job.Output)
		}
		if told[b.job.Input] != 1 {
			t.Errorf("%s was told %d times", b.job.Input, told[b.job.Input])
		}
	}
}

// kernelspecs makes a folder of kernels with these commands.
func kernelspecs(t *testing.T, commands map[string][]string) string {
	dir := t.TempDir()
	for name, argv := range commands {
		data, err := json.Marshal(map[string]any{"argv": argv, "display_name": name, "language": "python"})
		if err != nil {
			t.Fatal(err)
		}
		folder := filepath.Join(dir, "kernels", name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "kernel.json"), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestStopped: a notebook that is stopped is written with what ran, and those that did
// not begin are not.
func TestStopped(t *testing.T) {
	dir := t.TempDir()
	var jobs []Job
	for i := range 3 {
		jobs = append(jobs, write(t, filepath.Join(dir, fmt.Sprintf("n%d.ipynb", i)), Own, "rows = 1", "rows = 2", "rows = 3"))
	}
	ctx, cancel := context.WithCancel(context.Background())
	results, err := Run(ctx, jobs, Options{Workers: 1, Session: ownSession, Progress: func(p Progress) {
		if p.Cell == 2 {
			cancel()
		}
	}})
	if err == nil {
		t.Error("no error of the context")
	}
	want := "[1] completed \"rows = 1\"\n[2] failed \"rows = 2\"\n[0] pending \"rows = 3\"\n"
	if diff := cmp.Diff(want, show(decode(t, jobs[0].Output))); diff != "" {
		t.Error(diff)
	}
	for _, r := range results[1:] {
		if _, err := os.Stat(r.Output); err == nil || r.Err == nil {
			t.Errorf("%s: written %v, error %v", r.Input, err == nil, r.Err)
		}
	}
}

// TestAgain: in place, twice, and after an error was repaired, a notebook is as when it
// is run once.
func TestAgain(t *testing.T) {
	dir := t.TempDir()
	job := write(t, filepath.Join(dir, "n.ipynb"), Own, "rows = 1", "%nonsense", "rows = 2")
	job.Output = job.Input
	for range 2 {
		if r := run(t, []Job{job}, Options{})[0]; r.Err == nil {
			t.Error("no error")
		}
		nb := decode(t, job.Input)
		if len(nb.Cells) != 5 || !nb.Cells[0].HasTag(tagMark) || !nb.Cells[2].HasTag(tagMark) || !strings.Contains(nb.Cells[0].Source, "In [2]") {
			t.Fatalf("marks:\n%s", show(nb))
		}
	}
	nb := decode(t, job.Input)
	nb.Cells[3].Source = "limit = 3"
	data, err := notebook.Encode(nb)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(job.Input, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := run(t, []Job{job}, Options{})[0]; r.Err != nil {
		t.Error(r.Err)
	}
	want := "[1] completed \"rows = 1\"\n[2] completed \"limit = 3\"\n[3] completed \"rows = 2\"\n"
	if diff := cmp.Diff(want, show(decode(t, job.Input))); diff != "" {
		t.Error(diff)
	}
}
