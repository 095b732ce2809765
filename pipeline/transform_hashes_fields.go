package pipeline

import (
	"slices"
	"strings"

	"github.com/huntbook/huntbook/sigma"
)

var transformHashesFields = Transformation{
	Name:  "hashes_fields",
	Prose: "Splits values such as MD5=…, of a field that holds several hashes, into a field for each kind of hash. A value without a kind is told by its length. An item with a value that is no hash stays as it is.",
	Parameters: []Parameter{
		{"valid_hash_algos", "the kinds, in upper case: MD5, SHA1, SHA256, SHA512, IMPHASH"},
		{"field_prefix", "what stands before the kind in the new field names"},
		{"drop_algo_prefix", "true leaves the kind out of the new field names"},
		{"field_to_parse", "the fields that hold hashes, Hashes and Hash by default"},
	},
	Example: Example{
		Item:      `{type: hashes_fields, valid_hash_algos: [MD5, SHA1], field_prefix: File, field_name_conditions: [{type: include_fields, fields: [Hashes]}]}`,
		Detection: `{Hashes|contains: ['MD5=aa', 'SHA1=bb', 'MD5=cc']}`,
		Result:    `FileMD5 = ("aa" or "cc") or FileSHA1 = "bb"`,
	},
	read: func(d dict) transform {
		t := &hashesFields{d.needTexts("valid_hash_algos"), d.text("field_prefix"), d.flag("drop_algo_prefix"), d.texts("field_to_parse")}
		if t.from == nil {
			t.from = []string{"Hashes", "Hash"}
		}
		return t
	},
}

type hashesFields struct {
	kinds  []string
	prefix string
	bare   bool
	from   []string
}

var hashLengths = map[int]string{32: "MD5", 40: "SHA1", 64: "SHA256", 128: "SHA512"}

func (t *hashesFields) apply(a *application) []*draft {
	replaced := map[*item]node{}
	a.itemsWithField(func(p placed) bool {
		if !slices.ContainsFunc(p.fields, func(f string) bool { return slices.Contains(t.from, f) }) {
			return false
		}
		n := t.split(p.item)
		if n != nil {
			replaced[p.item] = n
			eachItem(n, nil, func(it *item, _ context) { a.touched(it) })
		}
		return n != nil
	})
	a.draft.replace(replaced)
	return []*draft{a.draft}
}

// split returns nil when the item must stay as it is.
func (t *hashesFields) split(it *item) node {
	g := &group{all: it.all}
	byField := map[string]*item{}
	for _, v := range it.values {
		field, hash := t.hash(v)
		if field == "" {
			return nil
		}
		part := byField[field]
		if part == nil {
			part = cloneNode(it).(*item)
			part.fields, part.values, part.negate, part.mapped = []string{field}, nil, false, false
			byField[field] = part
			g.x = append(g.x, part)
		}
		part.values = append(part.values, sigma.String{Pattern: sigma.Text(hash)})
	}
	if len(g.x) == 0 {
		return nil
	}
	if it.negate {
		return &not{g}
	}
	return g
}

func (t *hashesFields) hash(v sigma.Value) (field, hash string) {
	s, ok := v.(sigma.String)
	if !ok {
		return "", ""
	}
	p := s.Pattern
	for len(p) > 0 && p[0].Kind == sigma.AnyChars {
		p = p[1:]
	}
	for len(p) > 0 && p[len(p)-1].Kind == sigma.AnyChars {
		p = p[:len(p)-1]
	}
	text, plain := p.Plain()
	if !plain {
		return "", ""
	}
	kind, hash, found := strings.Cut(strings.Replace(text, "|", "=", 1), "=")
	if !found {
		kind, hash = hashLengths[len(text)], text
	}
	kind = strings.ToUpper(kind)
	if hash == "" || !slices.Contains(t.kinds, kind) {
		return "", ""
	}
	if t.bare {
		return t.prefix, hash
	}
	return t.prefix + kind, hash
}
