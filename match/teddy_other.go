//go:build !amd64

package match

const hasTeddy = false

func teddyAVX2(*byte, int, *teddyMasks) int { return ^0 }
