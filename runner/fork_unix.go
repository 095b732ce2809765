//go:build !windows

package runner

import (
	"os/exec"
	"runtime"
	"syscall"
)

// canFork tells whether a process can be forked here that has used the system's
// libraries; those of macOS do not bear it.
const canFork = runtime.GOOS != "darwin"

func ownGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func interruptGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGINT) }

func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
