package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"path"
	"strings"
)

//go:embed page.tmpl
var pageText string

//go:embed page.css
var pageCSS string

//go:embed dark.css
var darkCSS string

//go:embed page.js
var pageJS string

var (
	style        = themed(pageCSS, darkCSS)
	pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
		"num": number, "plural": plural, "clock": clock, "stamp": stamp,
		"href": href,
	}).Parse(pageText))
)

// WriteHTML writes index.html: one file that needs no network and, to be read,
// no JavaScript. Links to notebooks are relative to where it lies. Texts of the
// Hunt are escaped, and cut where they are absurdly long.
func WriteHTML(w io.Writer, h *Hunt) error {
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, newPage(fit(h))); err != nil {
		return fmt.Errorf("writing the report's page: %w", err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("writing the report's page: %w", err)
	}
	return nil
}

// themed puts the dark theme's variables, which stand once in dark.css, where
// they apply: for readers who prefer it, and for those who chose it.
func themed(css, dark string) string {
	return css + "@media screen and (prefers-color-scheme: dark) {\n:root:not([data-theme=light]) {\n" + dark +
		"}\n}\n@media screen {\n:root[data-theme=dark] {\n" + dark + "}\n}\n"
}

// policy is the page's content security policy: nothing runs or styles but what
// this package wrote, and nothing is ever loaded.
func policy() string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; script-src " + hash(pageJS) + "; style-src " + hash(style) +
		"; base-uri 'none'; form-action 'none'"
}

// longestPath is more than any file system takes.
const longestPath = 4096

// href is a link to a notebook, relative to the page; "" when the path leads
// out of the hunt's folder.
func href(notebook string) string {
	if notebook == "" || len(notebook) > longestPath || strings.HasPrefix(notebook, "/") || strings.ContainsRune(notebook, 0) {
		return ""
	}
	clean := path.Clean(notebook)
	if clean == ".." || strings.HasPrefix(clean, "../") {
		return ""
	}
	parts := strings.Split(clean, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return "./" + strings.Join(parts, "/")
}
