package sigma

import (
	"fmt"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/diag"
)

// maxChain bounds how deep correlations stand on correlations.
const maxChain = 16

// Library finds rules by id and by name.
type Library struct {
	byID, byName map[string][]*Rule
}

// NewLibrary makes a Library of lists of rules. Of two rules with the same id or
// name, one in the file of whoever asks is meant, else one of an earlier list.
func NewLibrary(lists ...[]*Rule) *Library {
	l := &Library{byID: map[string][]*Rule{}, byName: map[string][]*Rule{}}
	for _, list := range lists {
		for _, r := range list {
			if r.ID != "" {
				id := strings.ToLower(r.ID)
				l.byID[id] = append(l.byID[id], r)
			}
			if r.Name != "" {
				l.byName[r.Name] = append(l.byName[r.Name], r)
			}
		}
	}
	return l
}

// Find returns the rule that a reference in a rule means, nil when it is not
// there.
func (l *Library) Find(from *Rule, ref RuleRef) *Rule {
	found := l.byName[ref.Name]
	if len(found) == 0 {
		found = l.byID[strings.ToLower(ref.Name)]
	}
	if len(found) == 0 {
		return nil
	}
	for _, r := range found {
		if r.File != nil && r.File == from.File {
			return r
		}
	}
	return found[0]
}

// Resolve returns the rules that a correlation is about, in the order of its
// Rules: plain rules, other correlations, or the parts of a v1 rule. The list
// says which ones are missing.
func (l *Library) Resolve(r *Rule) ([]*Rule, diag.List) {
	var out []*Rule
	var diags diag.List
	for _, ref := range r.Correlation.Rules {
		if ref.Part != nil {
			out = append(out, r.Part(ref))
			continue
		}
		found := l.Find(r, ref.RuleRef)
		if found == nil {
			diags = append(diags, l.missing(r, ref.RuleRef))
		}
		out = append(out, found)
	}
	diags = append(diags, checkAliases(r, out)...)
	return out, diags
}

// Named returns the rules that correlations among the given ones name, with
// whether one of these says "generate: true": a rule that is named gives no results
// of its own otherwise.
func (l *Library) Named(rules []*Rule) map[*Rule]bool {
	generated := map[*Rule]bool{}
	for _, r := range rules {
		if r.Correlation == nil {
			continue
		}
		for _, ref := range r.Correlation.Rules {
			if found := l.Find(r, ref.RuleRef); found != nil && found != r && ref.Part == nil {
				generated[found] = generated[found] || r.Correlation.Generate
			}
		}
	}
	return generated
}

func (l *Library) missing(r *Rule, ref RuleRef) *diag.Diagnostic {
	d := &diag.Diagnostic{
		Code: "correlation-rule", File: r.File, Pos: ref.Pos, Width: len([]rune(ref.Name)),
		Message: fmt.Sprintf("the correlation names rule %q, which is not among the rules that were read", ref.Name),
	}
	known := make([]string, 0, len(l.byName))
	for name := range l.byName {
		known = append(known, name)
	}
	for id := range l.byID {
		known = append(known, id)
	}
	slices.Sort(known)
	if d.Hint = Suggest(ref.Name, known); d.Hint == "" {
		d.Hint = "give the file that holds it too, or write it as a further document of this one"
	}
	return d
}

// checkAliases reports aliases for rules that the correlation does not name. An
// alias may name a rule below another correlation, so only correlations over
// plain rules can tell.
func checkAliases(r *Rule, rules []*Rule) diag.List {
	var diags diag.List
	for _, a := range r.Correlation.Aliases {
		for _, f := range a.Fields {
			known := []string{}
			means := func(x *Rule) bool {
				if x == nil || x.Correlation != nil {
					return true
				}
				known = append(known, x.Name, x.ID)
				return (RuleRef{Name: f.Rule}).Names(x)
			}
			if slices.ContainsFunc(rules, means) {
				continue
			}
			diags = append(diags, &diag.Diagnostic{
				Code: "aliases", File: r.File, Pos: f.Pos, Width: len([]rune(f.Rule)),
				Message: fmt.Sprintf("alias %q has a field of rule %q, which the correlation does not name", a.Name, f.Rule),
				Hint:    Suggest(f.Rule, known),
			})
		}
	}
	return diags
}

// Needs returns the documents that a correlation stands on, each once, those
// that others stand on first and the correlation itself last. Errors: rules that
// are missing, correlations that stand on themselves, chains that are too long.
func (l *Library) Needs(r *Rule) ([]*Rule, diag.List) {
	n := &needs{library: l, state: map[*Rule]int{}}
	n.visit(r, nil)
	return n.order, n.diags
}

type needs struct {
	library *Library
	state   map[*Rule]int // 1 while it is visited, 2 when it was
	order   []*Rule
	diags   diag.List
}

func (n *needs) visit(r *Rule, path []*Rule) {
	if n.state[r] == 2 {
		return
	}
	n.state[r] = 1
	path = append(path, r)
	if r.Correlation != nil && !r.Correlation.Legacy() {
		rules, diags := n.library.Resolve(r)
		n.diags = append(n.diags, diags...)
		for i, below := range rules {
			ref := r.Correlation.Rules[i]
			switch {
			case below == nil:
			case n.state[below] == 1:
				n.fail(r, ref.RuleRef, "the correlation stands on itself: "+chainText(path, below))
			case len(path) > maxChain:
				n.fail(r, ref.RuleRef, fmt.Sprintf("more than %d correlations stand on each other", maxChain))
			default:
				n.visit(below, path)
			}
		}
	}
	n.state[r] = 2
	n.order = append(n.order, r)
}

func (n *needs) fail(r *Rule, ref RuleRef, message string) {
	n.diags = append(n.diags, &diag.Diagnostic{
		Code: "correlation-chain", File: r.File, Pos: ref.Pos, Width: len([]rune(ref.Name)), Message: message,
	})
}

// chainText writes the circle that ends at a rule: "a → b → a".
func chainText(path []*Rule, end *Rule) string {
	var names []string
	for _, r := range path[slices.Index(path, end):] {
		names = append(names, label(r))
	}
	return strings.Join(append(names, label(end)), " → ")
}

func label(r *Rule) string {
	for _, s := range []string{r.Name, r.ID} {
		if s != "" {
			return s
		}
	}
	return r.Title
}
