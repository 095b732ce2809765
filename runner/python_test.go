package runner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huntbook/huntbook/internal/python"
	"github.com/huntbook/huntbook/notebook"
)

// pythonKernel is the Python of the tests, with its kernel where kernels are looked for. The
// test is skipped without one, or when it lacks a module.
func pythonKernel(t *testing.T, modules ...string) string {
	t.Helper()
	path := python.With(t, "HUNTBOOK_PYTHON", "no notebook is run in Python", append(modules, "ipykernel")...)
	t.Setenv("JUPYTER_PATH", filepath.Join(filepath.Dir(filepath.Dir(path)), "share", "jupyter"))
	t.Setenv("JUPYTER_DATA_DIR", t.TempDir())
	t.Setenv("IPYTHONDIR", t.TempDir())
	return path
}

// pythonCases are notebooks and what comes of them: an error, and what show shows,
// with what differs from run to run replaced.
var pythonCases = []struct {
	name  string
	cells []string
	err   string
	want  string
}{
	{"outputs", []string{"md: # Title", "x = 1\nprint('a'); print('b')", "x", "import sys; print('e', file=sys.stderr)", "x;"}, "", `
[0] completed "# Title"
[1] completed "x = 1\nprint('a'); print('b')" stdout="a\nb\n"
[2] completed "x" execute_result=1
[3] completed "import sys; print('e', file=sys.stderr)" stderr="e\n"
[4] completed "x;"
`},
	{"an error", []string{"print('before')", "1/0", "print('never')"}, "In [2] failed: ZeroDivisionError: division by zero", `
[0] <nil> "There was an error in In [2]."
[1] completed "print('before')" stdout="before\n"
[0] <nil> "The run stopped at an error here:"
[2] failed "1/0" error=ZeroDivisionError: division by zero
[0] pending "print('never')"
`},
	{"an error of several lines", []string{"raise ValueError('a\\nb')"}, "In [1] failed: ValueError: a b", `
[0] <nil> "There was an error in In [1]."
[0] <nil> "The run stopped at an error here:"
[1] failed "raise ValueError('a\\nb')" error=ValueError: a
b
`},
	{"an error that is expected", []string{"raises-exception: 1/0", "2"}, "", `
[1] completed "1/0" error=ZeroDivisionError: division by zero
[2] completed "2" execute_result=2
`},
	{"the end", []string{"print(1)", "import sys; sys.exit(0)", "print(2)"}, "", `
[1] completed "print(1)" stdout="1\n"
[2] completed "import sys; sys.exit(0)" error=SystemExit: 0
[0] pending "print(2)"
`},
	{"an end that fails", []string{"import sys; sys.exit(3)", "2"}, "In [1] failed: SystemExit: 3", `
[0] <nil> "There was an error in In [1]."
[0] <nil> "The run stopped at an error here:"
[1] failed "import sys; sys.exit(3)" error=SystemExit: 3
[0] pending "2"
`},
	{"a kernel that is killed", []string{"print('alive', flush=True)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "2"}, "In [2] failed: the kernel died (signal: killed)", `
[0] <nil> "There was an error in In [2]."
[1] completed "print('alive', flush=True)" stdout="alive\n"
[0] <nil> "The run stopped at an error here:"
[2] failed "import os, signal; os.kill(os.getpid(), signal.SIGKILL)" error=KernelError: the kernel died (signal: killed)
[0] pending "2"
`},
	{"a kernel that ends", []string{"import os; os._exit(4)"}, "In [1] failed: the kernel died (exit status 4)", `
[0] <nil> "There was an error in In [1]."
[0] <nil> "The run stopped at an error here:"
[1] failed "import os; os._exit(4)" error=KernelError: the kernel died (exit status 4)
`},
	{"a cell that hangs", []string{"print('start', flush=True)\nwhile True: pass"}, "In [1] failed: the cell took longer than 2s", `
[0] <nil> "There was an error in In [1]."
[0] <nil> "The run stopped at an error here:"
[1] failed "print('start', flush=True)\nwhile True: pass" stdout="start\n" error=KeyboardInterrupt:  error=KernelError: the cell took longer than 2s
`},
	{"a cell that hangs and is deaf", []string{"import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('start', flush=True)\nwhile True: time.sleep(1)"}, "In [1] failed: the cell took longer than 2s", `
[0] <nil> "There was an error in In [1]."
[0] <nil> "The run stopped at an error here:"
[1] failed "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('start', flush=True)\nwhile True: time.sleep(1)" stdout="start\n" error=KernelError: the cell took longer than 2s
`},
	{"a flood of text", []string{"import sys\nwhile True: print('x' * 999); sys.stdout.flush()"}, "In [1] failed: with it the notebook has more than 100000 bytes of outputs", ""},
	{"a flood of outputs", []string{"while True: display(1)"}, "In [1] failed: with it the notebook has more than 100000 bytes of outputs", ""},
	{"displays that change", []string{"h = display('one', display_id='d')", "display('two', display_id='d', update=True);"}, "", `
[1] completed "h = display('one', display_id='d')" display_data='two'
[2] completed "display('two', display_id='d', update=True);"
`},
	{"outputs that are cleared", []string{"from IPython.display import clear_output\nprint('a'); clear_output(wait=True); print('b')"}, "", `
[1] completed "from IPython.display import clear_output\nprint('a'); clear_output(wait=True); print('b')" stdout="b\n"
`},
	{"no standard input", []string{"input()"}, "In [1] failed: StdinNotImplementedError:", ""},
	{"the notebook's folder", []string{"import os; print(os.path.basename(os.getcwd())); os.environ['JPY_PARENT_PID'] is not None"}, "", `
[1] completed "import os; print(os.path.basename(os.getcwd())); os.environ['JPY_PARENT_PID'] is not None" stdout="notebooks\n" execute_result=True
`},
}

// exitWarning is what IPython says of a sys.exit.
var exitWarning = regexp.MustCompile(` stderr="[^"]*UserWarning: To exit.*\\n"`)

// TestPython runs notebooks in Python: each by itself on a kernel that is started, and
// all at once on kernels that are forked.
func TestPython(t *testing.T) {
	pythonKernel(t)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	dir := filepath.Join(t.TempDir(), "notebooks")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var jobs, hanging []Job
	cases := map[string]int{} // by the notebook
	for i, c := range pythonCases {
		job := write(t, filepath.Join(dir, fmt.Sprintf("n%d.ipynb", i)), "python3", c.cells...)
		cases[job.Input] = i
		if strings.Contains(c.name, "hangs") {
			hanging = append(hanging, job)
		} else {
			jobs = append(jobs, job)
		}
	}
	check := func(t *testing.T, jobs []Job, o Options) {
		t.Helper()
		o.OutputLimit, o.Grace, o.Workers = 100_000, 3*time.Second, 2
		for _, r := range run(t, jobs, o) {
			c := pythonCases[cases[r.Input]]
			if got := text(r.Err); got != c.err && (c.err == "" || !strings.HasPrefix(got, c.err)) {
				t.Errorf("%s: error %q, want %q", c.name, got, c.err)
			}
			if c.want == "" {
				continue
			}
			got := exitWarning.ReplaceAllString(show(decode(t, r.Output)), "")
			if diff := cmp.Diff(c.want, "\n"+got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.name, diff)
			}
		}
	}
	t.Run("started", func(t *testing.T) {
		for i := range jobs {
			check(t, jobs[i:i+1], Options{})
		}
		check(t, hanging, Options{Timeout: 2 * time.Second})
	})
	t.Run("forked", func(t *testing.T) {
		check(t, jobs, Options{})
		check(t, append(hanging, hanging...), Options{Timeout: 2 * time.Second})
	})
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v %v", left, err)
	}
	// The commands of kernels name files in that folder.
	out, err := exec.Command("pgrep", "-f", "-l", temporary).Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("processes are left: %v %s", err, out)
	}
}

