package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// How many notebooks are run: in Python, and in huntbook's own cells.
const (
	pythonNotebooks = 100
	ownNotebooks    = 3000
)

// pandasCells are what a short notebook in Python does.
var pandasCells = []string{
	"import pandas as pd\nevents = pd.DataFrame({'host': ['a', 'b'] * 500, 'n': range(1000)})\nlen(events)",
	"events.groupby('host').agg({'n': 'sum'})",
}

// ownCells query nothing: what a notebook costs over its query.
var ownCells = []string{"rows = 50\nsince = \"\"", "limit = 100"}

// notebookJobs write the notebooks and add the jobs that run them: huntbook's, and those
// of papermill and nbclient, one notebook after the other as they do it, in one process.
func (j *jobs) notebookJobs(p *peers) error {
	own := inFolder("own-notebooks")
	if err := writeNotebooks(own, ownNotebooks, "huntbook", ownCells); err != nil {
		return err
	}
	run := func(name, from, python string) *job {
		out := inFolder(name)
		args := []string{huntbook, "run", "-q", from, "-o", out}
		if python != "" {
			// A notebook runs in its own folder.
			if abs, err := filepath.Abs(python); err == nil {
				python = abs
			}
			args = append([]string{"env", "JUPYTER_PATH=" + filepath.Join(filepath.Dir(filepath.Dir(python)), "share", "jupyter")}, args...)
		}
		return &job{name: "huntbook run, " + name, fresh: out, args: args}
	}
	j.runOwn = run(fmt.Sprintf("%d notebooks of its own", ownNotebooks), own, "")
	if p.python == "" {
		return nil
	}
	inPython := inFolder("python-notebooks")
	if err := writeNotebooks(inPython, pythonNotebooks, "python3", pandasCells); err != nil {
		return err
	}
	j.runPython = run(fmt.Sprintf("%d notebooks in Python", pythonNotebooks), inPython, p.python)
	peer := func(name string) *job {
		out := inFolder("out-" + name)
		return &job{name: name, rounds: 1, fresh: out, args: []string{p.python, "bench/notebooks.py", name, inPython, out}}
	}
	j.papermill, j.nbclient = peer("papermill"), peer("nbclient")
	return nil
}

func writeNotebooks(folder string, count int, kernel string, sources []string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	var cells []map[string]any
	for i, source := range sources {
		cells = append(cells, map[string]any{
			"cell_type": "code", "id": fmt.Sprint("c", i), "metadata": map[string]any{}, "source": source,
			"outputs": []any{}, "execution_count": nil,
		})
	}
	data, err := json.Marshal(map[string]any{
		"cells": cells, "nbformat": 4, "nbformat_minor": 5,
		"metadata": map[string]any{"kernelspec": map[string]any{"name": kernel, "display_name": kernel, "language": kernel}},
	})
	if err != nil {
		return err
	}
	for i := range count {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("n%04d.ipynb", i)), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// overPeer is how many notebooks are run in the time in which a peer runs one.
func (r *results) overPeer(peer *job) goal {
	g := goal{figure: fmt.Sprintf("`run`, %d notebooks in Python with two cells of pandas: the rate of one process of a peer, all cores by the clock", pythonNotebooks), want: "≥ 5 ×"}
	if peer == nil || len(peer.samples) == 0 || len(r.jobs.runPython.samples) == 0 {
		return g
	}
	s := perRound(peer, r.jobs.runPython, secondsOf)
	g.measured, g.reached = peer.name+": "+s.show("%.2f ×"), s.median >= 5
	return g
}

// ownCost is what a notebook of huntbook's own costs over its query.
func (r *results) ownCost() goal {
	s := combine(func(v []float64) float64 { return 1000 * v[0] / ownNotebooks }, secondsOf, r.jobs.runOwn)
	return atMost(fmt.Sprintf("`run`, %s notebooks in huntbook's cells, each over its query", thousands(ownNotebooks)), s, 1, "%.2f ms")
}
