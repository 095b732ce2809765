package jupyter

import (
	"errors"
	"os"
	"os/exec"
)

func ownGroup(*exec.Cmd) {}

func interruptGroup(*os.Process) error {
	return errors.New("this kernel is interrupted by a signal, which Windows has not")
}

func killGroup(p *os.Process) { _ = p.Kill() }
