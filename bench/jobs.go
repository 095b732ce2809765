package main

import (
	"os"
	"path/filepath"
	"slices"
)

// jobs are the runs by what they are for; those of peers that are not there are nil.
type jobs struct {
	one, both, bare, many, start, manyStart, allStart *job // huntbook match
	parse, hunt, convert, notebook                    *job
	rsigma, rsigmaBloom, rsigmaBare                   *job
	sigmaCLI, toSQL, sqlite                           *job
	runOwn, runPython, papermill, nbclient            *job // notebooks
}

// all are the jobs that there are, in the order in which they take turns.
func (j *jobs) all() []*job {
	list := []*job{
		j.rsigma, j.one, j.parse, j.many, j.both, j.hunt, j.rsigmaBare, j.bare, j.rsigmaBloom,
		j.start, j.manyStart, j.allStart, j.convert, j.notebook, j.sigmaCLI, j.toSQL, j.sqlite,
		j.runOwn, j.runPython, j.papermill, j.nbclient,
	}
	return slices.DeleteFunc(list, func(x *job) bool { return x == nil })
}

func (w *work) jobs(p *peers) *jobs {
	data := w.data.path
	match := func(data string, rules ...string) []string {
		return slices.Concat([]string{huntbook, "match", "--json"}, withFlag("-r", rules), []string{data})
	}
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	j := &jobs{
		one:       &job{name: "huntbook match", args: match(data, w.rules), pinned: true},
		both:      &job{name: "huntbook match, all cores", args: match(data, w.rules)},
		bare:      &job{name: "huntbook match, no log sources", args: match(data, w.bare), pinned: true},
		many:      &job{name: "huntbook match, ten times the rules", args: match(data, w.rules, w.altered), pinned: true},
		start:     &job{name: "huntbook match, no events", args: match(w.empty, w.rules), pinned: true},
		manyStart: &job{name: "huntbook match, no events, ten times the rules", args: match(w.empty, w.rules, w.altered), pinned: true},
		allStart:  &job{name: "huntbook match, no events, every rule", args: match(w.empty, w.all...), messages: true},
		parse:     &job{name: "parsing alone", args: []string{self, "parse", data}, pinned: true},
	}
	hunts, notebooks, queries := inFolder("hunts"), inFolder("notebooks"), inFolder("queries.txt")
	j.hunt = &job{
		name: "huntbook hunt", fresh: hunts,
		args: []string{huntbook, "hunt", "-q", "-r", w.rules, "-d", data, "-o", hunts},
	}
	j.convert = &job{
		name: "huntbook convert", fresh: queries,
		args: slices.Concat([]string{huntbook, "convert", "-t", "es-qs", "--without-pipeline", "-I", "-o", queries}, w.all),
	}
	j.notebook = &job{
		name: "huntbook notebook", fresh: notebooks,
		args: slices.Concat([]string{huntbook, "notebook", "-I", "-e", "http://localhost:9200", "-o", notebooks}, withFlag("-r", w.all)),
	}
	if p.rsigma != "" {
		rsigma := func(rules string, more ...string) []string {
			return append([]string{p.rsigma, "engine", "eval", "-r", rules, "-e", "@" + data}, more...)
		}
		j.rsigma = &job{name: "rsigma", args: rsigma(w.rules), pinned: true}
		j.rsigmaBloom = &job{name: "rsigma --bloom-prefilter", args: rsigma(w.rules, "--bloom-prefilter"), pinned: true}
		j.rsigmaBare = &job{name: "rsigma, no log sources", args: rsigma(w.bare), pinned: true}
	}
	if p.python != "" {
		w.pythonJobs(p, j)
	}
	return j
}

// pythonJobs are those of pySigma. They are slow, so they run less often.
func (w *work) pythonJobs(p *peers, j *jobs) {
	convert := []string{filepath.Join(filepath.Dir(p.python), "sigma"), "convert", "-s", "-t"}
	j.sigmaCLI = &job{
		name: "sigma-cli convert", rounds: 3,
		args: slices.Concat(convert, []string{"lucene", "--without-pipeline", "-o", inFolder("queries-pysigma.txt")}, w.all),
	}
	queries := inFolder("queries-sqlite.json")
	j.toSQL = &job{
		name: "sigma-cli convert to SQLite", rounds: 1,
		args: slices.Concat(convert, []string{"sqlite", "-f", "zircolite", "-p", "sysmon", "-p", "windows-logsources", "-o", queries, w.rules}),
	}
	j.sqlite = &job{name: "SQLite", args: []string{p.python, "bench/sqlite.py", queries, w.data.path}, pinned: true, rounds: 2}
}

func withFlag(flag string, values []string) []string {
	var args []string
	for _, v := range values {
		args = append(args, flag, v)
	}
	return args
}
