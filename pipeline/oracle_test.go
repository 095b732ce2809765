package pipeline

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// The fields of a rule are those in the query that pySigma makes of it with its
// own pipelines of these names. What differs stands in testdata, with a reason.
func TestFieldsAgreeWithPySigma(t *testing.T) {
	dir := shared(t)
	ecs, sysmon := load(t, "ecs_windows"), load(t, "sysmon")
	explained := readDifferences(t)
	compared := 0
	for _, c := range []struct {
		file  string
		chain *Chain
		// own compares the rule's own fields alone: pySigma's ecs_windows names
		// no event ids for categories.
		own bool
	}{
		{"lucene__default__ecs_windows", NewChain(ecs), true},
		{"lucene__default__sysmon+ecs_windows", NewChain(sysmon, ecs), false},
	} {
		for path, queries := range oracleQueries(t, filepath.Join(dir, "oracle", c.file+".jsonl.gz")) {
			rule := corpusRule(t, filepath.Join(dir, "corpus", "sigma", path))
			if rule == nil {
				continue
			}
			l, diags := Lower(rule, c.chain)
			if l == nil {
				if !diags.HasErrors() {
					t.Errorf("%s: nothing came of it", path)
				}
				continue
			}
			theirs := map[string]bool{}
			for _, q := range queries {
				luceneFields(q, theirs)
			}
			ours := map[string]bool{}
			for _, d := range l.drafts {
				d.each(func(it *item, _ context) {
					if c.own && it.owner != nil && rule.LogSource.Service == "" {
						return
					}
					for _, f := range it.fields {
						ours[f] = true
					}
				})
			}
			compared++
			if s := difference(ours, theirs); s != "" {
				explained.use(t, path, s)
			}
		}
	}
	if compared < 6000 {
		t.Errorf("only %d rules were compared", compared)
	}
	explained.unused(t)
}

// difference names what one side has and the other has not: "+ours -theirs".
func difference(ours, theirs map[string]bool) string {
	var parts []string
	for _, f := range slices.Sorted(maps.Keys(ours)) {
		if !theirs[f] {
			parts = append(parts, "+"+f)
		}
	}
	for _, f := range slices.Sorted(maps.Keys(theirs)) {
		if !ours[f] {
			parts = append(parts, "-"+f)
		}
	}
	return strings.Join(parts, " ")
}

// differences are lines of testdata/oracle_fields.tsv: fields that one side
// alone has, and why.
type differences struct {
	reason map[string]string
	seen   map[string]bool
}

func readDifferences(t *testing.T) *differences {
	t.Helper()
	data, err := os.ReadFile("testdata/oracle_fields.tsv")
	if err != nil {
		t.Fatal(err)
	}
	d := &differences{map[string]string{}, map[string]bool{}}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		fields, reason, ok := strings.Cut(line, "\t")
		if !ok || reason == "" {
			t.Fatalf("a line without a reason: %s", line)
		}
		for _, f := range strings.Split(fields, " | ") {
			d.reason[f] = reason
		}
	}
	return d
}

// use takes a difference apart: each field in it must be explained, by itself
// or, where one side has another name, as a pair.
func (d *differences) use(t *testing.T, path, s string) {
	t.Helper()
	if _, ok := d.reason[s]; ok {
		d.seen[s] = true
		return
	}
	rest := " " + s + " "
	longestFirst := slices.SortedFunc(maps.Keys(d.reason), func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	for _, known := range longestFirst {
		all := true
		for _, part := range splitFields(known) {
			all = all && strings.Contains(rest, " "+part+" ")
		}
		if all {
			d.seen[known] = true
			for _, part := range splitFields(known) {
				rest = strings.Replace(rest, part+" ", "", 1)
			}
		}
	}
	if strings.TrimSpace(rest) != "" {
		t.Errorf("%s: not explained: %s", path, s)
	}
}

// splitFields cuts "+a b -c" into "+a b" and "-c": names may hold spaces.
func splitFields(s string) []string {
	return strings.Split(strings.NewReplacer(" +", "\x00+", " -", "\x00-").Replace(s), "\x00")
}

func (d *differences) unused(t *testing.T) {
	t.Helper()
	for s := range d.reason {
		if !d.seen[s] {
			t.Errorf("testdata/oracle_fields.tsv explains what does not occur: %s", s)
		}
	}
}

// oracleQueries reads the queries of rules that could be converted.
func oracleQueries(t *testing.T, path string) map[string][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var row struct {
			Path  string
			Query []string
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		if row.Query != nil {
			out[row.Path] = row.Query
		}
	}
	return out
}

// corpusRule is the one rule of a file, nil when there are none or several.
func corpusRule(t *testing.T, path string) *sigma.Rule {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rules, _ := sigma.Parse(&diag.File{Path: path, Data: data})
	if len(rules) != 1 {
		return nil
	}
	return rules[0]
}

// luceneFields collects the fields of a Lucene query.
func luceneFields(q string, fields map[string]bool) {
	name := ""
	for i := 0; i < len(q); i++ {
		switch c := q[i]; c {
		case '\\':
			if i+1 < len(q) {
				i++
				name += q[i : i+1]
			}
		case '"', '/':
			if name != "" && c == '/' {
				name += "/"
				continue
			}
			for i++; i < len(q) && q[i] != c; i++ {
				if q[i] == '\\' {
					i++
				}
			}
			name = ""
		case ':':
			if name == "_exists_" {
				name = ""
				for i++; i < len(q) && q[i] != ' ' && q[i] != ')'; i++ {
					if q[i] == '\\' && i+1 < len(q) {
						i++
					}
					name += q[i : i+1]
				}
			}
			if name != "" {
				fields[name] = true
			}
			name = ""
		case ' ', '(', ')':
			name = ""
		default:
			name += string(c)
		}
	}
}

func TestLuceneFields(t *testing.T) {
	for q, want := range map[string]string{
		`a.b:x AND (NOT c:(*x\:y* OR "d:e \" f:g"))`:  "a.b c",
		`_exists_:a.b AND c\ d:/x:y\/(z:)/ OR *e\:f*`: "a.b c d",
	} {
		fields := map[string]bool{}
		luceneFields(q, fields)
		if got := strings.Join(slices.Sorted(maps.Keys(fields)), " "); got != want {
			t.Errorf("%s gives %s, want %s", q, got, want)
		}
	}
	if s := difference(map[string]bool{"a": true}, map[string]bool{"b": true}); s != "+a -b" {
		t.Error(fmt.Sprint(s))
	}
}
