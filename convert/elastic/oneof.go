package elastic

import (
	"slices"
	"strings"
	"unicode"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// shape is where a pattern has wildcards: before its text and behind it.
type shape struct {
	field         string
	before, after bool
}

// together makes one question of those that look for texts in the same field without
// regard to case. A cluster reads all values of the field for each wildcard that
// begins with "*", and for one regular expression with all texts as well, which so is
// faster by as many times as there are texts. Texts of one shape go together: the
// automaton of others would have a state for each set of them.
func together(asks []Ask) []Ask {
	var out []Ask
	place := map[shape]int{} // in out, of the question that texts are added to
	length := map[shape]int{}
	for _, a := range asks {
		s, text, ok := shapeOf(a)
		if !ok {
			out = append(out, a)
			continue
		}
		n := regexpLength(a.written(text, backend.LucenePattern)) + len("|")
		if at, begun := place[s]; begun && length[s]+n <= maxTogether {
			out[at].Texts = append(out[at].Texts, text)
			length[s] += n
			continue
		}
		place[s], length[s] = len(out), n
		out = append(out, Ask{Op: OneOf, Field: a.Field, Texts: []ir.Pattern{text}, Before: s.before, After: s.after, Whole: true, Fold: a.Fold, lower: a.lower, alone: a.Pattern})
	}
	for i, a := range out {
		if a.Op == OneOf && len(a.Texts) == 1 {
			out[i] = value(a.Field, a.alone, true, a.Fold)
		}
	}
	return out
}

// maxTogether leaves room for what stands around the texts.
const maxTogether = maxRegexp - 20

// shapeOf takes a pattern apart into its shape and the text without wildcards.
func shapeOf(a Ask) (shape, ir.Pattern, bool) {
	s := shape{field: a.Field}
	if !a.Whole || !a.uncased || a.Op != Wild && (a.Op != Value || !a.Fold) {
		return s, nil, false
	}
	p := a.Pattern
	if len(p) > 0 && p[0].Kind == sigma.AnyChars {
		s.before, p = true, p[1:]
	}
	if n := len(p); n > 0 && p[n-1].Kind == sigma.AnyChars {
		s.after, p = true, p[:n-1]
	}
	return s, p, len(p) > 0 && !openEnded(p)
}

// written is a text in an expression, as write writes it. A field that keeps lower case
// is asked in lower case, as wildcards in it are: half the work for the cluster, and
// less to read.
func (a Ask) written(text ir.Pattern, write func(ir.Pattern) string) string {
	if a.lower {
		return backend.LuceneText(lower(text))
	}
	return write(text)
}

// regexp is the expression that all texts of a OneOf are in.
func (a Ask) regexp(write func(ir.Pattern) string) string {
	texts := make([]string, len(a.Texts))
	for i, p := range a.Texts {
		texts[i] = a.written(p, write)
	}
	re := "(" + strings.Join(texts, "|") + ")"
	if a.Before {
		re = ".*" + re
	}
	if a.After {
		re += ".*"
	}
	return re
}

// lower is a pattern in lower case, letter by letter as the token filter makes it.
func lower(p ir.Pattern) ir.Pattern {
	out := slices.Clone(p)
	for i := range out {
		out[i].Text = strings.Map(unicode.ToLower, out[i].Text)
	}
	return out
}
