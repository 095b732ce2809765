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
	heavy         int // rules that are so, and that events match

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
		t.Logf("%s\t%s\t%s\t%s\t%s: %s", d.rule, d.standard, d.product, d.target, d.what, list[i].why)
	}
	for _, r := range list {
		if all && r.used == 0 {
			t.Errorf("nothing differs any more as the list says: %s %s %s %s", r.rule, r.standard, r.product, r.target)
		}
	}
}

// page is where docs/agreement.md begins to tell of a run, and where that ends.
const (
	pageFrom = "The table is of "
	pageTo   = "\n## Differences\n"
)

// write writes the figures of the run into docs/agreement.md.
func (y *tally) write(t *testing.T) {
	t.Helper()
	path := filepath.Join("..", "..", "docs", "agreement.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), pageFrom)
	_, after, more := strings.Cut(rest, pageTo)
	if !ok || !more {
		t.Fatalf("%s has no part from %q to %q", path, pageFrom, pageTo)
	}
	var b strings.Builder
	if all {
		fmt.Fprintf(&b, "what `make agreement` asks: %d events and %d rules, each in every target.\n", y.events, y.rules)
	} else {
		fmt.Fprintf(&b, "what `make test` asks: %d events and %d rules (`HUNTBOOK_START=\"elasticsearch opensearch\" scripts/servers/run.sh\n"+
			"go test -timeout 30m -v -run TestServersAgreeWithMatch ./internal/agreement -update`). Every rule that some event matches is asked in\n"+
			"every target, but for %d on which a server works long; these, and rules that no event matches, take turns among the targets.\n"+
			"`make agreement` asks for every event, all rules in all targets of both servers.\n", y.events, y.rules, y.heavy)
	}
	b.WriteString("*Equal* rules find the very same documents.\n\n" +
		"| standard | server | target | asked | equal | documents found | not expressible | differences |\n|---|---|---|--:|--:|--:|--:|--:|\n")
	for _, r := range y.runs {
		c := y.counts[r]
		fmt.Fprintf(&b, "| %s | %s | `%s` | %d | %d | %d | %d | %d |\n", r.standard, r.product, r.target, c.asked, c.equal, c.hits, c.unsupported, c.different)
	}
	if err := os.WriteFile(path, []byte(before+pageFrom+b.String()+pageTo+after), 0o600); err != nil {
		t.Fatal(err)
	}
}
