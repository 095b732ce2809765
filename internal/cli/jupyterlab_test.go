package cli

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/internal/browser"
	"github.com/huntbook/huntbook/internal/jupyterlab"
	"github.com/huntbook/huntbook/notebook"
)

var update = flag.Bool("update", false, "write the pictures of docs/images")

// TestJupyterLab opens notebooks of hunts in JupyterLab, in a browser, and runs all their
// cells from its menu: with our kernel and with Python's.
func TestJupyterLab(t *testing.T) {
	b := browser.New(t)
	dir := t.TempDir()
	s := labServer(t, dir)
	const file = "process_creation/office_starts_script_host.ipynb"
	for _, args := range [][]string{
		{"hunt", "-q", "--kernel", "python3", "--include", "*office*", "-o", "python"},
		{"put", "hunts", "python", "--jupyter", s.URL, "-q"},
	} {
		if args[0] == "put" {
			clearOutputs(t, filepath.Join(dir, "hunts", file))
			clearOutputs(t, filepath.Join(dir, "python", file))
		}
		cmd := exec.Command("huntbook", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "JUPYTER_TOKEN="+s.Token, "JUPYTER_PATH="+filepath.Join(filepath.Dir(filepath.Dir(jupyterlab.Python(t))), "share", "jupyter"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	for _, c := range []struct {
		name, folder, kernel string
		cells                int
		shows                []string
		look                 string // an element at which a reader looks
		picture              string
	}{
		{"our kernel", "hunts", "huntbook", 7,
			[]string{"3,534 events in 1 file", "of 3,534 events match"}, `document.querySelectorAll('.jp-OutputArea-output table')[0]`, "jupyterlab.png"},
		{"python3", "python", "Python 3 (ipykernel)", 6, []string{"WKS-07.harborlight.test"}, `document.querySelectorAll('.jp-OutputArea-output table')[0]`, "jupyterlab-python.png"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tab := b.Open(t, s.URL+"lab/tree/"+c.folder+"/"+file+"?reset&token="+s.Token, 1280, 900)
			tab.Wait(fmt.Sprintf(`document.querySelectorAll('.jp-Notebook .jp-CodeCell').length === %d`, c.cells))
			tab.Wait(fmt.Sprintf(`document.querySelector('.jp-Toolbar-kernelName').innerText === %q && document.querySelector('.jp-Notebook-ExecutionIndicator').dataset.status === 'idle'`, c.kernel))
			var before int
			if tab.Evaluate(`document.querySelectorAll('.jp-OutputArea-output').length`, &before); before != 0 {
				t.Errorf("%d outputs before it runs", before)
			}
			tab.Click(`[...document.querySelectorAll('.lm-MenuBar-item')].find(e => e.innerText.trim() === 'Run')`)
			tab.Click(`document.querySelector('.lm-Menu-item[data-command="runmenu:run-all"]')`)
			tab.Wait(fmt.Sprintf(`[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(e => e.innerText.trim()).join() === %q`, prompts(c.cells)))
			var text string
			tab.Evaluate(`[...document.querySelectorAll('.jp-OutputArea-output')].map(e => e.innerText).join('\n')`, &text)
			for _, want := range c.shows {
				if !strings.Contains(text, want) {
					t.Errorf("the outputs show no %q:\n%s", want, text)
				}
			}
			if c.look != "" {
				tab.Evaluate(c.look+`.scrollIntoView()`, nil)
			}
			checkPicture(t, tab.Picture(), c.picture)
		})
	}
}

// TestPages follows the link of a hunt's page to the web page of a notebook.
func TestPages(t *testing.T) {
	b := browser.New(t)
	dir := t.TempDir()
	cmd := exec.Command("huntbook", "hunt", "-q", "-o", "hunts", "--output-format", "html")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	tab := b.Open(t, browser.FileURL(filepath.Join(dir, "hunts", "index.html"), ""), 1280, 900)
	const link = `[...document.querySelectorAll('a')].find(e => e.innerText === 'Office Document Starts a Script Host')`
	tab.Wait(link)
	var href string
	tab.Evaluate(link+`.href`, &href)
	tab = b.Open(t, href, 1280, 900)
	tab.Wait(`document.title === 'Office Document Starts a Script Host' && document.readyState === 'complete'`)
	var text string
	if tab.Evaluate(`document.body.innerText`, &text); !strings.Contains(text, "2 of 3,534 events match") {
		t.Errorf("the page shows\n%s", text)
	}
	var shown, all int
	tab.Evaluate(`[...document.images].filter(i => i.naturalWidth > 100).length`, &shown)
	if tab.Evaluate(`document.images.length`, &all); shown != all || all < 2 {
		t.Errorf("%d of %d pictures are shown", shown, all)
	}
	tab.Evaluate(`[...document.querySelectorAll('h2')].find(h => h.innerText === 'Findings').scrollIntoView()`, nil)
	checkPicture(t, tab.Picture(), "page.png")
}

// prompts are those of cells that have run: "[1]:,[2]:".
func prompts(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("[%d]:", i+1))
	}
	return strings.Join(all, ",")
}

// checkPicture looks whether a picture shows anything, and keeps it for the
// documentation if asked to.
func checkPicture(t *testing.T, data []byte, name string) {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	colours := map[any]bool{}
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			colours[picture.At(x, y)] = true
		}
	}
	if size := picture.Bounds().Size(); size != image.Pt(1280, 900) || len(colours) < 50 {
		t.Errorf("a picture of %v with %d colours", size, len(colours))
	}
	if *update {
		if err := os.WriteFile(filepath.Join("..", "..", "docs", "images", name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// clearOutputs makes a notebook one that did not run.
func clearOutputs(t *testing.T, file string) {
	t.Helper()
	nb := decoded(t, file)
	for i := range nb.Cells {
		nb.Cells[i].Outputs, nb.Cells[i].ExecutionCount = nil, 0
	}
	writeNotebook(t, file, nb)
}

func writeNotebook(t *testing.T, file string, nb *notebook.Notebook) {
	t.Helper()
	data, err := notebook.Encode(nb)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
