//go:build !windows

package jupyter

import (
	"os"
	"os/exec"
	"syscall"
)

// ownGroup gives a command's process a group of its own, so that what the kernel
// starts ends with it, and Ctrl-C in our terminal is ours alone.
func ownGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func interruptGroup(p *os.Process) error { return syscall.Kill(-p.Pid, syscall.SIGINT) }

func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }
