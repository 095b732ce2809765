package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/notebook"
)

// breakouts are payloads that run code where a literal of Python or R lets them out of
// it. The code defines the name that is also the file which it makes and what it prints,
// and stands in the text as numbers alone.
func breakouts() map[string]string {
	numbers := func(code string) string {
		var list []string
		for _, b := range []byte(code) {
			list = append(list, fmt.Sprint(b))
		}
		return strings.Join(list, ",")
	}
	all := map[string]string{
		"shell":  "x\n!touch escaped\n%sx touch escaped\nsystem('touch escaped')",
		"bash":   "\n%%bash\ntouch escaped",
		"dollar": "$(touch escaped) `touch escaped` ${IFS}",
	}
	for language, code := range map[string]string{
		"python": "exec(bytes([" + numbers(`escaped = 1; open("escaped", "w").close(); print("escaped" + "!")`) + "]))",
		"r":      "eval(parse(text=intToUtf8(c(" + numbers(`escaped <- 1; file.create("escaped"); cat("escaped!")`) + "))))",
	} {
		for i, form := range []string{
			"CODE", "\nCODE\n", "\rCODE\r", "\u2028CODE\u2028", "\x00\nCODE\n", `"; CODE; "`, `'; CODE; '`, `"""; CODE; """`, `\"; CODE #`, `\\"; CODE #`, `\x22; CODE #`,
			`" + CODE + "`, `"]); CODE #`, `{CODE}`, "%(CODE)s", "`CODE`",
		} {
			all[fmt.Sprintf("%s_%d", language, i)] = strings.ReplaceAll(form, "CODE", code)
		}
	}
	return all
}

// checkCells are code of a language: the first cell has check, which writes a rule's query
// into a file, takes away what the rule's cells made, and writes which names are left and
// which files are there; the second writes the index into a file and sets the real one.
var checkCells = map[string][2]string{
	"python": {`
def check(number):
    with open(f"{number}.query", "wb") as out:
        out.write(query_1.encode())
    for name in ("query_1", "count_1", "df_1"):
        globals().pop(name, None)
    names = sorted(n for n in globals() if not n.startswith("_"))
    files = sorted(f for f in os.listdir() if not f[0].isdigit())
    with open(f"{number}.left", "w") as out:
        out.write(" ".join(names + files))
`, `
with open("index", "wb") as out:
    out.write(index.encode())
index = "INDEX"
`},
	"R": {`
check <- function(number) {
  writeBin(charToRaw(enc2utf8(query_1)), paste0(number, ".query"))
  rm(list = intersect(c("query_1", "found_1"), ls(globalenv())), envir = globalenv())
  files <- grep("^[0-9]", list.files(all.files = TRUE, no.. = TRUE), invert = TRUE, value = TRUE)
  cat(ls(globalenv()), files, file = paste0(number, ".left"))
}
`, `
writeBin(charToRaw(enc2utf8(index)), "index")
index <- "INDEX"
`},
}

