package report

import (
	"fmt"
	"strings"
	"unicode"
)

// The longest texts and lists of unknown origin that the page shows.
const longest, longestReason, longestList = 300, 4000, 200

// fit copies a hunt with texts that are fit to be shown: cut where they are
// absurdly long, and with characters that would turn or hide their neighbours
// replaced by their names. Paths of notebooks stay: they are no text but links.
func fit(h *Hunt) *Hunt {
	c := *h
	c.Version = show(h.Version)
	c.Inputs = Inputs{
		Rules: showAll(h.Inputs.Rules), Data: showAll(h.Inputs.Data),
		Pipelines: showAll(h.Inputs.Pipelines), Configs: showAll(h.Inputs.Configs),
		Filters: showAll(h.Inputs.Filters), Placeholders: show(h.Inputs.Placeholders),
		Select: Selection{
			Levels: showAll(h.Inputs.Select.Levels), MinLevel: show(h.Inputs.Select.MinLevel),
			Statuses: showAll(h.Inputs.Select.Statuses), Tags: showAll(h.Inputs.Select.Tags),
			LogSources: showAll(h.Inputs.Select.LogSources),
			Include:    showAll(h.Inputs.Select.Include), Exclude: showAll(h.Inputs.Select.Exclude),
		},
		Since: show(h.Inputs.Since), Until: show(h.Inputs.Until), Timezone: show(h.Inputs.Timezone),
	}
	c.Rules = each(h.Rules, func(r Rule) Rule {
		r.ID, r.Title, r.Path, r.Status = show(r.ID), show(r.Title), show(r.Path), show(r.Status)
		r.Reason = showLines(r.Reason)
		if r.State != Fired && r.State != Quiet && r.State != Failed {
			r.State = Skipped
		}
		r.Tactics, r.Tags = showAll(r.Tactics), showAll(r.Tags)
		r.Techniques = each(first(r.Techniques), func(t Technique) Technique {
			return Technique{ID: show(t.ID), Name: show(t.Name), Tactics: showAll(t.Tactics)}
		})
		r.Activity.Hosts = each(r.Activity.Hosts, func(hc HostCount) HostCount {
			return HostCount{Host: show(hc.Host), Count: hc.Count}
		})
		return r
	})
	c.Sources = each(h.Sources, func(s Source) Source {
		s.Name, s.Shape = show(s.Name), show(s.Shape)
		return s
	})
	c.Problems = each(h.Problems, func(p Problem) Problem {
		return Problem{Where: show(p.Where), What: show(p.What)}
	})
	c.Tactics = each(h.Tactics, func(t Tactic) Tactic {
		return Tactic{Short: show(t.Short), Name: show(t.Name)}
	})
	return &c
}

func showAll(list []string) []string { return each(first(list), show) }

func first[T any](list []T) []T { return list[:min(len(list), longestList)] }

func each[T any](list []T, f func(T) T) []T {
	out := make([]T, len(list))
	for i, v := range list {
		out[i] = f(v)
	}
	return out
}

func show(s string) string { return visible(s, longest, "") }

// showLines is show for a text of several lines.
func showLines(s string) string { return visible(s, longestReason, "\n\t") }

func visible(s string, limit int, keep string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > limit {
			b.WriteRune('…')
			break
		}
		if (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) && !strings.ContainsRune(keep, r) {
			fmt.Fprintf(&b, "\\u%04x", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
