// Package version says which huntbook this is.
//
// The Makefile puts what "git describe" says into the binary; for a binary that
// "go install" or "go build" made, the Go toolchain has recorded the module's
// version, which names the commit too. The package knows nothing of the rest of
// huntbook.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// linked is set by the linker: -X …/internal/version.linked=v1.2.3.
var linked string

// Number returns the version alone: "v1.2.3", "v1.2.3-4-g0123abc", a bare commit
// where there is no tag, "devel" where nothing is known.
func Number() string {
	info, _ := debug.ReadBuildInfo()
	return number(linked, info)
}

// String returns the version and what built it, on one line:
// "v1.2.3 (go1.26.0, linux/amd64)".
func String() string {
	return fmt.Sprintf("%s (%s, %s/%s)", Number(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func number(linked string, info *debug.BuildInfo) string {
	switch {
	case linked != "":
		return linked
	case info != nil && info.Main.Version != "" && info.Main.Version != "(devel)":
		return info.Main.Version
	}
	return "devel"
}