// TestForkFails: where kernels can't be forked, they are started.
func TestForkFails(t *testing.T) {
	path := pythonKernel(t)
	dir := t.TempDir()
	wrapper := filepath.Join(dir, "python")
	script := "#!/bin/sh\nfor a in \"$@\"; do case $a in *fork.py) echo no >>" + dir + "/refused; exit 1;; esac; done\nexec " + path + " \"$@\"\n"
	if err := os.WriteFile(wrapper, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JUPYTER_PATH", kernelspecs(t, map[string][]string{"wrapped": {wrapper, "-m", "ipykernel_launcher", "-f", "{connection_file}"}}))
	var jobs []Job
	for i := range worthForking {
		jobs = append(jobs, write(t, filepath.Join(dir, fmt.Sprintf("n%d.ipynb", i)), "wrapped", "1"))
	}
	for _, r := range run(t, jobs, Options{}) {
		if r.Err != nil {
			t.Error(r.Err)
		}
	}
	if data, err := os.ReadFile(filepath.Join(dir, "refused")); err != nil || string(data) != "no\n" {
		t.Errorf("forking was tried %q times, want once: %v", data, err)
	}
}

// TestNothingIsShared: what a notebook changes in its kernel, no other one sees, and
// random numbers are not the same ones.
func TestNothingIsShared(t *testing.T) {
	pythonKernel(t, "numpy")
	dir := t.TempDir()
	var jobs []Job
	for i := range 8 {
		jobs = append(jobs, write(t, filepath.Join(dir, fmt.Sprintf("n%d.ipynb", i)), "python3",
			"import os, sys, json, numpy, builtins\nseen = [k for k in ('mine', 'json_broken') if k in globals() or hasattr(builtins, k)]\n"+
				"seen += [os.environ.get('MINE', ''), getattr(json, 'broken', ''), os.path.basename(os.getcwd())]\nseen",
			"numpy.random.rand()",
			"mine = 1; builtins.json_broken = 1; os.environ['MINE'] = 'x'; json.broken = 'x'; os.chdir('/'); sys.path.clear()"))
	}
	numbers := map[string]bool{}
	for _, r := range run(t, jobs, Options{Workers: 2}) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		nb := decode(t, r.Output)
		if got, want := nb.Cells[0].Outputs[0].Data["text/plain"], fmt.Sprintf("['', '', '%s']", filepath.Base(dir)); got != want {
			t.Errorf("a notebook sees %v, want %v", got, want)
		}
		numbers[fmt.Sprint(nb.Cells[1].Outputs[0].Data["text/plain"])] = true
	}
	if len(numbers) != len(jobs) {
		t.Errorf("of %d notebooks only %d draw numbers of their own: %v", len(jobs), len(numbers), numbers)
	}
}

