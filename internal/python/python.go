// Package python finds the Pythons that scripts/python-env.sh makes, for tests. It knows
// nothing of what they run. Data flows: a variable of the environment → a path, or a
// test that says why it is skipped.
package python

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// With is the Python that a variable names, which has the modules. Without one the test
// is skipped, and untested says what then is not shown.
func With(t testing.TB, variable, untested string, modules ...string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Skipf("%s is not set: %s (make test sets it)", variable, untested)
	}
	const have = "import importlib.util as u, sys; sys.exit(not all(u.find_spec(m) for m in sys.argv[1:]))"
	if out, err := exec.Command(path, append([]string{"-c", have}, modules...)...).CombinedOutput(); err != nil { //nolint:gosec // the tests' own Python
		t.Skipf("%s: the Python of %s lacks one of %s (scripts/requirements*.txt): %v %s", untested, variable, strings.Join(modules, ", "), err, out)
	}
	return path
}
