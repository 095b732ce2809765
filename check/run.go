package check

import (
	"cmp"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/sigma"
)

// Result is what Run found.
type Result struct {
	// Findings stand in the order of their places: by path, line, column and
	// code.
	Findings []Finding
	// Files, Rules and Filters count what was looked at; rules are
	// correlations too.
	Files, Rules, Filters int
}

// Fixable counts the findings that Fix repairs.
func (r *Result) Fixable() int {
	n := 0
	for _, f := range r.Findings {
		if len(f.Edits) > 0 {
			n++
		}
	}
	return n
}

// List is the findings as messages.
func (r *Result) List() diag.List {
	list := make(diag.List, len(r.Findings))
	for i, f := range r.Findings {
		list[i] = f.Diagnostic
	}
	return list
}

// Add puts further findings among the others.
func (r *Result) Add(more []Finding) {
	r.Findings = append(r.Findings, more...)
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Or(strings.Compare(a.path(), b.path()), comparePlaces(a, b)) })
}

func (f Finding) path() string {
	if f.File == nil {
		return ""
	}
	return f.File.Path
}

func comparePlaces(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column),
		strings.Compare(a.Code, b.Code), strings.Compare(a.Message, b.Message),
	)
}

// Run makes all checks on all rules and filters of a set, chosen or not.
func Run(s *ruleset.Set) *Result {
	files := group(s)
	var wg sync.WaitGroup
	next := make(chan *file)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for f := range next {
				f.run()
			}
		})
	}
	for _, f := range files {
		next <- f
	}
	close(next)
	wg.Wait()
	runSet(&set{files: files, rules: named(s)})

	result := &Result{Files: len(files)}
	for _, f := range files {
		for _, d := range f.documents {
			if d.kind == "filter" {
				result.Filters++
			} else {
				result.Rules++
			}
		}
		result.Findings = append(result.Findings, f.sorted()...)
	}
	return result
}

// group gives the files of a set, in the order of their paths.
func group(s *ruleset.Set) []*file {
	byFile := map[*diag.File]*file{}
	var files []*file
	of := func(f *diag.File) *file {
		if byFile[f] == nil {
			byFile[f] = newFile(f)
			files = append(files, byFile[f])
		}
		return byFile[f]
	}
	rule := func(r *sigma.Rule, flawed map[string]bool) {
		f := of(r.File)
		f.documents = append(f.documents, ruleDocument(f, r, flawed))
	}
	filter := func(x *sigma.Filter, flawed map[string]bool) {
		f := of(x.File)
		f.documents = append(f.documents, filterDocument(f, x, flawed))
	}
	for _, r := range s.All {
		rule(r, nil)
	}
	for _, x := range s.Filters {
		filter(x, nil)
	}
	for _, b := range s.Broken {
		switch {
		case b.Rule != nil:
			rule(b.Rule, b.Flawed)
		case b.Filter != nil:
			filter(b.Filter, b.Flawed)
		}
	}
	for _, d := range s.Diagnostics {
		if d.File != nil {
			of(d.File).parsed(d)
		}
	}
	slices.SortStableFunc(files, func(a, b *file) int { return strings.Compare(a.Path, b.Path) })
	for _, f := range files {
		slices.SortStableFunc(f.documents, func(a, b *document) int { return cmp.Compare(a.pos.Line, b.pos.Line) })
	}
	return files
}

// named are the rules that others may name: those with errors too, of which no more
// is known than how they are called.
func named(s *ruleset.Set) []*sigma.Rule {
	out := slices.Clone(s.All)
	for _, b := range s.Broken {
		if b.Rule == nil {
			for _, m := range nameLine.FindAllStringSubmatch(b.Text, -1) {
				out = append(out, &sigma.Rule{ID: m[1], Name: m[1], Correlation: &sigma.Correlation{}})
			}
			continue
		}
		// What a broken correlation stands on is not known, so it stands on nothing.
		head := &sigma.Rule{File: b.Rule.File, ID: b.Rule.ID, Name: b.Rule.Name}
		if sigma.Find(b.Rule.Keys, "correlation") != nil {
			head.Correlation = &sigma.Correlation{}
		}
		out = append(out, head)
	}
	return out
}

// nameLine finds what a document that is not YAML is called.
var nameLine = regexp.MustCompile(`(?m)^(?:id|name):[ \t]*['"]?([^\s'"#]+)`)

// parsed takes a message of the parser. What it warns of has the severity that
// the check gives it.
func (f *file) parsed(d *diag.Diagnostic) {
	finding := Finding{Diagnostic: d}
	if c := Find(d.Code); c != nil {
		copied := *d
		finding.Diagnostic = &copied
		if d.Severity != diag.Error {
			copied.Severity = c.Severity
		}
		if c.repair != nil {
			finding.Edits = c.repair(f.source, d)
		}
	}
	f.findings = append(f.findings, finding)
}

// run makes the checks that need one file alone.
func (f *file) run() {
	for _, c := range checks {
		f.check = c
		if c.file != nil {
			c.file(f)
		}
		for _, d := range f.documents {
			if c.document != nil {
				c.document(d)
			}
			if c.section != nil && d.hasSection() {
				c.section(d)
			}
			if c.item != nil {
				d.items(func(it *item) { c.item(d, it) })
			}
		}
	}
}

// sorted gives a file's findings by place, each once: what stands in the global
// part of a collection is found with every rule that it belongs to.
func (f *file) sorted() []Finding {
	slices.SortStableFunc(f.findings, comparePlaces)
	return slices.CompactFunc(f.findings, func(a, b Finding) bool {
		return a.Pos == b.Pos && a.Code == b.Code && a.Message == b.Message
	})
}

// set is all that was read, for checks that compare rules.
type set struct {
	files []*file
	rules []*sigma.Rule // as named gives them
	check *Check
}

// runSet makes the checks that need all files.
func runSet(s *set) {
	for _, c := range checks {
		if c.set == nil {
			continue
		}
		s.check = c
		for _, f := range s.files {
			f.check = c
		}
		c.set(s)
	}
}

// documents calls f for all documents in the order of the files.
func (s *set) documents(f func(*document)) {
	for _, file := range s.files {
		for _, d := range file.documents {
			f(d)
		}
	}
}
