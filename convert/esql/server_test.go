package esql

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/convert/targettest"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// documents have values that mean something in a query, absent fields, empty and
// null ones, and in "many" several values.
func documents(t *testing.T) []string {
	values := []any{
		nil, "", "a", "A", "Z", "é", "É", `a\b`, `C:\Windows\System32\cmd.exe`, `say "hi"`, "a b", "a*b", "a?b", "100%", "a_b", "42", "-7", "0042",
		"line1\nline2", "tab\tseparated", "x|y", "a // b", "/* c */", "null", "true", "True", "10.0.0.1", "fe80::1", "`tick`", "a and b", `\\server\share\`, "[x](y)", "$1", "#", "\u3000",
	}
	var docs []string
	for i, v := range values {
		doc := map[string]any{"f": v, "g h": values[(i*7+3)%len(values)], "a.b": values[(i*11+5)%len(values)], "many": []any{v, values[(i*5+2)%len(values)], nil}}
		if i%6 == 5 {
			delete(doc, "g h")
		}
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, string(b))
	}
	return append(docs, `{}`, `{"f": null, "many": []}`, `{"many": ["A", "a\\b"]}`)
}

// What a query finds on a real Elasticsearch is what the rule's tree matches:
// letters, wildcards, absent fields behind NOT, several values.
func TestServerAgrees(t *testing.T) {
	docs := documents(t)
	keyword := map[string]any{"type": "keyword"}
	index := targettest.NewIndex(t, map[string]any{"f": keyword, "g h": keyword, "a.b": keyword, "many": keyword}, docs)
	matching := targettest.Matching(t, docs)
	for name, tree := range map[string]*targettest.Tree{
		"one value": {
			Names: []string{"f", "g h", "a.b"}, OneChar: true, Cased: true,
			// Not Null: Elasticsearch takes what stands beside "f is null" for null,
			// and misreads NOT (f is null AND f : "1"), which no event meets.
			Ops: []ir.Op{ir.Number, ir.Bool, ir.Regexp, ir.CIDR, ir.Less, ir.GreaterEqual, ir.FieldRef},
		},
		// In a keyword field a query string compares numbers as text, and knows no
		// networks.
		"several values": {
			Names: []string{"f", "many"}, OneChar: true, Cased: true,
			Ops: []ir.Op{ir.Number, ir.Bool, ir.Regexp},
		},
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				agree(t, index, matching, tree.Draw(t))
			})
		})
	}
	null, value := &ir.Match{Field: "f", Op: ir.Null}, &ir.Match{Field: "f", Op: ir.Like, Pattern: sigma.Text("a")}
	other := &ir.Match{Field: "g h", Op: ir.Number, Text: "42"}
	var list []ir.Expr // more values than LIKE is given
	for i, v := range []string{"a", "É", `\`, `"hi`, " b", "*", "?", "%", "_", "4", "-7", "0042", "line1\n", "tab", "|", "//", "*/", "nul", "true", "10.0", "::1", "(y)", "$", "#", "\u3000"} {
		m := &ir.Match{Field: "f", Op: ir.Like, Pattern: sigma.Text(v).Contains(), Cased: i%4 == 0}
		switch i % 3 {
		case 1:
			m.Pattern = sigma.Text(v).StartsWith()
		case 2:
			m.Pattern = sigma.Text(v).EndsWith()
		}
		list = append(list, m)
	}
	for _, e := range []ir.Expr{
		ir.Any(list...), &ir.Not{X: ir.Any(list...)}, ir.Any(append(list, value, other)...),
		null, &ir.Not{X: null}, ir.Any(null, value), &ir.Not{X: ir.Any(null, value)}, &ir.Not{X: ir.All(null, other)},
		ir.Any(&ir.Not{X: ir.All(null, other)}, value), &ir.Not{X: &ir.Match{Field: "many", Op: ir.Null}},
	} {
		agree(t, index, matching, e)
	}
}

