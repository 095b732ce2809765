package event

import "golang.org/x/sys/cpu"

var hasPass = cpu.X86.HasAVX2

// passAVX2 passes the characters of a text, 32 bytes at a time. It tells how many it
// passed and which flags they have, with stopped where the next ends the text.
// Otherwise fewer than 32 bytes are left, or what follows is a backslash that makes no
// short escape.
//
//go:noescape
func passAVX2(data *byte, n int) (passed int, seen uint8)
