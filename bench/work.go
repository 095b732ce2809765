package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/huntbook/huntbook/samples"
)

// huntbook is the binary that "make build" makes.
const huntbook = "bin/huntbook"

// copies is how many altered copies of the rules stand beside the rules themselves.
const copies = 9

// work is what all programs run on.
type work struct {
	corpus string // the folder of the corpus, "" where it is not there
	data   *dataset
	empty  string // a file without events
	// rules are those that events are matched with; bare the same ones without log
	// sources, altered copies of them that find nothing else, all every rule there is.
	rules, bare, altered string
	all                  []string
	leftOut              int // altered copies that matched some event
	ruleCount, allCount  int
}

// prepare makes the dataset and the rules.
func prepare(ctx context.Context, o options) (*work, error) {
	w := &work{corpus: corpusFolder(), empty: inFolder("empty.ndjson"), bare: inFolder("bare"), altered: inFolder("altered")}
	var err error
	if w.data, err = makeDataset(w.corpus, o.megabytes<<20); err != nil {
		return nil, err
	}
	if err := os.WriteFile(w.empty, nil, 0o600); err != nil {
		return nil, err
	}
	if err := w.findRules(); err != nil {
		return nil, err
	}
	if err := copyRules(w.rules, w.bare, windowsOnly); err != nil {
		return nil, err
	}
	return w, w.makeCopies(ctx)
}

// corpusFolder is where the corpus is: in $HUNTBOOK_SHARED, or in ../shared.
func corpusFolder() string {
	shared := os.Getenv("HUNTBOOK_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "shared")
	}
	corpus := filepath.Join(shared, "corpus")
	if _, err := os.Stat(filepath.Join(corpus, "mordor")); err != nil {
		say("no corpus in %s (HUNTBOOK_SHARED names the folder): the samples take its place", corpus)
		return ""
	}
	return corpus
}

func (w *work) findRules() error {
	if w.corpus == "" {
		w.rules = inFolder("rules")
		if err := os.RemoveAll(w.rules); err != nil {
			return err
		}
		if err := os.CopyFS(w.rules, samples.Rules()); err != nil {
			return err
		}
		w.all = []string{w.rules}
	} else {
		sigma := filepath.Join(w.corpus, "sigma")
		w.rules = filepath.Join(sigma, "rules", "windows")
		for _, name := range []string{"rules", "rules-compliance", "rules-placeholder", "rules-threat-hunting"} {
			w.all = append(w.all, filepath.Join(sigma, name))
		}
	}
	var err error
	if w.ruleCount, err = countRules(w.rules); err != nil {
		return err
	}
	for _, folder := range w.all {
		n, err := countRules(folder)
		if err != nil {
			return err
		}
		w.allCount += n
	}
	return nil
}

func countRules(folder string) (n int, err error) {
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(path) == ".yml" {
			n++
		}
		return err
	})
	return n, err
}

// makeCopies writes the altered copies. A copy that matches an event is altered otherwise,
// and left out when that does not help, as with a rule that is all "not": the same matches
// are to be found with the copies as without.
func (w *work) makeCopies(ctx context.Context) error {
	for n := range copies {
		if err := copyRules(w.rules, filepath.Join(w.altered, fmt.Sprint(n)), newAlteration(n).rule); err != nil {
			return err
		}
	}
	const tries = 3
	for try := 1; ; try++ {
		matching, err := w.matchingCopies(ctx)
		if err != nil || len(matching) == 0 {
			return err
		}
		for _, path := range matching {
			number, rule, _ := strings.Cut(path, string(filepath.Separator))
			n, _ := strconv.Atoi(number)
			file := filepath.Join(w.altered, path)
			if try > tries {
				w.leftOut++
				err = os.Remove(file)
			} else {
				err = copyRule(filepath.Join(w.rules, rule), file, newAlteration(n+copies*try).rule)
			}
			if err != nil {
				return err
			}
		}
	}
}

// matchingCopies are the paths, below the folder of the copies, of those that match.
func (w *work) matchingCopies(ctx context.Context) ([]string, error) {
	j := &job{name: "altered copies", args: []string{huntbook, "match", "--json", "--max-findings", "1", "-r", w.altered, w.data.path}}
	if err := j.run(ctx); err != nil {
		return nil, err
	}
	var paths []string
	err := eachLine(j.output(), func(line []byte) error {
		var finding struct {
			Path string `json:"rule_path"`
		}
		if err := json.Unmarshal(line, &finding); err != nil {
			return err
		}
		paths = append(paths, filepath.FromSlash(finding.Path))
		return nil
	})
	return slices.Compact(slices.Sorted(slices.Values(paths))), err
}

// eachLine calls do for every line of a file.
func eachLine(path string, do func(line []byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 1<<16), 64<<20)
	for lines.Scan() {
		if err := do(lines.Bytes()); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return lines.Err()
}
