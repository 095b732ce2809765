package jupyter

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// Spec is a kernelspec: how a kernel is started.
type Spec struct {
	// Name is the name of its folder, in lower case, Dir the folder.
	Name          string            `json:"-"`
	Dir           string            `json:"-"`
	Argv          []string          `json:"argv"`
	DisplayName   string            `json:"display_name"`
	Language      string            `json:"language"`
	InterruptMode string            `json:"interrupt_mode,omitempty"` // "signal", also when empty, or "message"
	Env           map[string]string `json:"env,omitempty"`
	Metadata      map[string]any    `json:"metadata,omitempty"`
}

// ErrNoKernel is in the error of FindSpec when there is no such kernel.
var ErrNoKernel = errors.New("no such kernel")

var specName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// maxSpec bounds a kernel.json.
const maxSpec = 1 << 20

// DataPaths are the folders in which Jupyter looks for kernelspecs (below "kernels")
// and the like, those that go first in front. Jupyter asks its Python where it is
// installed; we take the environment that is active, and that of the jupyter in PATH.
func DataPaths() []string {
	paths := filepath.SplitList(os.Getenv("JUPYTER_PATH"))
	var prefixes []string
	for _, name := range []string{"VIRTUAL_ENV", "CONDA_PREFIX"} {
		if p := os.Getenv(name); p != "" {
			prefixes = append(prefixes, p)
		}
	}
	if exe, err := exec.LookPath("jupyter"); err == nil {
		if exe, err = filepath.Abs(exe); err == nil {
			prefixes = append(prefixes, filepath.Dir(filepath.Dir(exe)))
		}
	}
	for _, p := range prefixes {
		paths = append(paths, filepath.Join(p, "share", "jupyter"))
	}
	if user, err := UserDataDir(); err == nil {
		paths = append(paths, user)
	}
	if runtime.GOOS == "windows" {
		paths = append(paths, filepath.Join(os.Getenv("PROGRAMDATA"), "jupyter"))
	} else {
		paths = append(paths, "/usr/local/share/jupyter", "/usr/share/jupyter")
	}
	var out []string
	for _, p := range paths {
		if p == "" {
			continue
		}
		// A kernel starts in the folder of its notebook.
		if abs, err := filepath.Abs(p); err == nil {
			p = abs
		}
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// UserDataDir is the folder of what Jupyter keeps for a user.
func UserDataDir() (string, error) {
	if dir := os.Getenv("JUPYTER_DATA_DIR"); dir != "" {
		return dir, nil
	}
	if runtime.GOOS == "windows" {
		if dir := os.Getenv("APPDATA"); dir != "" {
			return filepath.Join(dir, "jupyter"), nil
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no home folder: %w; set JUPYTER_DATA_DIR", err)
	}
	switch runtime.GOOS {
	case "darwin":
		return filepath.Join(home, "Library", "Jupyter"), nil
	case "windows":
		return filepath.Join(home, ".jupyter", "data"), nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "jupyter"), nil
	}
	return filepath.Join(home, ".local", "share", "jupyter"), nil
}

// Specs are all kernels that are installed, by name. A folder that can't be read as a
// kernelspec is left out.
func Specs() []Spec {
	found := map[string]Spec{}
	for _, dir := range DataPaths() {
		entries, err := os.ReadDir(filepath.Join(dir, "kernels"))
		if err != nil {
			continue
		}
		for _, e := range entries {
			name := strings.ToLower(e.Name())
			if _, known := found[name]; known {
				continue
			}
			if s, err := ReadSpec(filepath.Join(dir, "kernels", e.Name())); err == nil {
				found[name] = s
			}
		}
	}
	var out []Spec
	for _, s := range found {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Spec) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// FindSpec finds an installed kernel by name. The error when there is none names those
// that there are.
func FindSpec(name string) (Spec, error) {
	for _, dir := range DataPaths() {
		if !specName.MatchString(name) {
			break
		}
		folder := filepath.Join(dir, "kernels", name)
		if _, err := os.Stat(filepath.Join(folder, "kernel.json")); err == nil {
			return ReadSpec(folder)
		}
	}
	var names []string
	for _, s := range Specs() {
		if s.Name == strings.ToLower(name) {
			return s, nil
		}
		names = append(names, s.Name)
	}
	if len(names) == 0 {
		return Spec{}, fmt.Errorf("%w as %q; no kernel is installed", ErrNoKernel, name)
	}
	return Spec{}, fmt.Errorf("%w as %q; installed are %s", ErrNoKernel, name, strings.Join(names, ", "))
}

// ReadSpec reads the kernelspec in a folder.
func ReadSpec(dir string) (Spec, error) {
	file := filepath.Join(dir, "kernel.json")
	var s Spec
	info, err := os.Stat(file)
	if err != nil {
		return s, err
	}
	if info.Size() > maxSpec {
		return s, fmt.Errorf("%s: %d bytes are too many", file, info.Size())
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("%s: %w", file, err)
	}
	if len(s.Argv) == 0 || s.Argv[0] == "" {
		return s, fmt.Errorf("%s: argv is empty", file)
	}
	s.Name, s.Dir = strings.ToLower(filepath.Base(dir)), dir
	return s, nil
}

// Install writes the kernelspec below a data folder, over one of that name, and
// returns its folder.
func (s Spec) Install(dataDir string) (string, error) {
	dir := filepath.Join(dataDir, "kernels", s.Name)
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return "", err
	}
	return dir, writeFile(filepath.Join(dir, "kernel.json"), append(data, '\n'))
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// Environment is that of the kernel's process: ours, the kernelspec's, then more.
// A "${NAME}" in the kernelspec stands for a variable of ours.
func (s Spec) Environment(more []string) []string {
	env := os.Environ()
	for name, value := range s.Env {
		env = append(env, name+"="+variable.ReplaceAllStringFunc(value, func(v string) string {
			if set, ok := os.LookupEnv(v[2 : len(v)-1]); ok {
				return set
			}
			return v
		}))
	}
	return append(env, more...)
}

// Command is the kernel's command line.
func (s Spec) Command(connectionFile string) []string {
	var argv []string
	fill := strings.NewReplacer("{connection_file}", connectionFile, "{resource_dir}", s.Dir)
	for _, arg := range s.Argv {
		argv = append(argv, fill.Replace(arg))
	}
	// A kernelspec in an environment of Python says "python" and means its own.
	if strings.HasPrefix(argv[0], "python") && !strings.ContainsAny(argv[0], `/\`) {
		prefix := filepath.Join(s.Dir, "..", "..", "..", "..")
		for _, own := range []string{filepath.Join(prefix, "bin", argv[0]), filepath.Join(prefix, argv[0]+".exe"), filepath.Join(prefix, "Scripts", argv[0]+".exe")} {
			if _, err := os.Stat(own); err == nil {
				argv[0] = own
				break
			}
		}
	}
	return argv
}
