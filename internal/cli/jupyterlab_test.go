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
	"github.com/huntbook/huntbook/notebook"
)

var update = flag.Bool("update", false, "write the pictures of docs/images")

// inPython is what an analyst may write beside a hunt, in cells of Python.
var inPython = []string{
	"import pandas as pd\n\nfound = pd.read_json('findings.ndjson', lines=True)\nlen(found)",
	"found.groupby('rule_title').agg(\n    level=('level', 'first'), events=('time', 'size'), first=('time', 'min'), last=('time', 'max')\n).sort_values('events', ascending=False)",
}

// TestJupyterLab opens notebooks in JupyterLab, in a browser, and runs all their cells
// from its menu: with our kernel one of a hunt, with Python's one that reads its findings.
func TestJupyterLab(t *testing.T) {
	b := browser.New(t)
	dir := t.TempDir()
	s := labServer(t, dir)
	hunt := filepath.Join(dir, "hunts", "process_creation", "office_starts_script_host.ipynb")
	writeCells(t, filepath.Join(dir, "hunts", "findings.ipynb"), inPython)
	clearOutputs(t, hunt)
	cmd := exec.Command("huntbook", "put", "hunts", "--jupyter", s.URL, "-q")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "JUPYTER_TOKEN="+s.Token)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, c := range []struct {
		name, notebook, kernel string
		cells                  int
		shows                  []string
		look                   string // an element at which a reader looks
		picture                string
	}{
		{"our kernel", "process_creation/office_starts_script_host.ipynb", "huntbook", 6,
			[]string{"3,534 events in 1 file", "of 3,534 events match"}, `document.querySelectorAll('.jp-OutputArea-output table')[0]`, "jupyterlab.png"},
		{"python3", "findings.ipynb", "Python 3 (ipykernel)", 2, []string{"74", "Network Logon Refused"}, "", "jupyterlab-python.png"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tab := b.Open(t, s.URL+"lab/tree/hunts/"+c.notebook+"?reset&token="+s.Token, 1280, 900)
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

// writeCells writes a notebook in Python.
func writeCells(t *testing.T, file string, cells []string) {
	t.Helper()
	nb := &notebook.Notebook{Metadata: map[string]any{"kernelspec": map[string]any{"name": "python3", "display_name": "Python 3", "language": "python"}}}
	for i, source := range cells {
		nb.Cells = append(nb.Cells, notebook.Cell{ID: fmt.Sprint("c", i), Type: notebook.Code, Source: source})
	}
	writeNotebook(t, file, nb)
}

// clearOutputs makes a notebook one that did not run.
func clearOutputs(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	nb, err := notebook.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
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
