package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"
)

// How much the page shows of what has no natural bound.
const (
	shownHosts    = 200
	openHosts     = 8
	openCells     = 8
	shownSources  = 500
	openSources   = 8
	shownProblems = 200
)

// levels are in order of severity; the last is a rule's that names none, or
// one that Sigma does not know.
var levels = []string{"critical", "high", "medium", "low", "informational", "none"}

func severity(level string) int {
	if i := slices.Index(levels, level); i >= 0 {
		return i
	}
	return len(levels) - 1
}

// page is what the template reads: all counting is done before.
type page struct {
	*Hunt
	Policy string
	Style  template.CSS
	Script template.JS

	Fired, Quiet    []row
	Failed, Skipped []group
	// NFailed and NSkipped are numbers of rules, Ran of those put to the data.
	NFailed, NSkipped, Ran int

	Lanes   []lane
	Axis    []string
	Span    string
	Untimed int

	Columns []column
	// Uncovered names the tactics that no rule of the hunt looks for.
	Uncovered []string

	Hosts      []host
	MoreHosts  int
	HostsTotal int

	ShownSources []Source
	MoreSources  int
	OpenSources  bool
	// Shapes tells whether any source's shape is known.
	Shapes        bool
	ShownProblems []Problem
	MoreProblems  int

	Choice []fact
}

// row is a rule of the page.
type row struct {
	*Rule
	Level    string
	Severity int
	// Search is what the filter finds beside the visible text.
	Search string
	// TechniqueIDs and HostIndexes are what the filters compare with, each
	// between spaces.
	TacticList, TechniqueIDs, HostIndexes string
	Spark                                 string
	// Where is the short name of the host with most findings.
	Where   string
	columns []string // the tactics under which the rule stands
}

// group is rules that did not run, for the same reason.
type group struct {
	Reason string
	Rules  []row
}

// lane is a level over time.
type lane struct {
	Level                string
	Rules, Ran, Findings int
	Peak                 int
	Bars                 []bar
	timed                []int
}

// bar is a rectangle of a picture; where it is one of time, Label tells it.
type bar struct {
	X, Y, W, H string
	Level      string
	Label      string
}

// column is a tactic of the matrix.
type column struct {
	Tactic
	Rules, Fired, Findings int
	Cells                  []cell
	// Quiet is the number of techniques looked for and not found.
	Quiet int
}

// cell is a technique that fired.
type cell struct {
	Technique
	Rules, Findings int
	Level           string
	Heat            int
}

// host is a host with findings.
type host struct {
	Name            string
	Rules, Findings int
	Level           string
	Bars            []bar
	byLevel         []int
}

type fact struct{ Name, Value string }

func newPage(h *Hunt) *page {
	p := &page{Hunt: h, Policy: policy(), Style: template.CSS(style), Script: template.JS(pageJS)} //nolint:gosec // our own script, embedded
	hostIndex := p.countHosts()
	reasons := map[State]map[string]int{Failed: {}, Skipped: {}}
	for i := range h.Rules {
		r := newRow(&h.Rules[i], hostIndex)
		switch r.State {
		case Fired:
			p.Fired = append(p.Fired, r)
		case Quiet:
			p.Quiet = append(p.Quiet, r)
		case Failed:
			p.Failed = addReason(p.Failed, reasons[Failed], r)
			p.NFailed++
		case Skipped:
			p.Skipped = addReason(p.Skipped, reasons[Skipped], r)
			p.NSkipped++
		}
	}
	p.Ran = len(p.Fired) + len(p.Quiet)
	for _, rows := range [][]row{p.Fired, p.Quiet} {
		slices.SortStableFunc(rows, func(a, b row) int {
			return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(b.Count, a.Count),
				cmp.Compare(a.Title, b.Title), cmp.Compare(a.Path, b.Path))
		})
	}
	p.countLevels()
	p.countTactics()
	p.listSources()
	p.Choice = choice(h)
	return p
}

