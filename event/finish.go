package event

// Batch returns the rows as a batch that never changes again, and starts a new
// one.
func (b *Builder) Batch() *Batch {
	batch := b.batch
	batch.shapes = b.shapes
	batch.names = make(map[string]*Column, len(b.columns))
	for _, c := range b.columns {
		if len(c.codes) > 0 {
			batch.put(&Column{Name: c.name, Codes: pad(c.codes, batch.Rows), Values: c.values})
		}
	}
	for _, a := range aliases {
		b.alias(a)
	}
	b.start()
	return batch
}

func (b *Batch) put(c *Column) {
	b.names[c.Name] = c
	b.Columns = append(b.Columns, c)
}

func pad(codes []uint32, rows int) []uint32 {
	return append(codes, make([]uint32, rows-len(codes))...)
}

// alias makes a field of flat events known under its second name, in the rows
// that do not have a field of that name. When no row has one, both names share
// codes and values.
func (b *Builder) alias(a alias) {
	from, to := b.batch.names[a.from], b.names[a.to]
	if from == nil {
		return
	}
	if b.batch.names[a.to] == nil {
		if b.onlyFlat(from) {
			b.batch.put(&Column{Name: a.to, Codes: from.Codes, Values: from.Values})
			return
		}
		if to == nil {
			to = newColumn(a.to)
		}
		b.batch.put(&Column{Name: a.to})
	}
	to.codes = pad(to.codes, b.batch.Rows)
	same := make([]uint32, len(from.Values)) // codes in from → codes in to
	for row, code := range from.Codes {
		if code == 0 || to.codes[row] != 0 || b.shapes[row] != flatShape {
			continue
		}
		if same[code] == 0 {
			same[code] = b.copyValue(to, from.Values[code])
		}
		to.codes[row] = same[code]
	}
	column := b.batch.names[a.to]
	column.Codes, column.Values = to.codes, to.values
}

func (b *Builder) onlyFlat(c *Column) bool {
	for row, code := range c.Codes {
		if code != 0 && b.shapes[row] != flatShape {
			return false
		}
	}
	return true
}

func (b *Builder) copyValue(to *column, v Value) uint32 {
	text := []byte(v.Text)
	hash := b.hash(v.Kind, text)
	if code := to.find(v.Kind, text, hash); code != 0 {
		return code
	}
	return to.add(v, hash)
}
