package agreement_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/internal/agreement"
)

// run is one product with the events of a standard, asked in one language.
type run struct {
	standard string
	product  elastic.Product
	target   string
}

// counts are numbers of rules, and of the documents that were found.
// Unanswered are rules that an overloaded server did not answer: they tell nothing.
type counts struct{ asked, equal, unsupported, different, unanswered, hits int }

// maxUnanswered is how many a run may have.
const maxUnanswered = 10

// difference is a rule whose documents are not the events that match.
type difference struct {
	run
	rule string
	what string
}

type tally struct {
	rules, events int

	mu          sync.Mutex
	runs        []run
	counts      map[run]*counts
	differences []difference
}

// begin opens a run and gives its number.
func (y *tally) begin(r run) int {
	if y.counts == nil {
		y.counts = map[run]*counts{}
	}
	y.runs, y.counts[r] = append(y.runs, r), &counts{}
	return len(y.runs)
}

func (y *tally) add(r run, rule string, want, got []string, err error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	c := y.counts[r]
	switch {
	case errors.Is(err, agreement.ErrNotConverted):
		c.unsupported++
		return
	case err != nil && agreement.IsOverload(err):
		c.unanswered++
		return
	case err == nil && slices.Equal(want, got):
		c.asked, c.equal, c.hits = c.asked+1, c.equal+1, c.hits+len(got)
		return
	}
	c.asked, c.different = c.asked+1, c.different+1
	d := difference{run: r, rule: rule}
	if d.what = fmt.Sprintf("%d missing, %d too many", len(without(want, got)), len(without(got, want))); err != nil {
		d.what = err.Error()
	}
	y.differences = append(y.differences, d)
}

// without are the members of a that b lacks.
func without(a, b []string) []string {
	has := map[string]bool{}
	for _, x := range b {
		has[x] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(x string) bool { return has[x] })
}

// reason is a row of the list: differences that it explains. Rule, standard, product
// and target are globs.
type reason struct {
	rule, standard, product, target, why string
	used                                 int
}

func (r *reason) explains(d difference) bool {
	for pattern, text := range map[string]string{r.rule: d.rule, r.standard: d.standard, r.product: string(d.product), r.target: d.target} {
		if ok, _ := path.Match(pattern, text); !ok && pattern != text && pattern != "*" {
			return false
		}
	}
	return true
}

func reasons(t *testing.T) []*reason {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "differences.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.Comment = '\t', '#'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var list []*reason
	for _, row := range rows {
		list = append(list, &reason{row[0], row[1], row[2], row[3], row[4], 0})
	}
	return list
}

// check holds the differences against the list. All events show whether the list has
// a row that explains nothing any more.
func (y *tally) check(t *testing.T) {
	t.Helper()
	list := reasons(t)
	for _, r := range y.runs {
		if n := y.counts[r].unanswered; n > maxUnanswered {
			t.Errorf("%s %s %s: %d rules got no answer", r.standard, r.product, r.target, n)
		}
	}
	for _, d := range y.differences {
		i := slices.IndexFunc(list, func(r *reason) bool { return r.explains(d) })
		if i < 0 {
			t.Errorf("%s\t%s\t%s\t%s\t%s", d.rule, d.standard, d.product, d.target, d.what)
			continue
		}
		list[i].used++
	}
	for _, r := range list {
		if all && r.used == 0 {
			t.Errorf("nothing differs any more as the list says: %s %s %s %s", r.rule, r.standard, r.product, r.target)
		}
	}
}

// write writes docs/agreement.md.
func (y *tally) write(t *testing.T) {
	t.Helper()
	var b strings.Builder
	b.WriteString("# Agreement of servers with match\n\n" +
		"What a rule finds must not depend on where it is asked. So events of the corpus are stored by `huntbook ingest`'s code under HELK's standard and\n" +
		"under ECS, on a real Elasticsearch 8.19 and a real OpenSearch 3.8; each rule is converted for each target, with the mapping of the indices, and the\n" +
		"documents that are found are compared by id with the events that `huntbook match` finds in the same files.\n\n")
	what := "a sample of the corpus; rules that no event matches take turns among the targets (`make agreement` asks all for everything)"
	if all {
		what = "the whole corpus"
	}
	fmt.Fprintf(&b, "This table is from %s: %d events, %d rules. *Equal* rules find the very same documents.\n\n", what, y.events, y.rules)
	b.WriteString("| standard | server | target | asked | equal | documents found | not expressible | differences |\n|---|---|---|--:|--:|--:|--:|--:|\n")
	for _, r := range y.runs {
		c := y.counts[r]
		fmt.Fprintf(&b, "| %s | %s | `%s` | %d | %d | %d | %d | %d |\n", r.standard, r.product, r.target, c.asked, c.equal, c.hits, c.unsupported, c.different)
	}
	b.WriteString("\n## Differences\n\nEach has its reason in `internal/agreement/testdata/differences.tsv`; a difference without one fails the test.\n\n| rule | standard | server | target | reason |\n|---|---|---|---|---|\n")
	for _, r := range reasons(t) {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", cell(r.rule), cell(r.standard), cell(r.product), cell(r.target), r.why)
	}
	b.WriteString("\nEQL and PPL have no engine here: EQL is held against Elastic's own Python implementation, PPL against text. Modules that Maven Central lacks\n(security, the `wildcard` field) are not part of these servers.\n")
	if err := os.WriteFile(filepath.Join("..", "..", "docs", "agreement.md"), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func cell(pattern string) string {
	if pattern == "*" {
		return "any"
	}
	return "`" + pattern + "`"
}
