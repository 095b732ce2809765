//go:build !amd64

package event

const hasPass = false

func passAVX2(*byte, int) (int, uint8) { panic("no AVX2") }
