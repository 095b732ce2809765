package ruletest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/huntbook/huntbook/diag"
)

// Find reads the test files among the paths: files that are named, and those in
// folders. A path that does not exist is an error that wraps fs.ErrNotExist. The
// rest are the paths that rules may be loaded from: folders, other files, and the
// rules that tests name by their path.
func Find(paths []string) (suite *Suite, rest []string, err error) {
	f := &finder{&Suite{seen: map[string]bool{}}}
	for _, p := range paths {
		info, err := os.Stat(p)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, nil, fmt.Errorf("rules: %s: %w; check the path", p, fs.ErrNotExist)
		case err != nil:
			return nil, nil, fmt.Errorf("rules: %w", err)
		case info.IsDir():
			rest = append(rest, p)
			f.folder(p)
		case isTestFile(p):
			before := len(f.suite.Tests)
			f.file(p, filepath.Dir(p))
			for _, t := range f.suite.Tests[before:] {
				if t.Ref.Path != "" {
					rest = append(rest, t.Ref.Path)
				}
			}
		default:
			rest = append(rest, p)
			f.beside(p)
		}
	}
	return f.suite, rest, nil
}

type finder struct{ suite *Suite }

// ownSuffixes are how files in our own form end; regressionFile is the name of
// SigmaHQ's.
var ownSuffixes = []string{".test.yml", ".test.yaml"}

const regressionFile = "info.yml"

// isTestFile tells a test file by its name.
func isTestFile(p string) bool { return isOwn(p) || filepath.Base(p) == regressionFile }

func isOwn(p string) bool {
	for _, suffix := range ownSuffixes {
		if strings.HasSuffix(strings.ToLower(p), suffix) {
			return true
		}
	}
	return false
}

func (f *finder) folder(root string) {
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			f.add(&diag.File{Path: name}, diag.Pos{}, err.Error())
		case d.IsDir() && name != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.Type().IsRegular() && isTestFile(name):
			f.file(name, root)
		}
		return nil
	})
	if err != nil {
		f.add(&diag.File{Path: root}, diag.Pos{}, err.Error())
	}
}

// beside reads the test file of a rule file.
func (f *finder) beside(rule string) {
	stem := strings.TrimSuffix(rule, filepath.Ext(rule))
	for _, suffix := range ownSuffixes {
		if _, err := os.Stat(stem + suffix); err == nil {
			f.file(stem+suffix, filepath.Dir(rule))
		}
	}
}

// maxTestFile bounds a test file, in bytes.
const maxTestFile = 16 << 20

// file reads a test file once. Root is the folder that its paths must not leave.
func (f *finder) file(name, root string) {
	abs, err := filepath.Abs(name)
	if err != nil {
		abs = name
	}
	if f.suite.seen[abs] {
		return
	}
	f.suite.seen[abs] = true
	file := &diag.File{Path: name}
	if file.Data, err = readBounded(name); err != nil {
		f.add(file, diag.Pos{}, err.Error())
		return
	}
	r := &reader{file: file, folder: filepath.Dir(name), root: root}
	if isOwn(name) {
		r.own()
	} else {
		r.regression()
	}
	f.suite.Tests = append(f.suite.Tests, r.tests...)
	f.suite.Diagnostics = append(f.suite.Diagnostics, r.diags...)
}

func readBounded(name string) ([]byte, error) {
	in, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, maxTestFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxTestFile:
		return nil, fmt.Errorf("the test file has more than %d bytes; keep events in a file beside it", maxTestFile)
	case bytes.IndexByte(data, 0) >= 0:
		return nil, errors.New("this is not a text file")
	}
	return data, nil
}

func (f *finder) add(file *diag.File, pos diag.Pos, message string) {
	f.suite.Diagnostics = append(f.suite.Diagnostics, &diag.Diagnostic{Code: "test-file", Message: message, File: file, Pos: pos})
}

// maxUp bounds how far above a file the folder is looked for that its paths
// start from.
const maxUp = 16

// upward finds a relative path of a repository from a folder in it: below the
// folder itself, or below one above.
func upward(folder, path string) (found, root string, ok bool) {
	local := filepath.FromSlash(path)
	if !filepath.IsLocal(local) {
		return "", "", false
	}
	dir, err := filepath.Abs(folder)
	if err != nil {
		return "", "", false
	}
	up := "."
	for range maxUp {
		if _, err := os.Stat(filepath.Join(dir, local)); err == nil {
			return filepath.Join(folder, up, local), filepath.Join(folder, up), true
		}
		if filepath.Dir(dir) == dir {
			break
		}
		dir, up = filepath.Dir(dir), filepath.Join(up, "..")
	}
	return "", "", false
}
