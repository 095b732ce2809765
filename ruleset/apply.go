package ruleset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// LoadFilters reads filters from files and folders beside those that stood
// among the rules. Rules that lie there too are passed over. A path that does
// not exist is an error that wraps fs.ErrNotExist; what is wrong inside is a
// diag.List, since a filter that is left out changes what rules find.
func (s *Set) LoadFilters(paths []string) error {
	for _, p := range paths {
		if _, err := os.Stat(p); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("filters: %s: %w; check the path", p, fs.ErrNotExist)
		}
		l := newLoader(Choice{})
		if err := l.input(p); err != nil {
			return err
		}
		l.parse()
		if err := l.set.Diagnostics.Err(); err != nil {
			return err
		}
		if len(l.set.Filters) == 0 {
			return fmt.Errorf("no filter in %s; a filter is a YAML document with title, logsource and filter", p)
		}
		s.Filters = append(s.Filters, l.set.Filters...)
		for _, d := range l.set.Diagnostics {
			if len(l.set.All) == 0 {
				s.Diagnostics = append(s.Diagnostics, d)
			}
		}
	}
	return nil
}

// LoadPlaceholders reads a file of placeholders. A path that does not exist is
// an error that wraps fs.ErrNotExist; what is wrong inside is a diag.List.
func LoadPlaceholders(path string) (sigma.Placeholders, error) {
	data, err := readBounded(path, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("placeholders: %s: %w; check the path", path, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("placeholders: %w", err)
	}
	p, diags := sigma.ParsePlaceholders(&diag.File{Path: path, Data: data})
	return p, diags.Err()
}

// Apply gives the rules their filters and replaces their placeholders. The
// rules that were read stay as they are; the set holds copies. A rule whose
// placeholders can't be replaced becomes unreadable. Filters for rules that are
// not there are warned of.
func (s *Set) Apply(p sigma.Placeholders) {
	s.Diagnostics = append(s.Diagnostics, sigma.MissingRules(s.Filters, s.All)...)
	applied := make(map[*sigma.Rule]*sigma.Rule, len(s.All))
	failed := map[*sigma.Rule]diag.List{}
	all := s.All[:0:0]
	for _, r := range s.All {
		expanded, diags := r.WithFilters(s.Filters).WithPlaceholders(p)
		if expanded == nil {
			failed[r] = diags
			continue
		}
		applied[r] = expanded
		all = append(all, expanded)
	}
	s.All = all
	rules := s.Rules[:0:0]
	for _, e := range s.Rules {
		if diags := failed[e.Rule]; diags != nil {
			s.Diagnostics = append(s.Diagnostics, diags...)
			s.Unreadable = append(s.Unreadable, Unreadable{e.Path, diags})
			continue
		}
		if slices.ContainsFunc(s.Filters, func(f *sigma.Filter) bool { return f.Covers(e.Rule) }) {
			s.Filtered++
		}
		rules = append(rules, Entry{applied[e.Rule], e.Path})
	}
	s.Rules = rules
}

// Explain says in a line what the filters did, "" without filters.
func (s *Set) Explain() string {
	if len(s.Filters) == 0 {
		return ""
	}
	names := make([]string, 0, 3)
	for _, f := range s.Filters[:min(3, len(s.Filters))] {
		names = append(names, fmt.Sprintf("%q", f.Title))
	}
	if len(s.Filters) > 3 {
		names = append(names, "…")
	}
	return fmt.Sprintf("filters %s apply to %d of %d rules", strings.Join(names, ", "), s.Filtered, len(s.Rules))
}
