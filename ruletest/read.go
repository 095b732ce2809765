package ruletest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// reader reads one test file.
type reader struct {
	file         *diag.File
	folder, root string
	tests        []*Test
	diags        diag.List
}

func (r *reader) errorf(n *yaml.Node, format string, args ...any) *diag.Diagnostic {
	d := &diag.Diagnostic{Code: "test-file", Message: fmt.Sprintf(format, args...), File: r.file, Pos: posOf(n)}
	r.diags = append(r.diags, d)
	return d
}

func posOf(n *yaml.Node) diag.Pos {
	if n == nil {
		return diag.Pos{}
	}
	return diag.Pos{Line: n.Line, Column: n.Column}
}

// documents reads the file's YAML documents; each must be a map.
func (r *reader) documents() []*yaml.Node {
	var docs []*yaml.Node
	d := yaml.NewDecoder(strings.NewReader(string(r.file.Data)))
	for {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs
		}
		if err != nil {
			r.errorf(nil, "not valid YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
			return docs
		}
		if n := doc.Content[0]; n.Kind == yaml.MappingNode {
			docs = append(docs, n)
		} else {
			r.errorf(n, "a test file holds a map with the keys %s", strings.Join(ownKeys, ", "))
		}
	}
}

var (
	ownKeys  = []string{"rule", "tests"}
	testKeys = []string{"name", "events", "file", "match", "count", "at_least"}
)

// own reads a file in our own form.
func (r *reader) own() {
	for _, doc := range r.documents() {
		m := r.dict(doc, "a test file", ownKeys)
		ref := r.ref(m["rule"])
		tests := m["tests"]
		if tests == nil || tests.Kind != yaml.SequenceNode || len(tests.Content) == 0 {
			r.errorf(doc, "a test file needs tests, a list").Hint = "each has events or a file, and what is expected: match, count or at_least"
			continue
		}
		for i, n := range tests.Content {
			if n.Kind != yaml.MappingNode {
				r.errorf(n, "a test is a map with the keys %s", strings.Join(testKeys, ", "))
				continue
			}
			r.test(n, ref, i+1)
		}
	}
}

// ref names the rule of the tests; without one it is the rule file of the same
// name.
func (r *reader) ref(n *yaml.Node) Ref {
	if n == nil {
		stem := r.file.Path
		for _, suffix := range ownSuffixes {
			if strings.HasSuffix(strings.ToLower(stem), suffix) {
				stem = stem[:len(stem)-len(suffix)]
			}
		}
		path := stem + ".yml"
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			if _, err := os.Stat(stem + ".yaml"); err == nil {
				path = stem + ".yaml"
			}
		}
		return Ref{Text: filepath.Base(path), Path: path}
	}
	ref := Ref{Text: n.Value, Pos: posOf(n)}
	if ext := strings.ToLower(filepath.Ext(n.Value)); ext == ".yml" || ext == ".yaml" {
		ref.Path = r.path(n)
	}
	return ref
}

// path is a path in the file, relative to the file and within the root.
func (r *reader) path(n *yaml.Node) string {
	path := filepath.Join(r.folder, filepath.FromSlash(n.Value))
	rel, err := filepath.Rel(r.root, path)
	if err != nil || filepath.IsAbs(filepath.FromSlash(n.Value)) || !filepath.IsLocal(rel) {
		r.errorf(n, "%q leads out of the folder %s", n.Value, r.root).Hint = "give the folder above to huntbook test, or keep the file inside"
		return ""
	}
	if _, err := os.Stat(path); err != nil {
		r.errorf(n, "there is no file %s", path)
		return ""
	}
	return path
}

func (r *reader) test(n *yaml.Node, ref Ref, number int) {
	before := len(r.diags)
	m := r.dict(n, "a test", testKeys)
	t := &Test{Name: fmt.Sprintf("test %d", number), File: r.file, Pos: posOf(n), Ref: ref}
	if name := m["name"]; name != nil && name.Value != "" {
		t.Name = name.Value
	}
	events, file := m["events"], m["file"]
	switch {
	case events != nil && file != nil:
		r.errorf(file, "a test has events or a file, not both")
	case file != nil:
		t.Data = r.path(file)
	case events == nil || events.Kind != yaml.SequenceNode || len(events.Content) == 0:
		r.errorf(n, "the test has no events").Hint = "write a list of maps under events, or name a file"
	default:
		for _, e := range events.Content {
			t.Events = append(t.Events, r.event(e))
		}
	}
	r.want(n, m, t)
	if len(r.diags) == before {
		r.tests = append(r.tests, t)
	}
}

// want reads what is expected: one of match, count and at_least.
func (r *reader) want(n *yaml.Node, m map[string]*yaml.Node, t *Test) {
	match, count, least := m["match"], m["count"], m["at_least"]
	given := 0
	for _, x := range []*yaml.Node{match, count, least} {
		if x != nil {
			given++
		}
	}
	if given != 1 {
		r.errorf(n, "a test expects one of match, count and at_least; this one has %d of them", given)
		return
	}
	switch {
	case count != nil:
		number := r.number(count, "count", 0)
		t.Want = Want{Least: number, Most: number}
	case least != nil:
		t.Want = Want{Least: r.number(least, "at_least", 1), Most: -1}
	case match.Kind == yaml.ScalarNode && match.Value == "all":
		t.Want.All = true
	case match.Kind == yaml.ScalarNode && match.Value == "none":
		t.Want.Records = []int{}
	case match.Kind == yaml.SequenceNode:
		t.Want.Records = []int{}
		for _, x := range match.Content {
			number := r.number(x, "an entry of match", 1)
			if number > len(t.Events) && t.Data == "" {
				r.errorf(x, "there is no event %d", number)
			}
			t.Want.Records = append(t.Want.Records, number)
		}
		slices.Sort(t.Want.Records)
		t.Want.Records = slices.Compact(t.Want.Records)
	default:
		r.errorf(match, "match is all, none, or a list of the numbers of events, from 1")
	}
}

func (r *reader) number(n *yaml.Node, what string, least int) int {
	var number int
	if n.Kind != yaml.ScalarNode || n.Decode(&number) != nil || number < least {
		r.errorf(n, "%s is a number of %d or more", what, least)
	}
	return number
}

// dict gives the values of a map's keys and reports unknown ones.
func (r *reader) dict(n *yaml.Node, what string, known []string) map[string]*yaml.Node {
	m := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if v.Kind == yaml.AliasNode {
			v = v.Alias
		}
		switch {
		case !slices.Contains(known, k.Value):
			e := r.errorf(k, "%s has no key %q", what, k.Value)
			if e.Hint = sigma.Suggest(k.Value, known); e.Hint == "" {
				e.Hint = "known are " + strings.Join(known, ", ")
			}
		case m[k.Value] != nil:
			r.errorf(k, "key %q stands here again", k.Value)
		default:
			m[k.Value] = v
		}
	}
	return m
}
