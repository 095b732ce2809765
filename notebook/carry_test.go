package notebook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// written is a small notebook as we write it; outputs vary by run.
func written(output string) *Notebook {
	cell := func(id string, kind CellType, source string, tags ...string) Cell {
		c := Cell{ID: id, Type: kind, Source: source, Metadata: object{"huntbook": object{"cell": id}}}
		if len(tags) > 0 {
			c.Metadata["tags"] = tags
		}
		return c
	}
	nb := &Notebook{Metadata: object{"huntbook": object{"flavour": "huntbook"}}, Cells: []Cell{
		cell("rule", Markdown, "# Title"),
		cell("query", Code, "%%sigma\ntitle: x"),
		cell("table", Code, "%table"),
		cell("notes", Markdown, "## Notes\n\nWhat?", TagNotes),
		cell("verdict", Markdown, "## Verdict", TagVerdict),
	}}
	nb.Cells[2].ExecutionCount = 1
	nb.Cells[2].Outputs = []Output{{Type: DisplayData, Data: object{"text/plain": output, "image/png": "aGk="}}}
	return nb
}

// saved is a notebook as it comes back from a file.
func saved(t *testing.T, nb *Notebook) *Notebook {
	t.Helper()
	data, err := Encode(nb)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return back
}

// first is the first notebook of a rule, in its file.
func first(t *testing.T) *Notebook {
	nb := written("1 event")
	Carry(nil, nb)
	return saved(t, nb)
}

func outline(nb *Notebook) string {
	var parts []string
	for _, c := range nb.Cells {
		source := strings.ReplaceAll(c.Source, "\n", "/")
		parts = append(parts, fmt.Sprintf("%s[%s]", c.ID, source))
	}
	return strings.Join(parts, " ")
}

func TestCarry(t *testing.T) {
	added := func(id, source string) Cell { return Cell{ID: id, Type: Markdown, Source: source, Metadata: object{}} }
	const fresh = "rule[# Title] query[%%sigma/title: x] table[%table] notes[## Notes//What?] verdict[## Verdict]"
	cases := []struct {
		name string
		edit func(*Notebook)
		want string
	}{
		{"nothing", func(*Notebook) {}, fresh},
		{"notes and verdict are kept", func(nb *Notebook) { nb.Cells[3].Source = "I saw it"; nb.Cells[4].Source = "evil" },
			"rule[# Title] query[%%sigma/title: x] table[%table] notes[I saw it] verdict[evil]"},
		{"notes that were emptied stay empty", func(nb *Notebook) { nb.Cells[3].Source = "" },
			"rule[# Title] query[%%sigma/title: x] table[%table] notes[] verdict[## Verdict]"},
		{"our other cells are made anew", func(nb *Notebook) { nb.Cells[1].Source = "changed" }, fresh},
		{"deleted cells come back", func(nb *Notebook) { nb.Cells = nb.Cells[:2] }, fresh},
		{"added cells follow what they followed", func(nb *Notebook) {
			nb.Cells = append([]Cell{added("a", "top"), nb.Cells[0], nb.Cells[1], nb.Cells[2], added("b", "one"), added("c", "two")}, append(nb.Cells[3:], added("d", "end"))...)
		}, "a[top] rule[# Title] query[%%sigma/title: x] table[%table] b[one] c[two] notes[## Notes//What?] verdict[## Verdict] d[end]"},
		{"ids stay unique", func(nb *Notebook) {
			nb.Cells = append(nb.Cells, added("table", "x"), added("", "y"))
		}, fresh + " added-1[x] cell-7[y]"},
		{"a copy of notes is a cell of the person", func(nb *Notebook) {
			copied := nb.Cells[3]
			nb.Cells[3].Source, copied.Source, copied.ID = "first", "second", "zz"
			nb.Cells = append(nb.Cells[:4], copied, nb.Cells[4])
		}, "rule[# Title] query[%%sigma/title: x] table[%table] notes[first] zz[second] verdict[## Verdict]"},
		{"a copy of a query is a cell of the person", func(nb *Notebook) {
			copied := nb.Cells[1]
			copied.Source, copied.ID = "%%sigma/mine", "zz"
			nb.Cells = append(nb.Cells, copied)
		}, fresh + " zz[%%sigma/mine]"},
		{"the tag alone is enough", func(nb *Notebook) {
			nb.Cells[3] = Cell{ID: "n", Type: Markdown, Source: "mine", Metadata: object{"tags": []any{"notes"}}}
		}, "rule[# Title] query[%%sigma/title: x] table[%table] notes[mine] verdict[## Verdict]"},
		{"our notes go before cells with the tag", func(nb *Notebook) {
			nb.Cells = append([]Cell{{ID: "n", Type: Markdown, Source: "mine", Metadata: object{"tags": []any{"notes"}}}}, nb.Cells...)
		}, "n[mine] " + fresh},
		{"a cell of ours that is no more is dropped, its follower stays", func(nb *Notebook) {
			gone := Cell{ID: "gone", Type: Code, Source: "%old", Metadata: object{"huntbook": object{"cell": "gone"}}}
			nb.Cells = append(nb.Cells[:3:3], append([]Cell{gone, added("f", "follower")}, nb.Cells[3:]...)...)
		}, "rule[# Title] query[%%sigma/title: x] table[%table] f[follower] notes[## Notes//What?] verdict[## Verdict]"},
		{"a notebook that is all a person's is kept whole", func(nb *Notebook) {
			nb.Cells = []Cell{added("x", "one"), added("y", "two")}
		}, "x[one] y[two] " + fresh},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			old := first(t)
			c.edit(old)
			old = saved(t, old)
			next := written("2 events")
			Carry(old, next)
			if data, err := Encode(next); err != nil {
				t.Error(err)
			} else {
				validate(t, data)
			}
			if got := outline(next); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			// A second rerun changes nothing any more.
			again := written("2 events")
			Carry(saved(t, next), again)
			a, _ := Encode(next)
			b, _ := Encode(again)
			if !bytes.Equal(a, b) {
				t.Errorf("a second rerun gives\n%s\nafter\n%s", b, a)
			}
		})
	}
}

