package pipeline

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// Postprocessor describes one kind of post-processing item, which changes a
// query after the target has written it.
type Postprocessor struct {
	Name, Prose string
	Parameters  []Parameter
	Example     QueryExample

	read func(dict) postprocess
}

// QueryExample shows what becomes of queries: Item is YAML, Queries are texts
// as a target wrote them, for a rule with the title "Example", level high and
// the tag attack.execution.
type QueryExample struct {
	Item    string
	Queries []string
	Result  string
}

// Postprocessors lists the kinds of post-processing items. A new one is a
// variable in a file of its own and a place in this list.
func Postprocessors() []*Postprocessor {
	return []*Postprocessor{
		&postEmbed, &postSimpleTemplate, &postTemplate, &postJSON, &postReplace, &postNest,
	}
}

// postprocess changes a query. The query is a text, or what becomes JSON.
type postprocess func(query any, at *postContext) (any, error)

// postContext is what a post-processing item knows beside the query.
type postContext struct {
	draft *draft
	owner *Pipeline
	vars  map[string]variable
}

// values are what templates can read.
func (c *postContext) values(query any) map[string]any {
	return map[string]any{"query": query, "rule": c.draft.ruleValues(), "pipeline": pipelineValues(c.owner, c.vars, c.draft.state)}
}

func pipelineValues(p *Pipeline, vars map[string]variable, state map[string]any) map[string]any {
	values := map[string]any{}
	for name, v := range vars {
		values[name] = v.value
	}
	out := map[string]any{"name": p.Name, "vars": values}
	if state != nil {
		out["state"] = state
	}
	return out
}

// postItem is an entry of a pipeline's list "postprocessing".
type postItem struct {
	id   string
	what postprocess
	rule check[*draft]
	pos  diag.Pos
}

var postKeys = []string{"id", "type", "rule_conditions", "rule_cond_op", "rule_cond_not", "rule_cond_expr"}

// postItems reads the list "postprocessing" or the items of "nest".
func (r *reader) postItems(n *yaml.Node, key string) []*postItem {
	var items []*postItem
	for _, x := range r.list(n, key) {
		if it := r.postItem(x); it != nil {
			items = append(items, it)
		}
	}
	return items
}

func (r *reader) postItem(n *yaml.Node) *postItem {
	kinds := r.posts
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.Name
	}
	i, ok := r.kind(n, "post-processing item", names)
	if !ok {
		return nil
	}
	known := append([]string(nil), postKeys...)
	for _, p := range kinds[i].Parameters {
		known = append(known, p.Name)
	}
	d, _ := r.dict(n, "post-processing item "+names[i], known...)
	return &postItem{
		id: d.text("id"), what: kinds[i].read(d), pos: diag.Pos{Line: n.Line, Column: n.Column},
		rule: readCheck(d, "rule_conditions", "rule_cond", ruleConditions),
	}
}

// list is the entries of a list, none when the node is no list.
func (r *reader) list(n *yaml.Node, key string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		r.errorf(n, "not-a-list", "%s must be a list, this is %s", key, kindName(n))
		return nil
	}
	return n.Content
}

// kind finds the type of an entry in a list of names.
func (r *reader) kind(n *yaml.Node, what string, names []string) (int, bool) {
	if n.Kind != yaml.MappingNode {
		r.errorf(n, "not-a-map", "a %s must be a map, this is %s", what, kindName(n))
		return 0, false
	}
	kind := lookup(n, "type")
	if kind == nil || kind.Kind != yaml.ScalarNode {
		r.errorf(n, "missing-key", "a %s needs a type", what).Hint = fmt.Sprintf(`for example "type: %s"`, names[0])
		return 0, false
	}
	for i, name := range names {
		if name == kind.Value {
			return i, true
		}
	}
	word := strings.ReplaceAll(what, "processing item", "transformation")
	if what != "processing item" {
		word = what
	}
	e := r.errorf(kind, "unknown-"+strings.ReplaceAll(word, " ", "-"), "unknown %s %q", word, kind.Value)
	if refusal := refused(word, kind.Value); refusal != "" {
		e.Code, e.Message, e.Hint = "refused", fmt.Sprintf("%s %s is not taken: %s", word, kind.Value, refusal), ""
	} else if e.Hint = sigma.Suggest(kind.Value, names); e.Hint == "" {
		e.Hint = "known are " + strings.Join(names, ", ")
	}
	return 0, false
}

// Postprocess gives a query the form that the pipelines ask for. The query is a
// text, or what becomes JSON. Errors are a diag.List that points into the
// pipeline's file.
func (l *Lowered) Postprocess(query any) (any, error) {
	vars := l.chain.vars()
	for _, s := range l.chain.stages() {
		p, ok := s.(*Pipeline)
		if !ok {
			continue
		}
		var err error
		if query, err = postprocessWith(p.post, query, &postContext{l.drafts[0], p, vars}); err != nil {
			return nil, err
		}
	}
	return query, nil
}

func postprocessWith(items []*postItem, query any, c *postContext) (any, error) {
	for _, it := range items {
		if !it.rule.holds(c.draft) {
			continue
		}
		out, err := it.what(query, c)
		if err != nil {
			return nil, inPipeline(err, c.owner, it.pos)
		}
		if it.id != "" {
			c.draft.applied[it.id] = true
		}
		query = out
	}
	return query, nil
}

// inPipeline makes an error a message into the pipeline's file.
func inPipeline(err error, p *Pipeline, pos diag.Pos) error {
	var list diag.List
	if errors.As(err, &list) {
		return err
	}
	return diag.List{{Code: "postprocessing", Message: err.Error(), File: p.file, Pos: pos}}
}

// queryText is a query that must be a text.
func queryText(query any, what string) (string, error) {
	s, ok := query.(string)
	if !ok {
		return "", fmt.Errorf("%s takes a query that is text, and this one is JSON", what)
	}
	return s, nil
}
