package notebook

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Carry makes a fresh notebook, built and run, ready to replace old, which is
// nil when there is none. It notes the digest of what we wrote in fresh, then
// brings over from old what a person wrote: the content of the cells tagged
// notes and verdict, the questions that were ticked off, and the cells that the person added, each behind the cell
// of ours that it followed. What people write is so never part of the digest:
// a notebook with carried notes counts as Edited.
func Carry(old, fresh *Notebook) {
	if fresh.Metadata == nil {
		fresh.Metadata = object{}
	}
	ours, _ := fresh.Metadata["huntbook"].(object)
	ours = maps.Clone(orEmpty(ours))
	ours["digest"] = digest(fresh)
	fresh.Metadata["huntbook"] = ours
	if old == nil {
		return
	}
	c := carrier{fresh: fresh, used: map[string]bool{}, taken: map[int]bool{}, followers: map[string][]Cell{}}
	for i := range fresh.Cells {
		c.used[fresh.Cells[i].ID] = true
	}
	c.answers(old, TagNotes)
	c.answers(old, TagVerdict)
	c.ticked(old)
	c.added(old)
}

// Edited tells whether anybody changed the notebook since we wrote it. Opening,
// saving and running it again with the same outcome are no change. A notebook
// that does not carry our digest counts as edited.
func Edited(nb *Notebook) bool {
	ours, _ := nb.Metadata["huntbook"].(object)
	noted, _ := ours["digest"].(string)
	return noted == "" || noted != digest(nb)
}

type carrier struct {
	fresh *Notebook
	// used are the ids of the fresh notebook.
	used map[string]bool
	// taken are the old cells whose content is in the fresh notebook already.
	taken map[int]bool
	// followers are the added cells by the part that they follow; "" is the
	// top of the notebook.
	followers map[string][]Cell
}

// answers brings the content of the old cell of that tag into the fresh one. If
// several carry the tag, the one that we wrote is it; the others are added cells.
func (c *carrier) answers(old *Notebook, tag string) {
	to := slices.IndexFunc(c.fresh.Cells, func(cell Cell) bool { return cell.HasTag(tag) && cell.part() != "" })
	from := slices.IndexFunc(old.Cells, func(cell Cell) bool { return cell.HasTag(tag) && cell.part() != "" })
	if from < 0 {
		from = slices.IndexFunc(old.Cells, func(cell Cell) bool { return cell.HasTag(tag) })
	}
	if to < 0 || from < 0 || c.taken[from] {
		return
	}
	c.taken[from] = true
	cell := old.Cells[from]
	mine := &c.fresh.Cells[to]
	metadata := maps.Clone(orEmpty(cell.Metadata))
	metadata["huntbook"] = mine.Metadata["huntbook"]
	cell.ID, cell.Metadata = mine.ID, metadata
	*mine = cell
}

// ticked brings over the questions that a person ticked off, with what stands behind
// them: those that are still asked.
func (c *carrier) ticked(old *Notebook) {
	var done []string
	for i := range old.Cells {
		if !old.Cells[i].HasTag(TagQuestions) {
			continue
		}
		for line := range strings.Lines(old.Cells[i].Source) {
			if line = strings.TrimRight(line, "\r\n"); strings.HasPrefix(line, "- [x] ") || strings.HasPrefix(line, "- [X] ") {
				done = append(done, line)
			}
		}
	}
	for i := range c.fresh.Cells {
		cell := &c.fresh.Cells[i]
		if len(done) == 0 || !cell.HasTag(TagQuestions) {
			continue
		}
		lines := strings.Split(cell.Source, "\n")
		for j, line := range lines {
			question, open := strings.CutPrefix(line, "- [ ] ")
			at := slices.IndexFunc(done, func(d string) bool { return open && strings.HasPrefix(d[len("- [x] "):], question) })
			if at >= 0 {
				lines[j] = done[at]
			}
		}
		cell.Source = strings.Join(lines, "\n")
	}
}

// added brings over the cells that a person added. A cell that carries the mark
// of a part seen before is a copy that the person made of ours, or the second
// half of one that was split.
func (c *carrier) added(old *Notebook) {
	inFresh := map[string]bool{}
	for i := range c.fresh.Cells {
		inFresh[c.fresh.Cells[i].part()] = true
	}
	anchor := ""
	seen := map[string]bool{}
	for i, cell := range old.Cells {
		part := cell.part()
		answer := cell.HasTag(TagNotes) || cell.HasTag(TagVerdict)
		switch {
		case c.taken[i]:
			part = c.answerPart(cell)
			seen[part] = true
			anchor = part
		case part != "" && !seen[part] && !answer:
			seen[part] = true
			if inFresh[part] {
				anchor = part
			}
		default:
			c.followers[anchor] = append(c.followers[anchor], c.adopt(cell))
		}
	}
	cells := slices.Clone(c.followers[""])
	for _, cell := range c.fresh.Cells {
		cells = append(cells, cell)
		if part := cell.part(); part != "" {
			cells = append(cells, c.followers[part]...)
			delete(c.followers, part)
		}
	}
	c.fresh.Cells = cells
}

// answerPart returns the part of the fresh cell that took the old cell's place.
func (c *carrier) answerPart(cell Cell) string {
	for _, tag := range []string{TagNotes, TagVerdict} {
		if !cell.HasTag(tag) {
			continue
		}
		for i := range c.fresh.Cells {
			if c.fresh.Cells[i].HasTag(tag) && c.fresh.Cells[i].part() != "" {
				return c.fresh.Cells[i].part()
			}
		}
	}
	return ""
}

// adopt makes an old cell fit for the fresh notebook: not ours, its id unique.
func (c *carrier) adopt(cell Cell) Cell {
	if _, marked := cell.Metadata["huntbook"]; marked {
		cell.Metadata = maps.Clone(cell.Metadata)
		delete(cell.Metadata, "huntbook")
	}
	for n := 1; cell.ID == "" || c.used[cell.ID]; n++ {
		cell.ID = fmt.Sprintf("added-%d", n)
	}
	c.used[cell.ID] = true
	return cell
}

// digest is a hash of what a notebook says: type, source, tags, attachments and
// outputs of its cells, in a form that editors do not change when they save.
func digest(nb *Notebook) string {
	h := sha256.New()
	// An Encoder sorts the keys of maps; writing to a hash can't fail, and
	// what Decode or Build made can be encoded.
	enc := json.NewEncoder(h)
	for i := range nb.Cells {
		c := &nb.Cells[i]
		tags := c.Tags()
		slices.Sort(tags)
		_ = enc.Encode([]any{string(c.Type), canonical(c.Source), strings.Join(tags, "\n"), len(c.Outputs)})
		if len(c.Attachments) > 0 {
			_ = enc.Encode(c.Attachments)
		}
		for _, out := range c.Outputs {
			data := object{}
			for mime, v := range out.Data {
				if s, ok := v.(string); ok {
					v = canonical(s)
				}
				data[mime] = v
			}
			_ = enc.Encode([]any{string(out.Type), out.Name, canonical(out.Text), data, out.Ename, out.Evalue, canonical(strings.Join(out.Traceback, "\n"))})
		}
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// canonical removes what editors change in a text when they save it.
func canonical(s string) string {
	return strings.TrimRight(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
}
