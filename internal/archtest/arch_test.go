package archtest

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestRepository(t *testing.T) {
	repository := load(t, os.DirFS("../.."))
	rows, err := parseTable(string(repository.texts[tableFile]))
	if err != nil {
		t.Fatalf("%s: %v", tableFile, err)
	}
	for name, check := range checks {
		t.Run(name, func(t *testing.T) {
			wrong := check(repository, rows)
			slices.Sort(wrong)
			for _, line := range wrong {
				t.Error(line)
			}
		})
	}
}

// TestChecks shows that each check finds what it is for, in a small tree that keeps
// to all rules but for one file.
func TestChecks(t *testing.T) {
	const table = "" +
		"| package | holds | may import |\n" +
		"|---|---|---|\n" +
		"| `low` | | nothing |\n" +
		"| `mid` | | `low` |\n" +
		"| `mid/*` | | `mid` |\n" +
		"| `cmd/x` | | all above |\n"
	sound := map[string]string{
		tableFile:           table + "\nWe use `example.org/yaml/v3` and `example.org/set` in `low/low.go`.\n",
		"low/low.go":        "// Package low is low.\npackage low\n\nimport _ \"example.org/yaml/v3\"\n",
		"mid/mid.go":        "// Package mid is mid.\npackage mid\n\nimport _ \"" + module + "/low\"\n",
		"mid/a/a.go":        "// Package a is a.\npackage a\n\nimport _ \"" + module + "/mid\"\n",
		"cmd/x/main.go":     "// Command x runs.\npackage main\n\nimport _ \"" + module + "/mid/a\"\n\nfunc main() {}\n",
		"low/low_test.go":   "package low_test\n\nimport (\n\t_ \"example.org/set/sorted\"\n\t_ \"" + module + "/mid\"\n)\n",
		"low/testdata/x":    strings.Repeat("x\n", maxLines+1),
		"docs/page.md":      "`/root` and https://example.org/home/page are no paths of one machine\n",
		"bin/ignored.go":    "no Go at all",
		"low/binary.bin":    "\x00/" + "root/x",
		"low/testdata/y.go": "no Go at all",
	}
	for _, c := range []struct {
		check, file, text, want string
	}{
		{"imports", "low/up.go", "package low\n\nimport _ \"" + module + "/mid\"\n", "low/up.go: package low must not import mid"},
		{"imports", "mid/a/b.go", "package a\n\nimport _ \"" + module + "/low\"\n", "mid/a/b.go: package mid/a must not import low"},
		{"imports", "mid/top.go", "package mid\n\nimport _ \"" + module + "/cmd/x\"\n", "mid/top.go: package mid must not import cmd/x"},
		{"table rows", "new/new.go", "// Package new is new.\npackage new\n", "new: package new has no row in the table of " + tableFile},
		{"file size", "low/big.go", "package low\n" + strings.Repeat("\n", maxLines), "low/big.go: 801 lines, more than 800: split it by what it is about"},
		{"names", "low/string_utils.go", "package low\n", "low/string_utils.go: name the file after what it is about"},
		{"names", "low/helpers_test.go", "package low\n", "low/helpers_test.go: name the file after what it is about"},
		{"names", "mid/common/c.go", "// Package common is.\npackage common\n", "mid/common: name the package after what it holds"},
		{"doc comments", "mid/b/b.go", "package b\n", "mid/b: the package has no doc comment (\"Package … \", or \"Command … \" for a main)"},
		{"doc comments", "mid/b/b.go", "// A remark.\npackage b\n", "mid/b: the package has no doc comment (\"Package … \", or \"Command … \" for a main)"},
		{"init", "low/init.go", "package low\n\nfunc init() {}\n", "low/init.go: has an init function; call what it does from where it is needed"},
		{"cgo", "low/c.go", "package low\n\nimport \"C\"\n", "low/c.go: imports \"C\"; huntbook is one static binary without cgo"},
		{"libraries", "low/l.go", "package low\n\nimport _ \"example.org/yaml\"\n", "low/l.go: imports example.org/yaml, which " + tableFile + " does not explain"},
		{"libraries", "low/low_test.go", "package low\n", tableFile + ": explains example.org/set, which nothing imports"},
		{"machine paths", "low/a.txt", "one\nsee '/" + "home/me/a b'", "low/a.txt:2: names a path of one machine: /" + "home/me/a"},
		{"machine paths", "low/testdata/a.txt", "file:///" + "root/x", "low/testdata/a.txt:1: names a path of one machine: /" + "root/x"},
	} {
		files := fstest.MapFS{}
		for name, text := range sound {
			files[name] = &fstest.MapFile{Data: []byte(text)}
		}
		files[c.file] = &fstest.MapFile{Data: []byte(c.text)}
		rows, err := parseTable(table)
		if err != nil {
			t.Fatal(err)
		}
		faulty := load(t, files)
		for name, check := range checks {
			var want []string
			if name == c.check {
				want = []string{c.want}
			}
			if got := check(faulty, rows); !slices.Equal(got, want) {
				t.Errorf("%s, check %q: got %q, want %q", c.file, name, got, want)
			}
		}
	}
}

func TestTable(t *testing.T) {
	for _, c := range []struct{ name, rows, want string }{
		{"no table", "", `no table with the columns "package" and "may import"`},
		{"no backticks", "| low | nothing |", "line 3: the package's name is not in backticks: | low | nothing |"},
		{"no such word", "| `low` | whatever |", `line 3: "whatever" is neither nothing, all above, nor names in backticks`},
		{"too few cells", "| `low` |", "line 3: a row with too few cells: | `low` |"},
	} {
		_, err := parseTable("| package | may import |\n|---|---|\n" + c.rows)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: error %v, want %s", c.name, err, c.want)
		}
	}

	rows, err := parseTable("| package | may import |\n|---|---|\n| `a` | `b` |\n| `b` | `a`, `b` |\n| `c` | `a` |\n\n| `d` | nothing |\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		tableFile + ": the row of a names b, which is no row above it",
		tableFile + ": the row of b names b, which is no row above it",
	}
	if got := tableOrder(nil, rows); !slices.Equal(got, want) {
		t.Errorf("table order: got %q, want %q", got, want)
	}
	want = []string{
		tableFile + ": the row of a has no package",
		tableFile + ": the row of b has no package",
		tableFile + ": the row of c has no package",
	}
	if got := tableRows(&tree{}, rows); !slices.Equal(got, want) {
		t.Errorf("table rows: got %q, want %q (the table ends at the first line that is none of it)", got, want)
	}
}