// Hostile rules run in the notebooks of every kind that asks a cluster as a harmless one
// does: their queries reach the cluster as they are, and no text of theirs is code. The
// cells of all rules run in one kernel.
func TestHostileRulesRunInEachFlavour(t *testing.T) {
	texts := breakouts()
	maps.Copy(texts, payloads)
	for _, f := range clusterFlavours {
		t.Run(f.name, func(t *testing.T) {
			url := f.begin(t)
			breakout, other := "python_", "r_"
			if f.language() == "R" {
				breakout, other = other, breakout
			}
			names := slices.DeleteFunc(slices.Sorted(maps.Keys(texts)), func(name string) bool { return name == "harmless" || strings.HasPrefix(name, other) })
			names = append([]string{"harmless"}, names...)
			std, indices := own(t, url)
			t.Chdir(t.TempDir())
			for _, name := range names {
				writeFile(t, filepath.Join("rules", name+".yml"), hostileRule(texts[name]))
			}
			// It names no index, so that the one that is given counts.
			writeFile(t, "names.yml", "name: names\npriority: 10\ntransformations:\n  - type: field_name_mapping\n    mapping: {EventID: event_id}\n")
			writeFile(t, "logs.json", `{"EventID": 4624, "Channel": "Security", "@timestamp": "2020-09-04T20:00:00Z", "Message": "a\"b"}`+"\n")
			succeed(t, "ingest", "-q", "logs.json", "--standard", std, "--to", url)
			hostileIndex := texts[breakout+"5"]
			succeed(t, append([]string{"notebook", "-r", "rules", "-p", "names.yml", "-e", url, "-i", hostileIndex, "-o", "books"}, f.flags...)...)
			setIndex := strings.ReplaceAll(checkCells[f.language()][1], "INDEX", indices)

			all := decoded(t, "books/harmless.ipynb")
			setup, _ := codeCells(all)
			all.Cells = append(setup, notebook.Cell{Type: notebook.Code, Source: setIndex}, notebook.Cell{Type: notebook.Code, Source: checkCells[f.language()][0]})
			first := map[string]int{} // of a rule's cells
			for i, name := range names {
				rest, cells := codeCells(decoded(t, filepath.Join("books", name+".ipynb")))
				if !slices.EqualFunc(rest, setup, func(a, b notebook.Cell) bool { return a.Source == b.Source }) {
					t.Errorf("%s: the cells before the query are %+v", name, rest)
				}
				first[name] = len(all.Cells)
				for j := range cells { // that of a query which the cluster refuses raises
					cells[j].Metadata = map[string]any{"tags": []string{"raises-exception"}}
				}
				all.Cells = append(append(all.Cells, cells...), notebook.Cell{Type: notebook.Code, Source: fmt.Sprintf("check(%d)", i)})
			}
			// At last the code is let out, to show that it would be noticed.
			all.Cells = append(all.Cells, notebook.Cell{Type: notebook.Code, Source: texts[breakout+"0"]})
			for i := range all.Cells {
				all.Cells[i].ID = fmt.Sprintf("c%d", i)
			}
			if err := os.Mkdir("run", 0o755); err != nil {
				t.Fatal(err)
			}
			writeNotebook(t, "run/all.ipynb", all)
			succeed(t, "run", "-q", "run/all.ipynb")
			ran := decoded(t, "run/all.ipynb")

			if got := readFile(t, "run/index"); got != hostileIndex {
				t.Errorf("the index is %q, want %q", got, hostileIndex)
			}
			queries := convertedQueries(t)
			for i, name := range names {
				left, want := readFile(t, fmt.Sprintf("run/%d.left", i)), readFile(t, "run/0.left")
				if left != want || !strings.HasSuffix(left, " all.ipynb index") {
					t.Errorf("%s: names and files are %q, want %q", name, left, want)
				}
				want = queries[name+".yml"]
				if f.language() == "R" { // which has no such character
					want = strings.ReplaceAll(want, "\x00", "\uFFFD")
				}
				if got := readFile(t, fmt.Sprintf("run/%d.query", i)); got != want || got == "" {
					t.Errorf("%s: the query is %.300q, want %.300q", name, got, want)
				}
			}
			for i, c := range ran.Cells {
				output, err := json.Marshal(c.Outputs)
				if err != nil {
					t.Fatal(err)
				}
				if last := i == len(ran.Cells)-1; bytes.Contains(output, []byte("escaped!")) != last {
					t.Errorf("the cell %.300q gives %.500s", c.Source, output)
				}
			}
			if _, err := os.Stat("run/escaped"); err != nil {
				t.Errorf("let out, the code makes no file: %v", err)
			}
			for i, name := range names {
				cells := ran.Cells[first[name]:]
				cells = cells[:slices.IndexFunc(cells, func(c notebook.Cell) bool { return strings.HasPrefix(c.Source, "check(") })]
				if f.name == "python-opensearch" && len(readFile(t, fmt.Sprintf("run/%d.query", i))) > openSearchLimit {
					if got := errorsOf(cells[:1]); !strings.Contains(got, "RequestError(400") {
						t.Errorf("%s: a query that is too long gives %.300q", name, got)
					}
					continue
				}
				if o := cells[0].Outputs; len(o) == 0 || !oneMatches.MatchString(o[0].Text) || errorsOf(cells) != "" {
					t.Errorf("%s: %s, and its query found %.500v", name, errorsOf(cells), o)
				}
			}
		})
	}
}

