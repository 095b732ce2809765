package targettest

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// Shared is the folder with the corpus; a test that needs it is skipped where it is
// not.
func Shared(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("HUNTBOOK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	if _, err := os.Stat(filepath.Join(dir, "corpus", "sigma")); err != nil {
		t.Skipf("skipped: the corpus is not in %s; set HUNTBOOK_SHARED to its folder", dir)
	}
	return dir
}

// Corpus are the corpus' rules by path. Those in its folder unsupported may not be
// readable.
func Corpus(t testing.TB) map[string][]*sigma.Rule {
	t.Helper()
	Shared(t)
	corpus.Do(func() { corpusRules = readCorpus(t) })
	return corpusRules
}

var (
	corpus      sync.Once
	corpusRules map[string][]*sigma.Rule
)

func readCorpus(t testing.TB) map[string][]*sigma.Rule {
	t.Helper()
	root := os.DirFS(filepath.Join(Shared(t), "corpus", "sigma"))
	out := map[string][]*sigma.Rule{}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "regression_data" {
			return fs.SkipDir
		}
		if d.IsDir() || path.Ext(name) != ".yml" || !strings.Contains(name, "/") {
			return nil
		}
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		rules, diags := sigma.Parse(&diag.File{Path: name, Data: data})
		if diags.HasErrors() && !strings.HasPrefix(name, "unsupported") {
			t.Errorf("%s does not parse: %v", name, diags.Errors())
		}
		out[name] = rules
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 3000 {
		t.Fatalf("only %d rules", len(out))
	}
	return out
}

// Verdict is what another converter printed for a rule's file: queries or an error.
type Verdict struct {
	Path, ID, Error string
	// Query has a text or an object a query.
	Query []any
}

// Oracle are verdicts by path, of a file such as eql__default__none.
func Oracle(t testing.TB, name string) map[string]Verdict {
	t.Helper()
	f, err := os.Open(filepath.Join(Shared(t), "oracle", name+".jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]Verdict{}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var v Verdict
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		out[v.Path] = v
	}
	return out
}
