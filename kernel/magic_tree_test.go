package kernel

import (
	"fmt"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/engine"
)

// process is a finding of a process: its id, its parent's id, and both names.
func process(record int, host, id, parentID, parent, image, command string) engine.Finding {
	return finding(record, fmt.Sprintf("2020-01-01T00:00:%02dZ", record),
		"Computer", host, "ProcessGuid", id, "ParentProcessGuid", parentID, "ParentImage", parent, "Image", image, "CommandLine", command)
}

func TestTree(t *testing.T) {
	cases := []struct {
		name     string
		findings []engine.Finding
		want     string
		without  int
	}{
		{"parents and children", []engine.Finding{
			process(1, "pc", "", "", "explorer.exe", "cmd.exe", "cmd /c a"),
			process(2, "pc", "", "", "explorer.exe", "cmd.exe", "cmd /c a"),
			process(3, "pc", "", "", "word.exe", "cmd.exe", ""),
			process(4, "srv", "", "", "explorer.exe", "net.exe", "net user"),
		}, "pc\n ├─ explorer.exe\n │  └─ cmd.exe  cmd /c a  ×2\n └─ word.exe\n    └─ cmd.exe\nsrv\n └─ explorer.exe\n    └─ net.exe  net user", 0},
		{"a chain of findings, whatever their order", []engine.Finding{
			process(3, "pc", "{c}", "{b}", "cmd.exe", "whoami.exe", ""),
			process(1, "pc", "{a}", "{0}", "explorer.exe", "word.exe", ""),
			process(2, "pc", "{b}", "{a}", "word.exe", "cmd.exe", ""),
		}, "pc\n └─ explorer.exe\n    └─ word.exe\n       └─ cmd.exe\n          └─ whoami.exe", 0},
		{"ids of another host", []engine.Finding{
			process(1, "pc", "{a}", "", "explorer.exe", "word.exe", ""),
			process(2, "srv", "{b}", "{a}", "word.exe", "cmd.exe", ""),
		}, "pc\n └─ explorer.exe\n    └─ word.exe\nsrv\n └─ word.exe\n    └─ cmd.exe", 0},
		{"processes that start each other", []engine.Finding{
			process(1, "pc", "{a}", "{b}", "b.exe", "a.exe", ""),
			process(2, "pc", "{b}", "{a}", "a.exe", "b.exe", ""),
		}, "pc\n └─ b.exe\n    └─ a.exe\n       └─ b.exe", 0},
		{"no process", []engine.Finding{
			finding(1, "2020-01-01T00:00:00Z", "Image", "cmd.exe"),
			process(2, "", "", "", "a.exe", "b.exe\x1b[0m", ""),
		}, "(no host)\n └─ a.exe\n    └─ b.exe<U+001B>[0m", 1},
	}
	for _, c := range cases {
		root, without := tree(c.findings)
		var lines []string
		root.write("", &lines)
		if got := strings.Join(lines, "\n"); got != c.want || without != c.without {
			t.Errorf("%s: %d without\n%s\nwant %d\n%s", c.name, without, got, c.without, c.want)
		}
	}
}
