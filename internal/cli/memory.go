package cli

import (
	"os"
	"runtime/debug"
	"sync/atomic"
)

// ballast is memory that the collector counts and nobody touches, so that the system
// never provides it.
var ballast atomic.Pointer[[]byte]

// collectSeldom lets the garbage collector wait while rules are read: nearly all that
// is made of them stays. With five times the ballast's size there is none to collect
// before thousands of rules are read. Whoever sets GOGC knows better.
func collectSeldom() {
	if setGC(400) {
		block := make([]byte, 48<<20)
		ballast.Store(&block)
	}
}

// collectUsually is for reading events, of which nearly nothing stays.
func collectUsually() { setGC(150) }

func setGC(percent int) bool {
	own := os.Getenv("GOGC") == ""
	if own {
		debug.SetGCPercent(percent)
	}
	return own
}
