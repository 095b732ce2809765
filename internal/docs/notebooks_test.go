package docs

import (
	"fmt"
	"strings"

	"github.com/huntbook/huntbook/notebook"
)

// notebooks is the page about the kinds of notebook, from their folders.
func notebooks() string {
	var b strings.Builder
	b.WriteString(`# Kinds of notebook

A notebook's cells are in the language of a kernel and talk to the events in one way. ` + "`hunt`" + `
and ` + "`notebook`" + ` choose with ` + "`--kernel`" + ` and ` + "`--client`" + `; ` + "`hunt`" + ` runs what it writes, ` + "`notebook`" + ` does not.

| flags | cells talk to | for |
|---|---|---|
`)
	for _, f := range notebook.Flavours() {
		flags := "--kernel " + f.Kernel
		if f.Client != "" {
			flags += " --client " + f.Client
		}
		use := "`notebook -e`, `hunt -e`"
		switch {
		case f.Kernel == notebook.OwnKernel:
			use = "`hunt` on files and clusters, `notebook -e`"
		case f.Files:
			use = "`hunt` on files"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", flags, cell(f.Description), use)
	}
	b.WriteString(`
Without the flags ` + "`hunt`" + ` writes huntbook's own cells, which need nothing installed, and ` + "`notebook`" + `
Python for Elasticsearch 8. A ` + "`requirements.txt`" + ` beside the notebooks pins their packages. Versions 7
and 8 of Elasticsearch's Python client are one package: an environment for each.

On files, Python reads the findings from ` + "`NAME.findings.ndjson`" + ` beside ` + "`NAME.ipynb`" + `, the lines of
` + "`findings.ndjson`" + ` that are the rule's (at most ` + "`--max-findings`" + `). Charts are drawn with altair and have a
picture in the notebook, so that nothing is fetched to show them; without altair there is a table.

User and password for a cluster come from ` + "`ELASTICSEARCH_USERNAME`" + ` and ` + "`ELASTICSEARCH_PASSWORD`" + `
(` + "`OPENSEARCH_…`" + ` for OpenSearch) when a cell runs, and never stand in a notebook. For a cluster whose
certificate comes from an authority of its own, as Elasticsearch's is unless it was given another,
` + "`ELASTICSEARCH_CA_CERTS`" + ` names the file with the authority's. huntbook's own cells have
[variables of their own](kernel.md).

## Your own

` + "`--template FOLDER`" + ` takes a kind of notebook of your team's. The folder has ` + "`metadata.json`" + `, the
notebook's metadata with its kernel, and ` + "`notebook.tmpl`" + `, the cells; a ` + "`requirements.txt`" + ` may stand
beside them. [The folder of huntbook's own](../notebook/templates/README.md) tells how they are written, and
is where to copy one from. Cells are in any language that has an encoder there, since no text of a rule gets
into a cell but as a literal.
`)
	return b.String()
}
