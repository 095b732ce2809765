package ruleset

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/huntbook/huntbook/sigma"
)

// Choice says which rules are wanted. Its zero value wants all but deprecated
// and unsupported ones.
type Choice struct {
	Levels   []string // any of these
	MinLevel string
	Statuses []string // any of these
	Tags     []string // any of these; attack.t1059 means attack.t1059.001 too
	// LogSources are "category=process_creation,product=windows"; a rule must
	// agree with every part of one of them.
	LogSources []string
	// Include and Exclude are globs over a rule's path, its id or its title.
	Include, Exclude []string
}

// Check reports values that can't be meant.
func (c Choice) Check() error {
	for _, l := range append(slices.Clone(c.Levels), c.MinLevel) {
		if l != "" && !slices.Contains(sigma.Levels, strings.ToLower(l)) {
			return badWord("level", l, sigma.Levels)
		}
	}
	for _, s := range c.Statuses {
		if !slices.Contains(sigma.Statuses, strings.ToLower(s)) {
			return badWord("status", s, sigma.Statuses)
		}
	}
	for _, l := range c.LogSources {
		if _, err := parseLogSource(l); err != nil {
			return err
		}
	}
	for _, g := range append(slices.Clone(c.Include), c.Exclude...) {
		if !doublestar.ValidatePattern(g) {
			return fmt.Errorf("%q is no valid glob; write for example \"windows/**\" or \"*mimikatz*\"", g)
		}
	}
	return nil
}

func badWord(what, word string, known []string) error {
	hint := sigma.Suggest(word, known)
	if hint == "" {
		hint = "known are " + strings.Join(known, ", ")
	}
	return fmt.Errorf("unknown %s %q; %s", what, word, hint)
}

func parseLogSource(s string) (sigma.LogSource, error) {
	var ls sigma.LogSource
	for part := range strings.SplitSeq(s, ",") {
		key, value, ok := strings.Cut(part, "=")
		value = strings.ToLower(strings.TrimSpace(value))
		switch strings.TrimSpace(key) {
		case "category":
			ls.Category = value
		case "product":
			ls.Product = value
		case "service":
			ls.Service = value
		default:
			ok = false
		}
		if !ok || value == "" {
			return ls, fmt.Errorf("log source %q is not understood; write for example category=process_creation,product=windows", s)
		}
	}
	return ls, nil
}

// leavesOut returns why a rule is not wanted, "" when it is.
func (c Choice) leavesOut(r *sigma.Rule, path string, named bool) string {
	switch {
	case len(c.Statuses) > 0:
		if !containsFold(c.Statuses, r.Status) {
			return "status"
		}
	case (r.Status == "deprecated" || r.Status == "unsupported") && !named:
		return r.Status
	}
	if len(c.Levels) > 0 && !containsFold(c.Levels, r.Level) {
		return "level"
	}
	if c.MinLevel != "" && slices.Index(sigma.Levels, r.Level) < slices.Index(sigma.Levels, strings.ToLower(c.MinLevel)) {
		return "level"
	}
	if len(c.Tags) > 0 && !slices.ContainsFunc(c.Tags, func(t string) bool { return hasTag(r.Tags, t) }) {
		return "tag"
	}
	if len(c.LogSources) > 0 && !slices.ContainsFunc(c.LogSources, func(s string) bool { return agrees(s, r.LogSource) }) {
		return "log source"
	}
	matches := func(glob string) bool { return matchesGlob(glob, r, path) }
	if len(c.Include) > 0 && !slices.ContainsFunc(c.Include, matches) {
		return "not included"
	}
	if slices.ContainsFunc(c.Exclude, matches) {
		return "excluded"
	}
	return ""
}

func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, s) })
}

func hasTag(tags []string, want string) bool {
	want = strings.ToLower(want)
	return slices.ContainsFunc(tags, func(t string) bool {
		t = strings.ToLower(t)
		return t == want || strings.HasPrefix(t, want+".")
	})
}

func agrees(s string, ls sigma.LogSource) bool {
	want, err := parseLogSource(s)
	return err == nil &&
		(want.Category == "" || want.Category == ls.Category) &&
		(want.Product == "" || want.Product == ls.Product) &&
		(want.Service == "" || want.Service == ls.Service)
}

// matchesGlob compares a glob with a rule's path (a glob without a slash with
// the file's name in any folder), its id and its title.
func matchesGlob(glob string, r *sigma.Rule, path string) bool {
	g := strings.ToLower(glob)
	pattern := g
	if !strings.Contains(g, "/") {
		pattern = "**/" + g
	}
	if doublestar.MatchUnvalidated(pattern, strings.ToLower(path)) || g == strings.ToLower(r.ID) {
		return true
	}
	title := strings.ReplaceAll(strings.ToLower(r.Title), "/", " ")
	return doublestar.MatchUnvalidated(strings.ReplaceAll(g, "/", " "), title)
}
