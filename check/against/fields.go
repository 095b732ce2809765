package against

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/huntbook/huntbook/sigma"
)

// fieldsOf lists the fields that a rule asks for. Whoever asks for a field's
// absence expects that it is not there. The event ids are those of the same map,
// else all that the rule has.
func fieldsOf(r *sigma.Rule) []place {
	var out []place
	var all []string
	seen := map[string]bool{"": true}
	var visit func(s sigma.Search, ids []string)
	visit = func(s sigma.Search, ids []string) {
		switch s := s.(type) {
		case *sigma.Group:
			if s.All {
				ids = append(ids[:len(ids):len(ids)], eventIDs(s)...)
				all = append(all, ids...)
			}
			for _, m := range s.Members {
				visit(m, ids)
			}
		case *sigma.Item:
			if !seen[s.Field] && !slices.ContainsFunc(s.Values, asksAbsence) {
				seen[s.Field] = true
				out = append(out, place{s.Field, s.Pos, ids})
			}
		}
	}
	for _, id := range r.Detection.Identifiers {
		if id.File == nil {
			visit(id.Body, nil)
		}
	}
	for i := range out {
		if out[i].ids == nil {
			out[i].ids = all
		}
	}
	return out
}

// eventIDs are the event ids that a map asks for.
func eventIDs(g *sigma.Group) []string {
	var ids []string
	for _, m := range g.Members {
		it, ok := m.(*sigma.Item)
		if !ok || it.Field != "EventID" || len(it.Modifiers) > 0 {
			continue
		}
		for _, v := range it.Values {
			switch v := v.(type) {
			case sigma.Number:
				ids = append(ids, v.Text)
			case sigma.String:
				if text, ok := v.Pattern.Plain(); ok {
					ids = append(ids, text)
				}
			}
		}
	}
	return ids
}

func asksAbsence(v sigma.Value) bool {
	switch v := v.(type) {
	case sigma.Null, sigma.Exists:
		return true
	case sigma.String:
		return len(v.Pattern) == 0
	}
	return false
}

// nearest names the field that looks most like a name: the same but for letter
// case, else one that is the same behind a dot, else one with a letter or two
// changed.
func nearest(name string, fields map[string]bool) string {
	low := strings.ToLower(name)
	best, distance := "", max(1, len(name)/6)+1
	for _, f := range slices.Sorted(maps.Keys(fields)) {
		x := strings.ToLower(f)
		d := levenshtein.ComputeDistance(low, x)
		if strings.HasSuffix(x, "."+low) || strings.HasSuffix(low, "."+x) {
			d = 1
		}
		if d < distance {
			best, distance = f, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}
