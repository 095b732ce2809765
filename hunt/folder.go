package hunt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

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
// an earlier hunt. Nothing is written yet.
func openFolder(dir string) (*folder, error) {
	f := &folder{dir: dir}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f, nil
	case err != nil:
		return nil, fmt.Errorf("output folder: %w", err)
	case len(entries) == 0:
		return f, nil
	}
	file, err := os.Open(filepath.Join(dir, fileHunt))
	if err != nil {
		return nil, fmt.Errorf("%s: %w; choose another one with -o, or empty it", dir, ErrNotOurs)
	}
	defer file.Close()
	if f.old, err = report.ReadJSON(file); err != nil {
		return nil, fmt.Errorf("%s: %w: %w; choose another one with -o, or empty it", dir, ErrNotOurs, err)
	}
	return f, nil
}

// path is where a file of the folder lies, given by its slash-separated name.
func (f *folder) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// write puts a file into the folder, whole or not at all.
func (f *folder) write(name string, content []byte) error {
	return atomicfile.Write(f.path(name), content)
}

// notebook reads a notebook of an earlier hunt, nil when it is not there or is
// no notebook any more.
func (f *folder) notebook(name string) *notebook.Notebook {
	if !localName(name) {
		return nil
	}
	data, err := os.ReadFile(f.path(name))
	if err != nil {
		return nil
	}
	nb, err := notebook.Decode(data)
	if err != nil {
		return nil
	}
	return nb
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
	for _, r := range f.old.Rules {
		if r.Notebook == "" || written[r.Notebook] || !localName(r.Notebook) {
			continue
		}
		nb := f.notebook(r.Notebook)
		if nb == nil {
			continue
		}
		if notebook.Edited(nb) {
			kept = append(kept, r.Notebook)
			continue
		}
		if os.Remove(f.path(r.Notebook)) != nil {
			continue
		}
		for dir := path.Dir(r.Notebook); dir != "."; dir = path.Dir(dir) {
			if os.Remove(f.path(dir)) != nil {
				break
			}
		}
	}
	return kept
}
