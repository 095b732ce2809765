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

func TestTabIsUsed(t *testing.T) {
	b := New(t)
	path := filepath.Join(t.TempDir(), "page.html")
	const page = `<!doctype html><title>a page</title><button style="margin:70px" onclick="setTimeout(() => this.innerText = 'done', 100)">do it</button>`
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	tab := b.Open(t, FileURL(path, ""), 600, 400)
	tab.Click(`document.querySelector('button')`)
	tab.Wait(`document.querySelector('button').innerText === 'done'`)
	var title string
	if tab.Evaluate(`new Promise(done => done(document.title))`, &title); title != "a page" {
		t.Errorf("title %q", title)
	}
	if err := tab.evaluate(`nothing.there`, nil); err == nil || !strings.Contains(err.Error(), "ReferenceError") {
		t.Errorf("error %v", err)
	}
	picture, err := png.Decode(bytes.NewReader(tab.Picture()))
	if err != nil || picture.Bounds().Size() != image.Pt(600, 400) {
		t.Errorf("a picture of %v: %v", picture.Bounds(), err)
	}
}
