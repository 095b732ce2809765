package evtx

import "encoding/binary"

// The tokens of binary XML. moreFollows may be added to some.
const (
	tokenEnd          = 0x00
	tokenOpen         = 0x01 // an element, with moreFollows: that has attributes
	tokenCloseOpen    = 0x02 // the > of <a>
	tokenCloseEmpty   = 0x03 // the /> of <a/>
	tokenClose        = 0x04 // </a>
	tokenText         = 0x05
	tokenAttribute    = 0x06
	tokenCDATA        = 0x07
	tokenCharacter    = 0x08
	tokenEntity       = 0x09
	tokenPITarget     = 0x0a
	tokenPIData       = 0x0b
	tokenTemplate     = 0x0c
	tokenSubstitution = 0x0d
	tokenOptional     = 0x0e
	tokenFragment     = 0x0f
	moreFollows       = 0x40
)

// maxDepth bounds the nesting of elements, in a template and in what its values
// nest in it.
const maxDepth = 64

// span is a range of indices.
type span struct{ from, to int32 }

func (s span) empty() bool { return s.from == s.to }

// form is how an element becomes JSON.
type form uint8

const (
	formObject form = iota
	formFixed       // it has no substitution: its JSON is ready
	formSlot        // it holds one substitution and nothing else
	formText        // it holds text and no elements or attributes
)

// element is a compiled element. Its spans lie in the decoder's slices.
type element struct {
	name   int32
	form   form
	asked  bool // a kid's name is known only with the values
	attrs  span
	pieces span // of its text
	kids   span
	fixed  span // of formFixed: its JSON, in literals
	// fixedAttrs is the JSON member "#attributes", when no substitution is
	// in it.
	fixedAttrs span
}

// attribute is name="value".
type attribute struct {
	name   int32
	pieces span
}

// piece is a part of a text: a substitution, or literal text (slot -1) that is
// escaped for JSON.
type piece struct {
	slot int32
	text span
}

// kid is an element as a member of its parent's JSON object.
type kid struct {
	element int32
	name    int32 // keyAsked: the text of naming
	naming  span
	// unnamed: <Data> without a name in EventData.
	unnamed bool
	// next is the sibling that has the same name, -1: none; later says that a
	// sibling before it has.
	next  int32
	later bool
}

const keyAsked = -1

// Why a record can't be read.
const (
	brokenShort    = "a record's XML is cut off"
	brokenToken    = "a record's XML has an unknown token"
	brokenDepth    = "a record's XML is nested too deeply"
	brokenName     = "a name in a record's XML lies outside of the chunk"
	brokenTemplate = "a record's template lies outside of the chunk"
	brokenValues   = "a record's values reach beyond its end"
	brokenRoot     = "a record holds no XML element"
	brokenWork     = "a record's XML is far larger than its chunk"
)

// decoder makes JSON of the records of a chunk. Slices are reused from chunk to
// chunk; what is compiled is named by index.
type decoder struct {
	chunk []byte
	out   []byte

	names     names
	templates map[uint32]template // by offset of the definition
	elements  []element
	attrs     []attribute
	pieces    []piece
	kids      []kid
	literals  []byte

	openPieces []piece // of elements that are being compiled
	openKids   []kid
	kidOf      []int32  // by name: the last of these kids that has it, from 1; 0: none
	values     []value  // of the instances that are being rendered
	members    []member // of the objects that are being rendered

	broken string // why the record can't be read; "": it can
	depth  int
	work   int // steps that the chunk's records may still take
	room   int // bytes of JSON that they may still make
	limit  int // of len(out), for this record
}

// template is a compiled template: its root, or why it can't be read.
type template struct {
	root   int32
	broken string
}

// Bounds on what a chunk may cost. A real one takes 2 or 3 bytes of JSON for each
// of its own, and a third of a step.
const (
	workPerByte   = 4
	compileWork   = 4  // steps that one token costs
	bytesPerStep  = 16 // of text that is compiled
	outputPerByte = 64
	outputBase    = 1 << 16
	maxRecordJSON = 1 << 20
)

