package cli

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// zipped is an archive with one file.
func zipped(t *testing.T, name, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Datasets and rules from an index on a server, and a hunt over what came.
func TestPull(t *testing.T) {
	event := `{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":19,"SourceName":"Microsoft-Windows-Sysmon","@timestamp":"2024-03-05T15:04:06Z","Operation":"Created"}`
	rule := "title: WMI\nid: 11111111-0000-4000-8000-000000000000\nlogsource: {product: windows, category: wmi_event}\ndetection: {s: {Operation: Created}, condition: s}\n"
	data, rules := zipped(t, "events.json", event), zipped(t, "rules/wmi.yml", rule)
	sum := sha256.Sum256(data)
	files := map[string][]byte{
		"/index.json": fmt.Appendf(nil, `{"huntbook_index":1,
			"datasets":[{"id":"D-1","title":"One","files":[{"url":"d/one.zip","size":%d,"sha256":"%s"}]},{"id":"../D-2","title":"Two","files":[{"url":"d/none.zip"},{"url":"d/one.zip"}]}],
			"rules":[{"name":"core","version":"r1","file":{"url":"rules.zip"}}]}`, len(data), hex.EncodeToString(sum[:])),
		"/d/one.zip": data, "/rules.zip": rules,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(body)
	}))
	defer server.Close()
	t.Chdir(t.TempDir())
	index := "--index=" + server.URL + "/index.json"
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"datasets pull one " + index, exitOK, "datasets/D-1/one.zip: downloaded\n"},
		{"datasets pull D-1 --unpack " + index, exitOK, "datasets/D-1/one.zip: there already\ndatasets/D-1/one: 1 file unpacked\n"},
		// What is missing is told, the rest comes, and no id leads out of the folder.
		{"datasets pull ../D-2 " + index, exitFailed, "datasets/.._D-2/one.zip: downloaded\nhuntbook: " + server.URL + "/d/none.zip: there is nothing at this address; check the address\n"},
		{"rules pull " + index, exitOK, "rules: 1 file of core r1\n"},
		{"rules pull core " + index, exitOK, "rules: core r1 is there already\n"},
		{"rules pull -o datasets " + index, exitUsage, "huntbook: datasets: it holds something else than rules that were pulled; name another folder\n"},
		{"rules pull more " + index, exitUsage, "huntbook: there is no package \"more\"; there are core\n"},
	} {
		code, _, problems := run(t, strings.Fields(c.args)...)
		if code != c.code || filepath.ToSlash(problems) != c.want {
			t.Errorf("%s: exit code %d, %q; want %d, %q", c.args, code, problems, c.code, c.want)
		}
	}
	code, out, problems := run(t, "match", "-r", "rules", "datasets/D-1/one.zip", "--json")
	if code != exitOK || strings.Count(out, "\n") != 1 {
		t.Errorf("exit code %d: %s%s", code, out, problems)
	}
	if _, err := os.Stat("D-2"); err == nil {
		t.Error("an id has led out of the folder")
	}
}
