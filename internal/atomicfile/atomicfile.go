// Package atomicfile writes files whole or not at all: under a temporary name in
// the same folder, then renamed. It knows nothing of what is in them.
package atomicfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Prefix begins the names of files that are not finished.
const Prefix = ".huntbook-"

// File is a file that Commit puts into its place.
type File struct {
	file   *os.File
	target string
}

// Create starts a file, and makes the folders above it.
func Create(target string) (*File, error) {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return nil, failure(target, err)
	}
	f, err := os.CreateTemp(filepath.Dir(target), Prefix+"*")
	if err != nil {
		return nil, failure(target, err)
	}
	return &File{f, target}, nil
}

// Write writes to the file that is not in its place yet.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.file.Write(p)
	if err != nil {
		return n, failure(f.target, err)
	}
	return n, nil
}

// Commit puts the file into its place, over one that is there.
func (f *File) Commit() error {
	err := errors.Join(f.file.Chmod(0o644), f.file.Close())
	if err == nil {
		err = os.Rename(f.file.Name(), f.target)
	}
	if err != nil {
		_ = os.Remove(f.file.Name())
		return failure(f.target, err)
	}
	return nil
}

// Abort leaves nothing behind.
func (f *File) Abort() {
	_ = f.file.Close()
	_ = os.Remove(f.file.Name())
}

// Write writes a file. One that has the same content already is left alone.
func Write(target string, content []byte) error {
	if old, err := os.ReadFile(target); err == nil && bytes.Equal(old, content) {
		return nil
	}
	f, err := Create(target)
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		f.Abort()
		return err
	}
	return f.Commit()
}

// failure says which file could not be written, why, and what to do.
func failure(target string, err error) error {
	advice := "choose another place for it"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		advice = "free some space on the disk and run it again"
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		advice = "a file stands where a folder should be: move it away, or choose another place"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		advice = "get the right to write there, or choose another place"
	}
	// The names in the error are of temporary files.
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		err = path.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return fmt.Errorf("%s can't be written: %w; %s", target, err, advice)
}
