package runner

import (
	"errors"
	"os/exec"
)

// canFork is false: Windows has no fork.
const canFork = false

func ownGroup(*exec.Cmd) {}

func interruptGroup(int) error { return errors.ErrUnsupported }

func killGroup(int) {}
