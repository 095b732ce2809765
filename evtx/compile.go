package evtx

import "encoding/binary"

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
