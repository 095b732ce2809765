package cli

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huntbook/huntbook/convert/esdsl"
	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/engine/cluster"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/internal/agreement"
	"github.com/huntbook/huntbook/internal/servers"
	"github.com/huntbook/huntbook/kernel"
	"github.com/huntbook/huntbook/notebook"
	"github.com/huntbook/huntbook/samples"
	"github.com/huntbook/huntbook/standard"
)

// huntGround is the samples on a server under HELK's standard: the indices of this
// test, a pipeline that makes rules look there, and the samples' rules as files.
type huntGround struct {
	*testing.T
	address, index, pipeline, rules, dir string
}

func newHuntGround(t *testing.T, address string) *huntGround {
	t.Helper()
	g := &huntGround{T: t, address: address, dir: t.TempDir()}
	prefix := servers.Name(t) + "-"
	g.index, g.pipeline, g.rules = prefix+"*", filepath.Join(g.dir, "index.yml"), filepath.Join(g.dir, "rules")
	client, err := elastic.New(elastic.Config{Addresses: []string{address}})
	if err != nil {
		t.Fatal(err)
	}
	helk, err := standard.Load("helk")
	if err != nil {
		t.Fatal(err)
	}
	events := agreement.Events{Paths: []string{samples.Name}, Read: ingest.Options{Embedded: map[string]fs.FS{samples.Name: samples.Data()}}}
	if _, err := agreement.Store(t.Context(), client, helk, prefix, events); err != nil {
		t.Fatal(err)
	}
	text := "name: index\npriority: 90\ntransformations:\n  - {type: set_state, key: index, val: '" + g.index + "'}\n"
	if err := os.WriteFile(g.pipeline, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(g.rules, samples.Rules()); err != nil {
		t.Fatal(err)
	}
	return g
}

// hunt hunts on the server into a folder and gives standard output and error.
func (g *huntGround) hunt(code int, out string, args ...string) (stdout, stderr string) {
	g.Helper()
	args = append([]string{"hunt", "-q", "-r", g.rules, "-i", g.index, "-p", "helk", "-p", g.pipeline, "-o", filepath.Join(g.dir, out)}, args...)
	return runs(g.T, code, args...)
}

func runs(t *testing.T, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, problems bytes.Buffer
	if got := Main(t.Context(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &problems}); got != code {
		t.Fatalf("huntbook %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, problems.String())
	}
	return out.String(), problems.String()
}

// numbers are the findings of each rule, by title, and of the hunt.
func (g *huntGround) numbers(out string) map[string]string {
	g.Helper()
	data, err := os.ReadFile(filepath.Join(g.dir, out, "hunt.json"))
	if err != nil {
		g.Fatal(err)
	}
	var h struct {
		Events, Findings int
		Rules            []struct {
			Title, State string
			Count        *int
		}
	}
	if err := json.Unmarshal(data, &h); err != nil {
		g.Fatal(err)
	}
	numbers := map[string]string{"": fmt.Sprint(h.Events, " events, ", h.Findings, " findings")}
	for _, r := range h.Rules {
		numbers[r.Title] = r.State
		if r.Count != nil {
			numbers[r.Title] += fmt.Sprint(" ", *r.Count)
		}
	}
	return numbers
}

func TestHuntOnACluster(t *testing.T) {
	for name, address := range map[string]func(testing.TB) string{"Elasticsearch": servers.Elasticsearch, "OpenSearch": servers.OpenSearch} {
		t.Run(name, func(t *testing.T) {
			g := newHuntGround(t, address(t))
			stdout, stderr := g.hunt(0, "cluster", "-e", g.address)
			if !strings.Contains(stdout, "fired") || stderr != "" {
				t.Errorf("prints %q and %q", stdout, stderr)
			}
			runs(t, 0, "hunt", "-q", "-o", filepath.Join(g.dir, "files"))
			if d := cmp.Diff(g.numbers("files"), g.numbers("cluster")); d != "" {
				t.Errorf("(-files +cluster):\n%s", d)
			}
			g.alone("cluster", name)
		})
	}
}

// alone runs every notebook of a hunt again, by itself on the cluster, and looks
// whether it names who answered.
func (g *huntGround) alone(out, product string) {
	g.Helper()
	client, err := elastic.New(elastic.Config{Addresses: []string{g.address}})
	if err != nil {
		g.Fatal(err)
	}
	ran := 0
	err = filepath.WalkDir(filepath.Join(g.dir, out), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".ipynb" {
			return err
		}
		ran++
		want, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !bytes.Contains(want, []byte(" of "+product+" ")) || !bytes.Contains(want, []byte(g.address)) {
			g.Errorf("%s does not say that %s at %s answered", path, product, g.address)
		}
		nb, err := notebook.Decode(want)
		if err != nil {
			return err
		}
		// The engine knows nothing but the address: the rest is in the notebook.
		c := cluster.New(cluster.Options{Client: client, Target: esdsl.Target, Dir: filepath.Dir(path)})
		if err := kernel.Run(g.Context(), kernel.NewSession(c), nb); err != nil {
			g.Errorf("%s alone: %v", path, err)
			return nil
		}
		got, err := notebook.Encode(nb)
		if err != nil {
			return err
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			g.Errorf("%s alone (-hunt +alone):\n%s", path, d)
		}
		return nil
	})
	if err != nil || ran == 0 {
		g.Fatal("notebooks", ran, err)
	}
}

// Who asks is told in every way there is, and no secret is anywhere afterwards.
func TestHuntSecrets(t *testing.T) {
	g := newHuntGround(t, servers.Elasticsearch(t))
	const secret = "s3cr3t-of-bob"
	file := filepath.Join(g.dir, "secret.txt")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	authority := servers.NewAuthority(t)
	issued := authority.Issue(time.Now().Add(time.Hour), "127.0.0.1")
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("bob:"+secret))
	for i, c := range []struct {
		name, want string
		inAddress  bool
		env        string
		args       []string
		code       int
		told       string
	}{
		{"password in a file", basic, false, "", []string{"--user", "bob", "--password-file", file}, 0, ""},
		{"password in the environment", basic, false, passwordVariable, []string{"--user", "bob"}, 0, ""},
		{"password in the address", basic, true, "", nil, 0, "can be seen in the list of processes"},
		{"API key", "ApiKey " + secret, false, apiKeyVariable, nil, 0, ""},
		{"token", "Bearer " + secret, false, "", []string{"--token-file", file}, 0, ""},
		{"wrong user", basic, false, passwordVariable, []string{"--user", "eve"}, 1, "does not accept the user or password"},
		{"nobody", basic, false, "", nil, 1, "wants to know who asks"},
	} {
		t.Run(c.name, func(t *testing.T) {
			proxy := servers.NewProxy(t, g.address, servers.ProxyOptions{
				TLS: &tls.Config{Certificates: []tls.Certificate{issued.Certificate}},
				Answer: func(r *http.Request) (int, string) {
					if r.Header.Get("Authorization") != c.want {
						return 401, `{}`
					}
					return 0, ""
				},
			})
			address := proxy.URL
			if c.inAddress {
				address = strings.Replace(address, "https://", "https://bob:"+secret+"@", 1)
			}
			if c.env != "" {
				t.Setenv(c.env, secret)
			}
			own := *g
			own.T, own.rules = t, filepath.Join(g.rules, "wmi_event")
			out := fmt.Sprint("secrets", i)
			stdout, stderr := own.hunt(c.code, out, append(c.args, "-e", address, "--ca", authority.File)...)
			if !strings.Contains(stderr, c.told) || c.told == "" && stderr != "" {
				t.Errorf("standard error is %q, want %q", stderr, c.told)
			}
			if strings.Contains(stdout+stderr, secret) {
				t.Errorf("the secret is printed: %s%s", stdout, stderr)
			}
			files := 0
			err := filepath.WalkDir(filepath.Join(g.dir, out), func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				files++
				text, err := os.ReadFile(path)
				if bytes.Contains(text, []byte(secret)) {
					t.Errorf("the secret is in %s", path)
				}
				return err
			})
			if c.code == 0 && (err != nil || files < 4) {
				t.Errorf("%d files, %v", files, err)
			}
		})
	}
}

