package pipeline

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// processingItem is an entry of a pipeline's list: a transformation and the
// conditions under which it applies.
type processingItem struct {
	id    string
	what  transform
	rule  check[*draft]
	item  check[placed]
	field check[fieldName]

	// What follows describes it in the docs: its type, the conditions on rules
	// and on fields, and its own parameters.
	kind, when, fields, text string
}

// placed is an item with what is true beside it; fieldName one of its names.
type placed struct {
	*item
	draft  *draft
	beside context
}

type fieldName struct {
	placed
	name string
}

// transform changes a draft, or makes several of it.
type transform interface {
	apply(a *application) []*draft
}

// application is a processing item at work on a draft.
type application struct {
	*processingItem
	run   *run
	owner *Pipeline
	draft *draft
}

// itemKeys are the keys that every processing item may have.
var itemKeys = []string{
	"id", "type",
	"rule_conditions", "rule_cond_op", "rule_cond_not", "rule_cond_expr",
	"detection_item_conditions", "detection_item_cond_op", "detection_item_cond_not", "detection_item_cond_expr",
	"field_name_conditions", "field_name_cond_op", "field_name_cond_not", "field_name_cond_expr",
}

func (r *reader) item(n *yaml.Node) *processingItem {
	var names []string
	for _, k := range r.kinds {
		names = append(names, k.Name)
	}
	i, ok := r.kind(n, "processing item", names)
	if !ok {
		return nil
	}
	t := r.kinds[i]
	known := append([]string(nil), itemKeys...)
	for _, p := range t.Parameters {
		known = append(known, p.Name)
	}
	d, _ := r.dict(n, "transformation "+t.Name, known...)
	return &processingItem{
		kind:   t.Name,
		when:   conditionsText(d, "rule_conditions", "rule_cond"),
		fields: conditionsText(d, "field_name_conditions", "field_name_cond"),
		text:   parametersText(d, t.Parameters),

		id:    d.text("id"),
		what:  t.read(d),
		rule:  readCheck(d, "rule_conditions", "rule_cond", ruleConditions),
		item:  readCheck(d, "detection_item_conditions", "detection_item_cond", itemConditions),
		field: readCheck(d, "field_name_conditions", "field_name_cond", fieldConditions),
	}
}

// maxDrafts bounds what alternatives inside alternatives may make of a rule.
const maxDrafts = 256

func (r *run) applyItems(owner *Pipeline, items []*processingItem, d *draft) []*draft {
	drafts := []*draft{d}
	for _, it := range items {
		if len(drafts) == 1 && !it.rule.holds(drafts[0]) {
			continue
		}
		var next []*draft
		for _, d := range drafts {
			if !it.rule.holds(d) {
				next = append(next, d)
				continue
			}
			if it.id != "" {
				d.applied[it.id] = true
			}
			a := &application{it, r, owner, d}
			next = append(next, it.what.apply(a)...)
			if len(next) > maxDrafts {
				a.fail(diag.Error, "alternatives", fmt.Sprintf("alternatives make more than %d forms of the rule", maxDrafts), "")
				return drafts
			}
		}
		drafts = next
	}
	return drafts
}

// fail reports something about the rule that the pipeline says.
func (a *application) fail(s diag.Severity, code, message, hint string) {
	a.run.add(s, code, a.run.rule.Pos, message, hint)
}

// items calls f for every item that the conditions hold for.
func (a *application) items(f func(placed)) {
	a.draft.each(func(it *item, beside context) {
		p := placed{it, a.draft, beside}
		if a.processingItem.item.holds(p) {
			f(p)
		}
	})
}

func (a *application) touched(it *item) {
	if a.id == "" {
		return
	}
	if it.applied == nil {
		it.applied = map[string]bool{}
	}
	it.applied[a.id] = true
}

