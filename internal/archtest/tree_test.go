package archtest

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/huntbook/huntbook"

// tree is the repository as the checks see it. Paths are relative to its root.
type tree struct {
	texts    map[string][]byte   // every text file
	packages map[string][]goFile // Go files by folder, test data left out
}

type goFile struct {
	path   string
	syntax *ast.File
}

func (f goFile) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

// imports returns the paths that the file imports.
func (f goFile) imports() []string {
	var paths []string
	for _, spec := range f.syntax.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

// folders returns the folders that hold Go files, in order.
func (t *tree) folders() []string { return slices.Sorted(maps.Keys(t.packages)) }

// notOurs are folders at the root that git ignores, and git's own.
var notOurs = []string{".git", ".cache", "bin", "hunts"}

func load(tb testing.TB, root fs.FS) *tree {
	tb.Helper()
	t := &tree{texts: map[string][]byte{}, packages: map[string][]goFile{}}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains(notOurs, name) {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		content, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		if bytes.IndexByte(content, 0) >= 0 {
			return nil // binary
		}
		t.texts[name] = content
		if path.Ext(name) != ".go" || inTestdata(name) {
			return nil
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), name, content, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		t.packages[path.Dir(name)] = append(t.packages[path.Dir(name)], goFile{name, syntax})
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func inTestdata(name string) bool {
	return slices.Contains(strings.Split(name, "/"), "testdata")
}
