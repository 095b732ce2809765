package check

import (
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
)

// A document with errors is checked as far as it could be read, and nothing is told
// that is only a consequence of the error.
func TestBrokenDocuments(t *testing.T) {
	const (
		broken = "detection:\n    selection:\n        Image|endwith: '*x.exe'\n        CommandLine: '*y*'\n        User: u\n    condition: selection\n"
		noYAML = "# as it is\ntitle: a: b\nid: 5d4b3a12-1b5e-4c58-9f0a-3c1f7e6a2b99\nname: lost\nlogsource: {product: windows}\ndetection: {s: {a: b}, condition: s}\n"
	)
	for _, c := range []struct{ name, text, want string }{
		{"metadata and other items", "title: Example of a Rule.\nlevel: HIGH\ntags: [attack.t9999]\n" + broken, "unknown-modifier tag-attack title-end wildcard-modifier word-case"},
		{"nothing of the condition", strings.Replace(broken, "condition: selection", "condition: 1 of them", 1), "unknown-modifier wildcard-modifier"},
		{"nothing of the values", "detection:\n    selection:\n        Image|expand|is: 'C:\\%x%'\n        User|base64offset|is: [x, x]\n    condition: selection", "unknown-modifier unknown-modifier"},
		{"a condition that can't be read", "title: Example of a Rule.\ndetection:\n    selection: {User: x}\n    filter: {Image: '*y'}\n    condition: selection and not", "condition title-end wildcard-modifier"},
		{"a detection under another name", "title: Example of a Rule.\n# without: detection\ndetecton:\n    selection: {User: x}\n    condition: selection", "no-detection title-end"},
		{"a key twice in a selection", "detection:\n    selection:\n        User: a\n        User: b\n        Image: '*x'\n    unused: {User: x}\n    condition: selection", "duplicate-key wildcard-modifier"},
		{"a key twice in the rule", "title: Example of a Rule.\nlevel: HIGH\n---\n# as it is\n" + exampleText + "level: low\ntitel: x\n", "duplicate-id duplicate-key duplicate-detection misspelt-key title-end word-case"},
		{"a value that is no text", "title: [Example of a Rule.]\nlevel: HIGH", "not-text word-case"},
		{"two values that are no text", "status: {a: b}\nid: [x]\ntags: {detection.dfir: x}\nlevel: HIGH", "not-a-list not-text not-text word-case"},
		{"a folder that wants a tag", "# file: rules-dfir/proc_creation_win_example.yml\ntags: {detection.dfir: x}", "not-a-list"},
		{"a folder that wants a status", "# file: unsupported/proc_creation_win_example.yml\nstatus: [unsupported]", "not-text"},
		{"a log source that is none", "# file: example_of_a_rule.yml\nlogsource: windows\ndetection:\n    selection: {Imge: x, EventID: 1}\n    condition: selection", "logsource"},
		{"a part of a log source", "# file: win_sysmon_example.yml\nlogsource:\n    product: windows\n    service: [sysmon]", "not-text"},
		{"an event id that may be there", "# file: win_sysmon_example.yml\nlogsource:\n    product: windows\n    service: sysmon\ndetection:\n    selection:\n        EventID|equals: 1\n    condition: selection", "unknown-modifier"},
		{"what looks for the same", broken + "---\n" + broken, "unknown-modifier unknown-modifier wildcard-modifier wildcard-modifier"},
		{"what may look for the same", "logsource: windows\ndetection:\n    s: {User: x}\n    condition: s\n---\nlogsource: linux\ndetection:\n    s: {User: x}\n    condition: s", "logsource logsource"},
		{"ids and titles", "title: Example of a Rule\n" + broken + "---\ntitle: Example of a Rule\nid: 5d4b3a12-1b5e-4c58-9f0a-3c1f7e6a2b90", "duplicate-id duplicate-title unknown-modifier wildcard-modifier"},
		{"a rule beside what is no YAML", noYAML + "\n---\ntitle: Another of the Rules.", "title-end yaml"},
		{"a correlation of a broken rule", "correlation:\n    type: event_count\n    rules: [example]\n    group-by: [User]\n    timespan: 10m\n    condition: {gte: 10}\n---\nname: example\n" + broken, "unknown-modifier wildcard-modifier"},
		{"a correlation of what is no YAML", "correlation:\n    type: event_count\n    rules: [lost, gone, 5d4b3a12-1b5e-4c58-9f0a-3c1f7e6a2b99]\n    group-by: [User]\n    timespan: 10m\n    condition: {gte: 10}\n---\n" + noYAML, "correlation-rule yaml"},
		{"a correlation of a broken one", "correlation:\n    type: event_count\n    rules: [inner]\n    group-by: [who]\n    aliases: {who: {base: User}}\n    timespan: 10m\n    condition: {gte: 10}\n---\nname: inner\ncorrelation:\n    type: event_count\n    rules: [gone]\n    group-by: {User: x}\n    timespan: 10m\n    condition: {gte: 10}", "not-a-list"},
		{"a filter for a broken rule", "filter:\n    rules: [example, lost]\n    selection: {User: x}\n    condition: not selection\n---\nname: example\n" + broken + "---\n" + noYAML, "unknown-modifier wildcard-modifier yaml"},
		{"a broken filter", "title: Example of a Rule.\nfilter:\n    rules: [gone]\n    selection: {User|is: x}\n    condition: not selection", "title-end unknown-modifier"},
		{"a rule related to a broken one", "related:\n    - id: 5d4b3a12-1b5e-4c58-9f0a-3c1f7e6a2b91\n      type: similar\n    - id: 5d4b3a12-1b5e-4c58-9f0a-3c1f7e6a2b99\n      type: similar\n---\n" + broken + "---\n" + noYAML, "unknown-modifier wildcard-modifier yaml"},
		{"a collection whose global part is lost", "# as it is\naction: global\ntitle: a: b\nlogsource: {product: windows}\n\n---\n# as it is\ndetection: {s: {a: b}, condition: s}\n\n---\n# as it is\naction: repeat\ndetection: {s: {a: c}}\n\n---\n# as it is\naction: reset\n\n---\ntitle: Another of the Rules.", "title-end yaml"},
		{"a repetition of what is lost", "title: Example of a Rule.\n---\n" + noYAML + "---\n# as it is\naction: repeat\ntitle: Again.\n", "title-end yaml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, _ := load(t, exampleFiles(c.text))
			result := Run(set)
			var got []string
			for _, f := range result.Findings {
				if f.Code != "list-of-one" {
					got = append(got, f.Code)
				}
			}
			want := strings.Fields(c.want)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("found %v\nwant  %v\n%s", got, want, result.messages())
			}
		})
	}
}

