package evtx

// value is a value of a template's instance: where it lies in the chunk.
type value struct {
	from, size int32
	kind       byte
}

// member is an element that is a member of a JSON object by the values of a
// record: the root of a nested fragment, or Data whose name is a value.
type member struct {
	name    int32
	unnamed bool
	element int32
	values  []value
}

// record renders the record whose XML lies between two places of the chunk. The
// reason is "" when that went well.
func (d *decoder) record(from, to int) (json []byte, reason string) {
	d.out = d.out[:0]
	d.values, d.members = d.values[:0], d.members[:0]
	d.openPieces, d.openKids = d.openPieces[:0], d.openKids[:0]
	d.broken, d.depth = "", 0
	d.limit = min(maxRecordJSON, d.room)
	mark := d.mark()
	d.fragment(from, to, true)
	if len(d.members) == 0 {
		d.fail(brokenRoot)
	}
	if d.broken == "" {
		root := d.members[0]
		d.out = append(d.out, '{')
		d.out = append(d.out, d.names.keys[root.name]...)
		d.elementValue(root.element, root.values)
		d.out = append(d.out, '}')
	}
	if len(d.out) > d.limit {
		d.fail(brokenWork)
	}
	d.release(mark)
	d.room -= len(d.out)
	return d.out, d.broken
}

// mark and release drop what was compiled for one record alone. What a template
// left behind stays.
type mark struct {
	elements, attrs, pieces, kids, literals, templates int
}

func (d *decoder) mark() mark {
	return mark{len(d.elements), len(d.attrs), len(d.pieces), len(d.kids), len(d.literals), len(d.templates)}
}

func (d *decoder) release(m mark) {
	if len(d.templates) > m.templates {
		return
	}
	d.elements, d.attrs, d.pieces, d.kids = d.elements[:m.elements], d.attrs[:m.attrs], d.pieces[:m.pieces], d.kids[:m.kids]
	d.literals = d.literals[:m.literals]
}

// elementValue writes the JSON value of an element.
func (d *decoder) elementValue(index int32, values []value) {
	if !d.step(1) {
		return
	}
	e := &d.elements[index]
	switch e.form {
	case formFixed:
		d.out = append(d.out, d.literals[e.fixed.from:e.fixed.to]...)
	case formSlot:
		v := at(values, d.pieces[e.pieces.from].slot)
		if v.kind == typeXML && v.size > 0 {
			d.object(e, values)
			return
		}
		d.slotValue(v)
	default:
		d.object(e, values)
	}
}

// at is the value of a substitution; one that the instance lacks is null.
func at(values []value, slot int32) value {
	if int(slot) < len(values) {
		return values[slot]
	}
	return value{}
}

// object writes an element's value: an object of its attributes, text and kids,
// its text alone when it has nothing else, null when it has none.
func (d *decoder) object(e *element, values []value) {
	if d.depth++; d.depth > maxDepth {
		d.fail(brokenDepth)
		return
	}
	firstMember, firstValue := len(d.members), len(d.values)
	d.collect(e, values)
	start := len(d.out)
	d.out = append(d.out, '{')
	if !e.fixedAttrs.empty() {
		d.out = append(d.out, d.literals[e.fixedAttrs.from:e.fixedAttrs.to]...)
	} else {
		d.attributes(e, values)
	}
	bare := len(d.out) == start+1 && e.kids.empty() && len(d.members) == firstMember
	switch text := d.hasText(e.pieces, values); {
	case bare && !text:
		d.out = append(d.out[:start], "null"...)
	case bare:
		d.out = d.out[:start]
		d.content(e.pieces, values)
	default:
		if text {
			d.key(`"#text":`)
			d.content(e.pieces, values)
		}
		d.kidMembers(e, values, d.members[firstMember:])
		d.ownMembers(e, d.members[firstMember:])
		d.out = append(d.out, '}')
	}
	d.members, d.values = d.members[:firstMember], d.values[:firstValue]
	d.depth--
}

