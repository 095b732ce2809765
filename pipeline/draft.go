package pipeline

import (
	"maps"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// node is a piece of a rule while pipelines work on it: *group, *not or *item.
// A condition is expanded into one tree, so that every place in which an
// identifier stands has its own copy and its own neighbours.
type node interface{ node() }

type group struct {
	all bool
	x   []node
	// label is what the condition calls the group: "selection", "1 of sel*";
	// pos is where. Other groups have none.
	label string
	pos   diag.Pos
}

type not struct{ x node }

// item is a detection item. The rule's sigma.Item is never written to.
type item struct {
	// origin is the field as the rule names it, fields are its names now,
	// linked with OR; both are empty for keywords.
	origin string
	fields []string
	values []sigma.Value
	all    bool
	negate bool
	pos    diag.Pos
	// from is the item as it was written, in the rule or in a pipeline; file
	// is that of the filter that pos points into, nil for the rule's own.
	from *sigma.Item
	file *diag.File
	// owner is the pipeline or configuration that added the item, nil when
	// the rule did.
	owner any
	// applied holds the ids of the processing items that touched the item.
	applied map[string]bool
	// mapped and refs are of the stage at work: whether a field mapping knew
	// the field, and the fields that the values refer to.
	mapped bool
	refs   map[string]bool
}

func (*group) node() {}
func (*not) node()   {}
func (*item) node()  {}

// draft is one way in which a rule applies; alternatives make several of one.
type draft struct {
	rule   *sigma.Rule
	source sigma.LogSource
	// conditions has one tree for each condition of the rule. added holds what
	// pipelines demand beside: all of it must be true.
	conditions []node
	added      []node
	fields     []string
	// state is set_state's: a string or a list of strings; custom holds what
	// set_custom_attribute set.
	state   map[string]any
	custom  map[string]any
	applied map[string]bool
	// renamedBy holds for a field name the processing items that made it of
	// another.
	renamedBy map[string][]string
	search    []string
	// sourced is set once a log source condition was added; index holds the
	// indices of sigmac's log sources, fallback its default index.
	sourced  bool
	index    []string
	fallback []string
	// asked are the fields that a correlation looks at, by its own names.
	asked map[string]*ask
}

func (d *draft) clone() *draft {
	c := *d
	c.conditions = cloneNodes(d.conditions)
	c.added = cloneNodes(d.added)
	c.fields = slices.Clone(d.fields)
	c.state, c.custom = maps.Clone(d.state), maps.Clone(d.custom)
	c.applied, c.renamedBy = maps.Clone(d.applied), maps.Clone(d.renamedBy)
	c.search = slices.Clone(d.search)
	c.index = slices.Clone(d.index)
	c.asked = mergeAsks(nil, d.asked)
	return &c
}

// rewrite gives the draft another log source.
func (d *draft) rewrite(to sigma.LogSource) {
	d.source.Category, d.source.Product, d.source.Service = to.Category, to.Product, to.Service
}

func cloneNodes(x []node) []node {
	out := make([]node, len(x))
	for i, n := range x {
		out[i] = cloneNode(n)
	}
	return out
}

func cloneNode(n node) node {
	switch n := n.(type) {
	case *group:
		return &group{n.all, cloneNodes(n.x), n.label, n.pos}
	case *not:
		return &not{cloneNode(n.x)}
	case *item:
		c := *n
		c.fields = slices.Clone(n.fields)
		c.values = slices.Clone(n.values)
		c.applied, c.refs = maps.Clone(n.applied), maps.Clone(n.refs)
		return &c
	}
	return n
}

// expand turns a condition into a tree of copies of the identifiers it names.
func expand(e sigma.ConditionExpr, d *sigma.Detection) node {
	switch e := e.(type) {
	case *sigma.CondAnd:
		return &group{all: true, x: expandAll(e.X, d)}
	case *sigma.CondOr:
		return &group{x: expandAll(e.X, d)}
	case *sigma.CondNot:
		return &not{expand(e.X, d)}
	case *sigma.CondRef:
		return labelled(d, e.Name)
	case *sigma.CondOf:
		g := &group{all: e.All, label: "1 of " + e.Pattern, pos: e.Pos}
		if e.All {
			g.label = "all of " + e.Pattern
		}
		for _, name := range e.Names {
			x := labelled(d, name)
			if id := d.Identifier(name); e.Items && id != nil && id.Body != nil {
				x = search(sigma.LinkItems(id.Body, e.All), id.File)
			}
			g.x = append(g.x, x)
		}
		return g
	}
	return &group{}
}

func expandAll(x []sigma.ConditionExpr, d *sigma.Detection) []node {
	out := make([]node, len(x))
	for i, e := range x {
		out[i] = expand(e, d)
	}
	return out
}

// labelled is a search identifier under its name.
func labelled(d *sigma.Detection, name string) node {
	g := &group{all: true, x: []node{identifier(d, name)}, label: name}
	if id := d.Identifier(name); id != nil {
		g.pos = id.Pos
	}
	return g
}

func identifier(d *sigma.Detection, name string) node {
	if id := d.Identifier(name); id != nil && id.Body != nil {
		return search(id.Body, id.File)
	}
	return &group{}
}

func search(s sigma.Search, file *diag.File) node {
	switch s := s.(type) {
	case *sigma.Group:
		g := &group{all: s.All}
		for _, m := range s.Members {
			g.x = append(g.x, search(m, file))
		}
		return g
	case *sigma.Item:
		it := &item{origin: s.Field, values: slices.Clone(s.Values), all: s.All, negate: s.Negated, pos: s.Pos, from: s, file: file}
		if s.Field != "" {
			it.fields = []string{s.Field}
		}
		return it
	}
	return &group{}
}

// context holds the items that are true wherever an item is looked at.
type context []*item

// each calls f for every item of the draft with the items that must be true
// together with it: the neighbours that an AND links to it, at any level.
func (d *draft) each(f func(*item, context)) {
	root := required(nil, d.added...)
	for _, n := range d.added {
		eachItem(n, root, f)
	}
	for _, n := range d.conditions {
		eachItem(n, required(root, n), f)
	}
}

func eachItem(n node, c context, f func(*item, context)) {
	switch n := n.(type) {
	case *item:
		f(n, c)
	case *not:
		eachItem(n.x, required(c, n.x), f)
	case *group:
		for _, x := range n.x {
			if n.all {
				eachItem(x, c, f)
			} else {
				eachItem(x, required(c, x), f)
			}
		}
	}
}

// required appends the items that are true when all the nodes are.
func required(c context, nodes ...node) context {
	c = c[:len(c):len(c)]
	for _, n := range nodes {
		switch n := n.(type) {
		case *item:
			if !n.negate {
				c = append(c, n)
			}
		case *group:
			if n.all || len(n.x) == 1 {
				c = required(c, n.x...)
			}
		}
	}
	return c
}

// has tells whether the context demands that the field has the value or a list
// with the value, and nothing in it speaks against that.
func (c context) has(field, value string) bool {
	found := false
	for _, it := range c {
		if it.origin != field && !slices.Contains(it.fields, field) {
			continue
		}
		named, open := it.names(value)
		if !named && !open {
			return false
		}
		found = found || named
	}
	return found
}

// lookedAt are the names under which the item is compared; a keyword has the
// one name "".
func (it *item) lookedAt() []string {
	if len(it.fields) == 0 {
		return []string{""}
	}
	return it.fields
}

// names tells whether a value of the item equals the text, and whether the
// item has values, such as patterns, that leave it open.
func (it *item) names(text string) (named, open bool) {
	for _, v := range it.values {
		switch v := v.(type) {
		case sigma.Number:
			named = named || v.Text == text
		case sigma.String:
			s, plain := v.Pattern.Plain()
			named = named || plain && strings.EqualFold(s, text)
			open = open || !plain
		case sigma.Bool, sigma.Null:
		default:
			open = true
		}
	}
	return named, open
}
