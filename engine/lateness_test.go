package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/huntbook/huntbook/event"
)

// A lateness that is as large as the disorder gives what waiting for the end gives;
// with a smaller one the events that come too late are not counted, and told.
func TestLateness(t *testing.T) {
	rules := parse(t, failedLogin, manyFailed)
	log := events(t, "12:00 4625 root", "12:04 4625 root", "12:09 4625 root", "12:02 4625 admin", "12:30 4625 admin", "12:31 4625 admin", "12:21 4625 admin")
	const waiting = "Many logins failed 12:09 3 from 12:00 on DC1 User=root"
	const both = waiting + "; Many logins failed 12:31 3 from 12:21 on DC1 User=admin"
	for _, c := range []struct {
		lateness time.Duration
		want     string
		note     string
	}{
		{0, both, ""},
		{time.Hour, both, ""},
		{10 * time.Minute, both, ""},
		{9 * time.Minute, waiting, "1 event came so much later than newer ones that it was not counted"},
		{time.Minute, waiting, "2 events came so much later than newer ones that they were not counted"},
	} {
		got, info := findLate(t, c.lateness, rules[1:], rules[:1], log)
		if notes := strings.Join(info.CorrelationNotes(0), "; "); got != c.want || notes != c.note {
			t.Errorf("%s: %s (%s)\nwant %s (%s)", c.lateness, got, notes, c.want, c.note)
		}
	}
}

// stream is a correlator that is fed with failed logins, one a second.
type stream struct {
	*correlator
	t    *testing.T
	sent int
}

func newStream(t *testing.T, lateness time.Duration, each func(Hit) error) *stream {
	t.Helper()
	rules := parse(t, failedLogin, manyFailed)
	p, err := NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	p.Lateness = lateness
	prepared, errs := p.PrepareAll(rules[1:], rules[:1])
	if errs[0] != nil {
		t.Fatal(errs[0])
	}
	c, err := newCorrelator(prepared, each)
	if err != nil {
		t.Fatal(err)
	}
	return &stream{correlator: c, t: t}
}

// send feeds the login of a user; of "nobody" no correlation can use it.
func (s *stream) send(user string) {
	s.t.Helper()
	at := time.Date(2024, 5, 1, 0, 0, s.sent, 0, time.UTC)
	s.sent++
	b := event.NewBuilder(event.Options{})
	field := fmt.Sprintf(`"User":%q`, user)
	if user == "nobody" {
		field = `"Nobody":1`
	}
	text := fmt.Sprintf(`{"Channel":"Security","EventID":4625,%s,"@timestamp":%q,"filling":%q}`, field, at.Format(time.RFC3339), strings.Repeat("x", 100))
	if err := b.AppendJSON([]byte(text), event.Record{Raw: []byte(text), Number: s.sent}); err != nil {
		s.t.Fatal(err)
	}
	if err := s.hit(Hit{Batch: b.Batch()}); err != nil {
		s.t.Fatal(err)
	}
}

// Of a long stream no more bytes are kept than windows and lateness need, so that
// every match still has its events; without a lateness the bound is reached.
func TestKeptBytesAreBounded(t *testing.T) {
	const size = 200 // more than an event has, less than two
	for _, c := range []struct {
		lateness time.Duration
		unkept   bool
	}{{time.Minute, false}, {0, true}} {
		matches, withoutEvent, most := 0, 0, 0
		s := newStream(t, c.lateness, func(h Hit) error {
			matches++
			for _, e := range h.Match.Events {
				if len(e.Raw) == 0 {
					withoutEvent++
				}
			}
			return nil
		})
		// Twice the span of ten minutes and twice the lateness.
		s.limit = 2 * (600 + 60) * size
		for i := range 20_000 {
			// A user tries three times within the span, then never again.
			s.send(fmt.Sprint("user", i/3))
			most = max(most, s.bytes)
		}
		s.send("nobody")
		if err := s.finish(); err != nil {
			t.Fatal(err)
		}
		if s.bytes != 0 || most > s.limit || matches != 20_000/3 {
			t.Errorf("%s: %d bytes are kept after the end, %d at most of %d, %d matches", c.lateness, s.bytes, most, s.limit, matches)
		}
		if c.unkept != (withoutEvent > 0) || c.unkept != (s.unkept > 0) {
			t.Errorf("%s: %d events of matches were not kept, %d in all", c.lateness, withoutEvent, s.unkept)
		}
		if info := s.infos()[0]; c.lateness > 0 && info.Most > 2*(600+60) {
			t.Errorf("%s: %d events were kept at a time", c.lateness, info.Most)
		}
	}
}

// Matches come while events still do.
func TestMatchesComeEarly(t *testing.T) {
	matches := 0
	s := newStream(t, time.Minute, func(Hit) error { matches++; return nil })
	for range 3 {
		s.send("root")
	}
	for i := range 900 {
		s.send(fmt.Sprint("user", i))
	}
	if matches != 1 {
		t.Errorf("%d matches fifteen minutes later, before the end", matches)
	}
}
