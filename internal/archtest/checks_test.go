package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A check returns what is wrong with the tree, a line each.
type check func(*tree, []row) []string

var checks = map[string]check{
	"imports":       imports,
	"table order":   tableOrder,
	"table rows":    tableRows,
	"file size":     fileSizes,
	"names":         names,
	"doc comments":  docComments,
	"init":          initFunctions,
	"cgo":           cgo,
	"libraries":     libraries,
	"machine paths": machinePaths,
}

// imports checks what packages import from each other. Tests may import anything:
// the compiler forbids the cycles, and a test of the whole way through has to.
func imports(t *tree, rows []row) (wrong []string) {
	for _, folder := range t.folders() {
		from := rowOf(rows, folder)
		if from < 0 {
			continue // said by tableRows
		}
		for _, f := range t.packages[folder] {
			if f.isTest() {
				continue
			}
			for _, p := range f.imports() {
				pkg, ours := strings.CutPrefix(p, module+"/")
				if ours && !allows(rows, from, pkg) {
					wrong = append(wrong, fmt.Sprintf("%s: package %s must not import %s", f.path, folder, pkg))
				}
			}
		}
	}
	return wrong
}

// tableOrder checks that imports run one way: only to rows above.
func tableOrder(_ *tree, rows []row) (wrong []string) {
	for i, r := range rows {
		for _, name := range r.imports {
			if to := slices.IndexFunc(rows, func(r row) bool { return r.pattern == name }); to < 0 || to >= i {
				wrong = append(wrong, fmt.Sprintf("%s: the row of %s names %s, which is no row above it", tableFile, r.pattern, name))
			}
		}
	}
	return wrong
}

// tableRows checks that packages and rows of the table belong together.
func tableRows(t *tree, rows []row) (wrong []string) {
	used := make([]bool, len(rows))
	for _, folder := range t.folders() {
		if i := rowOf(rows, folder); i >= 0 {
			used[i] = true
		} else {
			wrong = append(wrong, fmt.Sprintf("%s: package %s has no row in the table of %s", folder, folder, tableFile))
		}
	}
	for i, r := range rows {
		if !used[i] {
			wrong = append(wrong, fmt.Sprintf("%s: the row of %s has no package", tableFile, r.pattern))
		}
	}
	return wrong
}

const maxLines = 800

// codeFiles are the extensions of the files that people write by hand as code.
var codeFiles = []string{".go", ".sh", ".py", ".js", ".css", ".html", ".tmpl"}

func fileSizes(t *tree, _ []row) (wrong []string) {
	for name, text := range t.texts {
		if lines := bytes.Count(text, []byte("\n")); lines > maxLines && slices.Contains(codeFiles, path.Ext(name)) && !inTestdata(name) {
			wrong = append(wrong, fmt.Sprintf("%s: %d lines, more than %d: split it by what it is about", name, lines, maxLines))
		}
	}
	return wrong
}

// vague are names that say nothing of what is inside.
var vague = []string{"util", "utils", "common", "core", "helper", "helpers", "misc"}

func names(t *tree, _ []row) (wrong []string) {
	for _, folder := range t.folders() {
		if slices.Contains(vague, path.Base(folder)) {
			wrong = append(wrong, fmt.Sprintf("%s: name the package after what it holds", folder))
		}
		for _, f := range t.packages[folder] {
			stem := strings.TrimSuffix(strings.TrimSuffix(path.Base(f.path), ".go"), "_test")
			for _, word := range strings.Split(stem, "_") {
				if slices.Contains(vague, word) {
					wrong = append(wrong, fmt.Sprintf("%s: name the file after what it is about", f.path))
				}
			}
		}
	}
	return wrong
}

func docComments(t *tree, _ []row) (wrong []string) {
	for _, folder := range t.folders() {
		if !slices.ContainsFunc(t.packages[folder], func(f goFile) bool {
			kind := "Package " + f.syntax.Name.Name
			if f.syntax.Name.Name == "main" {
				kind = "Command " + path.Base(folder)
			}
			return !f.isTest() && strings.HasPrefix(f.syntax.Doc.Text(), kind+" ")
		}) {
			wrong = append(wrong, fmt.Sprintf("%s: the package has no doc comment (\"Package … \", or \"Command … \" for a main)", folder))
		}
	}
	return wrong
}

// initFunctions: what a program registers in init depends on what it imports, and
// nobody sees it happen.
func initFunctions(t *tree, _ []row) (wrong []string) {
	for _, folder := range t.folders() {
		for _, f := range t.packages[folder] {
			for _, d := range f.syntax.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					wrong = append(wrong, fmt.Sprintf("%s: has an init function; call what it does from where it is needed", f.path))
				}
			}
		}
	}
	return wrong
}

func cgo(t *tree, _ []row) (wrong []string) {
	for _, folder := range t.folders() {
		for _, f := range t.packages[folder] {
			if slices.Contains(f.imports(), "C") {
				wrong = append(wrong, fmt.Sprintf("%s: imports \"C\"; huntbook is one static binary without cgo", f.path))
			}
		}
	}
	return wrong
}

// aModule finds a module path in backticks: its first part is a host name.
var aModule = regexp.MustCompile("`([a-z0-9-]+(?:\\.[a-z0-9-]+)+/[^`\\s]+)`")

// libraries checks that the architecture page says why each module is there that
// code or tests import, and names no other.
func libraries(t *tree, _ []row) (wrong []string) {
	named := map[string]bool{} // whether it is imported
	for _, m := range aModule.FindAllSubmatch(t.texts[tableFile], -1) {
		named[string(m[1])] = false
	}
	for _, folder := range t.folders() {
		for _, f := range t.packages[folder] {
			for _, p := range f.imports() {
				host, _, _ := strings.Cut(p, "/")
				if !strings.Contains(host, ".") || p == module || strings.HasPrefix(p, module+"/") {
					continue
				}
				found := false
				for m := range named {
					if p == m || strings.HasPrefix(p, m+"/") {
						named[m], found = true, true
					}
				}
				if !found {
					wrong = append(wrong, fmt.Sprintf("%s: imports %s, which %s does not explain", f.path, p, tableFile))
				}
			}
		}
	}
	for m, imported := range named {
		if !imported {
			wrong = append(wrong, fmt.Sprintf("%s: explains %s, which nothing imports", tableFile, m))
		}
	}
	return wrong
}

// machinePath finds an absolute path into somebody's own folders.
var machinePath = regexp.MustCompile(`(?:^|[^\w./*-]|file://)(/(?:root|home|work)/\w[^\s"'` + "`" + `]*)`)

func machinePaths(t *tree, _ []row) (wrong []string) {
	for name, text := range t.texts {
		for i, line := range bytes.Split(text, []byte("\n")) {
			if m := machinePath.FindSubmatch(line); m != nil {
				wrong = append(wrong, fmt.Sprintf("%s:%d: names a path of one machine: %s", name, i+1, m[1]))
			}
		}
	}
	return wrong
}
