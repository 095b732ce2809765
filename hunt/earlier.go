package hunt

import "github.com/huntbook/huntbook/notebook"

// earlier is the notebook that an earlier hunt wrote for a rule. It may have
// stood elsewhere then. A nil earlier is that of a rule that had none.
type earlier struct {
	name   string
	folder *folder
	// early tells that the notebook was read before any new one was written,
	// since one of those takes its place.
	early bool
	nb    *notebook.Notebook
	err   error
}

// read returns the notebook, nil when it is not there any more.
func (e *earlier) read() (*notebook.Notebook, error) {
	if e == nil {
		return nil, nil
	}
	if e.early {
		return e.nb, e.err
	}
	return e.folder.notebook(e.name)
}

// edited tells whether there is something in the notebook that is not ours.
func (e *earlier) edited() bool {
	nb, err := e.read()
	return err != nil || nb != nil && notebook.Edited(nb)
}

// earlierNotebooks finds the notebooks of an earlier hunt that the new ones
// carry on. Each goes to one rule: the one in its place if it has the same id,
// else one of that id (its file was moved), else whichever is in its place.
func (h *hunter) earlierNotebooks() map[*plan]*earlier {
	found := map[*plan]*earlier{}
	if h.folder.old == nil {
		return found
	}
	idOf, byID := map[string]string{}, map[string][]string{}
	for _, r := range h.folder.old.Rules {
		if r.Notebook != "" {
			idOf[r.Notebook] = r.ID
			byID[r.ID] = append(byID[r.ID], r.Notebook)
		}
	}
	places, claimed := map[string]*plan{}, map[string]bool{}
	claim := func(p *plan, name string) {
		if !claimed[name] && found[p] == nil {
			claimed[name] = true
			found[p] = &earlier{name: name, folder: h.folder}
		}
	}
	for _, p := range h.plans {
		places[p.notebook] = p
		if id, ok := idOf[p.notebook]; ok && id == p.entry.Rule.ID {
			claim(p, p.notebook)
		}
	}
	for _, p := range h.plans {
		if p.entry.Rule.ID == "" {
			continue
		}
		for _, name := range byID[p.entry.Rule.ID] {
			claim(p, name)
		}
	}
	for _, p := range h.plans {
		claim(p, p.notebook)
	}
	for _, p := range h.plans {
		e := found[p]
		if e == nil || e.name == p.notebook || places[e.name] == nil {
			continue
		}
		e.nb, e.err = e.read()
		if e.early = true; e.err != nil {
			found[places[e.name]] = e // which must not take its place
		}
	}
	return found
}
