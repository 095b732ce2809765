package cli

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huntbook/huntbook/internal/servers"
	"github.com/huntbook/huntbook/jupyter"
	"github.com/huntbook/huntbook/notebook"
)

// kernelIn makes the Python kernel that of an environment, by the variable that has its
// Python.
func kernelIn(t *testing.T, variable string) {
	t.Helper()
	python := os.Getenv(variable)
	if python == "" {
		t.Skip(variable + " is not set: no notebook of this kind is run (make test sets it)")
	}
	t.Setenv("JUPYTER_PATH", filepath.Join(filepath.Dir(filepath.Dir(python)), "share", "jupyter"))
}

// flavour is a kind of notebook that asks a cluster.
type flavour struct {
	name string
	// python is the variable with the Python that has its packages, "" for R.
	python string
	server func(testing.TB) string
	flags  []string
}

var clusterFlavours = []flavour{
	{"python-es", "HUNTBOOK_PYTHON", servers.Elasticsearch, nil},
	{"python-es7", "HUNTBOOK_CLIENT7_PYTHON", servers.Elasticsearch, []string{"--client", "7"}},
	{"python-opensearch", "HUNTBOOK_PYTHON", servers.OpenSearch, []string{"--client", "opensearch"}},
	{"r-es", "", servers.Elasticsearch, []string{"--kernel", "ir"}},
}

// language is that of its cells.
func (f flavour) language() string {
	if f.python == "" {
		return "R"
	}
	return "python"
}

// begin finds the server and the kernel, or skips the test.
func (f flavour) begin(t *testing.T) (url string) {
	t.Helper()
	url = f.server(t)
	if f.python != "" {
		kernelIn(t, f.python)
	} else if _, err := jupyter.FindSpec("ir"); err != nil || exec.Command("Rscript", "-e", "library(httr2)").Run() != nil {
		t.Skip("no kernel of R with httr2: no notebook of this kind is run (make test installs it where it may)")
	}
	return url
}

// showCells print the events that a rule found, as JSON.
var showCells = map[string]string{
	"python": `print(df_1.to_json(orient="records"))`,
	"R":      `cat(toJSON(found_1$events, auto_unbox = TRUE), "\n")`,
}

// The walk-through's rule over its dataset on real servers gives the same three events
// in the notebooks of every kind.
func TestSeedInEachFlavour(t *testing.T) {
	var want []string
	for _, f := range clusterFlavours {
		t.Run(f.name, func(t *testing.T) {
			url := f.begin(t)
			std, indices := own(t, url)
			succeed(t, "ingest", "-q", seedFile(t, "empire_elevated_wmi.tar.gz"), "--standard", std, "--to", url)
			// The notebook asks through TLS, with an authority that only it knows.
			authority := servers.NewAuthority(t)
			issued := authority.Issue(time.Now().Add(time.Hour), "127.0.0.1")
			proxy := servers.NewProxy(t, url, servers.ProxyOptions{TLS: &tls.Config{Certificates: []tls.Certificate{issued.Certificate}}})
			t.Setenv("ELASTICSEARCH_CA_CERTS", authority.File)
			t.Setenv("OPENSEARCH_CA_CERTS", authority.File)
			dir := t.TempDir()
			args := []string{"notebook", "-r", seedFile(t, "sysmon_wmi_event_subscription.yml"), "-c", "helk", "-e", strings.Replace(proxy.URL, "http:", "https:", 1), "-o", dir}
			succeed(t, append(args, f.flags...)...)
			file := filepath.Join(dir, "sysmon_wmi_event_subscription.ipynb")
			addCode(t, file, showCells[f.language()])
			succeed(t, "run", file, "-p", "index", indices)
			text := streamed(t, file)
			if !regexp.MustCompile(`3 events match,\s+3 are shown`).MatchString(text) {
				t.Fatalf("no three events: %s", text)
			}
			got := eventsIn(t, text)
			if want == nil {
				want = got
			}
			if d := cmp.Diff(want, got); d != "" || len(got) != 3 {
				t.Errorf("other events than in the first kind of notebook: %s", d)
			}
			if text := readFile(t, filepath.Join(dir, "requirements.txt")); f.python != "" && !strings.Contains(text, "pandas==") {
				t.Errorf("requirements.txt: %s", text)
			}
			if f.name == "python-es" {
				huntSeed(t, url, indices)
			}
		})
	}
}

