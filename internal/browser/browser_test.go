package browser

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// probe writes what the page sees into its title, and one error to the console.
const probe = `<!doctype html><meta charset="utf-8"><title></title>
<style>body{margin:0;background:#ffffff}@media(prefers-color-scheme:dark){body{background:#000000}}</style>
<script>document.title = "at " + location.hash + " <ran>"; console.error("seen")</script>`

func probePage(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a page #1.html")
	if err := os.WriteFile(path, []byte(probe), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDOMShowsThePageAfterItsScripts(t *testing.T) {
	b := New(t)
	page, err := b.DOM(FileURL(probePage(t), "q=x"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.HTML, "<title>at #q=x &lt;ran&gt;</title>") {
		t.Errorf("the script did not run:\n%s", page.HTML)
	}
	if !slices.ContainsFunc(page.Console, func(s string) bool { return strings.HasPrefix(s, `"seen"`) }) {
		t.Errorf("console = %q, want the script's message", page.Console)
	}
}

func TestScreenshotHasTheSizeAndThemeAskedFor(t *testing.T) {
	b := New(t)
	for _, dark := range []bool{false, true} {
		data, err := b.Screenshot(FileURL(probePage(t), ""), 400, 300, dark)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if img.Bounds() != image.Rect(0, 0, 400, 300) {
			t.Errorf("size %v, want 400 by 300", img.Bounds())
		}
		r, _, _, _ := img.At(399, 299).RGBA()
		if isDark := r == 0; isDark != dark {
			t.Errorf("dark=%v: the last pixel's red is %d", dark, r)
		}
	}
}

func TestConsoleLines(t *testing.T) {
	log := "[1:1:0101/0.1:ERROR:dbus/bus.cc:406] no bus\n" +
		"[1:1:0101/0.2:INFO:CONSOLE:1] \"boom\", source: file:///p (1)\n" +
		"[1:1:0101/0.3:INFO:CONSOLE(7)] \"old form\", source: file:///p (7)\n"
	got := consoleLines(log)
	want := []string{`"boom", source: file:///p (1)`, `"old form", source: file:///p (7)`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