// agree demands that a tree's query finds what the tree matches.
func agree(t interface{ Fatalf(string, ...any) }, index *targettest.Index, matching func(ir.Expr) []string, e ir.Expr) {
	query, err := targettest.Query(Target, e, map[string]string{"index_names": index.Name, "multi_valued": "many"})
	if err != nil {
		t.Fatalf("%v", err)
	}
	got, err := ids(index, query)
	if err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	if want := matching(e); !slices.Equal(got, want) {
		t.Fatalf("%s\nfinds   %v\nmatches %v", query, got, want)
	}
}

// ids are the documents of a query, in the order of their numbers.
func ids(index *targettest.Index, query string) ([]string, error) {
	columns, rows, err := index.ESQL(query)
	if err != nil {
		return nil, err
	}
	at := slices.Index(columns, "_id")
	var out []string
	for _, r := range rows {
		out = append(out, r[at].(string))
	}
	slices.SortFunc(out, func(a, b string) int {
		x, _ := strconv.Atoi(a)
		y, _ := strconv.Atoi(b)
		return x - y
	})
	return out, nil
}

// tooComplex are rules whose regular expressions no index takes.
var tooComplex = []string{
	"posh_ps_registry_reconnaissance.yml", "proc_creation_win_powershell_abnormal_commandline_size.yml", "posh_ps_copy_item_system_directory.yml",
	"proc_creation_win_hktl_wsass.yml",
}

// Queries of the corpus' rules are read by a real Elasticsearch whose index has
// their fields; a part of them in each run, all with HUNTBOOK_AGREEMENT=all.
func TestServerReadsCorpus(t *testing.T) {
	rules := targettest.Corpus(t)
	step := 20
	if os.Getenv("HUNTBOOK_AGREEMENT") == "all" {
		step = 1
	}
	for _, name := range []string{"", "ecs_windows", "helk"} {
		chain := pipeline.NewChain()
		if name != "" {
			p, err := pipeline.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			chain = pipeline.NewChain(p)
		}
		fields := map[string]any{}
		var lowered []*pipeline.Lowered
		for i, path := range slices.Sorted(maps.Keys(rules)) {
			if i%step != 0 {
				continue
			}
			for _, r := range rules[path] {
				l, _ := pipeline.Lower(r, chain)
				if l == nil {
					continue
				}
				lowered = append(lowered, l)
				for _, f := range ir.Fields(l.Expr()) {
					fields[f] = fieldType(f)
				}
			}
		}
		properties := withoutConflicts(fields)
		index := targettest.NewIndex(t, properties, nil)
		read := 0
		for _, l := range lowered {
			if slices.ContainsFunc(ir.Fields(l.Expr()), func(f string) bool { return f != "" && properties[f] == nil }) {
				continue // one of its fields is an object for another rule
			}
			l.Index = []string{index.Name}
			queries, err := Target.Convert(l, "", nil)
			if err != nil {
				continue
			}
			for _, q := range queries {
				_, _, err := index.ESQL(q.Value.(string))
				if err != nil && slices.Contains(tooComplex, filepath.Base(l.Rule.File.Path)) && strings.Contains(err.Error(), "too complex to determinize") {
					continue
				}
				if err != nil {
					t.Errorf("%s: %s: %v\n%.300s", name, l.Rule.File.Path, err, q.Value)
				}
				read++
			}
		}
		if read < 3000/step {
			t.Errorf("%q: only %d queries", name, read)
		}
	}
}

// fieldType is what Beats and HELK keep a field as.
func fieldType(field string) map[string]any {
	kind := "keyword"
	switch last := field[strings.LastIndexAny(field, "._")+1:]; {
	case last == "ip", strings.HasSuffix(field, "ip_addr"):
		kind = "ip"
	case last == "port", last == "pid", field == "event_id":
		kind = "long"
	}
	return map[string]any{"type": kind}
}

// withoutConflicts leaves out fields that are the objects of others.
func withoutConflicts(fields map[string]any) map[string]any {
	out := map[string]any{}
	names := slices.Sorted(maps.Keys(fields))
	for _, f := range names {
		if !slices.ContainsFunc(names, func(other string) bool { return strings.HasPrefix(other, f+".") }) {
			out[f] = fields[f]
		}
	}
	if len(out) == 0 {
		panic(fmt.Sprint("no fields in ", len(fields)))
	}
	return out
}
