package backend

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
)

// luceneEffort is what Lucene spends on making an expression deterministic before it
// gives up: the sizes of the sets of states together. A lenient query_string query
// then finds nothing, and says nothing.
const luceneEffort = 100_000

// widen takes the upper bounds of repetitions away.
func widen(re *syntax.Regexp) {
	if re.Op == syntax.OpRepeat && re.Max > re.Min {
		re.Max = -1
	}
	for _, sub := range re.Sub {
		widen(sub)
	}
}

// isComplex tells whether a search for an expression is more than Lucene takes.
func isComplex(re *syntax.Regexp) bool {
	whole := &syntax.Regexp{Op: syntax.OpConcat}
	anything := &syntax.Regexp{Op: syntax.OpStar, Sub: []*syntax.Regexp{{Op: syntax.OpAnyChar}}}
	if !isAny(re, 0) {
		whole.Sub = append(whole.Sub, anything)
	}
	whole.Sub = append(whole.Sub, re)
	if !isAny(re, -1) {
		whole.Sub = append(whole.Sub, anything)
	}
	prog, err := syntax.Compile(whole.Simplify())
	if err != nil {
		return false
	}
	d := &determinizer{prog: prog, seen: map[string]bool{}, visited: make([]uint32, len(prog.Inst))}
	first := d.closure([]uint32{uint32(prog.Start)}, true)
	d.add(first)
	for len(d.todo) > 0 && d.effort <= luceneEffort {
		states := d.todo[len(d.todo)-1]
		d.todo = d.todo[:len(d.todo)-1]
		for _, r := range d.representatives(states) {
			d.add(d.closure(d.after(states, r), false))
		}
	}
	return d.effort > luceneEffort
}

// determinizer makes the sets of states of a deterministic automaton.
type determinizer struct {
	prog   *syntax.Prog
	seen   map[string]bool
	todo   [][]uint32
	effort int

	// visited has the number of the closure that came to a state last. The rest is room
	// that is used again and again.
	visited    []uint32
	closures   uint32
	from, made []uint32
	key        []byte
	classes    []rune
}

// add notes a set that is new; it is copied.
func (d *determinizer) add(states []uint32) {
	d.key = d.key[:0]
	for _, s := range states {
		d.key = binary.LittleEndian.AppendUint32(d.key, s)
	}
	if len(states) == 0 || d.seen[string(d.key)] {
		return
	}
	d.seen[string(d.key)] = true
	d.effort += len(states)
	d.todo = append(d.todo, slices.Clone(states))
}

// closure follows what takes no character, and keeps what does, or matches. What it
// returns is good until the next call.
func (d *determinizer) closure(from []uint32, start bool) []uint32 {
	out := d.made[:0]
	d.closures++
	for len(from) > 0 {
		at := from[len(from)-1]
		from = from[:len(from)-1]
		if d.visited[at] == d.closures {
			continue
		}
		d.visited[at] = d.closures
		switch i := d.prog.Inst[at]; i.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			from = append(from, i.Out, i.Arg)
		case syntax.InstCapture, syntax.InstNop:
			from = append(from, i.Out)
		case syntax.InstEmptyWidth:
			if begins := syntax.EmptyBeginText | syntax.EmptyBeginLine; start && syntax.EmptyOp(i.Arg)&^begins == 0 {
				from = append(from, i.Out)
			}
		case syntax.InstFail:
		default:
			out = append(out, at)
		}
	}
	d.from, d.made = from, out
	slices.Sort(out)
	return out
}

// after is where a character leads.
func (d *determinizer) after(states []uint32, r rune) []uint32 {
	out := d.from[:0]
	for _, s := range states {
		if i := &d.prog.Inst[s]; i.Op != syntax.InstMatch && i.MatchRune(r) {
			out = append(out, i.Out)
		}
	}
	return out
}

// representatives are a character of each class that the states tell apart.
func (d *determinizer) representatives(states []uint32) []rune {
	d.classes = append(d.classes[:0], 0)
	for _, s := range states {
		i := &d.prog.Inst[s]
		switch i.Op {
		case syntax.InstRune1, syntax.InstRune:
			ranges := i.Rune
			if len(ranges) == 1 {
				ranges = []rune{ranges[0], ranges[0]}
			}
			for k := 0; k+1 < len(ranges); k += 2 {
				d.classes = append(d.classes, ranges[k], ranges[k+1]+1)
			}
		case syntax.InstRuneAnyNotNL:
			d.classes = append(d.classes, '\n', '\n'+1)
		}
	}
	slices.Sort(d.classes)
	return slices.Compact(d.classes)
}
