package samples

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestContents(t *testing.T) {
	rules, err := fs.Glob(Rules(), "*/*.yml")
	if err != nil || len(rules) != 20 {
		t.Errorf("%d rules (%v), want 20", len(rules), err)
	}
	if info, err := fs.Stat(Data(), "attack-story.json.gz"); err != nil || info.Size() == 0 {
		t.Errorf("the data are not there: %v", err)
	}
}

var head = regexp.MustCompile(`(?m)^(?:title|id): *['"]?([^'"\r\n]+)`)

// The rules are of our own writing: none has the title or the id of a rule that
// is published.
func TestNoRuleIsSomebodyElses(t *testing.T) {
	shared := os.Getenv("HUNTBOOK_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	corpus := filepath.Join(shared, "corpus", "sigma")
	if _, err := os.Stat(corpus); err != nil {
		t.Skip("the corpus of published rules is not here; HUNTBOOK_SHARED names the folder that has it")
	}
	ours := map[string]string{}
	err := fs.WalkDir(Rules(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(Rules(), path)
		for _, m := range head.FindAllSubmatch(text, -1) {
			ours[strings.ToLower(string(m[1]))] = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	theirs := 0
	err = filepath.WalkDir(corpus, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yml" {
			return err
		}
		text, err := os.ReadFile(path)
		theirs++
		for _, m := range head.FindAllSubmatch(text, -1) {
			if rule, ok := ours[strings.ToLower(strings.TrimSpace(string(m[1])))]; ok {
				t.Errorf("%s shares %q with %s", rule, m[1], path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(ours) != 40 || theirs < 1000 {
		t.Errorf("compared %d titles and ids of ours with %d files", len(ours), theirs)
	}
}
