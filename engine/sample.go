package engine

import (
	"context"
	"errors"
	"io"

	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/inspect"
)

// sampleEvents is the number of events that a sample is made of.
const sampleEvents = 20_000

// Sample says what the first events of the open data hold, for those who look for the
// names of fields.
func (l *Local) Sample(ctx context.Context) (*inspect.Report, error) {
	if l.data == nil {
		return nil, ErrNoData
	}
	o := l.ingest
	o.Since, o.Until, o.Location = l.data.Since, l.data.Until, l.data.Location
	r, err := ingest.Open(ctx, Resolve(l.dir, l.data.Paths, o), o)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	c := inspect.New("")
	for n := 0; n < sampleEvents; {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		c.Add(b)
		n += len(b.Records)
	}
	return c.Report(), nil
}
