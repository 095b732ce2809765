package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// page writes docs/benchmarks.md.
func (r *results) page() string {
	var b strings.Builder
	r.writeHead(&b)
	r.writeGoals(&b)
	r.writePeers(&b)
	r.writeMatches(&b)
	r.writeRuns(&b)
	r.writeStream(&b)
	r.writeHotParts(&b)
	r.writeCommands(&b)
	return relative(b.String())
}

// relative takes this machine's folders out of a text.
func relative(text string) string {
	if shared := os.Getenv("HUNTBOOK_SHARED"); shared != "" {
		text = strings.ReplaceAll(text, strings.TrimSuffix(shared, "/"), "$HUNTBOOK_SHARED")
	}
	if here, err := filepath.Abs("."); err == nil {
		text = strings.ReplaceAll(text, here+"/", "")
	}
	return text
}

func (r *results) writeHead(b *strings.Builder) {
	w := r.work
	fmt.Fprint(b, `# Benchmarks

"make bench" wrote this page. Machines differ, and so do runs on a busy machine: only ratios
from one run mean something. [performance.md](performance.md) tells where the time goes and how
to look for yourself.

`)
	fmt.Fprintf(b, "| | |\n|---|---|\n")
	fmt.Fprintf(b, "| when | %s |\n", r.begun.UTC().Format("2006-01-02"))
	fmt.Fprintf(b, "| machine | %s, %d cores, %s/%s |\n", processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	if r.loadBefore != "" {
		fmt.Fprintf(b, "| load average (1, 5, 15 minutes) | %s before, %s after |\n", r.loadBefore, r.loadAfter)
	}
	fmt.Fprintf(b, "| programs on one core | %s |\n", r.waiting())
	fmt.Fprintf(b, "| versions | %s, built with %s; %s |\n", r.version, runtime.Version(), strings.Join(r.peers.versions, ", "))
	fmt.Fprintf(b, "| events | %s in one file, %.2f GB of NDJSON: %s |\n", thousands(w.data.events), gigabytes(w.data.bytes), w.data.what)
	fmt.Fprintf(b, "| rules | %s (`%s`); every rule: %s |\n", thousands(w.ruleCount), w.rules, thousands(w.allCount))
	fmt.Fprintf(b, "| rounds | %d, all programs in turn; a figure is the median, and in parentheses the least and the greatest |\n\n", r.rounds)
}

// waiting tells how much longer than their CPU seconds the programs on one core took: what
// of it is much is other work on the machine.
func (r *results) waiting() string {
	var cpu, seconds float64
	for _, j := range r.jobs.all() {
		if j.pinned {
			cpu += j.cpu().median
			seconds += j.seconds().median
		}
	}
	if cpu == 0 {
		return ""
	}
	percent := 100 * (seconds/cpu - 1)
	text := fmt.Sprintf("%.0f %% longer by the clock than in CPU seconds", max(0, percent))
	if percent > 5 {
		text += ": **other work ran on the machine**, figures by the clock are too high, and CPU seconds somewhat"
	}
	return text
}

func writeTable(b *strings.Builder, goals []goal) {
	fmt.Fprint(b, "| figure | goal | measured | reached |\n|---|---|---|---|\n")
	for _, g := range goals {
		reached := "no"
		switch {
		case g.measured == "":
			g.measured, reached = "not measured", "?"
		case g.reached:
			reached = "yes"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", g.figure, g.want, g.measured, reached)
	}
}

func (r *results) writeGoals(b *strings.Builder) {
	fmt.Fprint(b, "## Goals\n\n")
	writeTable(b, r.goals())
	fmt.Fprint(b, "\nRatios are of the same round. \"By the clock\" and seconds are elapsed time on all cores; what is\n"+
		"said to be on one core is in CPU seconds (user and system). For what is not reached, the table below and\n"+
		"[performance.md](performance.md) tell where the time goes.\n\n")
	if h := r.hot; h.profileFailed == "" {
		fmt.Fprint(b, "Where the time of `match` goes on one core (a profile of `BenchmarkFile` in `engine`: one reading of the\n"+
			"rules, six passes over the events; as a [picture](images/match-flame.svg)):\n\n| | share |\n|---|---|\n")
		for _, s := range sharesOf(h.stacks) {
			if s.percent >= 0.5 {
				fmt.Fprintf(b, "| %s | %.0f %% |\n", s.what, s.percent)
			}
		}
		fmt.Fprintln(b)
	}
}

func (r *results) writePeers(b *strings.Builder) {
	w := r.work
	fmt.Fprintf(b, "## Beside other programs\n\nOne core, %s rules, %s events, findings written to a file.\n\n"+
		"| program | CPU seconds | events per CPU second | greatest memory | matches |\n|---|---|---|---|---|\n", thousands(w.ruleCount), thousands(w.data.events))
	for _, j := range []*job{r.jobs.one, r.jobs.rsigma, r.jobs.rsigmaBloom, r.jobs.bare, r.jobs.rsigmaBare, r.jobs.sqlite} {
		switch {
		case j == nil:
		case len(j.samples) == 0:
			fmt.Fprintf(b, "| %s | %s | | | |\n", j.name, j.failed)
		default:
			cpu := j.cpu()
			fmt.Fprintf(b, "| %s | %s | %s | %d MiB | %s |\n", j.name, cpu.show("%.2f"),
				thousands(int(float64(w.data.events)/cpu.median)), mib(j.memory()), thousands(r.found(j)))
		}
	}
	fmt.Fprint(b, "\n\"SQLite\" is how Zircolite works: pySigma's SQLite backend makes a query of each rule, and a\n"+
		"table in memory with indexes on EventID and Channel holds the events (`bench/sqlite.py`); converting the rules is not\ncounted.\n\n")
	if j := r.jobs; j.sigmaCLI != nil && len(j.sigmaCLI.samples) > 0 {
		fmt.Fprintf(b, "Converting %s rules to Elasticsearch query strings takes huntbook %s CPU seconds, and pySigma's\nsigma-cli %s.\n\n",
			thousands(w.allCount), j.convert.cpu().show("%.2f"), j.sigmaCLI.cpu().show("%.1f"))
	}
	fmt.Fprint(b, "Not compared:\n\n")
	for _, m := range append(r.peers.missing, notHere...) {
		fmt.Fprintf(b, "- %s\n", m)
	}
	fmt.Fprintln(b)
}

// notHere are programs that this run does not try to install, and why.
var notHere = []string{
	"Zircolite itself: no package registry has it, only its repository; \"SQLite\" above is its way of working.",
	"Chainsaw and Hayabusa: no package registry has them; their releases are archives of binaries.",
}

func (r *results) writeMatches(b *strings.Builder) {
	j, w := r.jobs, r.work
	fmt.Fprint(b, "## Do they find the same?\n\n")
	if len(r.matches[j.rsigmaBare]) > 0 {
		rules, onlyOurs, onlyTheirs := r.difference(j.bare, j.rsigmaBare)
		fmt.Fprintf(b, "rsigma's default does not look at a rule's log source, so it reports rules on events of other logs:\n"+
			"%s matches against %s. With \"no log sources\" both are given copies of the rules whose log source is\n"+
			"`product: windows` and nothing else, and so do the same work: %s matches against %s; ",
			thousands(r.found(j.rsigma)), thousands(r.found(j.one)), thousands(r.found(j.rsigmaBare)), thousands(r.found(j.bare)))
		if rules == 0 {
			fmt.Fprint(b, "every rule has as many in one as\nin the other.\n\n")
		} else {
			fmt.Fprintf(b, "%d rules\ndiffer (%s matches are huntbook's alone, since it finds fields of flat events under the names that rules use:\n"+
				"SourceName is Provider_Name; %s are rsigma's).\n\n", rules, thousands(onlyOurs), thousands(onlyTheirs))
		}
	}
	if len(r.matches[j.sqlite]) > 0 {
		rules, onlyOurs, onlyTheirs := r.difference(j.one, j.sqlite)
		fmt.Fprintf(b, "SQLite: %d rules differ from huntbook's. %s matches are huntbook's alone: pySigma's pipelines of this run name\n"+
			"Sysmon's events only, huntbook takes Security's for a process' start too; keywords are not supported. %s are SQLite's:\n"+
			"a port that an event holds as text passes a filter of numbers, and keys of the registry that are made count as\nremoved.\n\n",
			rules, thousands(onlyOurs), thousands(onlyTheirs))
	}
	rules, _, _ := r.difference(j.one, j.many)
	fmt.Fprintf(b, "With %d altered copies of each rule (letters changed for others about as frequent, numbers kept; %d that\n"+
		"matched an event all the same are left out) %d rules find something else than without.\n\n", copies, w.leftOut, rules)
}

func (r *results) writeRuns(b *strings.Builder) {
	fmt.Fprint(b, "## All runs\n\n| run | cores | runs | CPU seconds | seconds by the clock | greatest memory |\n|---|---|---|---|---|---|\n")
	for _, j := range r.jobs.all() {
		cores := "all"
		if j.pinned {
			cores = "one"
		}
		if len(j.samples) == 0 {
			fmt.Fprintf(b, "| %s | %s | 0 | %s | | |\n", j.name, cores, j.failed)
			continue
		}
		fmt.Fprintf(b, "| %s | %s | %d | %s | %s | %d MiB |\n", j.name, cores, len(j.samples), j.cpu().show("%.2f"), j.seconds().show("%.2f"), mib(j.memory()))
	}
	fmt.Fprintln(b)
}

func (r *results) writeStream(b *strings.Builder) {
	s := r.stream
	fmt.Fprintf(b, "## Streamed\n\nThe events %d times over through a pipe, %.1f GB, all cores: %.1f CPU seconds, %.1f by the clock, %s findings.\n\n| read | memory |\n|---|---|\n",
		s.times, gigabytes(s.bytes), s.cpu, s.seconds, thousands(s.findings))
	for _, at := range s.resident {
		fmt.Fprintf(b, "| %.1f GB | %d MiB |\n", gigabytes(at.bytes), mib(at.memory))
	}
	fmt.Fprintf(b, "| greatest | %d MiB |\n\n", mib(s.memory))
}

func (r *results) writeHotParts(b *strings.Builder) {
	fmt.Fprintf(b, "## Hot parts\n\nGo benchmarks on one core, six runs each, against `%s` (from the same kind of machine; on\nanother one only the rows' relation to each other means something):\n\n%s\n", baseline, r.hot.compared())
}

func (r *results) writeCommands(b *strings.Builder) {
	fmt.Fprint(b, "## Commands\n\n`$HUNTBOOK_SHARED` is the folder of the corpus (see [CONTRIBUTING.md](../CONTRIBUTING.md)).\n\n```\n")
	if recipe := r.work.data.recipe; recipe != "" {
		fmt.Fprintf(b, "# the events\n%s\n", recipe)
	}
	for _, j := range r.jobs.all() {
		program := j.args[:1]
		switch j.args[0] {
		case r.peers.rsigma:
			program = []string{"rsigma"}
		case r.jobs.parse.args[0]:
			program = []string{"go", "run", "./bench"}
		}
		if j.pinned {
			program = append(pin(), program...)
		}
		fmt.Fprintf(b, "# %s\n%s\n", j.name, strings.Join(append(program, j.args[1:]...), " "))
	}
	fmt.Fprintf(b, "# streamed\nfor i in $(seq %d); do cat %s; done | %s match --json -r %s -\n```\n", r.stream.times, r.work.data.path, huntbook, r.work.rules)
}

// processor names the machine's, as Linux does.
func processor() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "processor unknown"
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "model name"); ok {
			return strings.TrimLeft(name, "\t :")
		}
	}
	return "processor unknown"
}
