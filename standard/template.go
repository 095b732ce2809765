package standard

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Template is an index template of Elasticsearch or OpenSearch.
type Template struct {
	Name string
	Body []byte
}

// Templates are to be there before the first document: they say which fields are
// numbers, addresses and times, and map every other one as text. The standard
// None has none.
func (s *Standard) Templates() []Template {
	if s.ID == None {
		return nil
	}
	name := "huntbook-" + strings.NewReplacer(".yml", "", ".yaml", "").Replace(s.ID[strings.LastIndexAny(s.ID, `/\`)+1:])
	body := map[string]any{
		"index_patterns": []string{pattern(s.def.Index.Windows), pattern(s.def.Index.Other)},
		"priority":       templatePriority,
		"_meta":          map[string]any{"description": s.Description, "managed_by": "huntbook"},
		"template": map[string]any{
			"settings": s.def.Template.Settings,
			"mappings": map[string]any{
				"date_detection":    false,
				"numeric_detection": false,
				"dynamic_templates": s.dynamic(),
				"properties":        s.properties(),
			},
		},
	}
	text, err := json.MarshalIndent(body, "", "  ")
	if err != nil {
		panic("standard: a template that is no JSON: " + err.Error()) // YAML maps with text keys only
	}
	return []Template{{Name: strings.ToLower(name), Body: text}}
}

// templatePriority is above that of the templates that clusters bring along, which
// would make data streams of names that begin with "logs-".
const templatePriority = 500

// pattern is a pattern for all indices of a name.
func pattern(name string) string {
	return strings.NewReplacer("{log}", "*", "{date}", "*").Replace(name)
}

func (s *Standard) dynamic() []any {
	var list []any
	for _, p := range s.patterns {
		list = append(list, map[string]any{"fields-" + p.prefix: map[string]any{"path_match": p.prefix + "*", "mapping": s.mapping(p.kind)}})
	}
	return append(list, map[string]any{"text": map[string]any{"match_mapping_type": "string", "mapping": s.def.Template.Text}})
}

// mapping says how fields of a type are stored.
func (s *Standard) mapping(t fieldType) map[string]any {
	switch t {
	case keywordType:
		return map[string]any{"type": "keyword", "ignore_above": longest, "fields": map[string]any{
			"caseless": map[string]any{"type": "keyword", "normalizer": "lowercase", "ignore_above": longest},
		}}
	case longType:
		return map[string]any{"type": "long"}
	case booleanType:
		return map[string]any{"type": "boolean"}
	case dateType:
		return map[string]any{"type": "date"}
	case ipType:
		return map[string]any{"type": "ip", "fields": map[string]any{"keyword": map[string]any{"type": "keyword"}}}
	}
	return s.def.Template.Text
}

// properties maps the fields whose types are known, and the whole event, which is
// kept and not searched.
func (s *Standard) properties() map[string]any {
	root := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(s.types)) {
		put(root, name, s.mapping(s.types[name]))
	}
	if s.def.Original != "" {
		put(root, s.def.Original, map[string]any{"type": "keyword", "index": false, "doc_values": false})
	}
	return root
}

// put enters a field under its path.
func put(properties map[string]any, path string, mapping map[string]any) {
	name, rest, nested := strings.Cut(path, ".")
	if !nested {
		properties[name] = mapping
		return
	}
	object, _ := properties[name].(map[string]any)
	if object == nil {
		object = map[string]any{"properties": map[string]any{}}
		properties[name] = object
	}
	if inner, ok := object["properties"].(map[string]any); ok {
		put(inner, rest, mapping)
	}
}
