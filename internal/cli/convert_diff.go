package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/diag"
)

// output is what a run of convert wrote, or would write: a query for each key, which
// is the name of a file in a tree without its extension, the id of a rule, or the
// query itself where nothing else names it.
type output struct {
	// folder, rows and ext say in which form it is: a tree, with rows of --format
	// json, in files with the extension.
	folder, rows bool
	ext          string
	queries      map[string]outQuery
	order        []string
}

type outQuery struct {
	path, id, title string
	part            int
	text            string
}

// maxOld bounds the files of an earlier output, in bytes.
const maxOld = 256 << 20

// readOld reads the earlier output that --diff names; nil when none is named.
func (c *converting) readOld() (*output, error) {
	if c.old == "" {
		return nil, nil
	}
	info, err := os.Stat(c.old)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("--diff %s: there is no such file or folder; name what an earlier run wrote with -o", c.old)
	}
	if err != nil {
		return nil, err
	}
	o := &output{folder: info.IsDir(), ext: strings.TrimPrefix(filepath.Ext(c.old), "."), queries: map[string]outQuery{}}
	if !o.folder {
		data, err := readBounded(c.old, info.Size())
		if err != nil {
			return nil, err
		}
		o.rows = isRows(data)
		o.add("", data)
		return o, nil
	}
	err = filepath.WalkDir(c.old, func(file string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := readBounded(file, info.Size())
		if err != nil {
			return err
		}
		name, err := filepath.Rel(c.old, file)
		if err != nil {
			return err
		}
		o.rows = o.rows || isRows(data)
		o.add(filepath.ToSlash(name), data)
		return nil
	})
	return o, err
}

func readBounded(file string, size int64) ([]byte, error) {
	if size > maxOld {
		return nil, fmt.Errorf("--diff: %s has more than %d MB", file, maxOld>>20)
	}
	return os.ReadFile(file)
}

// isRows tells rows of --format json.
func isRows(data []byte) bool {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	var row struct {
		Path  *string         `json:"path"`
		Query json.RawMessage `json:"query"`
		Error *string         `json:"error"`
	}
	return json.Unmarshal(line, &row) == nil && row.Path != nil && (row.Query != nil || row.Error != nil)
}

// add adds a file's queries; its name is "" where it is the whole output.
func (o *output) add(name string, data []byte) {
	switch {
	case o.rows:
		for line := range bytes.Lines(data) {
			o.addRow(line)
		}
	case name != "":
		stem := strings.TrimSuffix(name, path.Ext(name))
		o.put(stem, outQuery{path: name, text: string(data)})
	default:
		for _, text := range entriesOf(string(data), o.ext) {
			key := identity(text)
			o.put(cmp.Or(key, text), outQuery{id: key, text: text})
		}
	}
}

func (o *output) addRow(line []byte) {
	var row struct {
		Path, ID, Title string
		Part            int
		Query           json.RawMessage
	}
	if json.Unmarshal(line, &row) != nil || row.Query == nil {
		return
	}
	var value any
	text := string(row.Query)
	if json.Unmarshal(row.Query, &value) == nil {
		text = backend.Query{Value: value}.Text()
	}
	o.put(fmt.Sprintf("%s %d", cmp.Or(row.ID, row.Path), row.Part), outQuery{row.Path, row.ID, row.Title, row.Part, text + "\n"})
}

// put keeps a query; one that has the key of another gets a number.
func (o *output) put(key string, q outQuery) {
	for n, plain := 2, key; ; n++ {
		if _, taken := o.queries[key]; !taken {
			break
		}
		key = fmt.Sprintf("%s (%d)", plain, n)
	}
	o.queries[key] = q
	o.order = append(o.order, key)
}

// entriesOf takes one text of queries apart.
func entriesOf(text, ext string) []string {
	var list []string
	switch {
	case ext == "yml":
		list = strings.Split(text, "\n---\n")
	case ext == "json":
		var values []json.RawMessage
		if json.Unmarshal([]byte(text), &values) != nil {
			return []string{text}
		}
		for _, raw := range values {
			var value any
			if json.Unmarshal(raw, &value) == nil {
				list = append(list, backend.Query{Value: value}.Text())
			}
		}
	default:
		list = strings.Split(text, "\n")
	}
	var out []string
	for _, s := range list {
		if s = strings.TrimSuffix(s, "\n"); s != "" {
			out = append(out, s+"\n")
		}
	}
	return out
}

