package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestServersSection(t *testing.T) {
	section := serversHeading + "\nnew\n\n"
	for name, test := range map[string]struct{ page, want string }{
		"new":      {"# B\n\n## Goals\n\nx\n\n## Commands\n\ny\n", "# B\n\n## Goals\n\nx\n\n" + section + "## Commands\n\ny\n"},
		"again":    {"# B\n\n" + serversHeading + "\nold\n\n## Commands\n\ny\n", "# B\n\n" + section + "## Commands\n\ny\n"},
		"the last": {"# B\n\n" + serversHeading + "\nold\n", "# B\n\n" + section},
		"empty":    {"", section},
	} {
		if got := withServers(test.page, section); got != test.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, test.want)
		}
	}
}

func TestRepeatedEventsDiffer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events")
	if err := os.WriteFile(path, []byte("{\"a\":1}\n{\"b\":2}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if err := repeated(&got, path, 3); err != nil {
		t.Fatal(err)
	}
	want := `{"bench_copy":0,"a":1}` + "\n" + `{"bench_copy":0,"b":2}` + "\n" + `{"bench_copy":1,"a":1}` + "\n"
	if got.String() != want {
		t.Errorf("%s", got.String())
	}
	if err := os.WriteFile(path, []byte("[1]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := repeated(&got, path, 3); err == nil {
		t.Error("a file without objects is no error")
	}
}
