package hunt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/huntbook/huntbook/internal/atomicfile"
	"github.com/huntbook/huntbook/notebook"
	"github.com/huntbook/huntbook/report"
)

// The files of a hunt's folder beside its notebooks.
const (
	fileHunt     = "hunt.json"
	fileFindings = "findings.ndjson"
	filePage     = "index.html"
)

// ErrNotOurs tells that an output folder holds somebody else's files.
var ErrNotOurs = errors.New("the folder is not empty and no hunt of ours")

// folder is the output folder of a hunt.
type folder struct {
	dir string // absolute
	// old is the hunt that was there before, nil when there was none.
	old *report.Hunt
}

// openFolder checks that a folder may be written to: it is new, empty or holds
// an earlier hunt. Nothing is written yet. Messages name it as it was given.
func openFolder(given string) (*folder, error) {
	dir, err := filepath.Abs(given)
	if err != nil {
		return nil, fmt.Errorf("output folder: %w", err)
	}
	f := &folder{dir: dir}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("output folder: %s is a file; choose a folder with -o", given)
	}
	entries, err := os.ReadDir(dir)
	// What a hunt that was killed left behind is nobody's work.
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return strings.HasPrefix(e.Name(), atomicfile.Prefix) })
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f, nil
	case err != nil:
		return nil, fmt.Errorf("output folder: %w; choose another one with -o", err)
	case len(entries) == 0:
		return f, nil
	}
	file, err := os.Open(filepath.Join(dir, fileHunt))
	if err != nil {
		return nil, fmt.Errorf("%s: %w; choose another one with -o, or empty it", given, ErrNotOurs)
	}
	defer file.Close()
	if f.old, err = report.ReadJSON(file); err != nil {
		return nil, fmt.Errorf("%s: %w: %w; choose another one with -o, or empty it", given, ErrNotOurs, err)
	}
	return f, nil
}

// path is where a file of the folder lies, given by its slash-separated name.
func (f *folder) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// write puts a file into the folder, whole or not at all.
func (f *folder) write(name string, content []byte) error {
	return atomicfile.Write(f.path(name), content)
}

// errUnreadable tells that a notebook stands at a place and can't be read, so
// that what somebody wrote into it would be lost.
var errUnreadable = errors.New("the notebook that is there can't be read, and is left as it is")

// notebook reads a notebook of an earlier hunt, nil when there is none.
func (f *folder) notebook(name string) (*notebook.Notebook, error) {
	if !localName(name) {
		return nil, nil
	}
	data, err := os.ReadFile(f.path(name))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	var nb *notebook.Notebook
	if err == nil {
		nb, err = notebook.Decode(data)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w; repair it or move it away, and run the hunt again", name, errUnreadable, err)
	}
	return nb, nil
}

// localName tells whether a name from a hunt.json stays inside the folder.
func localName(name string) bool {
	return strings.HasSuffix(name, ".ipynb") && filepath.IsLocal(filepath.FromSlash(name))
}

// clean removes the notebooks of an earlier hunt that this one did not write,
// unless somebody edited them, and then the folders that are left empty. It
// returns the names of the edited ones.
func (f *folder) clean(written map[string]bool) (kept []string) {
	if f.old == nil {
		return nil
	}
	folded := map[string]string{}
	for name := range written {
		folded[strings.ToLower(name)] = name
	}
	for _, r := range f.old.Rules {
		if r.Notebook == "" || written[r.Notebook] || !localName(r.Notebook) || f.same(r.Notebook, folded[strings.ToLower(r.Notebook)]) {
			continue
		}
		nb, err := f.notebook(r.Notebook)
		if nb == nil && err == nil {
			continue
		}
		if err != nil || notebook.Edited(nb) {
			kept = append(kept, r.Notebook)
			continue
		}
		if os.Remove(f.path(r.Notebook)) != nil {
			continue
		}
		f.removeCopies(r.Notebook, nb, nil)
		_ = os.Remove(f.path(findingsOf(r.Notebook))) // it may have none
		for dir := path.Dir(r.Notebook); dir != "."; dir = path.Dir(dir) {
			if os.Remove(f.path(dir)) != nil {
				break
			}
		}
	}
	return kept
}

// same tells whether two names are of one file, as on a file system that ignores
// case.
func (f *folder) same(a, b string) bool {
	if b == "" {
		return false
	}
	first, err1 := os.Stat(f.path(a))
	second, err2 := os.Stat(f.path(b))
	return err1 == nil && err2 == nil && os.SameFile(first, second)
}
