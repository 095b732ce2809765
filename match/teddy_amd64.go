package match

import "golang.org/x/sys/cpu"

var hasTeddy = cpu.X86.HasAVX2

// teddyAVX2 returns the first position at which three bytes fit a bucket. It
// looks at positions that have 34 bytes from there on; when none fits, the
// complement of the position where it stopped is returned.
//
//go:noescape
func teddyAVX2(data *byte, n int, masks *teddyMasks) int
