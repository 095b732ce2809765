package jupyter

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// isolate makes folders of the test the only ones where kernels are looked for, as far
// as the environment says.
func isolate(t *testing.T) (path, user string) {
	t.Helper()
	path, user = t.TempDir(), t.TempDir()
	t.Setenv("JUPYTER_PATH", path)
	t.Setenv("JUPYTER_DATA_DIR", user)
	for _, name := range []string{"VIRTUAL_ENV", "CONDA_PREFIX", "PATH"} {
		t.Setenv(name, "")
	}
	return path, user
}

func put(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestSpecs(t *testing.T) {
	path, user := isolate(t)
	spec := func(dir, name, display string) {
		put(t, filepath.Join(dir, "kernels", name, "kernel.json"), `{"argv":["x"],"display_name":"`+display+`","language":"l"}`)
	}
	spec(path, "Both", "in front")
	spec(user, "both", "behind")
	spec(user, "mine", "mine")
	put(t, filepath.Join(path, "kernels", "broken", "kernel.json"), `{`)
	put(t, filepath.Join(path, "kernels", "idle", "kernel.json"), `{"argv":[]}`)
	put(t, filepath.Join(path, "kernels", "file"), ``)
	var got []string
	for _, s := range Specs() {
		if strings.HasPrefix(s.Dir, path) || strings.HasPrefix(s.Dir, user) {
			got = append(got, s.Name+" "+s.DisplayName)
		}
	}
	if want := []string{"both in front", "mine mine"}; !slices.Equal(got, want) {
		t.Errorf("specs %q, want %q", got, want)
	}
	for _, name := range []string{"both", "Both", "BOTH", "mine"} {
		s, err := FindSpec(name)
		if err != nil || s.Name != strings.ToLower(name) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	for _, name := range []string{"other", "", "../kernels/mine", "a/b"} {
		if _, err := FindSpec(name); !errors.Is(err, ErrNoKernel) || !strings.Contains(err.Error(), "installed are both, ") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := FindSpec("broken"); err == nil || !strings.Contains(err.Error(), filepath.Join("broken", "kernel.json")) {
		t.Errorf("a broken one: %v", err)
	}
}

func TestDataPaths(t *testing.T) {
	path, user := isolate(t)
	env, bin := t.TempDir(), t.TempDir()
	t.Setenv("VIRTUAL_ENV", env)
	put(t, filepath.Join(bin, "bin", "jupyter"), "#!/bin/sh\n")
	t.Setenv("PATH", filepath.Join(bin, "bin"))
	want := []string{path, filepath.Join(env, "share", "jupyter"), filepath.Join(bin, "share", "jupyter"), user}
	if got := DataPaths(); len(got) < 4 || !slices.Equal(got[:4], want) {
		t.Errorf("paths %q, want %q and the system's", got, want)
	}
	t.Setenv("JUPYTER_DATA_DIR", "")
	t.Setenv("HOME", env)
	t.Setenv("XDG_DATA_HOME", "")
	if got, err := UserDataDir(); err != nil || !strings.HasPrefix(got, env) {
		t.Errorf("the user's folder is %s, %v", got, err)
	}
}

func TestInstall(t *testing.T) {
	_, user := isolate(t)
	s := Spec{Name: "mine", Argv: []string{"a b", "{connection_file}"}, DisplayName: "d", Language: "l", InterruptMode: "message"}
	for range 2 {
		if _, err := s.Install(user); err != nil {
			t.Fatal(err)
		}
	}
	got, err := FindSpec("mine")
	if err != nil || got.InterruptMode != "message" || !slices.Equal(got.Argv, s.Argv) {
		t.Errorf("found %+v, %v", got, err)
	}
}

func TestCommand(t *testing.T) {
	prefix := t.TempDir()
	dir := filepath.Join(prefix, "share", "jupyter", "kernels", "k")
	s := Spec{Dir: dir, Argv: []string{"python", "-f", "{connection_file}", "{resource_dir}/x"}, Env: map[string]string{"A": "${HUNT_TEST}/x", "B": "${NOT_SET_AT_ALL}"}}
	if got := s.Command("c.json"); !slices.Equal(got, []string{"python", "-f", "c.json", dir + "/x"}) {
		t.Errorf("the command is %q", got)
	}
	// An environment's kernel is started with the environment's Python.
	put(t, filepath.Join(prefix, "bin", "python"), "")
	if got := s.Command("c.json"); filepath.Clean(got[0]) != filepath.Join(prefix, "bin", "python") {
		t.Errorf("the command is %q", got)
	}
	t.Setenv("HUNT_TEST", "value")
	env := s.Environment([]string{"C=d"})
	for _, want := range []string{"A=value/x", "B=${NOT_SET_AT_ALL}", "C=d", "HUNT_TEST=value"} {
		if !slices.Contains(env, want) {
			t.Errorf("the environment lacks %s", want)
		}
	}
}
