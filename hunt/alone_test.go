package hunt

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/kernel"
	"github.com/huntbook/huntbook/notebook"
	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/sigma"
)

// alone runs every notebook of a hunt again, each by itself on the engine that
// reads files, and compares all bytes: what a hunt answers from its one pass is
// what the notebook's cells give.
func (p ground) alone(o Options) {
	p.Helper()
	outcome, err := Run(p.Context(), o)
	if err != nil {
		p.Fatal(err)
	}
	ran := 0
	for _, r := range outcome.Hunt.Rules {
		if r.Notebook == "" {
			continue
		}
		ran++
		name := filepath.Join(o.Out, filepath.FromSlash(r.Notebook))
		want, err := os.ReadFile(name)
		if err != nil {
			p.Fatal(err)
		}
		nb, err := notebook.Decode(want)
		if err != nil {
			p.Fatal(err)
		}
		for i := range nb.Cells {
			nb.Cells[i].Outputs, nb.Cells[i].ExecutionCount = nil, 0
		}
		local, err := engine.NewLocal(filepath.Dir(name), o.Ingest, engine.Bounds{})
		if err != nil {
			p.Fatal(err)
		}
		if err := kernel.Run(p.Context(), kernel.NewSession(local), nb); err != nil {
			p.Errorf("%s alone: %v", r.Notebook, err)
			continue
		}
		got, err := notebook.Encode(nb)
		if err != nil {
			p.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			p.Errorf("%s alone is not as the hunt wrote it (-hunt +alone):\n%s", r.Notebook, d)
		}
	}
	if ran == 0 {
		p.Error("no notebook was compared")
	}
}

func TestAloneSamples(t *testing.T) {
	t.Chdir(t.TempDir())
	o := sampleOptions(t)
	ground{t}.alone(o)
}

// TestAloneBounds: bounds of time, findings and size, a zone, a folder.
func TestAloneBounds(t *testing.T) {
	p := newGround(t, map[string]string{"deep/er/a.yml": ruleText("a", "1"), "b.yml": ruleText("b", "2")})
	p.write("logs/sub/more.json", `{"EventTime":"2020-09-04 11:30:00","Channel":"Security","EventID":1,"Computer":"C"}`)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	o := p.options()
	o.Data = engine.Data{
		Paths: []string{"./logs.json", "logs/"}, Location: berlin,
		Since: time.Date(2020, 9, 4, 9, 15, 0, 0, time.UTC), Until: time.Date(2020, 9, 4, 11, 0, 0, 0, time.UTC),
	}
	o.Bounds, o.Rows = engine.Bounds{Limit: 1, EventSize: 2000}, 7
	p.alone(o)
}

func TestAloneSeed(t *testing.T) {
	shared := os.Getenv("HUNTBOOK_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	seed, err := filepath.Abs(filepath.Join(shared, "corpus", "seed"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(seed); err != nil {
		t.Skip("the corpus is not there: set HUNTBOOK_SHARED to its folder")
	}
	t.Chdir(t.TempDir())
	set, err := ruleset.Load([]string{filepath.Join(seed, "sysmon_wmi_event_subscription.yml")}, ruleset.Choice{})
	if err != nil {
		t.Fatal(err)
	}
	ground{t}.alone(Options{
		Rules: set, Data: engine.Data{Paths: []string{filepath.Join(seed, "empire_elevated_wmi.tar.gz")}},
		Out: "out", Version: "test", Ingest: ingest.Options{},
	})
}

// TestAloneAdjusted: the cells of filtered and expanded rules carry the filters
// and the values.
func TestAloneAdjusted(t *testing.T) {
	p := newGround(t, map[string]string{
		"a.yml": ruleText("a", "[1, 2]"),
		"b.yml": "title: Rule b\nlogsource: {product: windows, service: security}\ndetection: {selection: {EventID|expand: '%ids%'}, condition: selection}\n",
	})
	p.write("rules/c.yml", "title: Twice\ncorrelation: {type: event_count, rules: [aaaaaaaa-0000-4000-8000-000000000000], timespan: 3h, condition: {gte: 3}}\n")
	p.write("rules/d.yml", "title: Twice in v1\nlogsource: {product: windows, service: security}\ndetection: {selection: {EventID|exists: true}, timeframe: 3h, condition: selection | count() > 2}\n")
	p.write("filters/f.yml", "title: not two\nlogsource: {product: windows}\nfilter: {rules: any, two: {EventID|expand: '%two%'}, condition: not two}\n")
	counts := func(change ...func(*Options)) string {
		var out []string
		for _, r := range p.hunt(change...).Hunt.Rules {
			out = append(out, fmt.Sprintf("%s %d", r.Title, r.Count))
		}
		return strings.Join(out, ", ")
	}
	if got, want := counts(), "Rule a 0, Rule b 0, Twice 1, Twice in v1 1"; got != want {
		t.Errorf("unfiltered: %s, want %s", got, want)
	}
	o := p.options()
	if err := o.Rules.LoadFilters([]string{"filters"}); err != nil {
		t.Fatal(err)
	}
	o.Rules.Apply(sigma.Placeholders{"ids": {"1", "2"}, "two": {"2"}})
	p.alone(o)
	if got, want := counts(func(to *Options) { to.Rules = o.Rules }), "Rule a 0, Rule b 2, Twice 0, Twice in v1 0"; got != want {
		t.Errorf("filtered: %s, want %s", got, want)
	}
}
