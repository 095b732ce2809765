// Package ruleset reads rules from files and folders and chooses among them.
//
// It knows nothing of what rules are used for. Data flows: paths → files →
// sigma.Parse → choice by level, status, tag, log source and name → Set.
package ruleset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/internal/parallel"
	"github.com/huntbook/huntbook/sigma"
)

// Entry is one chosen rule.
type Entry struct {
	Rule *sigma.Rule
	// Path is relative to the input that the rule was found in, with forward
	// slashes; a file's own name when the file itself was named.
	Path string
}

// Set is what Load found.
type Set struct {
	Rules []Entry
	// LeftOut counts the rules that were not chosen, by reason.
	LeftOut map[string]int
	// Diagnostics are errors and warnings of the rules that were read.
	Diagnostics diag.List
	// Unreadable are the files with errors, a rule each or more; NotRules the
	// YAML files of folders that hold no Sigma rule.
	Unreadable []Unreadable
	NotRules   []string
	// Filters are those that stood among the rules and those of LoadFilters;
	// Filtered counts the rules that Apply gave a filter.
	Filters  []*sigma.Filter
	Filtered int
	// All are the rules that could be read, chosen or not: a correlation may
	// name one that was not chosen.
	All []*sigma.Rule
	// Broken are the documents of the files with errors that could not be used.
	Broken []sigma.Broken
}

// List are the chosen rules without their paths.
func (s *Set) List() []*sigma.Rule {
	out := make([]*sigma.Rule, len(s.Rules))
	for i, e := range s.Rules {
		out[i] = e.Rule
	}
	return out
}

// Unreadable is a rule file that could not be used, or not in whole.
type Unreadable struct {
	Path  string // relative, as Entry.Path
	Error diag.List
}

// ErrNoRules tells that the inputs hold no rule at all.
var ErrNoRules = errors.New("no rules")

// Load reads rules from files and folders, in the order given and within a
// folder in lexical order. A path that does not exist is an error that wraps
// fs.ErrNotExist; inputs without any rule file give ErrNoRules.
func Load(paths []string, choice Choice) (*Set, error) {
	l := newLoader(choice)
	for _, p := range paths {
		if err := l.input(p); err != nil {
			return nil, err
		}
	}
	l.parse()
	if l.files == 0 {
		return nil, fmt.Errorf("%w in %s; %s", ErrNoRules, strings.Join(paths, ", "), l.whyNone())
	}
	return l.set, nil
}

// whyNone says what inputs without a rule hold instead.
func (l *loader) whyNone() string {
	if len(l.set.NotRules) > 0 {
		return fmt.Sprintf("it holds YAML files, such as %s, but no Sigma rule has the keys logsource and detection there", l.set.NotRules[0])
	}
	return "rules are .yml or .yaml files"
}

// LoadFS reads all rules of a file system, as of a folder.
func LoadFS(fsys fs.FS, choice Choice) (*Set, error) {
	l := newLoader(choice)
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isRuleFile(p) {
			return err
		}
		data, err := fs.ReadFile(fsys, p)
		if err != nil {
			return err
		}
		l.found = append(l.found, &found{name: p, rel: p, data: data})
		return nil
	})
	l.parse()
	return l.set, err
}

type loader struct {
	set    *Set
	choice Choice
	files  int
	found  []*found
	seen   map[look][]os.FileInfo
}

func newLoader(choice Choice) *loader {
	return &loader{set: &Set{LeftOut: map[string]int{}}, choice: choice, seen: map[look][]os.FileInfo{}}
}

// look is what two names of one file have in common.
type look struct {
	size     int64
	modified int64
}

// found is a file that was found, and what came of it.
type found struct {
	name, rel string
	named     bool // by the user
	size      int64
	data      []byte
	err       error // why it can't be read
	docs      *sigma.Documents
	diags     diag.List
}

func (l *loader) input(p string) error {
	info, err := os.Stat(p)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("rules: %s: %w; check the path", p, fs.ErrNotExist)
	}
	if err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	if !info.IsDir() {
		l.read(p, filepath.Base(p), info, true)
		return nil
	}
	return filepath.WalkDir(p, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			l.found = append(l.found, &found{name: name, rel: p, err: err})
		case d.IsDir() && name != p && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case !d.IsDir() && isRuleFile(name) && !strings.HasPrefix(d.Name(), "._"):
			l.inFolder(p, name)
		}
		return nil
	})
}

