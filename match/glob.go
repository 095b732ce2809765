package match

import (
	"bytes"
	"unicode/utf8"

	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// glob is a pattern ready for matching against whole values.
type glob struct {
	tokens ir.Pattern
	cased  bool
}

// newGlob folds the pattern's literals unless it is case-sensitive.
func newGlob(p ir.Pattern, cased bool) glob {
	if cased {
		return glob{p, true}
	}
	folded := make(ir.Pattern, len(p))
	for i, t := range p {
		folded[i] = t
		if t.Kind == sigma.Literal {
			folded[i].Text = fold(t.Text)
		}
	}
	return glob{folded, false}
}

// all tells that every value matches: the pattern is *.
func (g glob) all() bool { return len(g.tokens) == 1 && g.tokens[0].Kind == sigma.AnyChars }

// match compares with a value, which the caller has folded unless the glob is
// case-sensitive. It backs up to the last * only, so it takes time in
// proportion to the product of the lengths at worst.
func (g glob) match(v []byte) bool {
	t := 0
	star, resume := -1, []byte(nil)
	for {
		if t < len(g.tokens) {
			if g.tokens[t].Kind == sigma.AnyChars {
				if t == len(g.tokens)-1 {
					return true
				}
				star, resume = t, v
				t++
				continue
			}
			if rest, ok := step(g.tokens[t], v); ok {
				v, t = rest, t+1
				continue
			}
		} else if len(v) == 0 {
			return true
		}
		if star < 0 || len(resume) == 0 {
			return false
		}
		resume = resume[1:]
		if next := g.tokens[star+1]; next.Kind == sigma.Literal {
			i := bytes.Index(resume, []byte(next.Text))
			if i < 0 {
				return false
			}
			resume = resume[i:]
		} else {
			for len(resume) > 0 && !utf8.RuneStart(resume[0]) {
				resume = resume[1:]
			}
		}
		v, t = resume, star+1
	}
}

// step consumes what one token stands for.
func step(t sigma.Token, v []byte) ([]byte, bool) {
	if t.Kind == sigma.OneChar {
		if len(v) == 0 {
			return v, false
		}
		_, n := utf8.DecodeRune(v)
		return v[n:], true
	}
	if len(v) >= len(t.Text) && string(v[:len(t.Text)]) == t.Text {
		return v[len(t.Text):], true
	}
	return v, false
}

// longestLiteral is the literal that every match contains, "" when none.
func longestLiteral(p ir.Pattern) string {
	best := ""
	for _, t := range p {
		if t.Kind == sigma.Literal && len(t.Text) > len(best) {
			best = t.Text
		}
	}
	return best
}
