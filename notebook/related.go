package notebook

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/attack"
	"github.com/huntbook/huntbook/sigma"
)

// Related is a rule that a notebook leads on to.
type Related struct {
	Title string
	// Link is the notebook of the rule, relative to this one's folder with /; "" for
	// none. Why says what they have in common.
	Link, Why string
}

// maxRelated bounds the rules that share a technique.
const maxRelated = 8

// RelatedIndex finds for a rule others that an analyst may want to see next.
type RelatedIndex struct {
	rules       []*sigma.Rule
	notebooks   []string
	techniques  [][]string
	byTechnique map[string][]int
	byID        map[string]int
}

// NewRelatedIndex indexes rules; a rule's place is its number. The notebooks are named
// from one folder, with /; "" is a rule that has none.
func NewRelatedIndex(rules []*sigma.Rule, notebooks []string) *RelatedIndex {
	x := &RelatedIndex{rules: rules, notebooks: notebooks, techniques: make([][]string, len(rules)), byTechnique: map[string][]int{}, byID: map[string]int{}}
	for i, r := range rules {
		_, techniques := attack.OfTags(r.Tags)
		for _, t := range techniques {
			x.techniques[i] = append(x.techniques[i], t.ID)
			x.byTechnique[t.ID] = append(x.byTechnique[t.ID], i)
		}
		if _, taken := x.byID[r.ID]; r.ID != "" && !taken {
			x.byID[r.ID] = i
		}
	}
	return x
}

// Of lists rules for the one of that number: those that it names itself, then those
// that share techniques with it, most of them first, and before others those of the
// same log source. Remark gives what else is to be said of a rule, or is nil.
func (x *RelatedIndex) Of(number int, remark func(i int) string) []Related {
	var out []Related
	seen := map[int]bool{number: true}
	add := func(i int, why string) {
		seen[i] = true
		if remark != nil {
			why += "; " + remark(i)
		}
		page := Page{Rule: x.rules[i]}
		out = append(out, Related{Title: page.Title(), Link: relative(x.notebooks[number], x.notebooks[i]), Why: why})
	}
	rule := x.rules[number]
	for _, r := range rule.Related {
		if i, ok := x.byID[r.ID]; ok && !seen[i] {
			add(i, r.Type)
		}
	}
	shares := map[int][]string{}
	for _, t := range x.techniques[number] {
		for _, i := range x.byTechnique[t] {
			if !seen[i] {
				shares[i] = append(shares[i], t)
			}
		}
	}
	others := make([]int, 0, len(shares))
	for i := range shares {
		others = append(others, i)
	}
	sameLog := func(i int) int {
		if x.rules[i].LogSource == rule.LogSource {
			return 0
		}
		return 1
	}
	slices.SortFunc(others, func(a, b int) int {
		return cmp.Or(cmp.Compare(len(shares[b]), len(shares[a])), cmp.Compare(sameLog(a), sameLog(b)), cmp.Compare(a, b))
	})
	for _, i := range others[:min(maxRelated, len(others))] {
		add(i, strings.Join(shares[i], ", "))
	}
	return out
}

// relative is the way from one notebook to another, "" where there is none.
func relative(from, to string) string {
	if to == "" {
		return ""
	}
	here, there := strings.Split(from, "/"), strings.Split(to, "/")
	for len(here) > 1 && len(there) > 1 && here[0] == there[0] {
		here, there = here[1:], there[1:]
	}
	return strings.Repeat("../", len(here)-1) + strings.Join(there, "/")
}

// relatedLine is a rule as Markdown: a link to its notebook, and why. Whatever the link
// holds, it leads to a file: no scheme and no host stand in it.
func relatedLine(r Related) string {
	title := InlineMarkdown(r.Title)
	if r.Link != "" {
		parts := strings.Split(r.Link, "/")
		for i, part := range parts {
			parts[i] = strings.ReplaceAll(url.PathEscape(part), ":", "%3A")
		}
		title = fmt.Sprintf("[%s](<./%s>)", title, strings.Join(parts, "/"))
	}
	if r.Why == "" {
		return title
	}
	return title + " · " + InlineMarkdown(r.Why)
}
