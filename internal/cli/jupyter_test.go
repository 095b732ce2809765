package cli

import (
	"crypto/tls"
	"io"
	"log"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huntbook/huntbook/internal/jupyterlab"
	"github.com/huntbook/huntbook/internal/servers"
	"github.com/huntbook/huntbook/notebook"
)

// labServer starts a Jupyter server that has our kernel, and hunts the samples into the
// folder "hunts" of a folder.
func labServer(t *testing.T, dir string, options ...string) *jupyterlab.Server {
	t.Helper()
	s := jupyterlab.Start(t, "d41d8cd98f00b204", options...)
	for _, args := range [][]string{{"kernel", "install"}, {"hunt", "-o", "hunts", "-q"}} {
		cmd := exec.Command("huntbook", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "JUPYTER_DATA_DIR="+s.DataDir())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	return s
}

// TestJupyterServer puts a hunt on a Jupyter server and runs it there, as a user types
// it. The token is in nothing that is said or written.
func TestJupyterServer(t *testing.T) {
	dir := t.TempDir()
	s := labServer(t, dir)
	authority := servers.NewAuthority(t)
	trusted := behindTLS(t, s.URL, authority.Issue(time.Now().Add(time.Hour), "127.0.0.1"))
	tokenFile := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(tokenFile, []byte(s.Token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, args, token string // the token in the environment
		code              int
		want              string // a pattern for all that is said
	}{
		{"put", "put hunts --jupyter URL", s.Token, 0, `^23 files: 23 put, 0 failed; see URLlab/tree/hunts\n$`},
		{"run", "run hunts --jupyter URLlab -j 2 -o ran -q --trust --token-file " + tokenFile, "", 0, `^$`},
		{"run one", "run hunts/wmi_event --jupyter URLlab/tree?token=TOKEN", "", 0,
			`^the token in the address can be seen in the list of processes; \$JUPYTER_TOKEN or --token-file hides it\n` +
				`hunts/wmi_event/permanent_subscription.ipynb: 6 cells in .* s\n` +
				`1 notebook: 1 ran, 0 failed .*\nsee URLlab/tree/wmi_event/permanent_subscription.ipynb\n$`},
		{"a file", "put hunts/hunt.json --jupyter URL -o deep/er", s.Token, 0, `see URLlab/tree/deep/er/hunt.json\n$`},
		{"a wrong token", "run hunts --jupyter URL?token=TOKENx", "", 1, `\nhuntbook: URL refuses the token; "jupyter server list" shows it where it runs; give it in \$JUPYTER_TOKEN or with --token-file\n$`},
		{"no token", "put hunts --jupyter URL", "", 1, `^huntbook: URL wants a token; "jupyter server list"`},
		{"two tokens", "put hunts --jupyter URL?token=TOKEN --token-file " + tokenFile, "", 2, `^huntbook: the address of --jupyter and --token-file both give a token`},
		{"no server", "put hunts --jupyter http://127.0.0.1:1/?token=TOKEN", "", 1, `\nhuntbook: http://127.0.0.1:1/ can't be reached: .*connection refused\n$`},
		{"no address", "put hunts --jupyter localhost:1/?token=TOKEN", "", 2, `^huntbook: --jupyter: not an address of a Jupyter server; it begins with http`},
		{"a token for nobody", "run hunts --token-file " + tokenFile, "", 2, `^huntbook: --token-file is for a Jupyter server; name it with --jupyter\n$`},
		{"put nowhere", "put hunts", "", 2, `^huntbook: no server; name it with --jupyter\n$`},
		{"no such kernel", "run hunts/wmi_event --kernel cobol --jupyter URL", s.Token, 1, `^huntbook: hunts/wmi_event/permanent_subscription.ipynb: no such kernel as "cobol"; the server has huntbook, .*python3.*\n1 notebook: 0 ran, 1 failed .*\n$`},
		{"an authority of one's own", "put hunts/hunt.json --jupyter TLS", s.Token, 1, `^huntbook: TLS can't be reached: its certificate comes from an authority that is not known here; give the authority's certificate, or the fingerprint \(the server's is [0-9a-f]{64}: .*\)\n$`},
		{"and its certificate", "run hunts/wmi_event --jupyter TLS -o tls --ca " + authority.File, s.Token, 0, `1 notebook: 1 ran, 0 failed .*\nsee TLSlab/tree/tls/permanent_subscription.ipynb\n$`},
		{"and its fingerprint", "put hunts/hunt.json --jupyter TLS -q --fingerprint " + authority.Fingerprint, s.Token, 0, `^$`},
		{"another fingerprint", "put hunts/hunt.json --jupyter TLS --fingerprint " + strings.Repeat("0", 64), s.Token, 1, `^huntbook: TLS can't be reached: no certificate of the server has the fingerprint that was given`},
		{"no fingerprint", "put hunts/hunt.json --jupyter TLS --fingerprint abc", s.Token, 2, `^huntbook: the fingerprint "abc" is no SHA-256`},
		{"trust in nobody", "run hunts --ca " + authority.File, "", 2, `^huntbook: --ca is for a Jupyter server; name it with --jupyter\n$`},
		{"hidden", "put hunts/hunt.json --jupyter URL -o .ssh", s.Token, 1, `huntbook: hunts/hunt.json: ".ssh" can't be put on a server`},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := strings.NewReplacer("URL", s.URL, "TLS", trusted, "TOKEN", s.Token).Replace(c.args)
			cmd := exec.Command("huntbook", strings.Fields(args)...)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "JUPYTER_TOKEN="+c.token)
			out, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if said := string(out); strings.Contains(said, s.Token) || !regexp.MustCompile(strings.NewReplacer("URL", regexp.QuoteMeta(s.URL), "TLS", regexp.QuoteMeta(trusted)).Replace(c.want)).MatchString(said) {
				t.Errorf("it says\n%swant %s", said, c.want)
			}
		})
	}
	// What was put is what is here; what was run there has the same outputs.
	here := notebooksBelow(t, filepath.Join(dir, "hunts"))
	if len(here) != 20 {
		t.Fatalf("%d notebooks", len(here))
	}
	for _, folder := range []string{"hunts", "ran"} {
		if diff := cmp.Diff(here, notebooksBelow(t, filepath.Join(s.Root, folder))); diff != "" {
			t.Errorf("%s (-here +there):\n%s", folder, diff)
		}
	}
	for _, file := range []string{"deep/er/hunt.json", "hunts/index.html", "hunts/findings.ndjson"} {
		if _, err := os.Stat(filepath.Join(s.Root, file)); err != nil {
			t.Error(err)
		}
	}
	for folder, trusted := range map[string]bool{"hunts": false, "ran": true} {
		const yes, no = `"trusted": true`, `"trusted": false`
		got := s.Get(t, "api/contents/"+folder+"/wmi_event/permanent_subscription.ipynb")
		if strings.Contains(got, yes) != trusted || strings.Contains(got, no) == trusted {
			t.Errorf("%s: trusted should be %v: %s", folder, trusted, got)
		}
	}
	for file, text := range notebooksBelow(t, s.Root) {
		if strings.Contains(text, s.Token) {
			t.Errorf("%s holds the token", file)
		}
	}
}