// start begins a chunk.
func (d *decoder) start(chunk []byte) {
	d.chunk = chunk
	if d.templates == nil {
		d.templates = map[uint32]template{}
	}
	clear(d.templates)
	d.elements, d.attrs, d.pieces, d.kids = d.elements[:0], d.attrs[:0], d.pieces[:0], d.kids[:0]
	d.literals = d.literals[:0]
	if d.names.full() {
		d.names.reset()
	}
	d.work = workPerByte * len(chunk)
	d.room = outputPerByte*len(chunk) + outputBase
}

func (d *decoder) fail(reason string) {
	if d.broken == "" {
		d.broken = reason
	}
}

// step counts work; false when the record is given up.
func (d *decoder) step(cost int) bool {
	d.work -= cost
	if d.work < 0 || len(d.out) > d.limit {
		d.fail(brokenWork)
	}
	return d.broken == ""
}

// template returns the root of the template whose definition is at offset.
func (d *decoder) template(offset uint32) int32 {
	t, ok := d.templates[offset]
	if !ok {
		t = d.compileTemplate(offset)
		d.templates[offset] = t
	}
	if t.broken != "" {
		d.fail(t.broken)
	}
	return t.root
}

// templateHeader is the size of what precedes a template's XML: the offset of
// another template, a GUID and the XML's size.
const templateHeader = 24

func (d *decoder) compileTemplate(offset uint32) template {
	if uint64(offset)+templateHeader > uint64(len(d.chunk)) {
		return template{broken: brokenTemplate}
	}
	start := int(offset) + templateHeader
	size := binary.LittleEndian.Uint32(d.chunk[start-4:])
	if uint64(start)+uint64(size) > uint64(len(d.chunk)) {
		return template{broken: brokenTemplate}
	}
	p := parser{d: d, pos: start, end: start + int(size), dependency: true}
	for d.step(compileWork) {
		switch token := p.byte() &^ moreFollows; token {
		case tokenFragment:
			p.skip(3)
		case tokenPITarget, tokenPIData:
			p.instruction(token)
		case tokenOpen:
			p.pos--
			k := p.element(false)
			return template{root: k.element, broken: d.broken}
		default:
			d.fail(brokenRoot)
		}
	}
	return template{broken: d.broken}
}

// parser reads binary XML between two places of the chunk. After the first
// failure it reads zeros.
type parser struct {
	d        *decoder
	pos, end int
	depth    int
	// dependency: an element's token is followed by the number of a value that
	// it depends on.
	dependency bool
}

func (p *parser) take(n int) []byte {
	if n > p.end-p.pos {
		p.d.fail(brokenShort)
		p.pos = p.end
		return nil
	}
	b := p.d.chunk[p.pos : p.pos+n]
	p.pos += n
	return b
}

func (p *parser) skip(n int) { p.take(n) }