func TestHuntOnAClusterThatIsNone(t *testing.T) {
	rules := filepath.Join(t.TempDir(), "rules")
	if err := os.CopyFS(rules, samples.Rules()); err != nil {
		t.Fatal(err)
	}
	page := servers.NewProxy(t, "", servers.ProxyOptions{Answer: func(*http.Request) (int, string) { return 200, "<html>" }})
	for _, c := range []struct {
		name string
		code int
		args []string
		want string
	}{
		{"nobody there", 1, []string{"-e", "http://127.0.0.1:1"}, "the connection was refused; check the address"},
		{"a page", 1, []string{"-e", page.URL}, "neither Elasticsearch nor OpenSearch"},
		{"no address", 2, []string{"-e", "es:9200"}, `"es:9200" is no address of a cluster; write for example https://`},
		{"files too", 2, []string{"-e", "http://127.0.0.1:1", "-d", "."}, "a hunt is over files or on a cluster"},
		{"no such pipeline", 2, []string{"-e", "http://127.0.0.1:1", "-p", "hulk"}, `there is no pipeline "hulk"`},
		{"two secrets", 2, []string{"-e", "http://127.0.0.1:1", "--user", "bob", "--password-file", os.DevNull}, "holds no secret"},
		{"a time that is none", 2, []string{"-e", "http://127.0.0.1:1", "--since", "yesterday"}, "24h for a day ago"},
	} {
		out := filepath.Join(t.TempDir(), "out")
		_, stderr := runs(t, c.code, append([]string{"hunt", "-q", "-r", rules, "-o", out}, c.args...)...)
		if !strings.Contains(stderr, c.want) {
			t.Errorf("%s: standard error is %q, want %q", c.name, stderr, c.want)
		}
	}
}
