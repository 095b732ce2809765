package export

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/internal/browser"
	"github.com/huntbook/huntbook/internal/jupyterlab"
	"github.com/huntbook/huntbook/notebook"
)

func code(source string, outputs ...notebook.Output) notebook.Cell {
	return notebook.Cell{Type: notebook.Code, Source: source, Outputs: outputs, Metadata: map[string]any{}}
}

func text(source string) notebook.Cell {
	return notebook.Cell{Type: notebook.Markdown, Source: source, Metadata: map[string]any{}}
}

func book(language string, cells ...notebook.Cell) *notebook.Notebook {
	nb := &notebook.Notebook{Cells: cells, Metadata: map[string]any{
		"kernelspec": map[string]any{"name": language + "3", "display_name": `A "kernel": é`, "language": language},
	}}
	for i := range nb.Cells {
		nb.Cells[i].ID = fmt.Sprint("c", i)
	}
	return nb
}

// tagged adds metadata.
func tagged(c notebook.Cell, metadata map[string]any) notebook.Cell {
	c.Metadata = metadata
	return c
}

// there is what must come back as it was.
func there() []*notebook.Notebook {
	metadata := map[string]any{"tags": []any{"parameters", "a b"}, "huntbook": map[string]any{"cell": "é \"q\""}, "n": true}
	cells := []notebook.Cell{
		text("# Title\n\nA paragraph.\n\n- a list"),
		text("Another: 'quotes', \"quotes\", # hash"),
		tagged(text("with metadata"), metadata),
		tagged(code("x = 1\n\n\ny = 2"), metadata),
		code("print('''\n```\nfence\n````\n''')"),
		code("---\nnot: options\n---"),
		code(":also: not"),
		code("%time\n!ls\nx = 1\n    %magic"),
		code("%%bash\necho 'x'\n\n# %% comment"),
		code("# + no cell\n# -\n# %matplotlib\n# # %twice\n#%time\n# !ls\nls -l\n# ls\nlist\ndf?\n# why?\n# what is that?"),
		code("%%time\nx = 1"),
		text("- %% in a list\nIn[1] is no mark"),
		code("'é 日本 😀'\t# tab"),
		{Type: notebook.Raw, Source: "raw\n\ntext", Metadata: map[string]any{}},
		code("'''\n# ---\n'''"),
		text("last"),
	}
	return []*notebook.Notebook{book("python", cells...), book("huntbook", cells...)}
}

// hostile are Markdown cells that would become code.
var hostile = []string{
	"```{code-cell} python\nimport os\n```", "  ~~~ {code-cell}\nimport os\n~~~", "+++\nanother cell", "````{raw-cell}\nx\n````", "+++ {\"a\": 1}",
	"> ~~~{code-cell}\n> import os\n> ~~~", "```{code} python\nimport os\n```",
	"%% mark\nimport os", "%%\nimport os", "%% [raw]", "<codecell>\nimport os", "In[3]:\nimport os", "   %%\nimport os",
}