// itemsWithField calls f for the items of which a field name meets the field
// name conditions. f tells whether it changed the item.
func (a *application) itemsWithField(f func(placed) bool) {
	a.items(func(p placed) {
		named := func(name string) bool { return a.field.holds(fieldName{p, name}) }
		if slices.ContainsFunc(p.lookedAt(), named) && f(p) {
			a.touched(p.item)
		}
	})
}

// rename maps field names, those of references and of the rule's list of
// fields too. f returns nil for a name that it does not know.
func (a *application) rename(f func(placed, string) []string) {
	// Names are replaced after the walk: an item's neighbours must keep theirs
	// while conditions look at them.
	var changes []func()
	a.items(func(p placed) {
		names, known := a.mapNames(p, p.fields, f)
		values := a.mapRefs(p, p.values, f)
		changes = append(changes, func() {
			p.values = values
			if known {
				p.fields, p.mapped = names, true
				a.touched(p.item)
			}
		})
	})
	for _, change := range changes {
		change()
	}
	if a.processingItem.item.given() {
		return // a field to show is no detection item
	}
	var fields []string
	for _, name := range a.draft.fields {
		names, _ := a.mapNames(placed{&item{}, a.draft, nil}, []string{name}, f)
		fields = union(fields, names...)
	}
	a.draft.fields = fields
	a.renameAsked(f)
}

// renameAsked maps the fields that a correlation looks at, in the events that
// meet a condition of the rule.
func (a *application) renameAsked(f func(placed, string) []string) {
	if len(a.draft.asked) == 0 {
		return
	}
	beside := required(nil, a.draft.added...)
	if len(a.draft.conditions) == 1 {
		beside = required(beside, a.draft.conditions...)
	}
	for _, asked := range a.draft.asked {
		var known bool
		asked.names, known = a.mapNames(placed{&item{origin: asked.origin, fields: asked.names}, a.draft, beside}, asked.names, f)
		asked.mapped = asked.mapped || known
	}
}

func (a *application) mapNames(p placed, names []string, f func(placed, string) []string) (out []string, known bool) {
	for _, name := range names {
		if to := f(p, name); to != nil && a.field.holds(fieldName{p, name}) {
			out, known = union(out, to...), true
			a.track(name, to)
		} else {
			out = union(out, name)
		}
	}
	return out, known
}

// track notes that names were made of another, so that later conditions know
// it (processing_item_applied).
func (a *application) track(from string, to []string) {
	if a.id == "" || len(to) == 1 && to[0] == from {
		return
	}
	if a.draft.renamedBy == nil {
		a.draft.renamedBy = map[string][]string{}
	}
	ids := union(a.draft.renamedBy[from], a.id)
	for _, name := range to {
		a.draft.renamedBy[name] = union(a.draft.renamedBy[name], ids...)
	}
}

// mapRefs maps the fields that values refer to; a reference to several names
// means any of them.
func (a *application) mapRefs(p placed, values []sigma.Value, f func(placed, string) []string) []sigma.Value {
	out := make([]sigma.Value, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case sigma.FieldRef:
			out[i] = a.mapRef(p, v, f)
		case sigma.Alternatives:
			out[i] = sigma.Alternatives(a.mapRefs(p, v, f))
		default:
			out[i] = v
		}
	}
	return out
}

func (a *application) mapRef(p placed, ref sigma.FieldRef, f func(placed, string) []string) sigma.Value {
	names, known := a.mapNames(p, []string{ref.Field}, f)
	if p.refs == nil {
		p.refs = map[string]bool{}
	}
	if !known {
		if !p.refs[ref.Field] {
			p.refs[ref.Field] = false // named, and not known
		}
		return ref
	}
	delete(p.refs, ref.Field)
	refs := make(sigma.Alternatives, len(names))
	for i, name := range names {
		p.refs[name] = true
		to := ref
		to.Field = name
		refs[i] = to
	}
	if len(refs) == 1 {
		return refs[0]
	}
	return refs
}
