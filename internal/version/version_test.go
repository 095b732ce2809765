package version

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestNumber(t *testing.T) {
	module := func(v string) *debug.BuildInfo { return &debug.BuildInfo{Main: debug.Module{Version: v}} }
	for _, c := range []struct {
		name, linked string
		info         *debug.BuildInfo
		want         string
	}{
		{"the linker wins", "v1.2.3-4-g0123abc", module("v1.2.3"), "v1.2.3-4-g0123abc"},
		{"go install", "", module("v1.2.3"), "v1.2.3"},
		{"go run", "", module("(devel)"), "devel"},
		{"a test binary", "", module(""), "devel"},
		{"no build information", "", nil, "devel"},
	} {
		if got := number(c.linked, c.info); got != c.want {
			t.Errorf("%s: number = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestStringIsOneLineThatStartsWithTheNumber(t *testing.T) {
	got := String()
	if !strings.HasPrefix(got, Number()+" (go") || strings.Contains(got, "\n") {
		t.Errorf("String() = %q, Number() = %q", got, Number())
	}
}
