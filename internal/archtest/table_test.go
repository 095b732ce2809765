package archtest

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// tableFile holds the table of packages: a Markdown table whose header has the
// columns "package" and "may import". Rows stand in the order of imports: a package
// may only import packages of rows above its own.
const tableFile = "docs/architecture.md"

// row is a row of the table of packages.
type row struct {
	// pattern is a package's path within the module, or a path.Match pattern
	// for several: "convert/*".
	pattern string
	// imports are the patterns of the packages that it may import; allAbove
	// stands for those of all rows above.
	imports  []string
	allAbove bool
}

var inBackticks = regexp.MustCompile("`([^`]+)`")

// parseTable reads the table of packages out of a Markdown text.
func parseTable(text string) ([]row, error) {
	var rows []row
	packageColumn, importColumn := -1, -1
	for number, line := range strings.Split(text, "\n") {
		cells := tableCells(line)
		if importColumn < 0 {
			packageColumn, importColumn = slices.Index(cells, "package"), slices.Index(cells, "may import")
			continue
		}
		if cells == nil {
			break
		}
		if strings.Trim(strings.Join(cells, ""), "-: ") == "" {
			continue // the line under the header
		}
		if len(cells) <= max(packageColumn, importColumn) {
			return nil, fmt.Errorf("line %d: a row with too few cells: %s", number+1, line)
		}
		names := backticked(cells[packageColumn])
		if len(names) == 0 {
			return nil, fmt.Errorf("line %d: the package's name is not in backticks: %s", number+1, line)
		}
		r, err := parseImports(cells[importColumn])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number+1, err)
		}
		for _, name := range names {
			r.pattern = name
			rows = append(rows, r)
		}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("no table with the columns %q and %q", "package", "may import")
	}
	return rows, nil
}

// tableCells splits a line of a Markdown table; nil when it is none.
func tableCells(line string) []string {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "|") {
		return nil
	}
	cells := strings.Split(strings.Trim(line, "|"), "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}

// parseImports reads a cell of the column "may import": "nothing", "all above", or
// package names in backticks.
func parseImports(cell string) (row, error) {
	switch names := backticked(cell); {
	case cell == "nothing":
		return row{}, nil
	case cell == "all above":
		return row{allAbove: true}, nil
	case len(names) > 0:
		return row{imports: names}, nil
	}
	return row{}, fmt.Errorf("%q is neither nothing, all above, nor names in backticks", cell)
}

func backticked(cell string) []string {
	var names []string
	for _, m := range inBackticks.FindAllStringSubmatch(cell, -1) {
		names = append(names, m[1])
	}
	return names
}

// rowOf returns the index of a package's row: the row of that name, else the first
// whose pattern matches, -1 when there is none.
func rowOf(rows []row, pkg string) int {
	if i := slices.IndexFunc(rows, func(r row) bool { return r.pattern == pkg }); i >= 0 {
		return i
	}
	return slices.IndexFunc(rows, func(r row) bool { return matches(r.pattern, pkg) })
}

func matches(pattern, pkg string) bool {
	ok, err := path.Match(pattern, pkg)
	return ok && err == nil
}

// allows tells whether the package of row from may import a package.
func allows(rows []row, from int, pkg string) bool {
	if rows[from].allAbove {
		to := rowOf(rows, pkg)
		return to >= 0 && to < from
	}
	return slices.ContainsFunc(rows[from].imports, func(p string) bool { return matches(p, pkg) })
}
