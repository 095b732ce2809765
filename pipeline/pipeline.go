// Package pipeline makes a rule ready for a target: it translates field names,
// adds what a log source implies, chooses indices, and lowers the result.
//
// Two kinds of file say how. A Pipeline is pySigma's: a list of processing
// items, each a transformation with the conditions under which it applies. A
// Config is sigmac's: log sources with conditions, rewrites and indices, and
// field mappings. A Chain holds several of both in the order of their
// priorities. Data flows: Rule → draft (a copy, its conditions expanded into
// trees) → the stages of the chain, one after the other → ir; then, behind the
// target, query → Lowered.Postprocess → Chain.Finalize. The package knows nothing
// of query languages.
//
// A pipeline's file is data from somebody else. What would read files, run code
// or commands, or ask the network is refused (Refusals); templates read names.
//
// # Beyond pySigma's schema
//
// An event of one Sigma category may come from several logs that name fields
// differently: a process creation is Sysmon's event 1 or the Security log's
// 4688, whose image is NewProcessName. pySigma has no way to say "or" here, so
// the transformation "alternatives" was added: like "nest" it holds processing
// items, but in several lists, and each list works on its own copy of the rule.
// The results are linked with OR. What follows in the pipeline applies to each.
//
//	type: alternatives
//	alternatives:
//	  - items:
//	      - {type: add_condition, conditions: {Channel: …/Operational, EventID: 1}}
//	  - items:
//	      - {type: add_condition, conditions: {Channel: Security, EventID: 4688}}
//	      - {type: field_name_mapping, mapping: {Image: NewProcessName}}
//
// A field may be named by the event that it stands in: Sysmon's ImageLoaded is a
// driver in event 6 and a module in event 7. Conditions of pySigma look at the
// whole rule; a mapping of ours may be conditional, in sigmac's spelling, and
// looks at the item's own neighbours, those that an AND links to it at any
// level: "ImageLoaded: {EventID=6: driver_loaded, EventID=7: module_loaded}".
//
// Two keys of a pipeline file are ours: "description" for listings, and
// "requires", the built-in pipelines that it takes along; priorities say which
// runs first.
//
// A pipeline with a field mapping outside of alternatives translates into the
// target's names; fields that it does not know are reported. Mappings inside
// alternatives only rename what one of the logs calls differently.
//
// # Log sources
//
// The built-in pipeline windows-logsources names channel and event ids for
// Sigma's Windows categories and services, in Sigma's own field names. Rules
// for other products get no condition, but for two kinds. Linux categories that
// Sysmon for Linux also writes, and the category antivirus, which Defender
// writes, name an alternative: that channel with its event ids, or an event
// without any Channel. So such a rule never reads the Windows channels, and
// still matches plain auditd or JSON events, which have no Channel at all.
package pipeline

import (
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// ErrUnknown is wrapped by the error about a name that is neither a file nor a
// built-in pipeline or configuration.
var ErrUnknown = errors.New("unknown pipeline")

// Pipeline is a processing pipeline in pySigma's YAML schema.
type Pipeline struct {
	// ID is the built-in name or the path, Name the title in the file.
	ID, Name, Description string
	// Priority orders pipelines: lower runs first.
	Priority int
	// Backends are the targets that the pipeline is for; empty means all.
	Backends []string
	// Requires are the built-in pipelines that it needs beside it.
	Requires []string

	file  *diag.File
	vars  map[string]variable
	items []*processingItem
	post  []*postItem
	final []*finalItem
}

// Load reads a pipeline from a file, or the built-in one of that name. An
// unknown name wraps ErrUnknown; what looks like a path but is not there wraps
// fs.ErrNotExist; what is wrong inside is a diag.List.
func Load(nameOrPath string) (*Pipeline, error) {
	file, err := find(nameOrPath, builtinPipelines)
	if err != nil {
		return nil, err
	}
	return Parse(nameOrPath, file)
}

// Parse reads a pipeline from a file's text.
func Parse(id string, file *diag.File) (*Pipeline, error) {
	r := &reader{file: file, kinds: Transformations(), posts: Postprocessors(), finals: Finalizers()}
	root := r.root()
	if root == nil {
		return nil, r.diags
	}
	if isSigmac(root) {
		return nil, fmt.Errorf("%s is a sigmac configuration: give it with -c", file.Path)
	}
	p := &Pipeline{ID: id, file: file}
	d, _ := r.dict(root, "a pipeline", "name", "description", "priority", "allowed_backends", "requires", "vars", "transformations", "postprocessing", "finalizers")
	p.Name, p.Description, p.Priority = d.text("name"), d.text("description"), d.number("priority")
	p.Backends, p.Requires = d.texts("allowed_backends"), d.texts("requires")
	for _, name := range p.Requires {
		if !slices.Contains(builtinPipelines.names(), name) {
			r.errorf(d.get("requires"), "unknown-pipeline", "there is no built-in pipeline %q to require", name).Hint = sigma.Suggest(name, builtinPipelines.names())
		}
	}
	p.vars = r.vars(d.get("vars"))
	given := d.get("vars") != nil
	section := func(key string, read func(*yaml.Node)) {
		if n := d.get(key); n != nil && !isNull(n) {
			given = true
			read(n)
		}
	}
	section("transformations", func(n *yaml.Node) { p.items = r.items(n, "transformations") })
	section("postprocessing", func(n *yaml.Node) { p.post = r.postItems(n, "postprocessing") })
	section("finalizers", func(n *yaml.Node) { p.final = r.finalizers(n, "finalizers") })
	if !given {
		r.errorf(root, "missing-key", "a pipeline needs %q", "transformations").Hint = "or postprocessing, finalizers or vars"
	}
	if err := r.diags.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// isSigmac tells a sigmac configuration from a pipeline by its keys.
func isSigmac(root *yaml.Node) bool {
	return lookup(root, "transformations") == nil && lookup(root, "postprocessing") == nil && (lookup(root, "logsources") != nil || lookup(root, "fieldmappings") != nil)
}

// items reads a list of processing items.
func (r *reader) items(n *yaml.Node, key string) []*processingItem {
	var out []*processingItem
	for _, x := range r.list(n, key) {
		if it := r.item(x); it != nil {
			out = append(out, it)
		}
	}
	return out
}

func (p *Pipeline) maps() bool { return translates(p.items) }

func (p *Pipeline) owns(owner any) bool { return owner == p }

func translates(items []*processingItem) bool {
	for _, it := range items {
		switch t := it.what.(type) {
		case *fieldMapping, *fieldAffix:
			return true
		case *nest:
			if translates(t.items) {
				return true
			}
		}
	}
	return false
}

func (p *Pipeline) apply(r *run, drafts []*draft) []*draft {
	forget(drafts)
	var out []*draft
	for _, d := range drafts {
		out = append(out, r.applyItems(p, p.items, d)...)
	}
	return out
}

// forget clears what the stage before noted about mappings.
func forget(drafts []*draft) {
	for _, d := range drafts {
		d.each(func(it *item, _ context) { it.mapped, it.refs = false, nil })
		for _, a := range d.asked {
			a.mapped = false
		}
	}
}

// allows tells whether the pipeline is for the target.
func (p *Pipeline) allows(target []string) error { return allows("pipeline", p.ID, p.Backends, target) }
