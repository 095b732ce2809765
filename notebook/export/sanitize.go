package export

import (
	"html/template"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// kept are the elements of an output that a page shows; of others only the text.
var kept = []atom.Atom{
	atom.A, atom.B, atom.Blockquote, atom.Br, atom.Caption, atom.Code, atom.Col, atom.Colgroup, atom.Dd, atom.Del, atom.Details, atom.Div,
	atom.Dl, atom.Dt, atom.Em, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Hr, atom.I, atom.Img, atom.Ins, atom.Kbd, atom.Li,
	atom.Mark, atom.Ol, atom.P, atom.Pre, atom.S, atom.Samp, atom.Small, atom.Span, atom.Strong, atom.Sub, atom.Summary, atom.Sup,
	atom.Table, atom.Tbody, atom.Td, atom.Tfoot, atom.Th, atom.Thead, atom.Time, atom.Tr, atom.U, atom.Ul, atom.Var,
}

// dropped are the elements whose text is nothing to read.
var dropped = []atom.Atom{atom.Script, atom.Style, atom.Template, atom.Noscript, atom.Iframe, atom.Object, atom.Svg, atom.Math, atom.Head, atom.Title, atom.Textarea, atom.Select}

// keptAttributes are those that say nothing but how the text is to be read.
var keptAttributes = []string{"colspan", "rowspan", "scope", "title", "alt", "dir", "lang", "open", "datetime", "start"}

// sanitized is the HTML of an output without what could act, fetch, or reach out of its
// place.
func sanitized(text string) template.HTML {
	context := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	nodes, err := html.ParseFragment(strings.NewReader(text), context)
	if err != nil {
		return template.HTML("<pre>" + template.HTMLEscapeString(text) + "</pre>") //nolint:gosec // escaped
	}
	var b strings.Builder
	for _, n := range nodes {
		for _, clean := range cleaned(n) {
			if html.Render(&b, clean) != nil {
				return template.HTML("<pre>" + template.HTMLEscapeString(text) + "</pre>") //nolint:gosec // escaped
			}
		}
	}
	return template.HTML(b.String()) //nolint:gosec // of kept elements and attributes alone
}

// cleaned is a copy of what may stay of a node.
func cleaned(n *html.Node) []*html.Node {
	switch {
	case n.Type == html.TextNode:
		return []*html.Node{{Type: html.TextNode, Data: n.Data}}
	case n.Type != html.ElementNode || slices.Contains(dropped, n.DataAtom):
		return nil
	}
	var inside []*html.Node
	for child := range n.ChildNodes() {
		inside = append(inside, cleaned(child)...)
	}
	if n.Namespace != "" || !slices.Contains(kept, n.DataAtom) {
		return inside
	}
	element := &html.Node{Type: html.ElementNode, Data: n.DataAtom.String(), DataAtom: n.DataAtom}
	for _, a := range n.Attr {
		if safe(n.DataAtom, a) {
			element.Attr = append(element.Attr, html.Attribute{Key: a.Key, Val: a.Val})
		}
	}
	for _, child := range inside {
		element.AppendChild(child)
	}
	return []*html.Node{element}
}

func safe(element atom.Atom, a html.Attribute) bool {
	switch {
	case a.Namespace != "":
		return false
	case element == atom.A && a.Key == "href":
		return strings.HasPrefix(a.Val, "https://") || strings.HasPrefix(a.Val, "http://") || strings.HasPrefix(a.Val, "#")
	case element == atom.Img && a.Key == "src":
		return strings.HasPrefix(a.Val, "data:image/")
	}
	return slices.Contains(keptAttributes, a.Key)
}

// plainText is the text of HTML.
func plainText(text string) string {
	var b strings.Builder
	tokens := html.NewTokenizer(strings.NewReader(text))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			return b.String()
		case html.TextToken:
			b.WriteString(tokens.Token().Data)
		}
	}
}