func (p *parser) byte() byte {
	if b := p.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (p *parser) uint16() int {
	if b := p.take(2); b != nil {
		return int(binary.LittleEndian.Uint16(b))
	}
	return 0
}

func (p *parser) uint32() uint32 {
	if b := p.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// name reads the place of a name, and the name itself when it follows.
func (p *parser) name() int32 {
	offset := p.uint32()
	chunk := p.d.chunk
	const header = 8 // offset of another name, hash, length
	if uint64(offset)+header > uint64(len(chunk)) {
		p.d.fail(brokenName)
		return 0
	}
	start := int(offset) + header
	size := 2 * int(binary.LittleEndian.Uint16(chunk[start-2:]))
	if size > len(chunk)-start {
		p.d.fail(brokenName)
		return 0
	}
	if int(offset) == p.pos {
		p.skip(header + size + 2)
	}
	p.d.step(size / bytesPerStep)
	return p.d.names.ofUTF16(chunk[start : start+size])
}

// text reads a counted text.
func (p *parser) text() []byte {
	b := p.take(2 * p.uint16())
	p.d.step(len(b) / bytesPerStep)
	return b
}

// instruction passes over a processing instruction's token.
func (p *parser) instruction(token byte) {
	if token == tokenPITarget {
		p.name()
	} else {
		p.text()
	}
}

// element compiles an element from its token on. inData: its parent is EventData
// or UserData.
func (p *parser) element(inData bool) kid {
	d := p.d
	if p.depth++; p.depth > maxDepth {
		d.fail(brokenDepth)
		return kid{}
	}
	more := p.byte()&moreFollows != 0
	if p.dependency {
		p.skip(2)
	}
	p.skip(4) // the element's size
	e := element{name: p.name()}
	k := kid{name: e.name, next: -1}
	if more {
		p.attributes(&e, &k, inData)
	}
	k.unnamed = inData && e.name == nameData && k.name == nameData && k.naming.empty()
	pieces, kids := len(d.openPieces), len(d.openKids)
	switch p.byte() {
	case tokenCloseEmpty:
	case tokenCloseOpen:
		p.content(e.name == nameEventData || e.name == nameUserData, pieces)
	default:
		d.fail(brokenToken)
	}
	if d.broken == "" {
		e.kids = d.closeKids(kids, &e)
		e.pieces = d.closePieces(pieces, !e.kids.empty())
		d.chooseForm(&e)
	}
	d.openPieces, d.openKids = d.openPieces[:pieces], d.openKids[:kids]
	k.element = int32(len(d.elements))
	d.elements = append(d.elements, e)
	p.depth--
	return k
}

// attributes compiles a list of attributes. The name of a Data element within
// EventData is the kid's.
func (p *parser) attributes(e *element, k *kid, inData bool) {
	d := p.d
	p.skip(4) // the list's size
	e.attrs.from = int32(len(d.attrs))
	for p.pos < p.end && d.chunk[p.pos]&^moreFollows == tokenAttribute && d.step(compileWork) {
		p.skip(1)
		a := attribute{name: p.name()}
		open := len(d.openPieces)
		for p.piece(open) {
		}
		a.pieces = d.closePieces(open, false)
		switch {
		case !inData || e.name != nameData || a.name != nameName:
			d.attrs = append(d.attrs, a)
		case d.fixed(a.pieces):
			if text := d.pieceText(a.pieces); len(text) > 0 {
				k.name = d.names.id(text)
				k.naming = a.pieces
			}
		default:
			k.name, k.naming = keyAsked, a.pieces
		}
	}
	e.attrs.to = int32(len(d.attrs))
}

// content compiles what stands between <a> and </a>. open is where its pieces
// begin among the open ones.
func (p *parser) content(inData bool, open int) {
	d := p.d
	for d.step(compileWork) {
		if p.piece(open) {
			continue
		}
		switch token := p.byte() &^ moreFollows; token {
		case tokenOpen:
			p.pos--
			d.openKids = append(d.openKids, p.element(inData))
			open = len(d.openPieces)
		case tokenPITarget, tokenPIData:
			p.instruction(token)
		case tokenClose:
			return
		default:
			d.fail(brokenToken)
		}
	}
}

// piece compiles a part of a text; false when something else comes. Texts that
// follow each other become one, from the open piece at index open on.
func (p *parser) piece(open int) bool {
	d := p.d
	if p.pos >= p.end || !d.step(compileWork) {
		return false
	}
	from := len(d.literals)
	switch d.chunk[p.pos] &^ moreFollows {
	case tokenText:
		p.skip(1)
		if p.byte() != typeString {
			d.fail(brokenToken)
			return false
		}
		d.literals = appendUTF16(d.literals, p.text())
	case tokenCDATA:
		p.skip(1)
		d.literals = appendUTF16(d.literals, p.text())
	case tokenCharacter:
		p.skip(1)
		d.literals = appendRune(d.literals, rune(p.uint16()))
	case tokenEntity:
		p.skip(1)
		d.literals = appendEntity(d.literals, d.names.keys[p.name()])
	case tokenSubstitution, tokenOptional:
		p.skip(1)
		d.openPieces = append(d.openPieces, piece{slot: int32(p.uint16())})
		p.skip(1) // the type: the value has its own
		return true
	default:
		return false
	}
	to := int32(len(d.literals))
	if last := len(d.openPieces) - 1; last >= open && d.openPieces[last].slot < 0 && d.openPieces[last].text.to == int32(from) {
		d.openPieces[last].text.to = to
	} else {
		d.openPieces = append(d.openPieces, piece{slot: -1, text: span{int32(from), to}})
	}
	return true
}

// appendEntity writes what an entity stands for; key is `"amp":` and its like.
func appendEntity(dst []byte, key string) []byte {
	name := key[1 : len(key)-2]
	switch name {
	case "lt":
		return append(dst, '<')
	case "gt":
		return append(dst, '>')
	case "amp":
		return append(dst, '&')
	case "quot":
		return append(dst, '\\', '"')
	case "apos":
		return append(dst, '\'')
	}
	dst = append(dst, '&')
	dst = append(dst, name...)
	return append(dst, ';')
}

// closePieces keeps the open pieces from index open on. White space around kids
// is no text.
func (d *decoder) closePieces(open int, kids bool) span {
	s := span{from: int32(len(d.pieces))}
	for _, p := range d.openPieces[open:] {
		if p.slot >= 0 || !(kids && blank(d.literals[p.text.from:p.text.to])) {
			d.pieces = append(d.pieces, p)
		}
	}
	d.openPieces = d.openPieces[:open]
	s.to = int32(len(d.pieces))
	return s
}

// blank says that JSON text holds nothing but white space.
func blank(text []byte) bool {
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			if i++; text[i] == 'n' || text[i] == 'r' || text[i] == 't' {
				continue
			}
			return false
		}
		if text[i] != ' ' {
			return false
		}
	}
	return true
}

