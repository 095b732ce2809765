package eql

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/convert/elastic"
	"github.com/huntbook/huntbook/convert/targettest"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/internal/python"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
)

// answer is what the library eql makes of a query.
type answer struct {
	Error        string
	Hits, Failed []int
}

// library asks the library eql about queries, over events.
func library(t *testing.T, queries []string, events []map[string]any) []answer {
	t.Helper()
	path := python.With(t, "HUNTBOOK_PYTHON", "no query is read by the library eql", "eql")
	dir := t.TempDir()
	args := []string{filepath.Join("testdata", "read_queries.py"), lines(t, dir, "queries", queries), lines(t, dir, "events", events)}
	var problems bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, problems.String())
	}
	var answers []answer
	scan := bufio.NewScanner(bytes.NewReader(out))
	scan.Buffer(nil, 1<<24)
	for scan.Scan() {
		var a answer
		if err := json.Unmarshal(scan.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, a)
	}
	if len(answers) != len(queries) {
		t.Fatalf("%d answers to %d queries", len(answers), len(queries))
	}
	return answers
}

func lines[T any](t *testing.T, dir, name string, values []T) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, v := range values {
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Golden queries are read by the library eql.
func TestLibraryReadsGolden(t *testing.T) {
	files, _ := filepath.Glob("testdata/golden/*.txt")
	var queries []string
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			if q, ok := strings.CutPrefix(strings.TrimSpace(line), "query: "); ok && !strings.HasPrefix(q, "{") {
				queries = append(queries, q)
			}
		}
	}
	for i, a := range library(t, queries, nil) {
		if a.Error != "" {
			t.Errorf("%s: %s", queries[i], a.Error)
		}
	}
}

// Every query of the corpus' rules is read by the library eql, whose engine finds in
// 5,000 events what the rules match, without regard to case, which the library never
// has.
func TestLibraryAgrees(t *testing.T) {
	rules := targettest.Corpus(t)
	batch := targettest.Events(t, 5000)
	logSources, err := pipeline.Load("windows-logsources")
	if err != nil {
		t.Fatal(err)
	}
	chain := pipeline.NewChain(logSources)
	var queries, paths []string
	var trees []ir.Expr
	counts := map[string]int{}
	for _, path := range slices.Sorted(maps.Keys(rules)) {
		for _, r := range rules[path] {
			l, diags := pipeline.Lower(r, chain)
			if l == nil {
				counts["not lowered: "+diags.Errors()[0].Code]++
				continue
			}
			printed, err := Target.Convert(l, "", nil)
			if err != nil {
				counts["an error of ours: "+diag.Of(err)[0].Message]++
				continue
			}
			for i, q := range printed {
				queries, paths, trees = append(queries, q.Value.(string)), append(paths, path), append(trees, uncased(l.Exprs[i]))
			}
		}
	}
	events, lists := asLibraryEvents(batch)
	matching := targettest.BatchMatching(batch)
	hits := 0
	for i, a := range library(t, queries, events) {
		unfair := func(row int) bool {
			return slices.Contains(a.Failed, row) || slices.ContainsFunc(ir.Fields(trees[i]), func(f string) bool { return slices.Contains(lists[row], f) })
		}
		want := slices.DeleteFunc(matching(trees[i]), unfair)
		a.Hits = slices.DeleteFunc(a.Hits, unfair)
		switch {
		case a.Error != "":
			t.Errorf("%s: %s: %s", paths[i], a.Error, queries[i])
		case !slices.Equal(a.Hits, want):
			t.Errorf("%s: %s\nfinds   %v\nmatches %v", paths[i], queries[i], a.Hits, want)
		default:
			counts["the same hits"]++
		}
		hits += len(want)
	}
	t.Logf("%d queries, %d hits", len(queries), hits)
	if hits < 1500 {
		t.Errorf("only %d hits", hits)
	}
	var report strings.Builder
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&report, "%d\t%s\n", counts[reason], reason)
	}
	targettest.CompareFile(t, "testdata/library_differences.tsv", report.String())
}

// uncased is a tree in which no letter's case matters.
func uncased(e ir.Expr) ir.Expr {
	list := func(x []ir.Expr) []ir.Expr {
		out := make([]ir.Expr, len(x))
		for i, m := range x {
			out[i] = uncased(m)
		}
		return out
	}
	switch e := e.(type) {
	case *ir.And:
		return &ir.And{X: list(e.X)}
	case *ir.Or:
		return &ir.Or{X: list(e.X)}
	case *ir.Not:
		return &ir.Not{X: uncased(e.X)}
	}
	m := *e.(*ir.Match)
	m.Cased = false
	if m.Op == ir.Regexp {
		m.Text = "(?i)" + m.Text
	}
	return &m
}

// asLibraryEvents are the events as the library takes them, with numbers where the
// target's options say that a field holds some. The library knows no lists: the
// fields that are one are left out, and named for each row.
func asLibraryEvents(b *event.Batch) (events []map[string]any, lists [][]string) {
	numeric := elastic.Names(options[0].Default)
	for row := range b.Rows {
		e := map[string]any{}
		var list []string
		for _, c := range b.Columns {
			v := c.Values[c.Codes[row]]
			if v.Kind == event.List {
				list = append(list, c.Name)
			}
			if v.Kind == event.Absent || v.Kind == event.Null || v.Kind == event.List {
				continue
			}
			var value any = v.Text
			if n, err := strconv.Atoi(v.Text); err == nil && matches(numeric, c.Name) {
				value = n
			}
			put(e, strings.Split(c.Name, "."), value)
		}
		events, lists = append(events, e), append(lists, list)
	}
	return events, lists
}

func put(e map[string]any, path []string, value any) {
	for _, p := range path[:len(path)-1] {
		inner, ok := e[p].(map[string]any)
		if !ok {
			inner = map[string]any{}
			e[p] = inner
		}
		e = inner
	}
	e[path[len(path)-1]] = value
}
