package ingest

import (
	"bytes"
	"errors"
	"io"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/evtx"
)

// eventLog reads a Windows event log. What is damaged in it counts as broken,
// and is no failure: the rest is read.
func (r *Reader) eventLog(feed *feed, m member, in io.Reader) {
	log, err := evtx.NewReader(in)
	if err != nil {
		r.fail(m.name, unpackError(err))
		return
	}
	source := &event.Source{Name: m.name}
	number := 0
	for {
		rec, err := log.Next()
		if err != nil {
			r.endOfLog(m, log.Summary(), number, err)
			return
		}
		number++
		if !feed.add(record{raw: bytes.Clone(rec.JSON), source: source, number: number}, nil) {
			return
		}
	}
}

// endOfLog enters what a log of so many records came to. A log of which nothing
// can be read has failed.
func (r *Reader) endOfLog(m member, log evtx.Summary, records int, err error) {
	switch {
	case !errors.Is(err, io.EOF):
		r.fail(m.name, unpackError(err))
	case records == 0 && log.Damages > 0:
		r.fail(m.name, errors.New(log.Damage[0].String()))
		return
	}
	r.note(func(s *Summary) {
		if records > 0 || log.Damages == 0 {
			s.Files++
		}
		for _, d := range log.Damage {
			s.addBroken(Place{Name: m.name, Reason: d.String()})
		}
		s.Broken += log.Damages - len(log.Damage)
	})
}
