package runner

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkOwn runs notebooks in huntbook's own cell language that query nothing: what
// a notebook costs over its queries.
func BenchmarkOwn(b *testing.B) {
	dir := b.TempDir()
	var jobs []Job
	for i := range 300 {
		file := filepath.Join(dir, fmt.Sprintf("n%d.ipynb", i))
		if err := os.WriteFile(file, []byte(ownNotebook), 0o600); err != nil {
			b.Fatal(err)
		}
		jobs = append(jobs, Job{file, file})
	}
	b.ReportAllocs()
	for b.Loop() {
		results, err := Run(context.Background(), jobs, Options{Session: ownSession})
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range results {
			if r.Err != nil {
				b.Fatal(r.Err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(jobs)), "µs/notebook")
}

const ownNotebook = `{"cells": [
 {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# A hunt"},
 {"cell_type": "code", "id": "b", "metadata": {"tags": ["parameters"]}, "source": "rows = 50\nsince = \"\"", "outputs": [], "execution_count": null}
], "metadata": {"kernelspec": {"name": "huntbook", "display_name": "huntbook", "language": "huntbook"}}, "nbformat": 4, "nbformat_minor": 5}
`
