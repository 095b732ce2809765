package ingest

import (
	"sync"
	"sync/atomic"
)

// block is a piece of a stream in memory. Those who point into it count
// themselves, so that the last of them gives it back.
type block struct {
	data  []byte
	users atomic.Int32
}

func (b *block) use() { b.users.Add(1) }

// blockPool keeps blocks of the largest size, and lists of records, for another use.
// A nil pool keeps none: what points into a block may then outlive its users.
type blockPool struct{ free, lists sync.Pool }

// records returns an empty list.
func (p *blockPool) records() []record {
	if p != nil {
		if list, ok := p.lists.Get().(*[]record); ok {
			return *list
		}
	}
	return nil
}

// done takes a list that nobody uses any more.
func (p *blockPool) done(list []record) {
	if p != nil {
		clear(list)
		list = list[:0]
		p.lists.Put(&list)
	}
}

// get returns an empty block for one user.
func (p *blockPool) get(size int) *block {
	if p != nil && size == largestBlock {
		if b, ok := p.free.Get().(*block); ok {
			b.use()
			return b
		}
	}
	b := &block{data: make([]byte, 0, size)}
	b.use()
	return b
}

// release is called by each user of a block when it is done with it.
func (p *blockPool) release(b *block) {
	if b.users.Add(-1) == 0 && p != nil && cap(b.data) == largestBlock {
		b.data = b.data[:0]
		p.free.Put(b)
	}
}
