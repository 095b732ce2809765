package docs

import (
	"fmt"
	"strings"

	"github.com/huntbook/huntbook/internal/cli"
	"github.com/huntbook/huntbook/kernel"
)

// kernelPage is the page about our Jupyter kernel.
func kernelPage() string {
	var b strings.Builder
	b.WriteString(`# The Jupyter kernel

huntbook is a kernel of its own: JupyterLab, VS Code, ` + "`jupyter console`" + `, papermill and nbclient
run the notebooks of hunts, and cells that you write, without Python.

` + "```" + `
huntbook kernel install                 # for you
huntbook kernel install --prefix .venv  # for one environment of Python
` + "```" + `

Jupyter then offers the kernel "huntbook", and starts and ends it. It speaks the messaging
protocol 5.4 and listens on this machine alone, at the ports of its connection file; only
messages that are signed with the file's key are believed. A cell runs in the folder of its
notebook: paths in %data start there.

## Cells

[The cell language](cells.md) says how cells are written. There are no escapes to a shell.

| magic | |
|---|---|
`)
	for _, m := range kernel.Magics() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", cell(m.Usage()), cell(m.Summary))
	}
	b.WriteString(`
A hunt around what a rule found:

` + "```" + `
%data logs/
%shells = %lucene 'EventID:1 AND Image:*powershell.exe'
%lucene 'EventID:3 AND DestinationPort:443'
%talkers = %last
%shells | join ProcessGuid %talkers | table --fields Computer,CommandLine,talkers.DestinationIp
%shells | csv shells.csv
` + "```" + `

## In a front end

- Tab completes magics, flags, parameters, files, names of results, fields of the data with
  their frequent values, and in a rule keys, modifiers and tags of ATT&CK.
- Shift-Tab tells of a magic, a parameter, a result, a field, a modifier, a technique of
  ATT&CK, or of the rule in the cell.
- Errors name the line and column of the cell. A cell that fails stops those behind it.
- A query that takes long shows how much of the data is read. Interrupting stops it and
  keeps the data open.
- Tables are text and HTML; charts text, SVG and PNG, and with ` + "`--as vega-lite`" + ` one that answers
  to the mouse; ` + "`%json`" + ` and ` + "`%csv`" + ` give data, or write a file below the notebook's folder.

## Who asks a cluster

` + "`%data https://es:9200 --index 'logs-*'`" + ` asks a cluster. Names and secrets are never in a cell, but
in the environment in which Jupyter starts:

| variable | |
|---|---|
`)
	for _, v := range cli.CellVariables() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", v.Name, cell(v.Doc))
	}
	return b.String()
}
