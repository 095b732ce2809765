package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// streamed is what came of feeding huntbook much more than fits into memory.
type streamed struct {
	sample
	times    int // that the dataset was repeated
	bytes    int64
	findings int
	// resident is the program's memory after some of the repetitions, evenly spread.
	resident []resident
}

type resident struct{ bytes, memory int64 }

// stream pipes the dataset into huntbook, over and over.
func stream(ctx context.Context, w *work, gigabytes int64) (*streamed, error) {
	s := &streamed{times: int((gigabytes<<30 + w.data.bytes - 1) / w.data.bytes)}
	cmd := exec.CommandContext(ctx, huntbook, "match", "--json", "-r", w.rules, "-") //nolint:gosec // the program that is measured
	var messages strings.Builder
	cmd.Stderr = &messages
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	fed := make(chan error, 1)
	go func() { fed <- s.feed(in, w.data.path, cmd.Process.Pid) }()
	s.findings, err = countLines(out)
	if err != nil {
		return nil, err
	}
	err = cmd.Wait()
	if feedErr := <-fed; err == nil {
		err = feedErr
	}
	if err != nil {
		return nil, fmt.Errorf("streaming: %w\n%s", err, lastLines(messages.String(), 3))
	}
	s.sample = usage(cmd.ProcessState)
	s.seconds = time.Since(begun).Seconds()
	return s, nil
}

func (s *streamed) feed(in io.WriteCloser, path string, pid int) error {
	defer in.Close()
	step := max(1, s.times/5)
	for i := 1; i <= s.times; i++ {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		n, err := io.Copy(in, file)
		file.Close()
		if err != nil {
			return err
		}
		s.bytes += n
		if i%step == 0 {
			s.resident = append(s.resident, resident{s.bytes, residentSize(pid)})
		}
	}
	return nil
}

// residentSize is a process' memory, 0 where the system does not tell.
func residentSize(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if size, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, _ := strconv.ParseInt(strings.Fields(size)[0], 10, 64)
			return kib * 1024
		}
	}
	return 0
}

func countLines(r io.Reader) (n int, err error) {
	lines := bufio.NewReader(r)
	for {
		_, err := lines.ReadSlice('\n')
		switch {
		case err == nil:
			n++
		case errors.Is(err, io.EOF):
			return n, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return n, err
		}
	}
}