// key begins a member of the object that is being written.
func (d *decoder) key(key string) {
	if d.out[len(d.out)-1] != '{' {
		d.out = append(d.out, ',')
	}
	d.out = append(d.out, key...)
}

// collect appends to members what is known to be one only with the values.
func (d *decoder) collect(e *element, values []value) {
	for i := e.pieces.from; i < e.pieces.to; i++ {
		slot := d.pieces[i].slot
		if slot < 0 {
			continue
		}
		if v := at(values, slot); v.kind == typeXML && v.size > 0 {
			d.fragment(int(v.from), int(v.from+v.size), false)
		}
	}
	if !e.asked {
		return
	}
	for i := e.kids.from; i < e.kids.to; i++ {
		k := d.kids[i]
		if k.name != keyAsked {
			continue
		}
		from := len(d.out)
		d.text(k.naming, values)
		if !d.step(1 + (len(d.out)-from)/bytesPerStep) {
			return
		}
		m := member{name: nameData, unnamed: len(d.out) == from, element: k.element, values: values}
		if !m.unnamed {
			m.name = d.names.id(d.out[from:])
		}
		d.out = d.out[:from]
		d.members = append(d.members, m)
	}
}

// attributes writes the member "#attributes" when one of them has a value.
func (d *decoder) attributes(e *element, values []value) {
	open := false
	for i := e.attrs.from; i < e.attrs.to && d.step(1); i++ {
		a := d.attrs[i]
		if !d.hasText(a.pieces, values) {
			continue
		}
		if !open {
			open = true
			d.key(`"#attributes":{`)
		}
		d.key(d.names.keys[a.name])
		d.content(a.pieces, values)
	}
	if open {
		d.out = append(d.out, '}')
	}
}

// kidMembers writes the members that the element's own kids are. Those of one
// name, members of that name among own included, are one list.
func (d *decoder) kidMembers(e *element, values []value, own []member) {
	for i := e.kids.from; i < e.kids.to && d.step(1+len(own)); i++ {
		k := d.kids[i]
		if k.later || k.name == keyAsked {
			continue
		}
		same := named(own, k.name)
		d.openMember(k.name, k.unnamed)
		if k.next < 0 && !same {
			d.elementValue(k.element, values)
		} else {
			d.out = append(d.out, '[')
			for j := i; j >= 0; j = d.kids[j].next {
				d.item(d.kids[j].element, values, k.unnamed)
			}
			if same {
				d.items(own, k.name, k.unnamed)
			}
			d.out = append(d.out, ']')
		}
		d.closeMember(k.unnamed)
	}
}

// ownMembers writes the members that are none of the element's kids by name.
func (d *decoder) ownMembers(e *element, own []member) {
	for i, m := range own {
		if !d.step(1 + len(own) + int(e.kids.to-e.kids.from)) {
			return
		}
		if named(own[:i], m.name) || d.hasKid(e, m.name) {
			continue
		}
		d.openMember(m.name, m.unnamed)
		if named(own[i+1:], m.name) {
			d.out = append(d.out, '[')
			d.items(own[i:], m.name, m.unnamed)
			d.out = append(d.out, ']')
		} else {
			d.elementValue(m.element, m.values)
		}
		d.closeMember(m.unnamed)
	}
}

func (d *decoder) hasKid(e *element, name int32) bool {
	for i := e.kids.from; i < e.kids.to; i++ {
		if d.kids[i].name == name {
			return true
		}
	}
	return false
}

func named(members []member, name int32) bool {
	for i := range members {
		if members[i].name == name {
			return true
		}
	}
	return false
}

// openMember writes a member's key. Data without a name is {"#text":…}, as
// evtx_dump has it.
func (d *decoder) openMember(name int32, unnamed bool) {
	d.key(d.names.keys[name])
	if unnamed {
		d.out = append(d.out, `{"#text":`...)
	}
}

func (d *decoder) closeMember(unnamed bool) {
	if unnamed {
		d.out = append(d.out, '}')
	}
}

