package check

import (
	"path/filepath"
	"regexp"
	"testing"
)

// aCode finds the codes of messages in the parser's sources.
var aCode = regexp.MustCompile(`(?:errorf|warnf)\([^"\n]*?"([a-z-]+)",|Code: +"([a-z-]+)"|warning\{"([a-z-]+)"`)

// notInRules are codes of messages about other things than rules.
var notInRules = map[string]string{
	"csv": "files of placeholders, which check does not read",
}

func parserFiles(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, pattern := range []string{"../sigma/*.go", "../ruleset/*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range names {
			if ok, _ := filepath.Match("*_test.go", filepath.Base(n)); !ok {
				out = append(out, n)
			}
		}
	}
	if len(out) < 20 {
		t.Fatalf("%d files of the parser", len(out))
	}
	return out
}
