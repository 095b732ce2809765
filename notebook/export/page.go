package export

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"github.com/huntbook/huntbook/notebook"
)

//go:embed page.css
var pageStyle string

// pageTemplate is the page. Its policy lets nothing be run, fetched or sent, whatever
// stands in an output.
var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{.Title}}</title>
<style>{{.Style}}</style>
</head>
<body>
<main>
{{- range .Cells}}
{{- if .Code}}
<section class="cell">
<div class="prompt">{{.Prompt}}</div><pre class="source">{{.Source}}</pre>
{{- range .Outputs}}
<div class="output">
{{- if .Picture}}<img alt="{{.Text}}" src="{{.Picture}}">{{else if .HTML}}{{.HTML}}{{else}}<pre class="{{.Kind}}">{{.Text}}</pre>{{end -}}
</div>
{{- end}}
</section>
{{- else}}
<section class="text">
{{.HTML}}</section>
{{- end}}
{{- end}}
</main>
</body>
</html>
`))

type pageCell struct {
	Code           bool
	Prompt, Source string
	HTML           template.HTML
	Outputs        []pageOutput
}

// pageOutput is a picture, HTML or text.
type pageOutput struct {
	Picture template.URL
	HTML    template.HTML
	Kind    string
	Text    string
}

// markdown renders without the HTML that stands in the text.
var markdown = goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough))

var heading = regexp.MustCompile(`<h1>(.*?)</h1>`)

// page writes a web page.
func page(nb *notebook.Notebook) ([]byte, error) {
	data := struct {
		Title string
		Style template.CSS
		Cells []pageCell
	}{"Notebook", template.CSS(pageStyle), nil} //nolint:gosec // our own
	for i := range nb.Cells {
		c := &nb.Cells[i]
		switch c.Type {
		case notebook.Markdown:
			rendered, err := render(withAttachments(c))
			if err != nil {
				return nil, err
			}
			if found := heading.FindStringSubmatch(string(rendered)); found != nil && data.Title == "Notebook" {
				data.Title = plainText(found[1])
			}
			data.Cells = append(data.Cells, pageCell{HTML: rendered})
		case notebook.Code:
			cell := pageCell{Code: true, Source: c.Source, Prompt: "[ ]"}
			if c.ExecutionCount > 0 {
				cell.Prompt = fmt.Sprintf("[%d]", c.ExecutionCount)
			}
			for j := range c.Outputs {
				out, err := shown(&c.Outputs[j])
				if err != nil {
					return nil, err
				}
				cell.Outputs = append(cell.Outputs, out)
			}
			data.Cells = append(data.Cells, cell)
		default:
			data.Cells = append(data.Cells, pageCell{Code: true, Source: c.Source})
		}
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, data); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func render(text string) (template.HTML, error) {
	var b bytes.Buffer
	if err := markdown.Convert([]byte(text), &b); err != nil {
		return "", err
	}
	return template.HTML(b.String()), nil //nolint:gosec // the renderer leaves HTML and dangerous links out
}

// withAttachments puts pictures that are attached to a cell where they are named.
func withAttachments(c *notebook.Cell) string {
	text := c.Source
	// The longest name first: one may begin with another.
	names := slices.SortedFunc(maps.Keys(c.Attachments), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	for _, name := range names {
		kinds, _ := c.Attachments[name].(object)
		for _, kind := range pictures {
			if data, ok := kinds[kind].(string); ok {
				text = strings.ReplaceAll(text, "attachment:"+name, "data:"+kind+";base64,"+strings.Join(strings.Fields(data), ""))
				break
			}
		}
	}
	return text
}

// pictures are the kinds of pictures that are base64 in a notebook.
var pictures = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// escapes are the colours of a terminal.
var escapes = regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]`)

// shown chooses of an output what a page can show best.
func shown(o *notebook.Output) (pageOutput, error) {
	switch o.Type {
	case notebook.Stream:
		return pageOutput{Kind: o.Name, Text: escapes.ReplaceAllString(o.Text, "")}, nil
	case notebook.ErrorOutput:
		text := strings.Join(o.Traceback, "\n")
		if text == "" {
			text = o.Ename + ": " + o.Evalue
		}
		return pageOutput{Kind: "error", Text: escapes.ReplaceAllString(text, "")}, nil
	}
	text, _ := o.Data["text/plain"].(string)
	if s, ok := o.Data["text/html"].(string); ok {
		return pageOutput{HTML: sanitized(s)}, nil
	}
	if s, ok := o.Data["image/svg+xml"].(string); ok {
		// As a picture it runs nothing.
		return pageOutput{Picture: dataURL("image/svg+xml", base64.StdEncoding.EncodeToString([]byte(s))), Text: text}, nil
	}
	for _, kind := range pictures {
		if s, ok := o.Data[kind].(string); ok {
			return pageOutput{Picture: dataURL(kind, strings.Join(strings.Fields(s), "")), Text: text}, nil
		}
	}
	if s, ok := o.Data["text/markdown"].(string); ok {
		rendered, err := render(s)
		return pageOutput{HTML: rendered}, err
	}
	if v, ok := o.Data["application/json"]; ok && text == "" {
		text = quote(v)
	}
	if text == "" {
		text = "(" + strings.Join(slices.Sorted(maps.Keys(o.Data)), ", ") + ")"
	}
	return pageOutput{Kind: "result", Text: text}, nil
}

func dataURL(kind, encoded string) template.URL {
	return template.URL("data:" + kind + ";base64," + encoded) //nolint:gosec // the kind is ours
}
