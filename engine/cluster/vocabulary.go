package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/match"
	"github.com/huntbook/huntbook/sigma"
)

// vocabulary is the distinct values of fields of some indices, within the bounds of
// time. Logs repeat themselves: thousands of rules can be held against the values
// here, and most then need not be asked; the others ask for values that are there
// instead of patterns, which cost a cluster far more.
type vocabulary struct {
	index *index
	// fields are those whose values are all known.
	fields map[string]*values
	// found are the values that a comparison matches, by field, of comparisons that
	// were held against them.
	found map[string]map[string][]string
}

// values are the distinct values of a field.
type values struct {
	list []string
	// folded tells that they are in lower case, whatever the documents say.
	folded bool
}

const (
	// fewRules are asked as they are.
	fewRules = 20
	// fewValues are asked for at once, of any field; of one that has more all are, if
	// there are not more than mostValues, of mostBytes together.
	fewValues, mostValues, mostBytes = 200, 30_000, 64 << 20
	// fieldsTogether are asked for in one search.
	fieldsTogether = 20
	// mostTerms is the number of values that a pattern is replaced by, termBytes
	// their length together.
	mostTerms, termBytes = 100, 64 << 10
	// mostOpen is the number of fields of unknown values in which a keyword is
	// looked for by name.
	mostOpen = 60
)

// learn gets the values of the fields that trees read, and of all fields when they
// look for a text in any.
func (c *Cluster) learn(ctx context.Context, x *index, trees []ir.Expr) (*vocabulary, error) {
	v := &vocabulary{index: x, fields: map[string]*values{}, found: map[string]map[string][]string{}}
	if x.mapping == nil {
		return v, nil
	}
	wanted := map[string]bool{}
	for _, tree := range trees {
		ir.Walk(tree, func(m *ir.Match) {
			if wanted[m.Field] = true; m.Field == "" {
				for _, name := range x.mapping.Names() {
					wanted[name] = true
				}
			}
		})
	}
	delete(wanted, "")
	forms := map[string]mapping.Form{}
	for name := range wanted {
		if form, ok := countable(x.mapping.Field(name)); ok {
			forms[name] = form
		}
	}
	more, err := c.values(ctx, v, forms, slices.Sorted(maps.Keys(forms)), fewValues, fieldsTogether)
	if err != nil {
		return nil, err
	}
	names, err := c.listable(ctx, v, forms, more)
	if err != nil {
		return nil, err
	}
	if _, err := c.values(ctx, v, forms, names, mostValues, 1); err != nil {
		return nil, err
	}
	return v, v.compare(trees)
}