// inFolder notes a file of a folder.
func (l *loader) inFolder(folder, name string) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		l.found = append(l.found, &found{name: name, rel: name, err: err})
	case info.Mode().IsRegular():
		rel, err := filepath.Rel(folder, name)
		if err != nil {
			rel = name
		}
		l.read(name, filepath.ToSlash(rel), info, false)
	}
}

// isRuleFile tells by its name whether a file of a folder may hold rules;
// NAME.test.yml holds their tests.
func isRuleFile(name string) bool {
	name = strings.ToLower(filepath.ToSlash(name))
	ext := path.Ext(name)
	return (ext == ".yml" || ext == ".yaml") && !strings.HasSuffix(name, ".test"+ext)
}

// read notes a file once, however often it is named.
func (l *loader) read(name, rel string, info os.FileInfo, named bool) {
	at := look{info.Size(), info.ModTime().UnixNano()}
	for _, s := range l.seen[at] {
		if os.SameFile(s, info) {
			return
		}
	}
	l.seen[at] = append(l.seen[at], info)
	l.found = append(l.found, &found{name: name, rel: rel, named: named, size: info.Size()})
}

// parse reads the files that were found, several at once, and enters them in
// their order.
func (l *loader) parse() {
	parallel.Each(len(l.found), func(i int) { l.found[i].parse() })
	for _, f := range l.found {
		if f.err != nil {
			l.unreadable(f.name, f.rel, f.err)
			continue
		}
		l.enter(f)
	}
	l.found = nil
}

func (f *found) parse() {
	if f.data == nil && f.err == nil {
		f.data, f.err = readBounded(f.name, f.size)
	}
	if f.err != nil {
		return
	}
	f.docs, f.diags = sigma.ParseAll(&diag.File{Path: f.name, Data: f.data})
	f.diags = append(f.diags, f.docs.Expand()...)
}

// readBounded reads a file of about that size, but never more than the parser would
// take.
func readBounded(name string, size int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	buffer := bytes.NewBuffer(make([]byte, 0, min(size, sigma.MaxFileSize)+bytes.MinRead))
	_, err = buffer.ReadFrom(io.LimitReader(f, sigma.MaxFileSize+1))
	return buffer.Bytes(), err
}

func (l *loader) unreadable(name, rel string, err error) {
	l.files++
	d := diag.List{{Code: "unreadable", Message: err.Error(), Hint: "check that the file may be read", File: &diag.File{Path: name}}}
	l.set.Unreadable = append(l.set.Unreadable, Unreadable{rel, d})
	l.set.Diagnostics = append(l.set.Diagnostics, d...)
}

// enter keeps the rules of a file that the choice wants.
func (l *loader) enter(f *found) {
	rel, named, docs, diags := f.rel, f.named, f.docs, f.diags
	l.set.Filters = append(l.set.Filters, docs.Filters...)
	l.set.All = append(l.set.All, docs.Rules...)
	if !named && len(docs.Rules) == 0 && len(docs.Filters) == 0 && isForeign(diags) {
		l.set.NotRules = append(l.set.NotRules, rel)
		return
	}
	l.files++
	l.set.Broken = append(l.set.Broken, docs.Broken...)
	l.set.Diagnostics = append(l.set.Diagnostics, diags...)
	if errs := diags.Errors(); len(errs) > 0 {
		l.set.Unreadable = append(l.set.Unreadable, Unreadable{rel, errs})
	}
	for _, r := range docs.Rules {
		if reason := l.choice.leavesOut(r, rel, named); reason != "" {
			l.set.LeftOut[reason]++
			continue
		}
		l.set.Rules = append(l.set.Rules, Entry{r, rel})
	}
}

// isForeign tells that a YAML file is about something else than Sigma.
func isForeign(l diag.List) bool {
	return !slices.ContainsFunc(l, func(d *diag.Diagnostic) bool { return d.Code != "not-a-rule" && d.Code != "no-rule" })
}