// TestSecretsInOutputs: wherever a secret of the environment stands in an output, it is
// not in the files that are written; the cells have it.
func TestSecretsInOutputs(t *testing.T) {
	pythonKernel(t)
	const secret = `hunter2-&"secret/`
	t.Setenv("ES_PASSWORD", secret)
	dir := t.TempDir()
	job := write(t, filepath.Join(dir, "n.ipynb"), "python3",
		"import os, sys, json, base64, html\np = os.environ['ES_PASSWORD']\nlen(p)",
		"print(p[:5], end='', flush=True); print(p[5:], flush=True); print(p, file=sys.stderr)",
		"p", "{'k': [p]}", "json.dumps({p: p})", "base64.b64encode(p.encode())", "html.escape(p, quote=False)",
		"display({'application/json': {p: [p, {'deep': p}]}, 'text/html': f'<b>{html.escape(p)}</b>'}, raw=True)",
		"h = display(1, display_id='d')", "display(p, display_id='d', update=True)",
		"raise ValueError(p)")
	result := run(t, []Job{job}, Options{Environ: os.Environ()})[0]
	if got := text(result.Err); got != "In [11] failed: ValueError: [$ES_PASSWORD]" {
		t.Errorf("error %q", got)
	}
	if !slices.Equal(result.Masked, []string{"ES_PASSWORD"}) {
		t.Errorf("masked %q", result.Masked)
	}
	nb := decode(t, job.Output)
	if got := nb.Cells[1].Outputs[0].Data["text/plain"]; got != fmt.Sprint(len(secret)) {
		t.Errorf("the cells have a secret of %v characters", got)
	}
	scan(t, dir, secret)

	// A parameter would stand in the notebook.
	withParameter := run(t, []Job{job}, Options{Environ: os.Environ(), Parameters: Parameters{{"p", secret}}})[0]
	if got := text(withParameter.Err); got != `parameter "p" holds the secret in $ES_PASSWORD; the notebook must read it from the environment` {
		t.Errorf("error %q", got)
	}
}