// listable counts the values of fields, given with the mean length of some, and
// returns the fields that have few enough.
func (c *Cluster) listable(ctx context.Context, v *vocabulary, forms map[string]mapping.Form, fields map[string]int) ([]string, error) {
	if len(fields) == 0 {
		return nil, nil
	}
	aggs := map[string]any{}
	for name := range fields {
		aggs[name] = map[string]any{"cardinality": map[string]any{"field": forms[name].Name, "precision_threshold": mostValues}}
	}
	body := map[string]any{"size": 0, "timeout": patience, "query": c.bounded(), "aggs": aggs}
	hits, err := c.Client.Search(ctx, elastic.Search{Index: v.index.names, Body: body})
	if err != nil || hits.Incomplete() != "" {
		return nil, ctx.Err() // what can't be listed is asked as it is
	}
	var out []string
	for name, length := range fields {
		var count struct {
			Value int `json:"value"`
		}
		if json.Unmarshal(hits.Aggregations[name], &count) == nil && count.Value <= mostValues && count.Value*length <= mostBytes {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, nil
}

// countable gives the form of a field whose distinct values can be listed.
func countable(f *mapping.Field) (mapping.Form, bool) {
	if f == nil || f.Conflict != "" {
		return mapping.Form{}, false
	}
	if f.Kind == mapping.Number && len(f.Forms) > 0 {
		return f.Forms[0], true
	}
	form, ok := f.Whole(true)
	if !ok {
		form, ok = f.Whole(false)
	}
	return form, ok && !form.Simple && form.Case != mapping.Unknown && (form.Limit == 0 || form.Limit >= mapping.LongEnough)
}

// values asks for the distinct values of fields, so many of each at the most and so
// many fields in a search. It returns the fields that have more, and the mean length of
// those that came.
func (c *Cluster) values(ctx context.Context, v *vocabulary, forms map[string]mapping.Form, fields []string, size, together int) (map[string]int, error) {
	chunks := slices.Collect(slices.Chunk(fields, together))
	answers := make([]*elastic.Hits, len(chunks))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(c.Parallel)
	for i, chunk := range chunks {
		aggs := map[string]any{}
		for _, name := range chunk {
			terms := map[string]any{"field": forms[name].Name, "size": size}
			if forms[name].Kind() != mapping.Number {
				terms["order"] = map[string]any{"_key": "asc"}
			}
			aggs[name] = map[string]any{"terms": terms}
		}
		group.Go(func() error {
			body := map[string]any{"size": 0, "timeout": patience, "query": c.bounded(), "aggs": aggs}
			hits, err := c.Client.Search(groupCtx, elastic.Search{Index: v.index.names, Body: body})
			// What can't be listed is asked as it is.
			if err == nil && hits.Incomplete() == "" {
				answers[i] = hits
			}
			return groupCtx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	more := map[string]int{}
	for i, chunk := range chunks {
		if answers[i] == nil {
			continue
		}
		for _, name := range chunk {
			list, rest, err := buckets(answers[i].Aggregations[name])
			switch {
			case err != nil:
				return nil, fmt.Errorf("%s: values of %s: %w", c.Client, name, err)
			case rest == 0:
				v.fields[name] = &values{list, forms[name].Case == mapping.Folded}
			default:
				more[name] = meanLength(list)
			}
		}
	}
	return more, nil
}

// buckets are the values of a terms aggregation, and how many documents have others.
func buckets(raw json.RawMessage) (list []string, rest int, err error) {
	var terms struct {
		Others  int `json:"sum_other_doc_count"`
		Buckets []struct {
			Key  json.RawMessage `json:"key"`
			Text *string         `json:"key_as_string"`
		} `json:"buckets"`
	}
	if err := json.Unmarshal(raw, &terms); err != nil {
		return nil, 0, err
	}
	for _, b := range terms.Buckets {
		text := string(b.Key)
		if b.Text != nil {
			text = *b.Text
		} else if len(b.Key) > 0 && b.Key[0] == '"' {
			if err := json.Unmarshal(b.Key, &text); err != nil {
				return nil, 0, err
			}
		}
		list = append(list, text)
	}
	return list, terms.Others, nil
}

func meanLength(list []string) int {
	sum := 0
	for _, s := range list {
		sum += len(s)
	}
	return sum / max(len(list), 1)
}

// key is a comparison, whatever field it is about and wherever it stands.
func key(m *ir.Match) string {
	return fmt.Sprintf("%d %d %q %q %t", m.Op, m.Compare, m.Text, fmt.Sprint(m.Pattern), m.Cased)
}

// compare holds the comparisons of trees against the values: each value is one event
// with one field to the matcher.
func (v *vocabulary) compare(trees []ir.Expr) error {
	// Fields get names that no shape of events knows.
	numbers, names := map[string]string{}, slices.Sorted(maps.Keys(v.fields))
	for i, name := range names {
		numbers[name] = "f" + strconv.Itoa(i)
	}
	var rules []match.Rule
	var comparisons []*ir.Match
	for _, tree := range trees {
		ir.Walk(tree, func(m *ir.Match) {
			if !v.comparable(m) || v.found[m.Field+" "+key(m)] != nil {
				return
			}
			one := *m
			one.Field = numbers[m.Field]
			if match.Check(&one) != nil {
				return
			}
			v.found[m.Field+" "+key(m)] = map[string][]string{}
			rules, comparisons = append(rules, match.Rule{Expr: &one}), append(comparisons, m)
		})
	}
	program, _ := match.Compile(rules)
	matcher := match.NewMatcher(program, event.Options{})
	for _, name := range names {
		for _, value := range v.fields[name].list {
			text, err := json.Marshal(map[string]string{numbers[name]: value})
			if err != nil {
				return err
			}
			matched, _, err := matcher.Match(text)
			if err != nil {
				return err
			}
			for _, i := range matched {
				m := comparisons[i]
				if m.Field == "" && v.fields[name].folded && cased(m) {
					continue
				}
				found := v.found[m.Field+" "+key(m)]
				found[name] = append(found[name], value)
			}
		}
	}
	return nil
}

// comparable tells whether the values of a comparison's field are known in the form
// that it needs.
func (v *vocabulary) comparable(m *ir.Match) bool {
	switch m.Op {
	case ir.Like, ir.Number, ir.Regexp, ir.CIDR, ir.Less, ir.LessEqual, ir.Greater, ir.GreaterEqual:
	default:
		return false
	}
	if m.Field == "" {
		return m.Op == ir.Like || m.Op == ir.Regexp
	}
	known := v.fields[m.Field]
	return known != nil && (!known.folded || !cased(m))
}

// cased tells whether a comparison depends on the case of letters.
func cased(m *ir.Match) bool {
	return m.Cased || m.Op == ir.Regexp && !strings.HasPrefix(m.Text, "(?i)")
}

var nothing, everything = &ir.Or{}, &ir.And{}

// simplify writes a tree as it is for events with these values.
func (v *vocabulary) simplify(e ir.Expr) ir.Expr {
	switch e := e.(type) {
	case *ir.And:
		var x []ir.Expr
		for _, member := range e.X {
			switch member := v.simplify(member); {
			case isNothing(member):
				return nothing
			case !isEverything(member):
				x = append(x, member)
			}
		}
		return &ir.And{X: x}
	case *ir.Or:
		var x []ir.Expr
		for _, member := range e.X {
			switch member := v.simplify(member); {
			case isEverything(member):
				return everything
			case !isNothing(member):
				x = append(x, member)
			}
		}
		return byField(x)
	case *ir.Not:
		switch inner := v.simplify(e.X); {
		case isNothing(inner):
			return everything
		case isEverything(inner):
			return nothing
		default:
			return &ir.Not{X: inner}
		}
	case *ir.Match:
		return v.comparison(e)
	}
	return e
}

// byField puts the alternatives about one field together, as if a rule had them in one
// list: a cluster then reads the field's values once for all, and not for each.
func byField(alternatives []ir.Expr) ir.Expr {
	var flat []ir.Expr
	for _, e := range alternatives {
		if or, ok := e.(*ir.Or); ok {
			flat = append(flat, or.X...)
		} else {
			flat = append(flat, e)
		}
	}
	lists := map[string]*ir.Or{}
	out := &ir.Or{}
	for _, e := range flat {
		m, ok := e.(*ir.Match)
		if !ok || m.Op != ir.Like {
			out.X = append(out.X, e)
			continue
		}
		list := lists[m.Field]
		if list == nil {
			list = &ir.Or{}
			lists[m.Field] = list
			out.X = append(out.X, list)
		}
		one := *m
		if len(list.X) > 0 {
			first := list.X[0].(*ir.Match)
			one.Pos, one.File = first.Pos, first.File
		}
		list.X = append(list.X, &one)
	}
	if len(out.X) == 1 {
		return out.X[0]
	}
	return out
}

func isNothing(e ir.Expr) bool {
	or, ok := e.(*ir.Or)
	return ok && len(or.X) == 0
}

func isEverything(e ir.Expr) bool {
	and, ok := e.(*ir.And)
	return ok && len(and.X) == 0
}

func (v *vocabulary) comparison(m *ir.Match) ir.Expr {
	found, known := v.found[m.Field+" "+key(m)]
	if !known {
		return m
	}
	if m.Field == "" {
		return v.keyword(m, found)
	}
	list := found[m.Field]
	if len(list) == 0 {
		return nothing
	}
	if plain(m) || !areFew(list) || m.Op != ir.Like && m.Op != ir.Regexp {
		return m
	}
	return terms(m, m.Field, list)
}

// plain tells that a comparison asks for one value already.
func plain(m *ir.Match) bool { return m.Op == ir.Like && m.Pattern.IsPlain() }

// areFew tells that a query may name all values.
func areFew(list []string) bool {
	bytes := 0
	for _, value := range list {
		bytes += len(value)
	}
	return len(list) <= mostTerms && bytes <= termBytes
}

// terms asks for any of the values in a field.
func terms(m *ir.Match, field string, list []string) ir.Expr {
	or := &ir.Or{}
	seen := map[string]bool{}
	for _, value := range list {
		folded := value
		if !cased(m) {
			folded = strings.ToLower(value)
		}
		if !seen[folded] {
			seen[folded] = true
			or.X = append(or.X, &ir.Match{Field: field, Op: ir.Like, Pattern: sigma.Text(value), Cased: cased(m), Pos: m.Pos, File: m.File})
		}
	}
	return or
}

// keyword looks for a text in the fields where it is, and in those whose values are
// not known.
func (v *vocabulary) keyword(m *ir.Match, found map[string][]string) ir.Expr {
	or := &ir.Or{}
	unknown := 0
	for _, name := range v.index.mapping.Names() {
		field := v.index.mapping.Field(name)
		switch known := v.fields[name]; {
		case known != nil && (!known.folded || !cased(m)):
			if list := found[name]; !areFew(list) || len(list) > 0 && field.Kind == mapping.Number {
				or.X = append(or.X, within(m, name))
			} else if len(list) > 0 {
				or.X = append(or.X, terms(m, name, list).(*ir.Or).X...)
			}
		case field.Kind == mapping.Text && len(field.Forms) > 0:
			unknown++
			or.X = append(or.X, within(m, name))
		}
	}
	if unknown > mostOpen {
		return m
	}
	return or
}

// within looks for a keyword inside of a field's value.
func within(m *ir.Match, field string) ir.Expr {
	one := *m
	one.Field = field
	if m.Op == ir.Like {
		one.Pattern = m.Pattern.Contains()
	}
	return &one
}
