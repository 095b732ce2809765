package ingest

import (
	"context"
	"io"
)

// pipeReader reads something that may block for ever, such as a terminal, and
// gives up when its context ends.
type pipeReader struct {
	ctx    context.Context
	blocks chan pipeBlock
	rest   []byte
	err    error
}

type pipeBlock struct {
	data []byte
	err  error
}

// pipe takes the ownership of in. After the context's end a last read of in may
// go on until it returns.
func pipe(ctx context.Context, in io.ReadCloser) io.ReadCloser {
	p := &pipeReader{ctx: ctx, blocks: make(chan pipeBlock)}
	go func() {
		defer in.Close()
		for {
			data := make([]byte, 64<<10)
			n, err := in.Read(data)
			select {
			case p.blocks <- pipeBlock{data[:n], err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return p
}

func (p *pipeReader) Read(to []byte) (int, error) {
	for len(p.rest) == 0 {
		if p.err != nil {
			return 0, p.err
		}
		select {
		case b := <-p.blocks:
			p.rest, p.err = b.data, b.err
		case <-p.ctx.Done():
			return 0, p.ctx.Err()
		}
	}
	n := copy(to, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *pipeReader) Close() error { return nil }