// Notebooks in Python of hostile rules run as that of a harmless one does: nothing that
// a rule says is code there, and their findings are the rule's.
func TestHostileRulesRunInPython(t *testing.T) {
	kernelIn(t, "HUNTBOOK_PYTHON")
	root := hostileFolder(t)
	names := []string{"harmless", "quotes", "backslash", "newlines", "nulbyte", "bidi"}
	events := readFile(t, "logs.json")
	texts := breakouts()
	for _, name := range []string{"shell", "python_1", "python_5", "python_7", "python_9", "python_12"} {
		text := texts[name]
		names = append(names, name)
		writeFile(t, "rules/"+name+".yml", hostileRule(text))
		event, err := json.Marshal(map[string]any{"EventID": 4624, "Channel": "Security", "@timestamp": "2020-09-04T20:00:00Z", "Text": text, text: text})
		if err != nil {
			t.Fatal(err)
		}
		events += string(event) + "\n"
	}
	writeFile(t, "logs.json", events)
	before := tree(t, root)
	args := []string{"hunt", "-q", "-r", "rules", "-d", "logs.json", "-o", "out", "-p", "helk", "--kernel", "python3"}
	for _, name := range names {
		args = append(args, "--include", name+".yml")
	}
	code, stdout, stderr := run(t, args...)
	if code != exitOK {
		t.Fatalf("exit code %d\n%s\n%.2000s", code, stdout, stderr)
	}
	shows(t, stdout+stderr)
	for _, file := range written(t, root, "out", before) {
		if filepath.Base(file) == "escaped" {
			t.Errorf("a hostile text made %s", file)
		}
	}
	plain := decoded(t, "out/harmless.ipynb")
	for _, name := range names {
		file := "out/" + name + ".ipynb"
		if got, want := shape(decoded(t, file)), shape(plain); got != want {
			t.Errorf("%s ran otherwise than a harmless one:\n%s\nwant\n%s", name, got, want)
		}
		if strings.Contains(readFile(t, file), "escaped!") {
			t.Errorf("a hostile text ran in %s", name)
		}
		n := strings.Count(readFile(t, "out/"+name+".findings.ndjson"), "\n")
		if want := fmt.Sprintf("%d events\n", n); n == 0 || streamed(t, file) != want {
			t.Errorf("%s wrote %q, want %q", name, streamed(t, file), want)
		}
	}
}

// openSearchLimit is how many characters a query string may have, and in the texts above
// bytes.
const openSearchLimit = 32_000

var oneMatches = regexp.MustCompile(`^1 events match,\s+1 are shown\s$`)

// errorsOf are the errors in which cells ended.
func errorsOf(cells []notebook.Cell) string {
	var all []string
	for _, c := range cells {
		for _, o := range c.Outputs {
			if o.Type == notebook.ErrorOutput {
				all = append(all, o.Ename+": "+o.Evalue)
			}
		}
	}
	return strings.Join(all, "; ")
}

// codeCells are the code cells of a rule's notebook: those before its query, and those
// of it.
func codeCells(nb *notebook.Notebook) (before, query []notebook.Cell) {
	for _, c := range nb.Cells {
		switch {
		case c.Type != notebook.Code:
		case query == nil && !strings.HasPrefix(c.ID, "search"):
			before = append(before, c)
		default:
			query = append(query, c)
		}
	}
	return before, query
}

// convertedQueries are the queries of the rules in a folder, by the rule's file.
func convertedQueries(t *testing.T) map[string]string {
	t.Helper()
	_, stdout, _ := run(t, "convert", "--format", "json", "-p", "names.yml", "rules")
	queries := map[string]string{}
	for line := range strings.Lines(stdout) {
		var row queryRow
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		queries[row.Path], _ = row.Query.(string)
	}
	return queries
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
