package evtx

import "encoding/binary"

// fragment reads a fragment and appends its root elements to members. record: it
// is a record's own, not a value.
func (d *decoder) fragment(from, to int, record bool) {
	p := parser{d: d, pos: from, end: to}
	for p.pos < p.end && d.step(1) {
		switch token := p.byte() &^ moreFollows; token {
		case tokenEnd:
			return
		case tokenFragment:
			p.skip(3)
		case tokenPITarget, tokenPIData:
			p.instruction(token)
		case tokenTemplate:
			root, values := p.instance()
			if d.broken == "" {
				d.members = append(d.members, member{name: d.elements[root].name, element: root, values: values})
			}
		case tokenOpen:
			p.pos--
			p.dependency = p.hasDependency(record)
			k := p.element(false)
			if d.broken == "" {
				d.members = append(d.members, member{name: k.name, element: k.element})
			}
		default:
			d.fail(brokenToken)
		}
	}
}

// hasDependency tells whether the element here has the number of a value that it
// depends on. Elements of templates do, those that stand alone need not: a name
// follows its own place, or its place lies before.
func (p *parser) hasDependency(likely bool) bool {
	const without, with = 5, 7 // bytes before the place of the name
	at := func(n int) bool {
		if p.end-p.pos < n+4 {
			return false
		}
		offset := binary.LittleEndian.Uint32(p.d.chunk[p.pos+n:])
		return offset == uint32(p.pos+n+4) || offset >= chunkHeader && offset < uint32(p.pos)
	}
	if likely {
		return at(with) || !at(without)
	}
	return at(with) && !at(without)
}

// instance reads a template instance behind its token: the definition when it
// stands here, and the values.
func (p *parser) instance() (root int32, values []value) {
	d := p.d
	p.skip(1 + 4) // a version, the template's id
	offset := p.uint32()
	if int(offset) == p.pos {
		p.skip(templateHeader - 4)
		p.skip(int(min(p.uint32(), chunkSize)))
	}
	if d.broken == "" {
		root = d.template(offset)
	}
	count := int(min(p.uint32(), chunkSize))
	table := p.take(4 * count)
	if d.broken != "" || !d.step(count) {
		return 0, nil
	}
	base := len(d.values)
	for ; len(table) > 0; table = table[4:] {
		size := int32(binary.LittleEndian.Uint16(table))
		d.values = append(d.values, value{from: int32(p.pos), size: size, kind: table[2]})
		p.pos += int(size)
	}
	if p.pos > p.end {
		d.fail(brokenValues)
	}
	return root, d.values[base:len(d.values):len(d.values)]
}
