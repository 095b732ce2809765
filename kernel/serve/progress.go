package serve

import (
	"fmt"
	"sync"
	"time"

	"github.com/huntbook/huntbook/jupyter"
)

// unhurried is how long a cell runs before it shows how far it is, and how often it
// does then.
const unhurried = time.Second

// shower shows how far a cell is, until its first output takes that place.
type shower struct {
	mu    sync.Mutex
	ended bool
	shown bool
	out   *jupyter.Publisher
	quit  chan struct{}
}

func (k *Kernel) showProgress(out *jupyter.Publisher) *shower {
	s := &shower{out: out, quit: make(chan struct{})}
	go func() {
		tick := time.NewTicker(unhurried)
		defer tick.Stop()
		for {
			select {
			case <-s.quit:
				return
			case <-tick.C:
				s.show(k.progress())
			}
		}
	}()
	return s
}

func (s *shower) show(done, total int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || total <= 0 {
		return
	}
	const id = "huntbook-progress"
	data := map[string]any{"text/plain": fmt.Sprintf("%d %% of the data read", 100*min(done, total)/total)}
	if s.shown {
		s.out.Update(data, nil, id)
		return
	}
	s.shown = true
	s.out.Display(data, nil, id)
}

// end takes the progress away: when the output comes that is next, or now.
func (s *shower) end(next bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.ended = true
	close(s.quit)
	if s.shown {
		s.out.Clear(next)
	}
}