// TestJupytext: jupytext reads what is written into the same cells.
func TestJupytext(t *testing.T) {
	python := jupyterlab.Python(t)
	dir := t.TempDir()
	books := there()
	var evil []notebook.Cell
	for _, source := range hostile {
		evil = append(evil, text(source), code("1"))
	}
	evil = append(evil, code("# %% no cell\n#%%\n  # In[1]:\nx = 1"))
	books = append(books, book("python", evil...))
	for i, nb := range books {
		name := filepath.Join(dir, fmt.Sprintf("n%d.ipynb", i))
		data, err := notebook.Encode(nb)
		if err != nil {
			t.Fatal(err)
		}
		write(t, name, data)
		for _, f := range []Format{MyST, Python} {
			data, err := f.Write(nb)
			if f == Python && i == 1 {
				if fmt.Sprint(err) != `it is no notebook in Python (its language is "huntbook"); md and html are for all` {
					t.Errorf("error %v", err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			write(t, f.Name(name), data)
		}
	}
	program, err := filepath.Abs(filepath.Join("testdata", "read_back.py"))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(python, program, dir).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func markup(s string) notebook.Output {
	return notebook.Output{Type: notebook.DisplayData, Data: map[string]any{"text/html": s, "text/plain": "plain"}}
}

// TestSanitized: what stays of the HTML of an output.
func TestSanitized(t *testing.T) {
	for in, want := range map[string]string{
		`<table border="1"><tr><td colspan="2" style="x" onclick="x">a</td></tr></table>`: `<table><tbody><tr><td colspan="2">a</td></tr></tbody></table>`,
		`a &lt;b&gt; &amp; c`: `a &lt;b&gt; &amp; c`,
		`<details open><summary>s</summary><pre>x</pre></details>`:                                           `<details open=""><summary>s</summary><pre>x</pre></details>`,
		`<script>alert(1)</script>b`:                                                                         `b`,
		`<style>body{}</style><iframe src="x"></iframe>b`:                                                    `b`,
		`<img src="x" onerror="alert(1)"><img src="data:image/png;base64,AA">`:                               `<img/><img src="data:image/png;base64,AA"/>`,
		`<a href="javascript:alert(1)">a</a><a href=" JaVaScript:x">b</a><a href="https://x.example/">c</a>`: `<a>a</a><a>b</a><a href="https://x.example/">c</a>`,
		`<svg><script>alert(1)</script></svg><math><mi>x</mi></math>t`:                                       `t`,
		`<form action="https://x"><input name="p"><button>send</button></form>`:                              `send`,
		`<meta http-equiv="refresh" content="0; url=https://x"><base href="https://x"><link href="x">t`:      `t`,
		`</div></section></main><b>out`:                                                                      `<b>out</b>`,
		`<!-- <b>c</b> --><p id="x" class="y">t`:                                                             `<p>t</p>`,
	} {
		if got := string(sanitized(in)); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

// evilPage is a notebook whose every part would like to run or fetch something.
func evilPage() *notebook.Notebook {
	const script = `<script>document.title = "run"</script><img src=x onerror='document.title = "run"'>`
	return book("python",
		text("# A <b>title</b> & more\n\n"+script+"\n\n[link](javascript:document.title='run') ![i](https://x.example/i.png)"),
		code(script, markup(script+`<meta http-equiv="refresh" content="0; url=https://x.example">`),
			notebook.Output{Type: notebook.DisplayData, Data: map[string]any{"image/svg+xml": `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="parent.document.title='run'"><script>parent.document.title='run'</script></svg>`}},
			notebook.Output{Type: notebook.DisplayData, Data: map[string]any{"image/png": `"><script>document.title = "run"</script>`, "text/plain": `"><script>document.title = "run"</script>`}},
			notebook.Output{Type: notebook.DisplayData, Data: map[string]any{"text/markdown": script}},
			notebook.Output{Type: notebook.DisplayData, Data: map[string]any{"application/json": map[string]any{"a": script}}},
			notebook.Output{Type: notebook.DisplayData, Data: map[string]any{"application/javascript": `document.title = "run"`}},
			notebook.Output{Type: notebook.Stream, Name: "stdout", Text: script + "\x1b[31mred\x1b[0m"},
			notebook.Output{Type: notebook.ErrorOutput, Ename: "E", Evalue: script},
		))
}

// TestPageRunsNothing opens the page of such a notebook in a browser.
func TestPageRunsNothing(t *testing.T) {
	data, err := HTML.Write(evilPage())
	if err != nil {
		t.Fatal(err)
	}
	for _, never := range []string{"<script", "onerror=x", "http-equiv=\"refresh", "\x1b"} {
		if bytes.Contains(data, []byte(never)) {
			t.Errorf("the page holds %s", never)
		}
	}
	for _, want := range []string{"<title>A title &amp; more</title>", "&lt;script&gt;", "red", "(application/javascript)", "E: &lt;script&gt;"} {
		if !bytes.Contains(data, []byte(want)) {
			t.Errorf("the page has no %s:\n%s", want, data)
		}
	}
	b := browser.New(t)
	file := filepath.Join(t.TempDir(), "page.html")
	write(t, file, data)
	shown, err := b.DOM(browser.FileURL(file, ""))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(shown.HTML, "<title>A title &amp; more</title>") {
		t.Errorf("something ran:\n%s", shown.HTML)
	}
}

func TestSameBytes(t *testing.T) {
	nb := evilPage()
	nb.Cells[0].Attachments = map[string]any{"a": map[string]any{"image/png": "AA=="}, "a.png": map[string]any{"image/png": "BB==\n"}}
	nb.Cells[0].Source += "\n\n![x](attachment:a.png)"
	for _, f := range Formats() {
		first, err := f.Write(nb)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if again, _ := f.Write(nb); !bytes.Equal(first, again) {
				t.Fatalf("%s: other bytes", f)
			}
		}
		if f == HTML && !bytes.Contains(first, []byte(`src="data:image/png;base64,BB=="`)) {
			t.Error("the attached picture is not there")
		}
	}
	if _, err := Format("doc").Write(nb); err == nil {
		t.Error("no error")
	}
}