// Whatever stands in the place of a value, an error of the parser is one message,
// and no other check tells of its consequences.
func TestNothingFollowsFromAnError(t *testing.T) {
	var fromParser []string
	for _, c := range parserChecks {
		fromParser = append(fromParser, c.Code)
	}
	for name, text := range map[string]string{
		"proc_creation_win_example.yml":        exampleText,
		"correlation_example.yml":              exampleDocument(exampleCorrelation, 0),
		"proc_creation_win_example_filter.yml": exampleDocument("filter:\n    rules: any\n    selection:\n        User: 'x'\n    condition: not selection", 0),
	} {
		var top yaml.Node
		if err := yaml.Unmarshal([]byte(text), &top); err != nil {
			t.Fatal(err)
		}
		errors := 0
		eachValue(top.Content[0], "", func(at *yaml.Node, path string) {
			old := *at
			for _, wrong := range []string{"x", "~", "5", "true", "[]", "[x]", "[[x]]", "{}", "{x: z}", "[{x: z}]", "{? [a] : b}"} {
				var put yaml.Node
				if err := yaml.Unmarshal([]byte(wrong), &put); err != nil {
					t.Fatal(err)
				}
				*at = *put.Content[0]
				data, err := yaml.Marshal(&top)
				if err != nil {
					t.Fatal(err)
				}
				var parser, other []string
				for _, f := range checkAlone(&diag.File{Path: name, Data: data}) {
					switch {
					case Find(f.Code) == nil:
						t.Errorf("%s has no entry among the checks", f.Code)
					case f.Severity == diag.Error && slices.Contains(fromParser, f.Code):
						parser = append(parser, f.Code)
					case f.Code != "list-of-one" && f.Code != "correlation-key":
						other = append(other, f.Code)
					}
				}
				// A section without its keys lacks each of them.
				most := map[string]int{"correlation": 3, "filter": 2}[path]
				if errors += len(parser); len(parser) > max(most, 1) || len(parser) > 0 && len(other) > 0 {
					t.Errorf("%s: %s is %s: %v, and %v", name, path, wrong, parser, other)
				}
			}
			*at = old
		})
		if errors < 50 {
			t.Errorf("%s: %d errors in all", name, errors)
		}
	}
}

// eachValue calls f for all values of a document.
func eachValue(n *yaml.Node, path string, f func(at *yaml.Node, path string)) {
	for i, x := range n.Content {
		switch {
		case n.Kind == yaml.SequenceNode:
			f(x, path+"[]")
			eachValue(x, path+"[]", f)
		case i%2 == 1:
			key := strings.TrimPrefix(path+"."+n.Content[i-1].Value, ".")
			f(x, key)
			eachValue(x, key, f)
		}
	}
}
