package match

import (
	"bytes"
	"regexp/syntax"
	"slices"
)

// requiredLiterals returns folded texts of which every match of the expression
// contains at least one; nil when there is no such set.
func requiredLiterals(expr string) []string {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	set := required(re.Simplify())
	if slices.Contains(set, "") {
		return nil
	}
	return set
}

// orderedLiterals returns sets of folded texts: every match of the expression holds
// one of each set, the sets in this order and none inside another.
func orderedLiterals(expr string) [][]string {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	return appendOrdered(nil, re.Simplify())
}

func appendOrdered(sets [][]string, re *syntax.Regexp) [][]string {
	switch re.Op {
	case syntax.OpCapture:
		return appendOrdered(sets, re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			sets = appendOrdered(sets, sub)
		}
		return sets
	}
	if set := required(re); len(set) > 0 && !slices.Contains(set, "") {
		sets = append(sets, set)
	}
	return sets
}

// inOrder tells whether a folded value holds one text of each set, in their order.
func inOrder(sets [][]string, folded []byte) bool {
	for _, set := range sets {
		end := -1
		for _, text := range set {
			if i := bytes.Index(folded, []byte(text)); i >= 0 && (end < 0 || i+len(text) < end) {
				end = i + len(text)
			}
		}
		if end < 0 {
			return false
		}
		folded = folded[end:]
	}
	return true
}

// maxAlternatives bounds the set of literals taken from one expression.
const maxAlternatives = 64

func required(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{fold(string(re.Rune))}
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if set := required(sub); set != nil && (best == nil || shortest(set) > shortest(best)) {
				best = set
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			set := required(sub)
			if set == nil {
				return nil
			}
			all = append(all, set...)
		}
		if len(all) <= maxAlternatives {
			return all
		}
	}
	return nil
}

func shortest(set []string) int {
	n := len(set[0])
	for _, s := range set {
		n = min(n, len(s))
	}
	return n
}
