package sigma

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// libraryYAML gives a document's nodes as the library reads it; nil for what it refuses.
func libraryYAML(text string) *yaml.Node {
	var top yaml.Node
	if unmarshal(text, &top) != nil || len(top.Content) == 0 {
		return nil
	}
	return top.Content[0]
}

// outline writes all of a node that the parser looks at.
func outline(b *strings.Builder, n *yaml.Node, shift int) {
	fmt.Fprintf(b, "(%d %s %d %d:%d %q %d", n.Kind, n.Tag, n.Style, n.Line+shift, n.Column, n.Value, len(n.Content))
	for _, x := range n.Content {
		outline(b, x, shift)
	}
	b.WriteString(")\n")
}

// sameAsLibrary compares the two readers; false when the plain one gave up.
func sameAsLibrary(t interface{ Fatalf(string, ...any) }, text string) bool {
	memory := nodePool.Get().(*nodes)
	defer memory.release()
	root, count := plainYAML(text, 8, memory)
	if root == nil {
		return false
	}
	library := libraryYAML(text)
	if library == nil {
		t.Fatalf("the library refuses what was read:\n%s", text)
	}
	var got, want strings.Builder
	outline(&got, root, 0)
	outline(&want, library, 7)
	if got.String() != want.String() {
		t.Fatalf("%q\n got %s\nwant %s", text, got.String(), want.String())
	}
	if counted := strings.Count(got.String(), "\n"); counted > count {
		t.Fatalf("%q: %d nodes counted, there are %d", text, count, counted)
	}
	return true
}

func TestPlainYAMLOnCorpus(t *testing.T) {
	shared := os.Getenv("HUNTBOOK_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	dir := filepath.Join(shared, "corpus", "sigma")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the corpus is not there: set HUNTBOOK_SHARED to its folder")
	}
	documents, plain := 0, 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, doc := range splitDocuments(data) {
			documents++
			if sameAsLibrary(t, doc.text) {
				plain++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d documents are plain", plain, documents)
	if plain*10 < documents*9 {
		t.Errorf("only %d of %d documents are plain", plain, documents)
	}
}

// TestPlainYAMLIsTheLibrarys: what is made of pieces that matter to YAML is read as the
// library reads it, or not at all.
func TestPlainYAMLIsTheLibrarys(t *testing.T) {
	pieces := []string{
		"a", "key", "b|re", "1", "-1", "0x10", "1.5", "2020-01-02", "null", "~", "true", "yes", "<<", "é", "日本", "\\", "*", "&x", "!t", "%", "@", "`", "?", "? ", "=", "+",
		": ", ":", ":\n", "- ", "-", "--- ", "'", "''", "\"", "\\\"", "\\n", "#", " #", "# c\n", "[", "]", "{", "}", ", ", ",", "|", ">", "|-\n", ">-\n", "|\n", ">\n", "|2\n", ">+\n",
		"\n", "\n", "\n  ", "\n    ", "\n  - ", "\n- ", "\n ", " ", "  ", "\n\n", "\n# c\n", "\n  # c\n", "a: b\n", "a:\n  - 'x'\n", "\t", "\r\n", "\u2028", "\u0085", "k: [a, 'b', \"c\"]\n", "...", "x y z", "$(a)", "C:\\x\\y",
	}
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		text.WriteString(rapid.SampledFrom([]string{"", "a: ", "a:\n", "k:\n  ", "k:\n  - ", "title: t\nd: "}).Draw(t, "begin"))
		for range rapid.IntRange(1, 14).Draw(t, "n") {
			text.WriteString(rapid.SampledFrom(pieces).Draw(t, "piece"))
		}
		sameAsLibrary(t, text.String())
	})
}

func FuzzPlainYAML(f *testing.F) {
	for _, text := range []string{"a: b\n", "a:\n- 'x'\n- \"y\\\\\"\n", "a: |\n  x\n   y\n\n  z\nb: >-\n  f\n  g\n", "k: [a, 'b']\nl:\n  - m: n\n    o: p\n", "a: b # c\n# d\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if utf8.ValidString(text) { // others never come so far
			sameAsLibrary(t, text)
		}
	})
}