// closeKids keeps the open kids from index open on, and finds those that have the
// same name.
func (d *decoder) closeKids(open int, e *element) span {
	kids := d.openKids[open:]
	s := span{from: int32(len(d.kids))}
	s.to = s.from + int32(len(kids))
	for len(d.kidOf) < len(d.names.keys) {
		d.kidOf = append(d.kidOf, 0)
	}
	for i := range kids {
		k := &kids[i]
		if k.name == keyAsked {
			e.asked = true
			continue
		}
		if before := d.kidOf[k.name]; before > 0 {
			kids[before-1].next = s.from + int32(i)
			k.later = true
		}
		d.kidOf[k.name] = int32(i) + 1
	}
	for _, k := range kids {
		if k.name != keyAsked {
			d.kidOf[k.name] = 0
		}
	}
	d.kids = append(d.kids, kids...)
	return s
}

// fixed says that a text has no substitution.
func (d *decoder) fixed(pieces span) bool {
	for _, p := range d.pieces[pieces.from:pieces.to] {
		if p.slot >= 0 {
			return false
		}
	}
	return true
}

// pieceText is the text of pieces without a substitution.
func (d *decoder) pieceText(pieces span) []byte {
	var text []byte
	for _, p := range d.pieces[pieces.from:pieces.to] {
		text = append(text, d.literals[p.text.from:p.text.to]...)
	}
	return text
}

// chooseForm renders what is the same for all instances.
func (d *decoder) chooseForm(e *element) {
	fixedAttrs := true
	for _, a := range d.attrs[e.attrs.from:e.attrs.to] {
		fixedAttrs = fixedAttrs && d.fixed(a.pieces)
	}
	fixed := fixedAttrs && d.fixed(e.pieces)
	for _, k := range d.kids[e.kids.from:e.kids.to] {
		fixed = fixed && k.name != keyAsked && d.elements[k.element].form == formFixed
	}
	one := e.pieces.to-e.pieces.from == 1
	from := len(d.out)
	switch bare := e.attrs.empty() && e.kids.empty(); {
	case fixed:
		d.object(e, nil)
		e.form, e.fixed = formFixed, d.keep(from)
	case bare && one:
		e.form = formSlot
	case bare:
		e.form = formText
	case fixedAttrs && !e.attrs.empty():
		d.out = append(d.out, '{')
		d.attributes(e, nil)
		e.fixedAttrs = d.keep(from + 1)
		d.out = d.out[:from]
	}
}

// keep moves what was rendered from index from on into the literals.
func (d *decoder) keep(from int) span {
	s := span{from: int32(len(d.literals))}
	d.literals = append(d.literals, d.out[from:]...)
	d.step((len(d.out) - from) / bytesPerStep)
	d.out = d.out[:from]
	s.to = int32(len(d.literals))
	return s
}
