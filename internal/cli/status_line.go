package cli

import (
	"fmt"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"
)

// statusLine tells how far a command is, in one line of a terminal that stays where it
// is, else in a line every some seconds. Its lock guards what the line tells of.
type statusLine struct {
	sync.Mutex
	app   *app
	text  func() string
	shown bool // a line stands on the terminal
}

// show shows the line, unless nothing is to be told, until the returned function is
// called.
func (l *statusLine) show(a *app, quiet bool, text func() string) (stop func()) {
	l.app, l.text = a, text
	if quiet {
		return func() {}
	}
	end := a.often(l.draw)
	return func() {
		end()
		l.Lock()
		defer l.Unlock()
		l.clear()
	}
}

// often calls show until the returned function is called: as often as a terminal is
// looked at, else every some seconds.
func (a *app) often(show func()) (stop func()) {
	every := 10 * time.Second
	if a.errTerm {
		every = 200 * time.Millisecond
	}
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-quit:
				return
			case <-ticker.C:
				show()
			}
		}
	})
	return func() {
		close(quit)
		wg.Wait()
	}
}

func (l *statusLine) draw() {
	l.Lock()
	defer l.Unlock()
	line := l.text()
	if !l.app.errTerm {
		fmt.Fprintln(l.app.Err, line)
		return
	}
	l.clear()
	fmt.Fprint(l.app.Err, runewidth.Truncate(line, max(l.app.errWidth-1, 20), "…"))
	l.shown = true
}

// clear takes the line away, before something else is told. The lock is held.
func (l *statusLine) clear() {
	if l.shown {
		fmt.Fprint(l.app.Err, "\r\x1b[K")
		l.shown = false
	}
}