// items writes the members of a name as items of a list.
func (d *decoder) items(members []member, name int32, unnamed bool) {
	for i := range members {
		if members[i].name == name {
			d.item(members[i].element, members[i].values, unnamed)
		}
	}
}

// item writes an element as an item of a list, the items of an array as several.
// Data without a name that is empty is "", since only its place tells what it is.
func (d *decoder) item(index int32, values []value, unnamed bool) {
	if !d.step(1) {
		return
	}
	if d.out[len(d.out)-1] != '[' {
		d.out = append(d.out, ',')
	}
	if e := &d.elements[index]; e.form == formSlot {
		if v := at(values, d.pieces[e.pieces.from].slot); v.kind&typeArray != 0 && v.size > 0 {
			d.out = appendItems(d.out, v.kind, d.bytes(v), ",", appendValue)
			return
		}
	}
	from := len(d.out)
	d.elementValue(index, values)
	if unnamed && string(d.out[from:]) == "null" {
		d.out = append(d.out[:from], `""`...)
	}
}

// hasText says whether a text is not empty.
func (d *decoder) hasText(pieces span, values []value) bool {
	for i := pieces.from; i < pieces.to; i++ {
		p := &d.pieces[i]
		if p.slot < 0 && !p.text.empty() || p.slot >= 0 && !d.isEmpty(at(values, p.slot)) {
			return true
		}
	}
	return false
}

// content writes a text as a JSON value: the value's own when it is a single one,
// else a string. The text is not empty.
func (d *decoder) content(pieces span, values []value) {
	full, last := 0, int32(0)
	for i := pieces.from; i < pieces.to; i++ {
		p := &d.pieces[i]
		switch {
		case p.slot < 0 && !p.text.empty():
			full += 2
		case p.slot >= 0 && !d.isEmpty(at(values, p.slot)):
			full++
			last = p.slot
		}
	}
	if full == 1 {
		d.slotValue(at(values, last))
		return
	}
	d.out = append(d.out, '"')
	d.text(pieces, values)
	d.out = append(d.out, '"')
}

// text writes a text within a JSON string.
func (d *decoder) text(pieces span, values []value) {
	for i := pieces.from; i < pieces.to && d.step(1); i++ {
		p := &d.pieces[i]
		if p.slot < 0 {
			d.out = append(d.out, d.literals[p.text.from:p.text.to]...)
			continue
		}
		v := at(values, p.slot)
		switch {
		case d.isEmpty(v):
		case v.kind&typeArray != 0:
			d.out = appendItems(d.out, v.kind, d.bytes(v), ", ", appendText)
		default:
			d.out = appendText(d.out, v.kind, d.bytes(v))
		}
	}
}

func (d *decoder) bytes(v value) []byte { return d.chunk[v.from : v.from+v.size] }

// isEmpty says whether a value has no text: null, an empty string, XML.
func (d *decoder) isEmpty(v value) bool {
	if v.size == 0 {
		return true
	}
	switch v.kind &^ typeArray {
	case typeNull, typeXML:
		return true
	case typeString, typeXMLText:
		b := d.bytes(v)
		return v.size < 2 || b[0]|b[1] == 0 && (v.kind&typeArray == 0 || v.size < 4)
	case typeANSI:
		return d.chunk[v.from] == 0 && (v.kind&typeArray == 0 || v.size == 1)
	}
	return false
}

// slotValue writes a value as JSON: an array as a list, or as its item when it
// has one.
func (d *decoder) slotValue(v value) {
	switch {
	case d.isEmpty(v):
		d.out = append(d.out, "null"...)
	case v.kind&typeArray == 0:
		d.out = appendValue(d.out, v.kind, d.bytes(v))
	default:
		b := d.bytes(v)
		kind := itemKind(v.kind, len(b))
		item, rest := nextItem(kind, b)
		if len(rest) == 0 {
			d.out = appendValue(d.out, kind, item)
			return
		}
		d.out = append(d.out, '[')
		d.out = appendItems(d.out, v.kind, b, ",", appendValue)
		d.out = append(d.out, ']')
	}
}
