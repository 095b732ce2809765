package pipeline

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// pythonWithSigma is a Python that has pySigma, or the test is skipped.
func pythonWithSigma(t *testing.T) string {
	t.Helper()
	python := os.Getenv("HUNTBOOK_PYTHON")
	if python == "" {
		t.Skip("HUNTBOOK_PYTHON is not set: nothing is compared with pySigma (make test sets it)")
	}
	if out, err := exec.Command(python, "-c", "import sigma.collection").CombinedOutput(); err != nil {
		t.Skipf("the Python of HUNTBOOK_PYTHON has no pySigma (scripts/requirements.txt): %s", out)
	}
	return python
}

// The list of what pySigma knows is what pySigma says.
func TestPySigmaNames(t *testing.T) {
	out, err := exec.Command(pythonWithSigma(t), "testdata/pysigma_names.py").Output()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/pysigma_names.txt")
	if err != nil {
		t.Fatal(err)
	}
	if string(out) != string(want) {
		t.Errorf("testdata/pysigma_names.txt is out of date; pySigma has\n%s", out)
	}
}

// All that pySigma's pipeline files may hold is there, or refused with a reason.
func TestPySigmaIsWhole(t *testing.T) {
	ours := map[string][]string{}
	add := func(kind, name string, parameters []Parameter) {
		names := []string{}
		for _, p := range parameters {
			names = append(names, p.Name)
		}
		ours[kind+" "+name] = names
	}
	for _, x := range Transformations() {
		add("transformation", x.Name, x.Parameters)
	}
	for kind, list := range Conditions() {
		for _, x := range list {
			add(kind+" condition", x.Name, x.Parameters)
		}
	}
	for _, x := range Postprocessors() {
		add("post-processing item", x.Name, x.Parameters)
	}
	for _, x := range Finalizers() {
		add("finalizer", x.Name, x.Parameters)
	}
	list, err := os.ReadFile("testdata/pysigma_names.txt")
	if err != nil {
		t.Fatal(err)
	}
	refusedNames := map[string]bool{}
	for line := range strings.Lines(string(list)) {
		name, parameters, _ := strings.Cut(strings.TrimSpace(line), ":")
		i := strings.LastIndexByte(name, ' ')
		kind, short := name[:i], name[i+1:]
		if refused(kind, short) != "" {
			refusedNames[kind+" "+short] = true
			if ours[name] != nil {
				t.Errorf("%s is there and refused", name)
			}
			continue
		}
		if ours[name] == nil {
			t.Errorf("there is no %s", name)
			continue
		}
		for _, p := range strings.Fields(parameters) {
			switch isRefused := refusedKey(name, p) != ""; {
			case isRefused:
				refusedNames[kind+" parameter "+short+"."+p] = true
				if slices.Contains(ours[name], p) {
					t.Errorf("%s: %s is there and refused", name, p)
				}
			case !slices.Contains(ours[name], p):
				t.Errorf("%s has no parameter %s", name, p)
			}
		}
	}
	for _, r := range Refusals() {
		if !refusedNames[r.Kind+" "+r.Name] {
			t.Errorf("%s %s is refused, and pySigma does not have it", r.Kind, r.Name)
		}
	}
}
