package cli

import (
	"os"
	"runtime/debug"
)

// collectSeldom lets the garbage collector wait while rules are read: nearly all
// that is made of them stays. Whoever sets GOGC knows better.
func collectSeldom() { setGC(400) }

// collectUsually is for reading events, of which nearly nothing stays.
func collectUsually() { setGC(100) }

func setGC(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
