package elastic

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/ir"
)

const fieldList = " (field names with commas; * and ? are wildcards)"

// options say what the fields of an index are like where no mapping does.
var options = []backend.Option{
	{Name: "keyword_field", Default: "keyword", Stated: true, Description: "the sub-field that holds the whole text; empty where the fields themselves do"},
	{Name: "keyword_base_fields", Stated: true, Description: "fields that hold the whole text themselves" + fieldList},
	{Name: "keyword_whitelist", Description: "fields that are always read as whole text" + fieldList},
	{Name: "keyword_blacklist", Stated: true, Description: "fields that are never read as whole text" + fieldList},
	{Name: "analyzed_sub_field_name", Description: "the sub-field that holds the analysed text, such as .text; empty where the fields themselves do"},
	{Name: "analyzed_sub_fields", Description: "the fields that have analysed text, where not all do" + fieldList},
	{Name: "ci_whitelist", Aliases: []string{"case_insensitive_whitelist"}, Stated: true, Description: "fields whose values become regular expressions that ignore case" + fieldList},
	{Name: "ci_blacklist", Aliases: []string{"case_insensitive_blacklist"}, Stated: true, Description: "exceptions to ci_whitelist" + fieldList},
	{Name: "wildcard_use_keyword", Default: "true", Description: "false leaves values with wildcards on the analysed field"},
	{Name: "hash_normalize", Description: "lower, upper or both: the case in which hashes are looked for"},
	{Name: "not_bound_keyword", Description: "the field in which values without field are looked for; all whole texts when empty"},
}

// SigmacOptions are the options of the targets that sigmac had.
func SigmacOptions() []backend.Option { return slices.Clone(options) }

// Options are the options of other targets, which take the fields themselves for
// whole text unless a pipeline states otherwise. The names are some of sigmac's.
func Options(more ...backend.Option) []backend.Option {
	var list []backend.Option
	for _, o := range options {
		switch o.Name {
		case "keyword_field":
			o.Default = ""
		case "keyword_base_fields", "keyword_blacklist", "ci_whitelist", "ci_blacklist", "not_bound_keyword":
		default:
			continue
		}
		list = append(list, o)
	}
	return append(list, more...)
}

// settings say what the fields of an index are like.
type settings struct {
	keywordField, analyzedField string
	keywordBase                 globs
	alwaysKeyword               globs
	notKeyword                  globs
	analyzed                    globs
	fold, notFold               globs
	wildcardKeyword             bool
	hashes                      string
	unbound                     string
}

// NewFields reads options, those of SigmacOptions or of Options.
func NewFields(o map[string]string) (*Fields, error) {
	s := settings{
		keywordField:    strings.Trim(o["keyword_field"], " ."),
		analyzedField:   strings.Trim(o["analyzed_sub_field_name"], " ."),
		keywordBase:     readGlobs(o["keyword_base_fields"]),
		alwaysKeyword:   readGlobs(o["keyword_whitelist"]),
		notKeyword:      readGlobs(o["keyword_blacklist"]),
		analyzed:        readGlobs(o["analyzed_sub_fields"]),
		fold:            readGlobs(o["ci_whitelist"]),
		notFold:         readGlobs(o["ci_blacklist"]),
		wildcardKeyword: !strings.EqualFold(o["wildcard_use_keyword"], "false"),
		hashes:          strings.ToLower(o["hash_normalize"]),
		unbound:         o["not_bound_keyword"],
	}
	switch v := strings.ToLower(o["wildcard_use_keyword"]); v {
	case "", "true", "false":
	default:
		return nil, fmt.Errorf("%w wildcard_use_keyword is true or false, not %q", backend.ErrOption, v)
	}
	switch s.hashes {
	case "", "lower", "upper", "both":
	default:
		return nil, fmt.Errorf("%w hash_normalize is lower, upper or both, not %q", backend.ErrOption, s.hashes)
	}
	return &Fields{settings: s}, nil
}

// globs are patterns of field names.
type globs []string

func readGlobs(list string) globs { return Names(list) }

// Names reads an option that is a list with commas.
func Names(list string) []string {
	var out []string
	for _, g := range strings.Split(list, ",") {
		if g = strings.TrimSpace(g); g != "" {
			out = append(out, g)
		}
	}
	return out
}

func (g globs) match(name string) bool {
	for _, pattern := range g {
		// A field name has no slashes in any index that we know; one that has
		// is compared as it is.
		if ok, err := path.Match(pattern, name); ok && err == nil || pattern == "*" || pattern == name {
			return true
		}
	}
	return false
}

// form tells whether the values of a field are to be looked for in its whole
// text, and whether as regular expressions that ignore case.
func (s *settings) form(name string, values []ir.Pattern) (keyword, fold bool) {
	fold = s.fold.match(name) && !s.notFold.match(name)
	switch {
	case s.notKeyword.match(name):
		return false, false
	case s.alwaysKeyword.match(name):
		return true, false
	case fold || s.keywordField == "" || len(s.analyzed) > 0 && !s.analyzed.match(name):
		return true, fold
	}
	for _, v := range values {
		if !v.IsPlain() {
			return s.wildcardKeyword, false
		}
	}
	return false, false
}

func (s *settings) keywordName(name string) string {
	if s.keywordField == "" || s.keywordBase.match(name) {
		return name
	}
	return name + "." + s.keywordField
}

func (s *settings) analyzedName(name string) string {
	if s.analyzedField == "" {
		return name
	}
	return name + "." + s.analyzedField
}

func (s *settings) regexpName(name string) string {
	if s.notKeyword.match(name) {
		return s.analyzedName(name)
	}
	return s.keywordName(name)
}

var hashNames = []string{"hash", "md5", "sha1", "sha256", "sha512"}

// hashForms are the cases in which the value of a hash field is looked for.
func (s *settings) hashForms(name string, p ir.Pattern) []ir.Pattern {
	isHash := false
	for _, h := range hashNames {
		isHash = isHash || strings.Contains(strings.ToLower(name), h)
	}
	if s.hashes == "" || !isHash {
		return []ir.Pattern{p}
	}
	lower, upper := mapText(p, strings.ToLower), mapText(p, strings.ToUpper)
	switch {
	case s.hashes == "lower" || s.hashes == "both" && lower.String() == upper.String():
		return []ir.Pattern{lower}
	case s.hashes == "upper":
		return []ir.Pattern{upper}
	}
	return []ir.Pattern{lower, upper}
}

func mapText(p ir.Pattern, f func(string) string) ir.Pattern {
	out := make(ir.Pattern, len(p))
	for i, t := range p {
		t.Text = f(t.Text)
		out[i] = t
	}
	return out
}
