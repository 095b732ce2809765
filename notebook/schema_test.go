package notebook

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// validate checks an encoded notebook against nbformat's own schema, and that
// its cell ids are unique, which the schema can't say.
func validate(t *testing.T, data []byte) {
	t.Helper()
	c := jsonschema.NewCompiler()
	schema, err := c.Compile(filepath.Join("testdata", "nbformat", "nbformat.v4.5.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(v); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	nb, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range nb.Cells {
		if seen[c.ID] {
			t.Errorf("two cells have id %s", c.ID)
		}
		seen[c.ID] = true
	}
}

// python returns a Python that has the modules, or skips the test.
func python(t *testing.T, modules ...string) string {
	t.Helper()
	path := os.Getenv("HUNTBOOK_PYTHON")
	if path == "" {
		found, err := exec.LookPath("python3")
		if err != nil {
			t.Skip("no python3 here, so what Python makes of a notebook is not tested")
		}
		path = found
	}
	for _, m := range modules {
		if exec.Command(path, "-c", "import "+m).Run() != nil {
			t.Skipf("%s has no module %s, so what it makes of a notebook is not tested (set HUNTBOOK_PYTHON)", path, m)
		}
	}
	return path
}

// runPython runs a script with text on standard input and returns what it prints.
func runPython(t *testing.T, path, script string, input []byte) []byte {
	t.Helper()
	cmd := exec.Command(path, "-c", script)
	cmd.Env = append(os.Environ(), "PYTHONIOENCODING=utf-8", "PYTHONUTF8=1")
	cmd.Stdin = bytes.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python: %v\n%s", err, stderr.Bytes())
	}
	return out
}
