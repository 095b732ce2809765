package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The version of rsigma that is compared; later ones want a newer Rust than many have.
const rsigmaVersion = "0.23.0"

// peers are the programs that huntbook is held against.
type peers struct {
	rsigma string // its path, "" where it is not to be had
	python string // one with the packages of requirements.txt, or ""
	// missing says of each peer that is not there why, a sentence each.
	missing  []string
	versions []string
}

// findPeers finds or installs them.
func findPeers(ctx context.Context) *peers {
	p := &peers{}
	var err error
	if p.rsigma, err = findRsigma(ctx); err != nil {
		p.missing = append(p.missing, "rsigma "+rsigmaVersion+": "+oneLine(err))
	} else {
		p.versions = append(p.versions, firstLine(ctx, p.rsigma, "--version"))
	}
	if p.python, err = findPython(ctx); err != nil {
		p.missing = append(p.missing, "sigma-cli and pySigma's SQLite backend: "+oneLine(err))
	} else {
		text, _ := os.ReadFile("bench/requirements.txt")
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "#") {
				p.versions = append(p.versions, strings.Replace(strings.TrimSpace(line), "==", " ", 1))
			}
		}
		p.versions = append(p.versions, firstLine(ctx, p.python, "--version"),
			"SQLite "+firstLine(ctx, p.python, "-c", "import sqlite3; print(sqlite3.sqlite_version)"))
	}
	return p
}

// findRsigma takes $RSIGMA, then an rsigma of that version on PATH, then what an earlier
// run built, and else builds it.
func findRsigma(ctx context.Context) (string, error) {
	built := inFolder("cargo", "bin", "rsigma")
	for _, path := range []string{os.Getenv("RSIGMA"), "rsigma", built} {
		if path != "" && firstLine(ctx, path, "--version") == "rsigma "+rsigmaVersion {
			return path, nil
		}
	}
	say("building rsigma (minutes)")
	_, err := output(ctx, "cargo", "install", "--locked", "rsigma", "--version", rsigmaVersion, "--root", inFolder("cargo"))
	return built, err
}

// findPython makes a virtual environment with the packages of requirements.txt, and
// makes it anew when the list changes.
func findPython(ctx context.Context) (string, error) {
	const list = "bench/requirements.txt"
	venv := inFolder("python")
	python, installed := filepath.Join(venv, "bin", "python"), filepath.Join(venv, "requirements.txt")
	want, err := os.ReadFile(list)
	if err != nil {
		return "", err
	}
	if got, err := os.ReadFile(installed); err == nil && string(got) == string(want) {
		return python, nil
	}
	say("making a Python environment")
	if err := os.RemoveAll(venv); err != nil {
		return "", err
	}
	if _, err := output(ctx, "python3", "-m", "venv", venv); err != nil {
		return "", err
	}
	if _, err := output(ctx, python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", list); err != nil {
		return "", err
	}
	return python, os.WriteFile(installed, want, 0o600)
}

// output runs a program; the error has the end of what it said.
func output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // the programs of this run
	var messages strings.Builder
	cmd.Stderr = &messages
	text, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", strings.Join(append([]string{filepath.Base(name)}, args...), " "), err, lastLines(messages.String(), 1))
	}
	return string(text), err
}

// firstLine is the first line that a program prints, "" when it can't be run.
func firstLine(ctx context.Context, name string, args ...string) string {
	text, err := output(ctx, name, args...)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
