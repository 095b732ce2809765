// Package browser lets tests look at pages in a real headless Chromium.
//
// It runs the browser from the command line or, where a page is to be used, through
// DevTools (Tab), each time with a new, empty profile and a bounded time, and knows
// nothing of what a page shows. Data flows: URL → Chromium → PNG, or the page's markup
// after its scripts ran and what they wrote to the console.
package browser

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"image"
	"image/draw"
	"image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// timeout bounds one run of the browser; a page of ours takes about a second.
const timeout = 90 * time.Second

// margin is added to the window around the page: headless Chromium takes some
// of the window's height for itself, and makes no window narrower than 500.
const margin, narrowest = 200, 500

// Browser is a Chromium that was found on this machine.
type Browser struct{ path string }

// New finds Chromium (the environment variable CHROME, else the usual names on
// PATH) and skips the test where there is none.
func New(t testing.TB) *Browser {
	t.Helper()
	names := []string{"chromium", "chromium-browser", "google-chrome"}
	if chrome := os.Getenv("CHROME"); chrome != "" {
		names = []string{chrome}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return &Browser{path}
		}
	}
	t.Skip("no Chromium here: install it, or name it in the environment variable CHROME")
	return nil
}

// FileURL is the URL of a file on disk; fragment is put behind it as it is.
func FileURL(path, fragment string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	u := (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()
	if fragment != "" {
		u += "#" + fragment
	}
	return u
}

// Page is a page after its scripts ran.
type Page struct {
	// HTML is the document as it is now, not as it was sent.
	HTML string
	// Console has a line for each message on the console, errors that no
	// script caught and blocked resources among them.
	Console []string
}

// DOM loads a page, at a window of 1280 by 900.
func (b *Browser) DOM(url string) (*Page, error) {
	out, console, err := b.run("--dump-dom", "--window-size=1280,1043", url)
	if err != nil {
		return nil, err
	}
	return &Page{HTML: out, Console: console}, nil
}

// Screenshot returns a PNG of the page's first width × height pixels, for a
// reader who prefers light or dark pages.
func (b *Browser) Screenshot(url string, width, height int, dark bool) ([]byte, error) {
	dir, err := os.MkdirTemp("", "huntbook-browser-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)

	// A frame has exactly the size that was asked for, which a window has not.
	frame := filepath.Join(dir, "frame.html")
	markup := fmt.Sprintf(`<!doctype html><meta name="color-scheme" content="light dark">`+
		`<style>body{margin:0}iframe{border:0;display:block}</style>`+
		`<iframe width="%d" height="%d" src="%s"></iframe>`, width, height, html.EscapeString(url))
	if err := os.WriteFile(frame, []byte(markup), 0o600); err != nil {
		return nil, err
	}
	shot := filepath.Join(dir, "shot.png")
	args := []string{
		"--screenshot=" + shot, "--hide-scrollbars", "--force-device-scale-factor=1",
		fmt.Sprintf("--window-size=%d,%d", max(width, narrowest), height+margin),
	}
	if dark {
		args = append(args, "--force-dark-mode")
	}
	if _, _, err := b.run(append(args, FileURL(frame, ""))...); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(shot)
	if err != nil {
		return nil, fmt.Errorf("%s took no screenshot: %w", b.path, err)
	}
	return crop(data, width, height)
}

// run starts the browser and returns its standard output and the console.
func (b *Browser) run(args ...string) (string, []string, error) {
	profile, err := os.MkdirTemp("", "huntbook-profile-")
	if err != nil {
		return "", nil, err
	}
	defer os.RemoveAll(profile)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()

	cmd := exec.CommandContext(ctx, b.path, append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--enable-logging=stderr", "--user-data-dir=" + profile,
	}, args...)...)
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = errors.New("it did not end in time")
		}
		return "", nil, fmt.Errorf("running %s: %w\n%s", b.path, err, stderr.String())
	}
	return stdout.String(), consoleLines(stderr.String()), nil
}

// consoleLines picks the page's messages out of the browser's log, whose lines
// look like `[…:INFO:CONSOLE:1] "message", source: file:///… (1)`.
func consoleLines(log string) []string {
	var lines []string
	for line := range strings.Lines(log) {
		if _, message, ok := strings.Cut(line, ":CONSOLE"); ok {
			_, message, _ = strings.Cut(message, "] ")
			lines = append(lines, strings.TrimSpace(message))
		}
	}
	return lines
}

// crop cuts a PNG to its upper left width × height pixels.
func crop(data []byte, width, height int) ([]byte, error) {
	whole, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("the screenshot is not a PNG: %w", err)
	}
	part := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(part, part.Bounds(), whole, whole.Bounds().Min, draw.Src)
	var out bytes.Buffer
	if err := png.Encode(&out, part); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
