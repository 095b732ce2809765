package match

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// columnProgram finds which predicates of one field a value satisfies.
type columnProgram struct {
	// exact maps a folded value to the predicates that may equal it.
	exact map[string][]candidate
	// longestExact is the length of the longest of them, in bytes.
	longestExact int
	// literals are texts that a value must contain for byLiteral's
	// predicates, which have the same index.
	literals  *literals
	byLiteral [][]candidate
	// each are predicates that have to be tested on every value.
	each []int32
	// wanted is false when no predicate looks at single values.
	wanted bool
	// null and exists are satisfied by whole values: null or absent, and
	// present.
	null, exists []int32
}

// candidate is a predicate that a value may satisfy, and what is left to test.
type candidate struct {
	pred  int32
	check check
}

type check uint8

const (
	checkNothing check = iota
	checkPrefix
	checkSuffix
	checkAll
)

type columnBuilder struct {
	preds    []int32 // of the column
	program  *columnProgram
	index    map[string]int32
	literals []string
}

func newColumnBuilder() *columnBuilder {
	return &columnBuilder{program: &columnProgram{exact: map[string][]candidate{}, longestExact: -1}, index: map[string]int32{}}
}

func (b *columnBuilder) build(preds []predicate) *columnProgram {
	for _, i := range b.preds {
		b.add(i, &preds[i])
	}
	if len(b.literals) > 0 {
		b.program.literals = newLiterals(b.literals)
	}
	b.program.wanted = len(b.program.exact) > 0 || len(b.literals) > 0 || len(b.program.each) > 0
	return b.program
}

// add files a predicate under the cheapest test that is necessary for it.
func (b *columnBuilder) add(i int32, p *predicate) {
	switch p.m.Op {
	case ir.Like:
		b.addGlob(i, p.glob)
	case ir.Number, ir.Bool:
		if p.m.Field == "" {
			b.addGlob(i, p.glob)
			return
		}
		b.addExact(fold(p.m.Text), candidate{i, checkNothing})
		if short := shortNumber(p.m.Text); p.m.Op == ir.Number && short != p.m.Text {
			b.addExact(short, candidate{i, checkNothing})
		}
	case ir.Regexp:
		set := requiredLiterals(p.m.Text)
		if set == nil {
			b.program.each = append(b.program.each, i)
		}
		for _, l := range set {
			b.addLiteral(l, candidate{i, checkAll})
		}
	case ir.CIDR, ir.Less, ir.LessEqual, ir.Greater, ir.GreaterEqual, ir.TimePart:
		b.program.each = append(b.program.each, i)
	case ir.Null:
		b.program.null = append(b.program.null, i)
	case ir.Exists:
		b.program.exists = append(b.program.exists, i)
	}
}

func (b *columnBuilder) addGlob(i int32, g glob) {
	test := checkNothing
	if g.cased {
		test = checkAll
	}
	if plain, ok := g.tokens.Plain(); ok {
		b.addExact(fold(plain), candidate{i, test})
		return
	}
	l := fold(longestLiteral(g.tokens))
	if l == "" {
		b.program.each = append(b.program.each, i)
		return
	}
	if !g.cased {
		test = globCheck(g.tokens)
	}
	b.addLiteral(l, candidate{i, test})
}

// globCheck says what is left to test once the pattern's literal was found.
func globCheck(p ir.Pattern) check {
	any := func(i int) bool { return p[i].Kind == sigma.AnyChars }
	literal := func(i int) bool { return p[i].Kind == sigma.Literal }
	switch {
	case len(p) == 3 && any(0) && literal(1) && any(2):
		return checkNothing
	case len(p) == 2 && literal(0) && any(1):
		return checkPrefix
	case len(p) == 2 && any(0) && literal(1):
		return checkSuffix
	}
	return checkAll
}

func (b *columnBuilder) addExact(text string, c candidate) {
	b.program.exact[text] = append(b.program.exact[text], c)
	b.program.longestExact = max(b.program.longestExact, len(text))
}

func (b *columnBuilder) addLiteral(text string, c candidate) {
	i, ok := b.index[text]
	if !ok {
		i = int32(len(b.literals))
		b.index[text] = i
		b.literals = append(b.literals, text)
		b.program.byLiteral = append(b.program.byLiteral, nil)
	}
	if !slices.Contains(b.program.byLiteral[i], c) {
		b.program.byLiteral[i] = append(b.program.byLiteral[i], c)
	}
}

// valueScanner applies column programs to values; it owns the buffers.
type valueScanner struct {
	preds  []predicate
	marks  marks
	buffer []byte
}

// subject is a value that is being looked at.
type subject struct {
	text string
	// plain is the text as literals are looked for in it: the text itself when
	// it is ASCII, else the folded text.
	plain string
	// folded is made when first needed.
	folded []byte
}