// behindTLS is the address of a Jupyter server behind a proxy with that certificate.
func behindTLS(t *testing.T, address string, certificate servers.Issued) string {
	t.Helper()
	to, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewUnstartedServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: to.Scheme, Host: to.Host}) }})
	proxy.TLS = &tls.Config{Certificates: []tls.Certificate{certificate.Certificate}}
	proxy.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that go away
	proxy.StartTLS()
	t.Cleanup(proxy.Close)
	return proxy.URL + to.Path
}

// TestTrust signs notebooks where Jupyter looks for signatures.
func TestTrust(t *testing.T) {
	python := jupyterlab.Python(t)
	dir := t.TempDir()
	data := t.TempDir()
	const isTrusted = "import sys, nbformat, nbformat.sign\nprint(nbformat.sign.NotebookNotary(data_dir=sys.argv[1]).check_signature(nbformat.read(sys.argv[2], nbformat.NO_CONVERT)))"
	for _, c := range []struct {
		args    string
		jupyter bool // is in PATH
		code    int
		want    string // a pattern for all that is said
		trusted string // "" for not looked at
	}{
		{"hunt -q --include wmi_event/* --include pipe_created/*", false, 0, `open hunts/index.html\n$`, ""},
		{"hunt -q --include wmi_event/* --include pipe_created/*", true, 0, `open hunts/index.html\nJupyter takes their outputs for a stranger's until you sign them: hunt with --trust, or jupyter trust\n$`, "False"},
		{"hunt -q --include wmi_event/* --include pipe_created/* --trust", false, 1, `\nhuntbook: notebooks are not signed: there is no jupyter in PATH, whose "jupyter trust" does it\n`, ""},
		{"hunt -q --include wmi_event/* --include pipe_created/* --trust", true, 0, `open hunts/index.html\n2 notebooks signed for Jupyter\n$`, "True"},
		{"run hunts -q --trust", true, 0, `^$`, "True"},
	} {
		cmd := exec.Command("huntbook", strings.Fields(c.args)...)
		// The folder of the test's own program, and nothing else, or Jupyter's too.
		path := filepath.Dir(cmd.Path)
		if c.jupyter {
			path += string(filepath.ListSeparator) + filepath.Dir(python)
		}
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+path, "JUPYTER_DATA_DIR="+data, "JUPYTER_CONFIG_DIR="+data)
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != c.code || !regexp.MustCompile(c.want).Match(out) {
			t.Errorf("%s: exit code %d, it says\n%swant %s", c.args, code, out, c.want)
		}
		if c.trusted == "" {
			continue
		}
		check := exec.Command(python, "-c", isTrusted, data, filepath.Join(dir, "hunts", "wmi_event", "permanent_subscription.ipynb"))
		if got, err := check.CombinedOutput(); err != nil || !strings.HasSuffix(strings.TrimSpace(string(got)), c.trusted) {
			t.Errorf("%s: trusted: %s %v, want %s", c.args, got, err, c.trusted)
		}
	}
}

// notebooksBelow are the cells of all notebooks in a folder, as text, by their path.
func notebooksBelow(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	files, err := notebooksIn(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		nb := decoded(t, file)
		nb.Metadata = nil
		for i := range nb.Cells {
			delete(nb.Cells[i].Metadata, "papermill")
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			t.Fatal(err)
		}
		text, err := notebook.Encode(nb)
		if err != nil {
			t.Fatal(err)
		}
		found[rel] = string(text)
	}
	return found
}