func TestCarryKeepsWhatIsInNotes(t *testing.T) {
	old := first(t)
	old.Cells[3].Attachments = object{"shot.png": object{"image/png": "aGk="}}
	old.Cells[3].Metadata["tags"] = []any{"notes", "urgent"}
	old.Cells[4].Type = Raw
	next := written("1 event")
	Carry(saved(t, old), next)
	notes, verdict := next.Cells[3], next.Cells[4]
	if len(notes.Attachments) != 1 || !notes.HasTag("urgent") || notes.part() != "notes" || verdict.Type != Raw {
		t.Errorf("notes became %+v, verdict %+v", notes, verdict)
	}
}

// A notebook in another flavour has no place for our verdict: it is kept as a
// cell of the person.
func TestCarryIntoAnotherTemplate(t *testing.T) {
	old := first(t)
	old.Cells[4].Source = "evil"
	next := written("1 event")
	next.Cells = next.Cells[:4]
	Carry(old, next)
	if got, want := outline(next), "rule[# Title] query[%%sigma/title: x] table[%table] notes[## Notes//What?] verdict[evil]"; got != want {
		t.Errorf("got %s", got)
	}
	if next.Cells[4].part() != "" {
		t.Error("the verdict is still marked as ours")
	}
}

func TestEdited(t *testing.T) {
	cases := []struct {
		name string
		edit func(*Notebook)
		want bool
	}{
		{"as written", func(*Notebook) {}, false},
		{"saved by Jupyter", func(nb *Notebook) {
			nb.Metadata["language_info"] = object{"name": "huntbook", "version": "1"}
			nb.Cells[0].Metadata["collapsed"] = true
			nb.Cells[2].ExecutionCount = 12
			nb.Cells[2].Metadata["execution"] = object{"iopub.status.busy": "2020-01-01"}
			nb.Cells[2].Outputs[0].Data["image/png"] = "aGk=\n"
			nb.Cells[1].Source = strings.ReplaceAll(nb.Cells[1].Source, "\n", "\r\n") + "\n"
			nb.Cells[0].Metadata["tags"] = []any{}
			nb.Cells[0].ID = "other"
		}, false},
		{"a source", func(nb *Notebook) { nb.Cells[3].Source += " Much." }, true},
		{"a tag", func(nb *Notebook) { nb.Cells[0].Metadata["tags"] = []any{"seen"} }, true},
		{"an output", func(nb *Notebook) { nb.Cells[2].Outputs = nil }, true},
		{"a cell more", func(nb *Notebook) { nb.Cells = append(nb.Cells, Cell{ID: "x", Type: Raw}) }, true},
		{"a cell less", func(nb *Notebook) { nb.Cells = nb.Cells[1:] }, true},
		{"a picture pasted", func(nb *Notebook) { nb.Cells[3].Attachments = object{"a": object{"image/png": "aGk="}} }, true},
		{"another type", func(nb *Notebook) { nb.Cells[3].Type = Raw }, true},
		{"no mark of ours", func(nb *Notebook) { delete(nb.Metadata, "huntbook") }, true},
	}
	for _, c := range cases {
		nb := first(t)
		c.edit(nb)
		if got := Edited(saved(t, nb)); got != c.want {
			t.Errorf("%s: Edited is %v", c.name, got)
		}
	}
}

// Notes that were carried over count as an edit ever after, so that a notebook
// whose rule is gone is never removed with them.
func TestCarriedNotesCountAsEdited(t *testing.T) {
	old := first(t)
	old.Cells[3].Source = "I saw it"
	next := written("1 event")
	Carry(old, next)
	if !Edited(saved(t, next)) {
		t.Error("a notebook with carried notes counts as not edited")
	}
	last := written("1 event")
	Carry(saved(t, next), last)
	last.Cells[3].Source = written("").Cells[3].Source
	if Edited(saved(t, last)) {
		t.Error("a notebook whose notes are as we wrote them counts as edited")
	}
}

// The digest survives a file that another program wrote anew.
func TestDigestDoesNotDependOnTheJSON(t *testing.T) {
	data, _ := Encode(first(t))
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	compact, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	nb, err := Decode(compact)
	if err != nil {
		t.Fatal(err)
	}
	if Edited(nb) {
		t.Error("another form of the same JSON counts as edited")
	}
}