func newRow(r *Rule, hostIndex map[string]int) row {
	v := row{Rule: r, Level: levels[severity(r.Level)], Severity: severity(r.Level), Spark: spark(r.Activity.Buckets)}
	search := []string{r.ID, r.Status}
	search = append(search, r.Tags...)
	var ids, indexes []string
	for _, t := range r.Techniques {
		ids = append(ids, t.ID)
		search = append(search, t.Name)
	}
	for _, hc := range r.Activity.Hosts {
		if i, ok := hostIndex[hc.Host]; ok {
			indexes = append(indexes, fmt.Sprint(i))
			search = append(search, hc.Host)
		}
	}
	v.Search = strings.ToLower(strings.Join(search, " "))
	v.columns = columnsOf(r)
	v.TacticList = spaced(v.columns)
	v.TechniqueIDs = spaced(ids)
	v.HostIndexes = spaced(indexes)
	if hosts := r.Activity.Hosts; len(hosts) > 0 {
		v.Where = shortHost(hosts[0].Host)
	}
	return v
}

// spaced joins words so that each has a space on both sides.
func spaced(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return " " + strings.Join(words, " ") + " "
}

func addReason(groups []group, at map[string]int, r row) []group {
	reason := r.Reason
	if reason == "" {
		reason = "no reason is known"
	}
	i, ok := at[reason]
	if !ok {
		i = len(groups)
		at[reason] = i
		groups = append(groups, group{Reason: reason})
	}
	groups[i].Rules = append(groups[i].Rules, r)
	return groups
}

func (p *page) listSources() {
	p.ShownSources = p.Sources[:min(len(p.Sources), shownSources)]
	p.MoreSources = len(p.Sources) - len(p.ShownSources)
	p.OpenSources = len(p.Sources) <= openSources
	p.Shapes = slices.ContainsFunc(p.Sources, func(s Source) bool { return s.Shape != "" })
	p.ShownProblems = p.Problems[:min(len(p.Problems), shownProblems)]
	p.MoreProblems = len(p.Problems) - len(p.ShownProblems)
}

// OpenHosts and FoldedHosts are the hosts shown at once and on demand.
func (p *page) OpenHosts() []host   { return p.Hosts[:min(len(p.Hosts), openHosts)] }
func (p *page) FoldedHosts() []host { return p.Hosts[len(p.OpenHosts()):] }

// OpenCells and FoldedCells are the techniques shown at once and on demand.
func (c column) OpenCells() []cell   { return c.Cells[:min(len(c.Cells), openCells)] }
func (c column) FoldedCells() []cell { return c.Cells[len(c.OpenCells()):] }

// OtherHosts is the number of a rule's hosts that its row does not name.
func (r row) OtherHosts() int { return len(r.Activity.Hosts) - 1 }

// NotRun is the number of rules that were skipped or failed.
func (p *page) NotRun() int { return p.NFailed + p.NSkipped }

// TopTechniques bounds the techniques named in a row of the table.
func (r row) TopTechniques() []Technique { return r.Techniques[:min(len(r.Techniques), 6)] }

// choice tells in words what the hunt was asked to do.
func choice(h *Hunt) []fact {
	in := h.Inputs
	facts := []fact{
		{"Rules", strings.Join(in.Rules, ", ")},
		{"Data", strings.Join(in.Data, ", ")},
		{"Index", strings.Join(in.Index, ", ")},
		{"Answered by", h.Engine},
		{"Pipelines", strings.Join(in.Pipelines, ", ")},
		{"Configurations", strings.Join(in.Configs, ", ")},
		{"Filters", strings.Join(in.Filters, ", ")},
		{"Placeholders", in.Placeholders},
		{"Levels", strings.Join(in.Select.Levels, ", ")},
		{"Lowest level", in.Select.MinLevel},
		{"Statuses", strings.Join(in.Select.Statuses, ", ")},
		{"Tags", strings.Join(in.Select.Tags, ", ")},
		{"Log sources", strings.Join(in.Select.LogSources, ", ")},
		{"Included", strings.Join(in.Select.Include, ", ")},
		{"Excluded", strings.Join(in.Select.Exclude, ", ")},
		{"Since", in.Since},
		{"Until", in.Until},
		{"Time zone", in.Timezone},
		{"huntbook", h.Version},
	}
	return slices.DeleteFunc(facts, func(f fact) bool { return f.Value == "" })
}
