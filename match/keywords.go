package match

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// rawFilter tells from an event's JSON text which keywords may occur in its
// values, so that few events have to be read again with all their fields.
type rawFilter struct {
	// pieces are, of each keyword predicate, texts of which the JSON of an event
	// that satisfies it holds one; none when the JSON tells nothing.
	pieces map[int32][]string
	all    *rawSearch
	// letters are the characters of the pieces.
	letters [utf8.RuneSelf]bool
}

func newRawFilter(preds []predicate, keywords []int32) *rawFilter {
	f := &rawFilter{pieces: map[int32][]string{}}
	for _, i := range keywords {
		f.pieces[i] = verbatimPieces(&preds[i])
		for _, piece := range f.pieces[i] {
			for _, c := range []byte(piece) {
				f.letters[c] = true
			}
		}
	}
	f.all = f.search(keywords)
	return f
}

// rawSearch looks for some of the keywords.
type rawSearch struct {
	preds    []int32
	teddy    *teddy // nil when literals are to be used
	literals *literals
	owners   [][]int32 // the predicates that each text belongs to
	// blind tells that the text of an event never says that it has none of
	// the keywords.
	blind bool
}

// search makes the search for some keyword predicates.
func (f *rawFilter) search(preds []int32) *rawSearch {
	s := &rawSearch{preds: preds}
	var texts []string
	index := map[string]int{}
	for _, pred := range preds {
		s.blind = s.blind || len(f.pieces[pred]) == 0
		for _, text := range f.pieces[pred] {
			i, ok := index[text]
			if !ok {
				i = len(texts)
				index[text] = i
				texts, s.owners = append(texts, text), append(s.owners, nil)
			}
			s.owners[i] = append(s.owners[i], pred)
		}
	}
	if s.teddy = newTeddy(texts); s.teddy == nil {
		s.literals = newLiterals(texts)
	}
	return s
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

// keywordState is how far the current event was searched for keywords.
type keywordState struct {
	// searched tells that all keywords were looked for, read that all values
	// were looked at.
	searched, read bool
	maybe          []int32 // the predicates that the text may satisfy
}

func (k *keywordState) reset() { *k = keywordState{maybe: k.maybe[:0]} }

// searchFor looks for the keywords that call up rules of the category.
func (m *Matcher) searchFor(c *category) {
	s := c.search
	m.searchRaw(s)
	if s.blind || len(m.keywords.maybe) > 0 || m.disguised() {
		m.readAgain()
	}
	if !m.keywords.read {
		return
	}
	for _, pred := range s.preds {
		if m.truth[pred] == m.now {
			m.consider(c.calls.of(pred))
		}
	}
}

// hasKeyword tells whether the event satisfies a keyword predicate.
func (m *Matcher) hasKeyword(pred int32) bool {
	k := &m.keywords
	if !k.read && !k.searched {
		k.searched = true
		m.searchRaw(m.p.rawFilter.all)
	}
	if !k.read && (slices.Contains(k.maybe, pred) || len(m.p.rawFilter.pieces[pred]) == 0 || m.disguised()) {
		m.readAgain()
	}
	return m.truth[pred] == m.now
}

func (m *Matcher) searchRaw(s *rawSearch) {
	raw := m.event.JSON()
	text := unsafe.String(unsafe.SliceData(raw), len(raw)) //nolint:gosec // the event does not change meanwhile
	m.work.Searched += len(raw)
	found := func(i int32) { m.keywords.maybe = append(m.keywords.maybe, s.owners[i]...) }
	if s.teddy != nil {
		s.teddy.find(text, &m.scanner.marks, found)
		return
	}
	s.literals.find(text, &m.scanner.marks, nil, found)
}

// disguised tells whether an event may hold keywords that its text does not show: a
// character of theirs can be written as \uXXXX, and the long s and the Kelvin sign fold
// to letters of ASCII.
func (m *Matcher) disguised() bool {
	escapes, beyond := m.event.Disguised()
	text := m.event.JSON()
	return escapes && m.p.rawFilter.disguises(text) ||
		beyond && (bytes.Contains(text, []byte("ſ")) || bytes.Contains(text, []byte("\u212a")))
}

// disguises tells whether an escape stands for a character of the pieces. One behind
// an escaped backslash is none, and is taken for one.
func (f *rawFilter) disguises(text []byte) bool {
	for {
		i := bytes.Index(text, []byte(`\u`))
		if i < 0 || i+6 > len(text) {
			return false
		}
		// What is no number here is no escape either.
		n, err := strconv.ParseUint(string(text[i+2:i+6]), 16, 16)
		if r := foldRune(rune(n)); err == nil && r < utf8.RuneSelf && f.letters[r] {
			return true
		}
		text = text[i+2:]
	}
}

// readAgain reads the event with all its fields and notes the keyword predicates
// that they satisfy.
func (m *Matcher) readAgain() {
	m.keywords.read = true
	m.work.Reread++
	if m.whole.AppendJSON(m.event.JSON(), event.Record{}) != nil {
		return
	}
	for _, c := range m.whole.Batch().Columns {
		m.scanner.scan(m.p.keywords, &c.Values[len(c.Values)-1], nil, func(pred int32) { m.truth[pred] = m.now })
	}
}
