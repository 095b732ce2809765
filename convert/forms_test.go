package convert_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/convert"
	"github.com/huntbook/huntbook/convert/targettest"
)

// Whatever a rule's texts are, what is written can be read by what it is for, is one
// entry, and has the rule's title in it.
func TestFormsReadBack(t *testing.T) {
	for _, target := range convert.Targets() {
		for _, f := range target.Formats {
			read := map[string]func(*rapid.T, string, string){"json": readsJSON, "ndjson": readsJSON, "yml": readsYAML, "sh": readsShell}[target.Extension(f.Name)]
			if read == nil {
				continue
			}
			t.Run(target.Name+" "+f.Name, func(t *testing.T) {
				rapid.Check(t, func(t *rapid.T) {
					l := targettest.HostileRule(t)
					queries, err := target.Convert(l, f.Name, nil)
					if err != nil {
						t.Skip(err)
					}
					title := l.Rule.Title
					if f.Name == "dsl_lucene" || target.Name == "es-dsl" || target.Name == "eql" && f.Name == "eqlapi" {
						title = ""
					}
					read(t, queries[0].JSON(), title)
				})
			})
		}
	}
}

func readsJSON(t *rapid.T, text, title string) {
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil || strings.Contains(text, "\n") {
		t.Fatalf("%v in %s", err, text)
	}
	if !holdsText(value, title) {
		t.Fatalf("%q is not in %s", title, text)
	}
	untemplated(t, value)
}

func readsYAML(t *rapid.T, text, title string) {
	dec := yaml.NewDecoder(strings.NewReader(text))
	var value map[string]any
	if err := dec.Decode(&value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if value["name"] != title {
		t.Fatalf("name %q, want %q", value["name"], title)
	}
	if err := dec.Decode(&value); err == nil {
		t.Fatalf("two documents in %s", text)
	}
	for i, line := range strings.Split(text, "\n") {
		if line == "---" || i > 0 && strings.HasPrefix(line, "name:") {
			t.Fatalf("line %q in %s", line, text)
		}
	}
}

// readsShell runs a command with a function in the place of curl.
func readsShell(t *rapid.T, text, title string) {
	out, err := exec.Command("sh", "-c", `curl() { shift 6; printf %s "$2"; }; set -f; `+text).Output()
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	readsJSON(t, string(out), title)
}

func holdsText(value any, text string) bool {
	switch v := value.(type) {
	case string:
		return strings.Contains(v, text)
	case []any:
		for _, x := range v {
			if holdsText(x, text) {
				return true
			}
		}
	case map[string]any:
		for _, x := range v {
			if holdsText(x, text) {
				return true
			}
		}
	}
	return text == ""
}

// untemplated looks for tags in the query of what is filled in as a template.
func untemplated(t *rapid.T, value any) {
	for _, path := range [][]any{
		{"input", "search", "request", "body", "query", "bool", "filter", 1, "query_string", "query"},
		{"inputs", 0, "search", "query", "query", "bool", "filter", 1, "query_string", "query"},
	} {
		if query, ok := targettest.At(value, path...).(string); ok && strings.Contains(query, "{{") {
			t.Fatalf("a tag in %s", query)
		}
	}
}
