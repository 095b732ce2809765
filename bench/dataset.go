package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/samples"
)

// dataset is a file of events, an object a line.
type dataset struct {
	path   string
	what   string // where its events are from, for the page
	recipe string // the commands that make the same file, "" where there are none
	events int
	bytes  int64
}

// sampleRepeats is how often the samples are repeated where the corpus is not there.
const sampleRepeats = 100

// makeDataset writes the flat events of the corpus' Mordor archives into one file; without
// a corpus the samples' events, repeated. Limit bounds its bytes, 0 does not.
func makeDataset(corpus string, limit int64) (*dataset, error) {
	d := &dataset{path: inFolder("events.ndjson")}
	out, err := os.Create(d.path)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	w := &lineWriter{out: bufio.NewWriterSize(out, 1<<20), limit: limit}
	if corpus == "" {
		d.what = fmt.Sprintf("the samples that huntbook carries, %d times over", sampleRepeats)
		err = writeSamples(w)
	} else {
		d.what = "the flat events of Mordor's atomic Windows datasets"
		d.recipe = "find $HUNTBOOK_SHARED/corpus/mordor/atomic/windows -name '*.zip' | LC_ALL=C sort |\n" +
			"  while read -r z; do unzip -p \"$z\" '*.json' -x '__MACOSX/*' | awk NF; done > " + d.path
		err = writeMordor(w, filepath.Join(corpus, "mordor", "atomic", "windows"))
	}
	if err == nil {
		err = w.out.Flush()
	}
	if err != nil {
		return nil, err
	}
	d.events, d.bytes = w.lines, w.bytes
	return d, out.Close()
}

// lineWriter writes lines until it has enough.
type lineWriter struct {
	out   *bufio.Writer
	limit int64
	lines int
	bytes int64
}

// copy writes the lines of r that are not empty.
func (w *lineWriter) copy(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 1<<20), 64<<20)
	for !w.full() && lines.Scan() {
		line := lines.Bytes()
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := w.line(line); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (w *lineWriter) line(text []byte) error {
	w.lines++
	w.bytes += int64(len(text)) + 1
	if _, err := w.out.Write(text); err != nil {
		return err
	}
	return w.out.WriteByte('\n')
}

func (w *lineWriter) full() bool { return w.limit > 0 && w.bytes >= w.limit }

func writeMordor(w *lineWriter, root string) error {
	var archives []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".zip") {
			archives = append(archives, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	slices.Sort(archives)
	for _, archive := range archives {
		if err := copyMembers(w, archive); err != nil {
			return fmt.Errorf("%s: %w", archive, err)
		}
	}
	return nil
}

// copyMembers copies the JSON of an archive, without what macOS adds.
func copyMembers(w *lineWriter, archive string) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer z.Close() //nolint:errcheck // only read
	for _, f := range z.File {
		if path.Ext(f.Name) != ".json" || strings.HasPrefix(f.Name, "__MACOSX/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return err
		}
		err = w.copy(r)
		r.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}

func writeSamples(w *lineWriter) error {
	for range sampleRepeats {
		err := fs.WalkDir(samples.Data(), ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			f, err := samples.Data().Open(path)
			if err != nil {
				return err
			}
			defer f.Close() //nolint:errcheck // only read
			z, err := gzip.NewReader(f)
			if err != nil {
				return err
			}
			return w.copy(z)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
