//go:build !linux

package cli

func preferLargePages([]byte) {}
