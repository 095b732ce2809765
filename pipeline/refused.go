package pipeline

import "strings"

// Refusal is something of pySigma's pipelines that is not taken.
type Refusal struct {
	// Kind is "transformation", "post-processing item", "finalizer", or the
	// same with "parameter" behind it; Name is its name, of a parameter
	// "owner.parameter".
	Kind, Name string
	// Reason says why, and what to do instead.
	Reason string
}

const (
	noPython = "it is Python code; a pipeline file is data here"
	noFiles  = "a pipeline may not read other files; write the template into the pipeline"
)

// Refusals lists what pySigma knows and huntbook refuses: a pipeline file often
// comes from somebody else, so it may not reach the network, other files or a
// shell, nor run code.
func Refusals() []Refusal {
	return []Refusal{
		{"transformation", "field_name_transform", noPython + ". Use field_name_mapping, field_name_prefix or field_name_suffix"},
		{"transformation", "file_placeholders", "a pipeline may not read other files. Give the values with --placeholders FILE, or in vars for value_placeholders"},
		{"transformation", "http_placeholders", "a pipeline may not reach the network. Fetch the values before and give them with --placeholders FILE, or in vars for value_placeholders"},
		{"transformation", "command_placeholders", "a pipeline may not run commands. Run it before and give the values with --placeholders FILE, or in vars for value_placeholders"},
		{"post-processing item parameter", "template.path", noFiles},
		{"post-processing item parameter", "template.vars", noPython + ". The vars of the pipeline are there as pipeline.vars"},
		{"post-processing item parameter", "template.allow_template_vars", noPython},
		{"post-processing item parameter", "template.vars_allowed_paths", noPython},
		{"finalizer parameter", "template.path", noFiles},
		{"finalizer parameter", "template.vars", noPython + ". The vars of the pipeline are there as pipeline.vars"},
		{"finalizer parameter", "template.allow_template_vars", noPython},
		{"finalizer parameter", "template.vars_allowed_paths", noPython},
	}
}

// refusedKey is the reason why a key of "transformation x" and the like is
// refused.
func refusedKey(what, key string) string {
	for _, r := range Refusals() {
		kind, isKey := strings.CutSuffix(r.Kind, " parameter")
		owner, name, _ := strings.Cut(r.Name, ".")
		if isKey && what == kind+" "+owner && name == key {
			return r.Reason
		}
	}
	return ""
}

// refused is the reason why something is refused, "" when it is not.
func refused(kind, name string) string {
	for _, r := range Refusals() {
		if r.Kind == kind && r.Name == name {
			return r.Reason
		}
	}
	return ""
}
