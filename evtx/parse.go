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

// parser reads binary XML between two places of the chunk. What it reads after a
// failure is of no use; every loop over tokens asks step, which ends it then.
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
