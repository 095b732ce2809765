package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/internal/python"
)

// jupyterPython is a Python that can drive kernels, and the environment in which it
// finds ours alone.
func jupyterPython(t *testing.T) (path string, env []string) {
	t.Helper()
	path = python.With(t, "HUNTBOOK_PYTHON", "our kernel is not driven by Jupyter's client", "jupyter_client", "jupyter_kernel_test", "nbclient")
	prefix := t.TempDir()
	if out, err := exec.Command("huntbook", "kernel", "install", "--prefix", prefix).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path, append(os.Environ(), "JUPYTER_PATH="+filepath.Join(prefix, "share", "jupyter"), "JUPYTER_DATA_DIR="+t.TempDir(), "JUPYTER_RUNTIME_DIR="+t.TempDir())
}

// TestKernelInJupyter runs testdata/jupyter_kernel.py: jupyter_kernel_test, and a front
// end's use of the kernel through jupyter_client.
func TestKernelInJupyter(t *testing.T) {
	python, env := jupyterPython(t)
	program, err := filepath.Abs(filepath.Join("testdata", "jupyter_kernel.py"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	hunt := exec.Command("huntbook", "hunt", "-o", "hunts", "-q")
	hunt.Dir = dir
	if out, err := hunt.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.Command(python, program)
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	// Three of jupyter_kernel_test's tests are of what our cells have not.
	if !strings.HasSuffix(strings.TrimSpace(string(out)), "OK (skipped=3)") {
		t.Errorf("it says\n%s", out)
	}
}
