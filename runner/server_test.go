package runner

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huntbook/huntbook/internal/jupyterlab"
	"github.com/huntbook/huntbook/jupyter/remote"
	"github.com/huntbook/huntbook/notebook"
)

// serverToken is that of the tests' servers.
const serverToken = "d41d8cd98f00b204"

// openServer opens a server for the runner.
func openServer(t *testing.T, s *jupyterlab.Server) *remote.Server {
	t.Helper()
	address, _, err := remote.Split(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	server, err := remote.Open(context.Background(), remote.Config{Address: address, Token: s.Token})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// deathIn is how a kernel ended, which servers do not tell.
var deathIn = regexp.MustCompile(`the kernel died \([^)]*\)`)

// TestServer: notebooks that are run on a Jupyter server become what they become here,
// in the folders of the server, and no kernel is left.
func TestServer(t *testing.T) {
	s := jupyterlab.Start(t, serverToken, "--AsyncIOLoopKernelRestarter.time_to_dead=0.3")
	server := openServer(t, s)
	t.Run("as here", func(t *testing.T) { asHere(t, s, server) })
	t.Run("notes", func(t *testing.T) { keepsNotes(t, s, server) })
}

func asHere(t *testing.T, s *jupyterlab.Server, server *remote.Server) {
	dir := t.TempDir()
	place := func(name, output string, cells ...string) Job {
		job := write(t, filepath.Join(dir, name), "python3", cells...)
		job.Output = output
		return job
	}
	o := Options{Server: server, OutputLimit: 100_000, Grace: 3 * time.Second, Workers: 4, Environ: []string{"JUPYTER_TOKEN=" + serverToken}}
	var jobs, hanging []Job
	cases := map[string]int{}
	for i, c := range pythonCases {
		name := fmt.Sprintf("n%d.ipynb", i)
		job := place(name, "a b/notebooks/"+name, c.cells...)
		cases[job.Input] = i
		if strings.Contains(c.name, "hangs") {
			hanging = append(hanging, job)
		} else {
			jobs = append(jobs, job)
		}
	}
	token := place("token.ipynb", "token.ipynb", "print('"+serverToken[:8]+"' + '"+serverToken[8:]+"')")
	hidden := place("hidden.ipynb", ".hidden/n.ipynb", "1")
	missing := place("missing.ipynb", "missing.ipynb", "1")
	missing.Input = write(t, filepath.Join(dir, "cobol.ipynb"), "cobol", "1").Input
	results := run(t, slices.Concat(jobs, []Job{token, hidden, missing}), o)
	// Only what hangs is to be ended by the clock: a busy machine is slow.
	impatient := o
	impatient.Timeout = 4 * time.Second
	for _, r := range slices.Concat(results[:len(jobs)], run(t, hanging, impatient)) {
		c := pythonCases[cases[r.Input]]
		want := strings.ReplaceAll(deathIn.ReplaceAllString(c.err, "the kernel died"), "2s", "4s")
		if got := text(r.Err); got != want && (want == "" || !strings.HasPrefix(got, want)) {
			t.Errorf("%s: error %q, want %q", c.name, got, want)
		}
		if c.want == "" {
			continue
		}
		got := exitWarning.ReplaceAllString(show(decode(t, filepath.Join(s.Root, filepath.FromSlash("a b/notebooks/"+filepath.Base(r.Input))))), "")
		want = strings.ReplaceAll(deathIn.ReplaceAllString(c.want, "the kernel died"), "longer than 2s", "longer than 4s")
		if diff := cmp.Diff(want, "\n"+got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	if got := show(decode(t, filepath.Join(s.Root, "token.ipynb"))); !strings.Contains(got, `stdout="[$JUPYTER_TOKEN]\n"`) {
		t.Errorf("the token is not taken out: %s", got)
	}
	for i, want := range []string{`".hidden" can't be put on a server: a name has no empty and no hidden parts`, `no such kernel as "cobol"; the server has `} {
		if got := text(results[len(jobs)+1+i].Err); !strings.HasPrefix(got, want) {
			t.Errorf("error %q, want %q", got, want)
		}
	}
	if left := kernelsOf(t, s); left != "[]" {
		t.Errorf("kernels are left: %s", left)
	}
}

// kernelsOf are the kernels that run on a server, as it says itself.
func kernelsOf(t *testing.T, s *jupyterlab.Server) string {
	t.Helper()
	return s.Get(t, "api/kernels")
}

// TestServerDies: what ran is kept here, the error says where, and the notebooks that
// come later fail at once.
func TestServerDies(t *testing.T) {
	s := jupyterlab.Start(t, serverToken)
	t.Setenv("TMPDIR", t.TempDir())
	dir := t.TempDir()
	var jobs []Job
	for _, name := range []string{"a.ipynb", "b.ipynb"} {
		job := write(t, filepath.Join(dir, name), "python3", "print('ran')", "import time; time.sleep(1000)", "2")
		job.Output = name
		jobs = append(jobs, job)
	}
	results := run(t, jobs, Options{Server: openServer(t, s), Workers: 1, Progress: func(p Progress) {
		if p.Cell == 2 {
			s.Stop()
		}
	}})
	const end = "In [2] failed: the connection to "
	got := text(results[0].Err)
	at := strings.LastIndex(got, "; what ran is in ")
	if !strings.HasPrefix(got, end+s.URL+" is broken: ") || at < 0 || strings.Contains(got, "\n") {
		t.Fatalf("error %q", got)
	}
	kept := decode(t, got[at+len("; what ran is in "):])
	if shown := show(kept); !strings.Contains(shown, `[1] completed "print('ran')" stdout="ran\n"`) || !strings.Contains(shown, `[0] pending "2"`) {
		t.Errorf("kept is\n%s", shown)
	}
	if got := text(results[1].Err); !strings.Contains(got, s.URL+" can't be reached: ") || strings.Contains(got, "\n") {
		t.Errorf("error %q", got)
	}
}

// keepsNotes: what a person wrote into a hunt's notebook on the server stays when it is
// run or put there again; a notebook that was changed here counts itself.
func keepsNotes(t *testing.T, s *jupyterlab.Server, server *remote.Server) {
	dir := t.TempDir()
	file := filepath.Join(dir, "n.ipynb")
	hunt := func(notes string, carry bool) {
		nb := &notebook.Notebook{Metadata: map[string]any{"kernelspec": map[string]any{"name": "python3"}}, Cells: []notebook.Cell{
			{ID: "query", Type: notebook.Code, Source: "1+1", Metadata: map[string]any{"huntbook": map[string]any{"cell": "query"}}},
			{ID: "notes", Type: notebook.Markdown, Source: notes, Metadata: map[string]any{"tags": []string{"notes"}, "huntbook": map[string]any{"cell": "notes"}}},
		}}
		if carry {
			notebook.Carry(nil, nb)
		}
		data, err := notebook.Encode(nb)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	there := path.Join("deep", "n.ipynb")
	put := func() {
		if err := Put(context.Background(), server, Job{file, there}, false); err != nil {
			t.Fatal(err)
		}
	}
	hunt("Notes", true)
	put()
	onDisk := filepath.Join(s.Root, "deep", "n.ipynb")
	nb := decode(t, onDisk)
	if notebook.Edited(nb) {
		t.Error("what was put counts as edited")
	}
	nb.Cells[1].Source = "It was the backup."
	data, err := notebook.Encode(nb)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(onDisk, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"put again", put, `[0] <nil> "It was the backup."`},
		{"run", func() {
			if r := run(t, []Job{{file, there}}, Options{Server: server})[0]; r.Err != nil {
				t.Error(r.Err)
			}
		}, "[1] completed \"1+1\" execute_result=2\n[0] completed \"It was the backup.\""},
		{"changed here", func() { hunt("It was not.", false); put() }, `[0] <nil> "It was not."`},
	} {
		step.do()
		if got := show(decode(t, onDisk)); !strings.Contains(got, step.want) {
			t.Errorf("%s: %s", step.name, got)
		}
	}
}
