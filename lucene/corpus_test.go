package lucene

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestQueriesOfOthers reads the queries that pySigma and sigmac make of SigmaHQ's rules.
func TestQueriesOfOthers(t *testing.T) {
	shared := os.Getenv("HUNTBOOK_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	for _, name := range []string{"lucene__default__none", "lucene__default__ecs_windows", "opensearch_lucene__default__none", "sigmac_es-qs_helk", "sigmac_es-qs_none"} {
		file, err := os.Open(filepath.Join(shared, "oracle", name+".jsonl.gz"))
		if err != nil {
			t.Skip("the queries are not there: set HUNTBOOK_SHARED to the folder of the corpus")
		}
		defer file.Close()
		in, err := gzip.NewReader(file)
		if err != nil {
			t.Fatal(err)
		}
		read := 0
		var unread []string
		lines := bufio.NewScanner(in)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var row struct{ Query []string }
			if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
				continue // its query is no list of texts
			}
			for _, q := range row.Query {
				if _, diags := Parse(q); diags.HasErrors() {
					unread = append(unread, q)
				} else {
					read++
				}
			}
		}
		// Lucene takes those neither: expressions of another language, and slashes and
		// colons without a backslash.
		if len(unread)*50 > read || read < 3000 {
			t.Errorf("%s: %d queries read, %d not, such as\n%s", name, read, len(unread), strings.Join(unread[:min(3, len(unread))], "\n"))
		}
	}
}
