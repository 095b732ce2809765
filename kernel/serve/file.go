package serve

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/huntbook/huntbook/internal/atomicfile"
)

// FilesBelow returns what writes a file below a folder, whole or not at all. A name, or a
// link on its way, that leads out of the folder is an error.
func FilesBelow(dir string) func(name string, content []byte) error {
	return func(name string, content []byte) error { return writeFile(dir, name, content) }
}

func writeFile(dir, name string, content []byte) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	name = path.Clean(filepath.ToSlash(name))
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return refused(name, err)
	}
	temporary := path.Join(path.Dir(name), atomicfile.Prefix+path.Base(name))
	if err := root.WriteFile(temporary, content, 0o644); err != nil {
		return refused(name, err)
	}
	if err := root.Rename(temporary, name); err != nil {
		_ = root.Remove(temporary)
		return refused(name, err)
	}
	return nil
}

func refused(name string, err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return fmt.Errorf("%s is not written: %w; files are written only below the folder of the notebook", name, err)
}