func (s *valueScanner) subject(text string) subject {
	if isASCII(text) {
		return subject{text: text, plain: text}
	}
	folded := appendFold(nil, text)
	return subject{text: text, plain: string(folded), folded: folded}
}

// fold returns the folded text; it is valid until the next subject.
func (s *valueScanner) fold(v *subject) []byte {
	if v.folded == nil {
		s.buffer = appendFold(s.buffer[:0], v.text)
		v.folded = s.buffer
	}
	return v.folded
}

// scan calls hit for every predicate that the value satisfies; a predicate may
// be named more than once. Last remembers the column's value before, or is nil.
func (s *valueScanner) scan(c *columnProgram, v *event.Value, last *recent, hit func(pred int32)) {
	switch v.Kind {
	case event.Absent, event.Null:
		return
	case event.List:
		for i := range v.Elems {
			s.scan(c, &v.Elems[i], nil, hit)
		}
		return
	}
	subject := s.subject(v.Text)
	if len(subject.plain) <= c.longestExact {
		for _, cand := range c.exact[string(s.fold(&subject))] {
			if s.test(cand, &subject, "") {
				hit(cand.pred)
			}
		}
	}
	if c.literals != nil {
		s.scanLiterals(c, &subject, last, hit)
	}
	for _, i := range c.each {
		if s.testAll(&s.preds[i], &subject) {
			hit(i)
		}
	}
}

func (s *valueScanner) scanLiterals(c *columnProgram, v *subject, last *recent, hit func(pred int32)) {
	c.literals.find(v.plain, &s.marks, last, func(l int32) {
		for _, cand := range c.byLiteral[l] {
			if s.test(cand, v, c.literals.texts[l]) {
				hit(cand.pred)
			}
		}
	})
}

func (s *valueScanner) test(c candidate, v *subject, literal string) bool {
	switch c.check {
	case checkPrefix:
		return len(v.plain) >= len(literal) && equalLower(v.plain[:len(literal)], literal)
	case checkSuffix:
		return len(v.plain) >= len(literal) && equalLower(v.plain[len(v.plain)-len(literal):], literal)
	case checkAll:
		return s.testAll(&s.preds[c.pred], v)
	}
	return true
}

func (s *valueScanner) testAll(p *predicate, v *subject) bool {
	switch p.m.Op {
	case ir.Like:
		if p.glob.all() {
			return true // without folding it
		}
		if p.glob.cased {
			return p.glob.match([]byte(v.text))
		}
		return p.glob.match(s.fold(v))
	case ir.Number, ir.Bool:
		return p.glob.match(s.fold(v))
	case ir.Regexp:
		return (len(p.ordered) < 2 || inOrder(p.ordered, s.fold(v))) && p.re.MatchString(v.text)
	case ir.CIDR:
		return inPrefix(p.prefix, v.text)
	case ir.Less, ir.LessEqual, ir.Greater, ir.GreaterEqual:
		n, ok := parseNumber(v.text)
		return ok && compare(p.m.Op, n, p.number)
	case ir.TimePart:
		n, ok := timePart(p.m.Part, v.text)
		return ok && compare(p.m.Compare, float64(n), p.number)
	}
	return false
}

func compare(op ir.Op, a, b float64) bool {
	switch op {
	case ir.Less:
		return a < b
	case ir.LessEqual:
		return a <= b
	case ir.Greater:
		return a > b
	case ir.GreaterEqual:
		return a >= b
	}
	return a == b
}

// parseNumber reads a decimal number; hexadecimal, infinity and text are none.
func parseNumber(s string) (float64, bool) {
	if s == "" || len(s) > 64 || strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil && !math.IsInf(n, 0)
}

// inPrefix tells whether the text is an address of the network; an IPv4
// address in IPv6 form (::ffff:10.0.0.1) counts as IPv4, a zone is ignored.
func inPrefix(p netip.Prefix, text string) bool {
	addr, err := netip.ParseAddr(strings.TrimSpace(text))
	if err != nil {
		return false
	}
	return p.Contains(addr.Unmap().WithZone(""))
}

var timeLayouts = []string{
	time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", time.DateOnly,
}

// timePart reads a part of a time in the value's own zone, as the
// specification says: no conversion of zones. A date alone has no hour.
func timePart(part, text string) (int, bool) {
	for _, layout := range timeLayouts {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		switch part {
		case "minute":
			return t.Minute(), layout != time.DateOnly
		case "hour":
			return t.Hour(), layout != time.DateOnly
		case "day":
			return t.Day(), true
		case "week":
			_, week := t.ISOWeek()
			return week, true
		case "month":
			return int(t.Month()), true
		case "year":
			return t.Year(), true
		}
		return 0, false
	}
	return 0, false
}
