package cli

import (
	"fmt"
	"strconv"

	"github.com/mattn/go-runewidth"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/ingest"
)

// number writes a count with thousands apart: 12,345.
func number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

var levelColours = map[string]string{"critical": "35;1", "high": "31;1", "medium": "33", "low": "36", "informational": "2"}

// paint colours a text where the stream takes colours.
func paint(on bool, code, s string) string {
	if !on || code == "" || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// table lays rows out in columns. The last column takes what room is left of
// width, 0 for no bound; other cells keep their size up to a fair share.
func table(header []string, rows [][]string, width int) [][]string {
	widths := make([]int, len(header))
	all := append([][]string{header}, rows...)
	for _, row := range all {
		for i := range row {
			row[i] = diag.Printable(row[i])
			widths[i] = max(widths[i], runewidth.StringWidth(row[i]))
		}
	}
	if width > 0 {
		fit(widths, width-2*(len(widths)-1))
	}
	for _, row := range all {
		for i := range row {
			row[i] = runewidth.Truncate(row[i], widths[i], "…")
			if i < len(row)-1 {
				row[i] = runewidth.FillRight(row[i], widths[i])
			}
		}
	}
	return all
}

// fit shrinks the widest columns until all fit.
func fit(widths []int, room int) {
	for {
		sum, widest := 0, 0
		for i, w := range widths {
			sum += w
			if w > widths[widest] {
				widest = i
			}
		}
		if sum <= room || widths[widest] <= 8 {
			return
		}
		widths[widest]--
	}
}

// The most places that are told of on standard error; counts tell of the rest.
const (
	toldBroken = 5
	toldFiles  = 20
)

// unread tells what of the data could not be read.
func (a *app) unread(info *engine.ScanInfo) {
	for _, p := range info.BrokenPlaces[:min(toldBroken, len(info.BrokenPlaces))] {
		fmt.Fprintf(a.Err, "%s:%d: broken record: %s\n", diag.Printable(p.Name), p.Line, diag.Printable(p.Reason))
	}
	if info.Broken > 0 {
		fmt.Fprintf(a.Err, "%s could not be read and %s passed over\n", plural(info.Broken, "record", "records"), was(info.Broken))
	}
	a.places(info.Notes)
	a.places(info.Unknown)
	if n := len(info.Unknown); n > 0 {
		fmt.Fprintf(a.Err, "%s no events that huntbook can read\n", plural(n, "file holds", "files hold"))
	}
	if n := len(info.Duplicates); n > 0 {
		fmt.Fprintf(a.Err, "%s given more than once and read once\n", plural(n, "file was", "files were"))
	}
	if info.Undated > 0 {
		fmt.Fprintf(a.Err, "%s no time and %s left out\n", plural(info.Undated, "event has", "events have"), was(info.Undated))
	}
	for _, c := range info.Correlations {
		for _, note := range c.Notes {
			fmt.Fprintf(a.Err, "%s: %s\n", diag.Printable(c.Title), note)
			a.keep(&diag.Diagnostic{Code: "correlation-events", Severity: diag.Warning, Message: note, File: c.File, Pos: c.Pos})
		}
	}
	for _, err := range info.Failed {
		a.report(err)
	}
}

func (a *app) places(list []ingest.Place) {
	for _, p := range list[:min(toldFiles, len(list))] {
		fmt.Fprintf(a.Err, "%s: %s\n", diag.Printable(p.Name), diag.Printable(p.Reason))
	}
}

func was(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}
