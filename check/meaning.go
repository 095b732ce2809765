package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// meaning writes down what the rules of a file find, without places and without
// what makes no difference: how often a value is written, or whether a number
// stands in quotes. Two files of the same meaning find the same events.
func meaning(f *diag.File) string {
	docs, _ := sigma.ParseAll(f)
	rules, filters := docs.Rules, docs.Filters
	var b strings.Builder
	for _, x := range docs.Broken {
		fmt.Fprintf(&b, "broken %q\n", slices.Sorted(maps.Keys(x.Flawed)))
		switch {
		case x.Rule != nil:
			rules = append(rules, x.Rule)
		case x.Filter != nil:
			filters = append(filters, x.Filter)
		}
	}
	for _, r := range rules {
		fmt.Fprintf(&b, "rule %s %s\n", sourceMeaning(r.LogSource), detectionMeaning(&r.Detection))
		if c := r.Correlation; c != nil {
			fmt.Fprintf(&b, "%s %s %v", c.Type, c.Span, c.Generate)
			for _, x := range c.Rules {
				fmt.Fprintf(&b, " %q", x.Name)
			}
			for _, x := range c.GroupBy {
				fmt.Fprintf(&b, " by %q", x.Name)
			}
			for _, x := range c.Condition.Bounds {
				fmt.Fprintf(&b, " %s %g", x.Op, x.Value)
			}
			fmt.Fprintf(&b, " %s\n", conditionMeaning(c.Expr))
		}
	}
	for _, x := range filters {
		fmt.Fprintf(&b, "filter %s %s", sourceMeaning(x.LogSource), detectionMeaning(&x.Detection))
		for _, ref := range x.Rules {
			fmt.Fprintf(&b, " %q", ref.Name)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func sourceMeaning(l sigma.LogSource) string {
	return fmt.Sprintf("%q %q %q", l.Product, l.Category, l.Service)
}

func detectionMeaning(d *sigma.Detection) string {
	var b strings.Builder
	for _, id := range d.Identifiers {
		fmt.Fprintf(&b, "%q: %s\n", id.Name, searchMeaning(id.Body))
	}
	for _, c := range d.Conditions {
		fmt.Fprintf(&b, "%s | %s\n", conditionMeaning(c.Expr), c.Aggregation)
	}
	b.WriteString(d.Timeframe)
	return b.String()
}

func searchMeaning(s sigma.Search) string {
	switch s := s.(type) {
	case *sigma.Item:
		return itemMeaning(s)
	case *sigma.Group:
		members := make([]string, len(s.Members))
		for i, m := range s.Members {
			members[i] = searchMeaning(m)
		}
		return link(s.All, members)
	}
	return ""
}

// link writes members that are linked with AND or OR; one stands for itself.
func link(all bool, members []string) string {
	slices.Sort(members)
	members = slices.Compact(members)
	switch {
	case len(members) == 1:
		return members[0]
	case all:
		return "and(" + strings.Join(members, ", ") + ")"
	}
	return "or(" + strings.Join(members, ", ") + ")"
}

func itemMeaning(it *sigma.Item) string {
	values := make([]string, len(it.Values))
	for i, v := range it.Values {
		values[i] = valueMeaning(v)
	}
	not := ""
	if it.Negated {
		not = "not "
	}
	return fmt.Sprintf("%s%q=%s", not, it.Field, link(it.All, values))
}

func valueMeaning(v sigma.Value) string {
	switch v := v.(type) {
	case sigma.Number:
		return valueMeaning(sigma.String{Pattern: sigma.Text(v.Text)})
	case sigma.Alternatives:
		forms := make([]string, len(v))
		for i, x := range v {
			forms[i] = valueMeaning(x)
		}
		return link(false, forms)
	}
	return fmt.Sprintf("%T%q", v, fmt.Sprintf("%+v", v))
}

func conditionMeaning(e sigma.ConditionExpr) string {
	switch e := e.(type) {
	case *sigma.CondAnd:
		return link(true, conditionMeanings(e.X))
	case *sigma.CondOr:
		return link(false, conditionMeanings(e.X))
	case *sigma.CondNot:
		return "not " + conditionMeaning(e.X)
	case *sigma.CondRef:
		return fmt.Sprintf("%q", e.Name)
	case *sigma.CondOf:
		names := make([]string, len(e.Names))
		for i, n := range e.Names {
			names[i] = fmt.Sprintf("%q", n)
		}
		if e.Items {
			return fmt.Sprintf("items(%v %s)", e.All, names)
		}
		return link(e.All, names)
	}
	return ""
}

func conditionMeanings(x []sigma.ConditionExpr) []string {
	out := make([]string, len(x))
	for i, e := range x {
		out[i] = conditionMeaning(e)
	}
	return out
}
