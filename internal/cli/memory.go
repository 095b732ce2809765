package cli

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// ballast is memory that the collector counts and nobody touches, so that the system
// never provides it.
var ballast atomic.Pointer[[]byte]

// collectSeldom lets the garbage collector wait while rules are read: nearly all that
// is made of them stays. With five times the ballast's size there is none to collect
// before thousands of rules are read. What is made then goes into large pages, which
// saves the system a tenth of a second of providing small ones, and the processor
// looking them up. Whoever sets GOGC knows better.
var collectSeldom = sync.OnceFunc(func() {
	if !setGC(400) {
		return
	}
	block := make([]byte, 48<<20)
	ballast.Store(&block)
	preferLargePages(make([]byte, 128<<20))
	runtime.GC() // the memory is free again, and what comes next lies in it
})

// collectUsually is for reading events, of which nearly nothing stays.
func collectUsually() { setGC(150) }

func setGC(percent int) bool {
	own := os.Getenv("GOGC") == ""
	if own {
		debug.SetGCPercent(percent)
	}
	return own
}