// identity is the id or name of its rule that a query holds, "" when it holds none.
func identity(text string) string {
	if name, ok := strings.CutPrefix(text, "name: "); ok {
		name, _, _ = strings.Cut(name, "\n")
		return name
	}
	var object struct {
		RuleID   string `json:"rule_id"`
		ID       string `json:"id"`
		Params   struct{ RuleID string }
		Metadata struct {
			RuleID string `json:"rule_id"`
		}
		Sigma struct {
			RuleID string `json:"rule_id"`
		} `json:"sigma_meta_data"`
	}
	if json.Unmarshal([]byte(text), &object) != nil {
		return ""
	}
	return cmp.Or(object.RuleID, object.ID, object.Params.RuleID, object.Metadata.RuleID, object.Sigma.RuleID)
}

// like is the output of this run in the form of an earlier one.
func (c *converting) like(old *output) *output {
	o := &output{folder: old.folder, rows: old.rows, ext: old.ext, queries: map[string]outQuery{}}
	titles := map[string]string{}
	for i, name := range c.files(false) {
		titles[name] = c.entries[i].title
	}
	switch {
	case old.rows:
		o.add("", rows(c.entries))
	case old.folder:
		for _, f := range c.tree(false) {
			o.add(f.name, f.data)
		}
		for key, q := range o.queries {
			q.title = titles[q.path]
			o.queries[key] = q
		}
	default:
		o.add("", c.render(c.entries, true))
	}
	return o
}

// change is an object of --diff --format json, a contract. Change is added, removed
// or changed.
type change struct {
	Change string  `json:"change"`
	Path   *string `json:"path"`
	ID     *string `json:"id"`
	Title  *string `json:"title"`
	Part   int     `json:"part"`
	Old    *string `json:"old"`
	New    *string `json:"new"`
}

// showChanges compares with an earlier output and writes what differs.
func (c *converting) showChanges(old *output) error {
	now := c.like(old)
	if len(old.queries) > 0 && now.ext != c.conv.target.Extension(c.conv.format) && !old.folder && !old.rows {
		return usagef("--diff %s is a file of another form than this run's, .%s", c.old, c.conv.target.Extension(c.conv.format))
	}
	keys := slices.Concat(old.order, slices.DeleteFunc(slices.Clone(now.order), func(key string) bool {
		_, known := old.queries[key]
		return known
	}))
	if old.folder {
		slices.Sort(keys)
	}
	counts := map[string]int{}
	for _, key := range keys {
		before, was := old.queries[key]
		after, is := now.queries[key]
		kind := "changed"
		switch {
		case !was:
			kind = "added"
		case !is:
			kind = "removed"
		case before.text == after.text:
			continue
		}
		counts[kind]++
		about := after
		if !is {
			about = before
		}
		if err := c.showChange(kind, about, before, after); err != nil {
			return err
		}
	}
	same := len(now.queries) - counts["added"] - counts["changed"]
	fmt.Fprintf(c.Err, "compared with %s: %s changed, %s added, %s removed, %s the same\n",
		c.old, number(counts["changed"]), number(counts["added"]), number(counts["removed"]), number(same))
	return nil
}

func (c *converting) showChange(kind string, about, before, after outQuery) error {
	if c.envelope == "json" {
		row := change{Change: kind, Path: nonEmpty(about.path), ID: nonEmpty(about.id), Title: nonEmpty(about.title), Part: max(about.part, 1)}
		if kind != "added" {
			row.Old = &before.text
		}
		if kind != "removed" {
			row.New = &after.text
		}
		return writeJSON(c.out, row)
	}
	name := slices.DeleteFunc([]string{about.path, about.title}, func(s string) bool { return s == "" })
	if len(name) == 0 && about.id != "" {
		name = []string{about.id}
	}
	if head := strings.Join(name, ": "); head != "" {
		fmt.Fprintf(c.out, "%s %s\n", paint(colour(c.outTerm), "1", kind), diag.Printable(head))
	}
	removed, added := differing(lines(before.text), lines(after.text))
	for _, s := range removed {
		fmt.Fprintln(c.out, paint(colour(c.outTerm), "31", "-"+diag.Printable(s)))
	}
	for _, s := range added {
		fmt.Fprintln(c.out, paint(colour(c.outTerm), "32", "+"+diag.Printable(s)))
	}
	return nil
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// differing leaves out what two texts begin and end with alike.
func differing(a, b []string) (removed, added []string) {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return a, b
}