// scan looks for a secret in all files of a folder, in the forms that text takes.
func scan(t *testing.T, dir, secret string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		// Without the escapes of JSON in JSON, HTML and Python.
		for _, escape := range []string{`\`, "amp;", "&#34;", "&quot;"} {
			data = bytes.ReplaceAll(data, []byte(escape), nil)
		}
		for _, form := range []string{secret, strings.ReplaceAll(secret, `"`, ""), "aHVudGVyMi0mInNlY3JldC", "hunter2", "secret/"} {
			if bytes.Contains(data, []byte(form)) {
				t.Errorf("%s holds %s", path, form)
			}
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Errorf("%d files: %v", files, err)
	}
}

// TestLikePapermill runs notebooks with papermill and here, and compares what is written.
func TestLikePapermill(t *testing.T) {
	path := pythonKernel(t, "papermill")
	dir := t.TempDir()
	yml := filepath.Join(dir, "p.yml")
	// Infinite numbers in the metadata are no JSON, and so none of nbformat.
	finite := strings.Replace(yamlFile, "infinite: -.inf\n", "", 1)
	if err := os.WriteFile(yml, []byte(finite), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		cells  []string
		values []string // name, value, name, value…
		file   bool
	}{
		{"without parameters", []string{"md: # Title", "x = 1", "x"}, nil, false},
		{"parameters", []string{"md: # Title", "parameters: x = 1\ny = 2", "x, y"}, []string{"x", "5", "y", "a \"b\" \\ é 😀\t\x7f"}, false},
		{"parameters again", []string{"parameters: x = 1", "1", "injected-parameters: x = 2", "x"}, []string{"x", "1.50"}, false},
		{"an error", []string{"parameters: x = 1", "x", "1/0", "x"}, []string{"x", "None"}, false},
		{"a file", []string{"parameters: " + all(finite), "1"}, []string{"text", "over"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			job := write(t, filepath.Join(dir, "n.ipynb"), "python3", c.cells...)
			args := []string{"-m", "papermill", job.Input, filepath.Join(dir, "papermill.ipynb"), "--no-progress-bar", "-l", "python"}
			var parameters Parameters
			if c.file {
				args = append(args, "-f", yml)
				if err := parameters.Read(yml); err != nil {
					t.Fatal(err)
				}
			}
			for i := 0; i < len(c.values); i += 2 {
				args = append(args, "-p", c.values[i], c.values[i+1])
				parameters.Set(c.values[i], ParseValue(c.values[i+1]))
			}
			cmd := exec.Command(path, args...)
			cmd.Dir = dir
			out, theirErr := cmd.CombinedOutput()
			r := run(t, []Job{job}, Options{Parameters: parameters})[0]
			if (theirErr == nil) != (r.Err == nil) {
				t.Fatalf("papermill: %v, here: %v\n%s", theirErr, r.Err, out)
			}
			want, got := comparable(t, filepath.Join(dir, "papermill.ipynb")), comparable(t, job.Output)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-papermill +huntbook):\n%s", diff)
			}

			// What papermill wrote runs here, with parameters in the place of its own.
			again := Job{filepath.Join(dir, "papermill.ipynb"), filepath.Join(dir, "again.ipynb")}
			if r := run(t, []Job{again}, Options{Parameters: parameters})[0]; (theirErr == nil) != (r.Err == nil) {
				t.Errorf("what papermill wrote: %v", r.Err)
			}
			if diff := cmp.Diff(want, comparable(t, again.Output)); diff != "" {
				t.Errorf("what papermill wrote, run here (-papermill +huntbook):\n%s", diff)
			}
		})
	}
}

