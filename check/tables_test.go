package check

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the tables")

// shared is a folder of the corpus; the test is skipped without it.
func shared(t *testing.T, parts ...string) string {
	t.Helper()
	root := os.Getenv("HUNTBOOK_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared")
	}
	name := filepath.Join(append([]string{root, "corpus"}, parts...)...)
	if _, err := os.Stat(name); err != nil {
		t.Skipf("the corpus is not there (%s); set HUNTBOOK_SHARED to its folder", name)
	}
	return name
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The tables say what their sources say.
func TestTables(t *testing.T) {
	for name, got := range map[string]string{
		"logsources.tsv": makeLogSources(t),
		"prefixes.tsv":   makePrefixes(t),
	} {
		file := filepath.Join("data", name)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if d := cmp.Diff(read(t, file), got); d != "" {
			t.Errorf("%s (-table +sources); go test ./check -update writes it:\n%s", name, d)
		}
	}
}

// tableCells are the cells of a row of a Markdown table, nil for other lines.
func tableCells(line string) []string {
	if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| -") {
		return nil
	}
	cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
	for i := range cells {
		cells[i] = strings.ReplaceAll(strings.TrimSpace(cells[i]), `\`, "")
	}
	return cells
}

var (
	sourcePart = regexp.MustCompile(`(product|category|service): ([^<\s]+)`)
	anEvent    = regexp.MustCompile(`EventIDs?:((?:\s|<br>|-|\d)+)`)
	aNumber    = regexp.MustCompile(`\d+`)
)

// channels are the services whose logs hold the events of categories.
var channels = map[string]string{
	"Microsoft-Windows-Sysmon/Operational": "sysmon", "Windows PowerShell": "powershell-classic",
	"Microsoft-Windows-PowerShell/Operational": "powershell",
}

// makeLogSources joins the specification's taxonomy, which has the log sources
// and the event ids of categories, with the fields that SigmaHQ's own test
// knows.
func makeLogSources(t *testing.T) string {
	var sources []knownSource
	get := func(product, category, service string) *knownSource {
		for i, s := range sources {
			if s.product == product && s.category == category && s.service == service {
				return &sources[i]
			}
		}
		sources = append(sources, knownSource{product: product, category: category, service: service})
		return &sources[len(sources)-1]
	}
	taxonomy := read(t, shared(t, "sigma-specification", "specification", "sigma-appendix-taxonomy.md"))
	for line := range strings.Lines(taxonomy) {
		cells := tableCells(line)
		if len(cells) != 3 || !sourcePart.MatchString(cells[1]) {
			continue
		}
		part := map[string]string{}
		for _, m := range sourcePart.FindAllStringSubmatch(cells[1], -1) {
			part[m[1]] = m[2]
		}
		s := get(part["product"], part["category"], part["service"])
		if m := anEvent.FindStringSubmatch(cells[2]); m != nil && s.product == "windows" {
			s.events = aNumber.FindAllString(m[1], -1)
			for channel, service := range channels {
				if strings.Contains(cells[2], channel) {
					s.eventService = service
				}
			}
		}
	}

	type names map[string][]string
	var known struct {
		Legit, Addon map[string]struct {
			Common            []string
			Category, Service names
		}
	}
	if err := json.Unmarshal([]byte(read(t, shared(t, "sigma", "logsource.json"))), &known); err != nil {
		t.Fatal(err)
	}
	for product, p := range known.Legit {
		add := func(of string, fields, more []string) {
			category, service, _ := strings.Cut(of, "|")
			name := product
			if product == "empty" {
				name = ""
			}
			s := get(name, category, service)
			if len(fields) > 0 {
				s.fields = slices.Concat(fields, p.Common, more)
				slices.Sort(s.fields)
				s.fields = slices.Compact(s.fields)
			}
		}
		for category, fields := range p.Category {
			add(category+"|", fields, known.Addon[product].Category[category])
		}
		for service, fields := range p.Service {
			add("|"+service, fields, known.Addon[product].Service[service])
		}
	}
	lines := make([]string, 0, len(sources))
	for _, s := range sources {
		lines = append(lines, strings.Join([]string{s.product, s.category, s.service, s.eventService, strings.Join(s.events, ","), strings.Join(s.fields, ",")}, "\t"))
	}
	slices.Sort(lines)
	return "product\tcategory\tservice\tevent service\tevent ids\tfields\n" + strings.Join(lines, "\n") + "\n"
}

// makePrefixes reads SigmaHQ's convention for the names of files.
func makePrefixes(t *testing.T) string {
	var lines []string
	head, heading := "", ""
	for line := range strings.Lines(read(t, shared(t, "sigma-specification", "sigmahq", "sigmahq-filename-convention.md"))) {
		if strings.HasPrefix(line, "#") {
			heading = strings.ToLower(strings.Trim(line, "# \n"))
		}
		cells := tableCells(line)
		if len(cells) != 3 {
			continue
		}
		if cells[1] == "Pattern" {
			head = strings.ToLower(cells[0])
			continue
		}
		prefix := strings.ReplaceAll(strings.TrimSuffix(cells[1], "*"), "*os*", "{os}")
		if prefix == "" || prefix == "----" {
			continue
		}
		row := map[string]string{head: cells[0]}
		if head == "service" {
			row["product"] = heading
		}
		lines = append(lines, strings.Join([]string{row["product"], row["category"], row["service"], prefix}, "\t"))
	}
	// The convention for a category or a service goes before that of its
	// product.
	slices.SortStableFunc(lines, func(a, b string) int { return strings.Count(a, "\t\t\t") - strings.Count(b, "\t\t\t") })
	return "product\tcategory\tservice\tprefix\n" + strings.Join(lines, "\n") + "\n"
}
