package pipeline

// sigmac applies configurations together: first the log sources of all, then
// the field mappings of each to what the one before made.
type sigmac struct{ configs []*Config }

func (s *sigmac) maps() bool {
	for _, c := range s.configs {
		if len(c.mappings) > 0 {
			return true
		}
	}
	return false
}

// owns is about the last configuration with mappings, whose names count.
func (s *sigmac) owns(owner any) bool {
	for i := len(s.configs) - 1; i >= 0; i-- {
		if len(s.configs[i].mappings) > 0 {
			return owner == s.configs[i]
		}
	}
	return false
}

func (s *sigmac) apply(r *run, drafts []*draft) []*draft {
	forget(drafts)
	for _, d := range drafts {
		s.applySources(d)
		for _, c := range s.configs {
			if len(c.mappings) > 0 {
				forget([]*draft{d})
				s.applyMappings(r, c, d)
			}
		}
	}
	return drafts
}

// applySources finds the definitions that match. A rewrite counts at once, so
// that later definitions see the log source that it makes.
func (s *sigmac) applySources(d *draft) {
	var conditions []node
	merging := ""
	for _, c := range s.configs {
		if merging == "" {
			merging = c.merging
		}
		if len(c.defaults) > 0 {
			d.fallback = c.defaults
		}
		for _, ls := range c.sources {
			if !covers(ls.match, d.source) {
				continue
			}
			d.index = union(d.index, ls.index...)
			if ls.search != "" {
				d.search = union(d.search, ls.search)
			}
			if ls.conditions != nil {
				n := cloneNode(ls.conditions)
				eachItem(n, nil, func(it *item, _ context) { it.owner = c })
				conditions = append(conditions, n)
			}
			if ls.rewrite != nil {
				d.rewrite(*ls.rewrite)
			}
		}
	}
	if len(conditions) == 0 {
		return
	}
	d.sourced = true
	if merging == "or" {
		conditions = []node{&group{x: conditions}}
	}
	d.added = append(d.added, conditions...)
}

// applyMappings renames the fields of a draft as one configuration says. A
// conditional mapping looks at what an AND links to the field.
func (s *sigmac) applyMappings(r *run, c *Config, d *draft) {
	a := &application{&processingItem{}, r, nil, d}
	a.rename(func(p placed, name string) []string {
		m, ok := c.mappings[name]
		if !ok {
			return nil
		}
		return m.resolve(p.beside, r.rule.LogSource, d.source)
	})
}