// all makes a parameters cell for all names of a file.
func all(yml string) string {
	var b strings.Builder
	for _, m := range regexp.MustCompile(`(?m)^"?(\w+)"?:`).FindAllStringSubmatch(yml, -1) {
		b.WriteString(m[1] + " = 0\n")
	}
	return b.String()
}

// comparable is a notebook without what differs from run to run, and from papermill on
// purpose: texts of the marks, the order of streams, ids of new cells.
func comparable(t *testing.T, file string) any {
	t.Helper()
	nb := decode(t, file)
	papermill, _ := nb.Metadata["papermill"].(map[string]any)
	for _, key := range []string{"start_time", "end_time", "duration"} {
		if papermill[key] == nil {
			t.Errorf("%s: the metadata lacks %s", file, key)
		}
	}
	keys := []string{}
	for key := range papermill {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	type cell struct {
		Type, Source, Status, Show string
		Tags                       []string
		Exception                  any
		Keys                       int
	}
	out := struct {
		Keys       []string
		Parameters string
		Exception  any
		Language   any
		Cells      []cell
	}{Keys: keys, Exception: papermill["exception"]}
	parameters, err := json.Marshal(papermill["parameters"])
	if err != nil {
		t.Fatal(err)
	}
	out.Parameters = string(parameters)
	language, _ := nb.Metadata["language_info"].(map[string]any)
	out.Language = language["version"]
	for i := range nb.Cells {
		c := &nb.Cells[i]
		p, _ := c.Metadata["papermill"].(map[string]any)
		x := cell{Type: string(c.Type), Source: c.Source, Exception: p["exception"], Keys: len(p), Tags: c.Tags()}
		x.Status, _ = p["status"].(string)
		if c.HasTag(tagMark) {
			x.Source = "mark"
		}
		x.Show = show(&notebook.Notebook{Cells: []notebook.Cell{*c}})
		if c.HasTag(tagMark) {
			x.Show = ""
		}
		out.Cells = append(out.Cells, x)
	}
	return out
}

// TestPapermillRunsOurs: papermill runs a notebook on our kernel, with parameters, and
// its outputs are those of a run in this process.
func TestPapermillRunsOurs(t *testing.T) {
	path := pythonKernel(t, "papermill")
	dir := t.TempDir()
	program := filepath.Join(dir, "huntbook")
	if out, err := exec.Command("go", "build", "-o", program, "../cmd/huntbook").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := exec.Command(program, "kernel", "install", "--prefix", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Setenv("JUPYTER_PATH", filepath.Join(dir, "share", "jupyter"))
	events := `{"@timestamp":"2024-05-01T12:00:00Z","Image":"C:\\a.exe"}` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "e.ndjson"), []byte(strings.Repeat(events, 3)), 0o600); err != nil {
		t.Fatal(err)
	}
	job := write(t, filepath.Join(dir, "n.ipynb"), Own, "md: # Title", "parameters: rows = 50\nsince = \"\"", "%data e.ndjson",
		"%%sigma\ntitle: Everything\nlogsource: {category: any}\ndetection: {s: {Image|endswith: .exe}, condition: s}", "%table")
	cmd := exec.Command(path, "-m", "papermill", job.Input, filepath.Join(dir, "papermill.ipynb"), "--no-progress-bar", "-l", "python", "-p", "rows", "2", "-p", "since", "2024-01-01")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r := run(t, []Job{job}, Options{Parameters: Parameters{{"rows", ParseValue("2")}, {"since", "2024-01-01"}}})[0]
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	want, got := decode(t, filepath.Join(dir, "papermill.ipynb")), decode(t, job.Output)
	if !strings.Contains(show(got), "3 events") {
		t.Errorf("it finds nothing:\n%s", show(got))
	}
	if diff := cmp.Diff(show(want), show(got)); diff != "" {
		t.Errorf("(-papermill +huntbook):\n%s", diff)
	}
	for i := range want.Cells {
		if diff := cmp.Diff(want.Cells[i].Outputs, got.Cells[i].Outputs, cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Metadata" }, cmp.Ignore())); diff != "" {
			t.Errorf("cell %d (-papermill +huntbook):\n%s", i+1, diff)
		}
	}
}