// huntSeed hunts the same, over the files and on the cluster, into notebooks in our own
// cells and in Python.
func huntSeed(t *testing.T, url, indices string) {
	t.Helper()
	dir := t.TempDir()
	pipeline := filepath.Join(dir, "index.yml")
	writeFile(t, pipeline, "name: index\npriority: 90\ntransformations:\n  - {type: set_state, key: index, val: '"+indices+"'}\n")
	files := []string{"-d", seedFile(t, "empire_elevated_wmi.tar.gz")}
	cluster := []string{"-e", url, "-p", "helk", "-p", pipeline}
	for _, c := range []struct {
		name string
		args []string
		want string // a pattern
	}{
		{"our cells over files", files, `3 of [0-9,]+ events match`},
		{"Python over files", append(files, "--kernel", "python3"), `3 events\\n`},
		{"our cells on a cluster", cluster, `3 of [0-9,]+ events match`},
		{"Python on a cluster", append(cluster, "--kernel", "python3"), `3 events match, 3 are shown`},
	} {
		out := filepath.Join(dir, c.name)
		succeed(t, append([]string{"hunt", "-q", "-r", seedFile(t, "sysmon_wmi_event_subscription.yml"), "-o", out}, c.args...)...)
		if text := readFile(t, filepath.Join(out, "sysmon_wmi_event_subscription.ipynb")); !regexp.MustCompile(c.want).MatchString(text) {
			t.Errorf("%s: no three events: %s", c.name, text)
		}
		if text := readFile(t, filepath.Join(out, "hunt.json")); !strings.Contains(text, `"findings": 3,`) {
			t.Errorf("%s: hunt.json: %s", c.name, text)
		}
	}
}

// What notebooks are said to need is what they are tested with.
func TestRequirements(t *testing.T) {
	tested := readFile(t, filepath.Join("..", "..", "scripts", "requirements.txt")) + readFile(t, filepath.Join("..", "..", "scripts", "requirements-client7.txt"))
	packages := 0
	for _, f := range notebook.Flavours() {
		for line := range strings.Lines(f.Requirements) {
			if strings.HasPrefix(line, "#") {
				continue
			}
			if packages++; !strings.Contains(tested, "\n"+line) {
				t.Errorf("%s needs %s, which no test has", f.Name, line)
			}
		}
	}
	if packages < 10 {
		t.Errorf("only %d packages are needed", packages)
	}
}

// A notebook that its kernel does not run to the end is told of in a line.
func TestHuntWithAFailure(t *testing.T) {
	kernelIn(t, "HUNTBOOK_PYTHON")
	t.Chdir(t.TempDir())
	writeFile(t, "team/metadata.json", `{"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}`)
	writeFile(t, "team/flavour.json", `{"files": true}`)
	writeFile(t, "team/notebook.tmpl", "=== fails code\n1 / 0\n")
	stdout, stderr := runs(t, exitFailed, "hunt", "-q", "--include", "wmi_event/*", "--template", "team")
	if want := "\nhuntbook: hunts/wmi_event/permanent_subscription.ipynb: In [1] failed: ZeroDivisionError: division by zero\n"; !strings.HasSuffix(stderr, want) || !strings.Contains(stdout, "1 failed") {
		t.Errorf("it says %q and %q, want %q", stdout, stderr, want)
	}
}

// addCode adds a cell to a notebook.
func addCode(t *testing.T, file, source string) {
	t.Helper()
	nb := decoded(t, file)
	nb.Cells = append(nb.Cells, notebook.Cell{ID: "shown", Type: notebook.Code, Source: source})
	writeNotebook(t, file, nb)
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(data)
}

