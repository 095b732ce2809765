package cli

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/internal/atomicfile"
)

// write writes the output to where it goes.
func (c *converting) write() error {
	if !c.isFolder() {
		all, err := c.combined()
		if err != nil {
			return err
		}
		if c.output == "" {
			_, err := c.out.Write(all)
			return err
		}
		return atomicfile.Write(c.output, all)
	}
	files := c.tree(c.envelope == "json")
	for _, f := range files {
		if err := atomicfile.Write(filepath.Join(c.output, filepath.FromSlash(f.name)), f.data); err != nil {
			return err
		}
	}
	fmt.Fprintf(c.Err, "%s written to %s\n", plural(len(files), "file", "files"), c.output)
	return nil
}

// isFolder tells a folder from a file: one that is there, or whose name ends
// like one, or several rules and a name without an extension.
func (c *converting) isFolder() bool {
	if c.output == "" {
		return false
	}
	if info, err := os.Stat(c.output); err == nil {
		return info.IsDir()
	}
	last := c.output[len(c.output)-1]
	return last == '/' || os.IsPathSeparator(last) || len(c.set.Rules) > 1 && filepath.Ext(c.output) == ""
}

// combined is the output as one text.
func (c *converting) combined() ([]byte, error) {
	switch {
	case c.envelope == "json":
		return rows(c.entries), nil
	case c.conv.chain.Finalizes():
		return c.finalized()
	}
	return c.render(c.entries, c.output != ""), nil
}

// outFile is a file of a tree; its name has slashes.
type outFile struct {
	name string
	data []byte
}

// tree is the output as files in the places of the files of rules, with rows of --format
// json or in the target's own form.
func (c *converting) tree(asRows bool) []outFile {
	var names []string
	grouped := map[string][]entry{}
	files := c.files(asRows)
	for i, e := range c.entries {
		if e.failed && !asRows {
			continue
		}
		name := files[i]
		if grouped[name] == nil {
			names = append(names, name)
		}
		grouped[name] = append(grouped[name], e)
	}
	out := make([]outFile, len(names))
	for i, name := range names {
		out[i] = outFile{name, rows(grouped[name])}
		if !asRows {
			out[i].data = c.render(grouped[name], true)
		}
	}
	return out
}

// files are the names of the entries' files in the output folder. The rules of one file
// share one, but what takes objects of JSON or YAML takes one a file.
func (c *converting) files(asRows bool) []string {
	ext := "json"
	if !asRows {
		ext = c.conv.target.Extension(c.conv.format)
	}
	alone := !asRows && (ext == "json" || ext == "yml")
	stems, known := make([]string, len(c.entries)), map[string]bool{}
	for i, e := range c.entries {
		stems[i] = strings.TrimSuffix(e.path, path.Ext(e.path))
		known[stems[i]] = true
	}
	names, count := make([]string, len(stems)), map[string]int{}
	for i, stem := range stems {
		name := stem
		if alone && !c.entries[i].failed {
			count[stem]++
			for ; count[stem] > 1; count[stem]++ {
				if name = fmt.Sprintf("%s_%d", stem, count[stem]); !known[name] {
					break
				}
			}
		}
		names[i] = name + "." + ext
	}
	return names
}

// rows are the objects of --format json.
func rows(entries []entry) []byte {
	var b bytes.Buffer
	for _, e := range entries {
		b.WriteString(backend.Query{Value: e.row}.JSON() + "\n")
	}
	return b.Bytes()
}

// render writes queries in the target's own form: as lines, as YAML documents, or, in
// a file, as one JSON value.
func (c *converting) render(entries []entry, file bool) []byte {
	entries = slices.DeleteFunc(slices.Clone(entries), func(e entry) bool { return e.failed })
	ext := c.conv.target.Extension(c.conv.format)
	var b bytes.Buffer
	if ext == "json" && file {
		if len(entries) == 1 {
			b.WriteString(entries[0].query.Text() + "\n")
			return b.Bytes()
		}
		values := make([]any, len(entries))
		for i, e := range entries {
			values[i] = e.query.Value
		}
		b.WriteString(backend.Query{Value: values}.Text() + "\n")
		return b.Bytes()
	}
	for i, e := range entries {
		if ext == "yml" && i > 0 {
			b.WriteString("---\n")
		}
		b.WriteString(strings.TrimSuffix(e.query.JSON(), "\n") + "\n")
	}
	return b.Bytes()
}

// checkFinalizers refuses forms of output that hold an entry a rule where the
// pipelines make one output of all queries.
func (c *converting) checkFinalizers() error {
	switch {
	case !c.conv.chain.Finalizes():
	case c.envelope == "json":
		return usagef("the pipeline's finalizers make one output of all queries, and --format json is an object a query; use one of them")
	case c.old != "":
		return usagef("the pipeline's finalizers make one output of all queries, which --diff can't compare")
	case c.isFolder():
		return usagef("the pipeline's finalizers make one output of all queries, and %s is a folder; name a file with -o", c.output)
	}
	return nil
}

// finalized is the one output that finalizers make.
func (c *converting) finalized() ([]byte, error) {
	var queries []any
	for _, e := range c.entries {
		if !e.failed {
			queries = append(queries, e.query.Value)
		}
	}
	out, err := c.conv.chain.Finalize(queries)
	if err != nil {
		return nil, err
	}
	return []byte(strings.TrimSuffix(backend.Query{Value: out}.JSON(), "\n") + "\n"), nil
}
