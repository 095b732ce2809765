package ruletest

import (
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// regression reads an info.yml of SigmaHQ's regression data:
//
//	rule_metadata:
//	    - id: …
//	      title: …
//	regression_tests_info:
//	    - name: Positive Detection Test
//	      type: evtx
//	      match_count: 1
//	      path: regression_data/rules/…/….evtx
//
// Paths start from the repository's folder, match_count is the least number of
// matches, 1 when it is absent; 0 expects none. Other YAML files called info.yml
// are passed over.
func (r *reader) regression() {
	if !strings.Contains(string(r.file.Data), "regression_tests_info") {
		return
	}
	for _, doc := range r.documents() {
		rules, infos := lookup(doc, "rule_metadata"), lookup(doc, "regression_tests_info")
		if infos == nil {
			continue
		}
		if rules == nil || rules.Kind != yaml.SequenceNode || len(rules.Content) == 0 {
			r.errorf(doc, "rule_metadata names no rule")
			continue
		}
		if infos.Kind != yaml.SequenceNode {
			r.errorf(infos, "regression_tests_info must be a list")
			continue
		}
		for _, rule := range rules.Content {
			id := lookup(rule, "id")
			if id == nil || id.Value == "" {
				r.errorf(rule, "an entry of rule_metadata has no id")
				continue
			}
			for _, info := range infos.Content {
				r.regressionTest(info, Ref{Text: id.Value, Pos: posOf(id)})
			}
		}
	}
}

// regressionTypes are the kinds of data that SigmaHQ's form knows, with what
// stands in for a file that is not there.
var regressionTypes = map[string]string{"evtx": ".json", "json": ".evtx"}

func (r *reader) regressionTest(n *yaml.Node, ref Ref) {
	t := &Test{Name: "regression test", File: r.file, Pos: posOf(n), Ref: ref, Want: Want{Least: 1, Most: -1}}
	if name := lookup(n, "name"); name != nil && name.Value != "" {
		t.Name = name.Value
	}
	if count := lookup(n, "match_count"); count != nil {
		if t.Want.Least = r.number(count, "match_count", 0); t.Want.Least == 0 {
			t.Want.Most = 0
		}
	}
	kind, path := lookup(n, "type"), lookup(n, "path")
	if kind == nil || regressionTypes[kind.Value] == "" {
		r.errorf(n, "the test's type is not known").Hint = "there are evtx and json"
		return
	}
	if path == nil || path.Value == "" {
		r.errorf(n, "the test has no path")
		return
	}
	if t.Data = r.regressionData(path.Value, regressionTypes[kind.Value]); t.Data == "" {
		r.errorf(path, "there is no file %s in the repository or beside this file", path.Value)
		return
	}
	r.tests = append(r.tests, t)
}

// regressionData finds the data in the repository or beside the test file, under
// its own name or with the other ending.
func (r *reader) regressionData(path, otherwise string) string {
	for _, p := range []string{path, strings.TrimSuffix(path, filepath.Ext(path)) + otherwise} {
		beside := filepath.Join(r.folder, filepath.Base(filepath.FromSlash(p)))
		if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
			return beside
		}
		if found, _, ok := upward(r.folder, p); ok {
			return found
		}
	}
	return ""
}

func lookup(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