// streamed is what the cells of a notebook wrote, without their rich outputs.
func streamed(t *testing.T, file string) string {
	t.Helper()
	var all struct {
		Cells []struct {
			Outputs []struct {
				Text  any
				Ename string
			}
		}
	}
	if err := json.Unmarshal([]byte(readFile(t, file)), &all); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, c := range all.Cells {
		for _, o := range c.Outputs {
			if o.Ename != "" {
				t.Errorf("%s: a cell ended with %s", file, o.Ename)
			}
			switch text := o.Text.(type) {
			case string:
				b.WriteString(text)
			case []any:
				for _, line := range text {
					fmt.Fprint(&b, line)
				}
			}
		}
	}
	return b.String()
}

// eventsIn reads the events that a notebook printed: of each, fields that every kind
// of data frame keeps.
func eventsIn(t *testing.T, text string) []string {
	t.Helper()
	var events []map[string]any
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "[{") {
			decoder := json.NewDecoder(strings.NewReader(line))
			decoder.UseNumber()
			if err := decoder.Decode(&events); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
		}
	}
	var out []string
	for _, e := range events {
		var b bytes.Buffer
		for _, field := range []string{"@timestamp", "event_id", "computer_name", "source_name", "log_name", "event_original_message"} {
			if v, ok := e[field]; ok && v != nil {
				fmt.Fprintf(&b, "%s=%v ", field, v)
			}
		}
		if e["@timestamp"] == nil || e["event_id"] == nil {
			t.Errorf("an event without its time or id: %v", e)
		}
		out = append(out, b.String())
	}
	slices.Sort(out)
	return out
}

// Python over the findings of a hunt has those of huntbook's own notebooks; another
// kernel later takes their files away again.
func TestHuntInPython(t *testing.T) {
	kernelIn(t, "HUNTBOOK_PYTHON")
	dir := filepath.Join(t.TempDir(), "hunts")
	only := []string{"hunt", "-q", "-o", dir, "--include", "registry_set/*", "--include", "create_remote_thread/*"}
	succeed(t, append(only, "--kernel", "python3")...)
	// Somebody writes into a notebook, and the hunt runs again.
	noted := filepath.Join(dir, "registry_set", "run_key_into_profile.ipynb")
	nb := decoded(t, noted)
	i := slices.IndexFunc(nb.Cells, func(c notebook.Cell) bool { return c.HasTag(notebook.TagNotes) })
	nb.Cells[i].Source = "## Notes\n\nAsk the admins."
	writeNotebook(t, noted, nb)
	succeed(t, append(only, "--kernel", "python3")...)
	if text := readFile(t, noted); !strings.Contains(text, "Ask the admins.") {
		t.Error("the note is gone")
	}
	var hunt struct {
		Rules []struct {
			Notebook string
			Count    int
			State    string
		}
	}
	if err := json.Unmarshal([]byte(readFile(t, filepath.Join(dir, "hunt.json"))), &hunt); err != nil || len(hunt.Rules) < 2 {
		t.Fatalf("%d rules, %v", len(hunt.Rules), err)
	}
	fired := 0
	for _, r := range hunt.Rules {
		file := filepath.Join(dir, r.Notebook)
		if edited := notebook.Edited(decoded(t, file)); edited != (file == noted) {
			t.Errorf("%s: edited by somebody %v, want %v", r.Notebook, edited, !edited)
		}
		if want := fmt.Sprintf("%d events", r.Count); !strings.Contains(streamed(t, file), want) {
			t.Errorf("%s does not say %q", r.Notebook, want)
		}
		lines := strings.Count(readFile(t, strings.TrimSuffix(file, ".ipynb")+".findings.ndjson"), "\n")
		if lines != r.Count {
			t.Errorf("%s has %d findings beside it, want %d", r.Notebook, lines, r.Count)
		}
		if text := readFile(t, file); r.Count > 0 {
			fired++
			if !strings.Contains(text, "application/vnd.vegalite.v5+json") || !strings.Contains(text, "<svg") {
				t.Errorf("%s has no chart with a picture", r.Notebook)
			}
		}
	}
	if fired == 0 || fired == len(hunt.Rules) {
		t.Fatalf("%d of %d rules fired: the test wants some and not all", fired, len(hunt.Rules))
	}
	succeed(t, only...)
	left, err := filepath.Glob(filepath.Join(dir, "*", "*.findings.ndjson"))
	if err != nil || len(left) > 0 {
		t.Errorf("findings for Python are left: %v, %v", left, err)
	}
}
