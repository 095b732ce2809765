// Package parallel shares out independent work among the processors. It knows nothing
// of the work.
package parallel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Each calls f for 0 … n-1, several at once, each number once, and returns when all
// calls have.
func Each(n int, f func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	if workers < 2 {
		for i := range n {
			f(i)
		}
		return
	}
	var next atomic.Int64
	var done sync.WaitGroup
	for range workers {
		done.Go(func() {
			for i := next.Add(1); int(i) <= n; i = next.Add(1) {
				f(int(i) - 1)
			}
		})
	}
	done.Wait()
}
