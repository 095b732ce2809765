package match

import (
	"slices"
	"strings"
	"unsafe"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// rawFilter tells from an event's JSON text which keywords may occur in its
// values, so that few events have to be read again with all their fields.
type rawFilter struct {
	groups []rawGroup
	// of lists the groups of a keyword predicate; nil when the text of an
	// event shows nothing of it.
	of map[int32][]int
}

// rawGroup holds the texts that are looked for in one way, so that long
// keywords, which are found quickly, do not wait for short ones.
type rawGroup struct {
	literals *literals
	preds    [][]int32 // of each text
}

func newRawFilter(preds []predicate) *rawFilter {
	f := &rawFilter{of: map[int32][]int{}}
	texts := make([][]string, len(classForms))
	owners := make([][][]int32, len(classForms))
	for i := range preds {
		if preds[i].column >= 0 {
			continue
		}
		pieces := verbatimPieces(&preds[i])
		for _, piece := range pieces {
			c := classOf(piece)
			texts[c] = append(texts[c], piece)
			owners[c] = append(owners[c], []int32{int32(i)})
			if !slices.Contains(f.of[int32(i)], c) {
				f.of[int32(i)] = append(f.of[int32(i)], c)
			}
		}
	}
	f.groups = make([]rawGroup, len(classForms))
	for c := range classForms {
		f.groups[c] = rawGroup{newLiterals(texts[c]), owners[c]}
	}
	return f
}

// verbatimPieces are texts of which the JSON of an event that satisfies the
// predicate holds one; nil when there are none.
func verbatimPieces(p *predicate) []string {
	var pieces []string
	for _, t := range requiredOf(p) {
		piece := verbatim(t)
		if strings.Trim(piece, "+-.0123456789e") == "" {
			// Also the empty piece. Numbers are rewritten when they are read.
			return nil
		}
		pieces = append(pieces, piece)
	}
	return pieces
}

// requiredOf returns folded texts of which a value that satisfies the predicate
// contains at least one, nil when there are none.
func requiredOf(p *predicate) []string {
	if p.m.Op == ir.Regexp {
		return requiredLiterals(p.m.Text)
	}
	best := ""
	for _, t := range p.glob.tokens {
		if t.Kind == sigma.Literal && len(verbatim(fold(t.Text))) > len(verbatim(best)) {
			best = fold(t.Text)
		}
	}
	if best == "" {
		return nil
	}
	return []string{best}
}

// verbatim is the longest piece of a folded text that stands in JSON as it is:
// ASCII without what writers escape.
func verbatim(text string) string {
	best := ""
	for _, piece := range strings.FieldsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' || r == '/' }) {
		if len(piece) > len(best) {
			best = piece
		}
	}
	return best
}

// isDisguised tells whether an event may hold keywords that its text does not
// show: a character can be written as \uXXXX, and the long s and the Kelvin sign
// fold to letters of ASCII.
func isDisguised(raw string) bool {
	return hasUnicodeEscape(raw) || strings.Contains(raw, "ſ") || strings.Contains(raw, "\u212a")
}

func hasUnicodeEscape(raw string) bool {
	for from := 0; ; {
		i := strings.Index(raw[from:], `\u`)
		if i < 0 {
			return false
		}
		i += from
		backslashes := 1
		for i-backslashes >= 0 && raw[i-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 1 {
			return true
		}
		from = i + 2
	}
}

// keywordState is how far a batch was searched for keywords.
type keywordState struct {
	// searched are the rows that were searched for each group of the filter,
	// examined those that were looked at for disguises.
	searched            []bitmap
	examined, disguised bitmap
	maybe               map[int32]bitmap // rows that may hold a predicate's keyword
	decoded             bitmap           // rows that were read again
	whole               *event.Builder
}

func (k *keywordState) reset() {
	clear(k.searched)
	clear(k.maybe)
	k.examined, k.disguised, k.decoded = nil, nil, nil
}

// findKeyword brings a keyword predicate's rows up to date for the candidates.
func (m *Matcher) findKeyword(i int32, candidates bitmap) {
	k := &m.keywords
	groups := m.p.rawFilter.of[i]
	if groups == nil {
		m.readAgain(candidates)
		return
	}
	for _, g := range groups {
		m.searchRaw(g, candidates)
	}
	if k.disguised == nil {
		k.disguised = m.blank()
	}
	for _, row := range m.freshRows(&k.examined, candidates).appendRows(nil) {
		if isDisguised(m.raw(row)) {
			k.disguised.set(uint32(row))
		}
	}
	rows := m.blank()
	rows.or(k.disguised)
	rows.or(k.maybe[i])
	rows.and(candidates)
	m.readAgain(rows)
}

func (m *Matcher) searchRaw(g int, candidates bitmap) {
	k, group := &m.keywords, &m.p.rawFilter.groups[g]
	for _, row := range m.freshRows(&k.searched[g], candidates).appendRows(nil) {
		group.literals.find(m.raw(row), func(text int32) {
			for _, pred := range group.preds[text] {
				if k.maybe[pred] == nil {
					k.maybe[pred] = m.blank()
				}
				k.maybe[pred].set(uint32(row))
			}
		})
	}
}

// raw is the JSON text of a row.
func (m *Matcher) raw(row int) string {
	b := m.batch.Records[row].Raw
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // the text of a batch never changes
}

// readAgain reads rows with all their fields, since the batch may hold only
// those that rules name, and notes the keyword predicates that they satisfy.
func (m *Matcher) readAgain(rows bitmap) {
	k := &m.keywords
	var origin []uint32
	for _, row := range m.freshRows(&k.decoded, rows).appendRows(nil) {
		if k.whole.AppendJSON(m.batch.Records[row].Raw, event.Record{}) == nil {
			origin = append(origin, uint32(row))
		}
	}
	if len(origin) == 0 {
		return
	}
	for _, c := range k.whole.Batch().Columns {
		var s columnState
		s.reset(c)
		for code := 1; code < len(c.Values); code++ {
			m.scanner.scan(m.p.keywords, &c.Values[code], func(pred int32) {
				p := m.touch(pred)
				if p.rows == nil {
					p.rows = m.blank()
				}
				s.eachRow(uint32(code), func(row uint32) { p.rows.set(origin[row]) })
			})
		}
	}
}
