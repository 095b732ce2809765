package jupyter

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConnectionFile(t *testing.T) {
	c, err := NewConnection("k")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release()
	seen := map[int]bool{}
	for _, port := range c.ports() {
		if seen[*port] || *port >= 32768 {
			t.Errorf("the ports are %+v", c)
		}
		seen[*port] = true
	}
	file := filepath.Join(t.TempDir(), "c.json")
	if err := c.Write(file); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
	if got, err := ReadConnection(file); err != nil || got != c {
		t.Errorf("read %+v, %v", got, err)
	}
	if err := c.Write(file); !os.IsExist(err) {
		t.Errorf("a file that is there: %v", err)
	}
}

func TestBadConnectionFiles(t *testing.T) {
	ports := `"shell_port":1,"iopub_port":2,"stdin_port":3,"control_port":4,"hb_port":5,"signature_scheme":"hmac-sha256"`
	cases := []struct{ content, want string }{
		{"", "unexpected end of JSON input"},
		{`{"transport":"ipc",` + ports + `}`, `the transport "ipc" is not supported, only tcp is`},
		{`{"transport":"tcp",` + strings.Replace(ports, "sha256", "md5", 1) + `}`, `the signature scheme "hmac-md5" is not supported`},
		{`{"transport":"tcp",` + strings.Replace(ports, `:5`, `:70000`, 1) + `}`, "70000 is no port"},
		{`{"transport":"tcp","signature_scheme":"hmac-sha256"}`, "0 is no port"},
		{strings.Repeat(" ", 1<<20), "are too many"},
	}
	for _, c := range cases {
		file := filepath.Join(t.TempDir(), "c.json")
		if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadConnection(file); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%.40q: %v", c.content, err)
		}
	}
	if _, err := ReadConnection("nowhere.json"); err == nil {
		t.Error("a file that is not there is read")
	}
}
