// Package atomicfile writes files whole or not at all: under a temporary name in
// the same folder, then renamed. It knows nothing of what is in them.
package atomicfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// File is a file that Commit puts into its place.
type File struct {
	*os.File
	target string
}

// Create starts a file, and makes the folders above it.
func Create(target string) (*File, error) {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return nil, fmt.Errorf("writing %s: %w", target, err)
	}
	f, err := os.CreateTemp(filepath.Dir(target), ".huntbook-*")
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", target, err)
	}
	return &File{f, target}, nil
}

// Commit puts the file into its place, over one that is there.
func (f *File) Commit() error {
	err := errors.Join(f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), f.target)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
		return fmt.Errorf("writing %s: %w", f.target, err)
	}
	return nil
}

// Abort leaves nothing behind.
func (f *File) Abort() {
	_ = f.Close()
	_ = os.Remove(f.Name())
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
		return fmt.Errorf("writing %s: %w", target, err)
	}
	return f.Commit()
}
