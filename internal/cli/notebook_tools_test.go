package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/huntbook/huntbook/internal/jupyterlab"
)

// TestNotebookTools runs testdata/notebook_tools.py on a hunt of the samples: nbformat,
// jupytext, nbstripout, nbdime, nbconvert. What nbstripout left, run again, is as before.
func TestNotebookTools(t *testing.T) {
	python := jupyterlab.Python(t)
	program, err := filepath.Abs(filepath.Join("testdata", "notebook_tools.py"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, step := range [][]string{
		{"huntbook", "hunt", "-o", "hunts", "-q"},
		{python, program, "hunts"},
		{"huntbook", "run", "stripped", "-q"},
	} {
		cmd := exec.Command(step[0], step[1:]...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "JUPYTER_PLATFORM_DIRS=1", "PYTHONDONTWRITEBYTECODE=1")
		out, err := cmd.CombinedOutput()
		if err != nil || step[0] == python && !strings.HasSuffix(strings.TrimSpace(string(out)), "OK") {
			t.Fatalf("%v: %v\n%s", step, err, out)
		}
	}
	if diff := cmp.Diff(notebooksBelow(t, filepath.Join(dir, "hunts")), notebooksBelow(t, filepath.Join(dir, "stripped"))); diff != "" {
		t.Errorf("run again (-before +after):\n%s", diff)
	}
}
