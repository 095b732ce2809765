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
	d := &determinizer{prog: prog, seen: map[string]bool{}}
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
}

func (d *determinizer) add(states []uint32) {
	key := make([]byte, 0, 4*len(states))
	for _, s := range states {
		key = binary.LittleEndian.AppendUint32(key, s)
	}
	if len(states) == 0 || d.seen[string(key)] {
		return
	}
	d.seen[string(key)] = true
	d.effort += len(states)
	d.todo = append(d.todo, states)
}

// closure follows what takes no character, and keeps what does, or matches.
func (d *determinizer) closure(from []uint32, start bool) []uint32 {
	var out []uint32
	visited := map[uint32]bool{}
	for len(from) > 0 {
		at := from[len(from)-1]
		from = from[:len(from)-1]
		if visited[at] {
			continue
		}
		visited[at] = true
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
	slices.Sort(out)
	return out
}

// after is where a character leads.
func (d *determinizer) after(states []uint32, r rune) []uint32 {
	var out []uint32
	for _, s := range states {
		if i := &d.prog.Inst[s]; i.Op != syntax.InstMatch && i.MatchRune(r) {
			out = append(out, i.Out)
		}
	}
	return out
}

// representatives are a character of each class that the states tell apart.
func (d *determinizer) representatives(states []uint32) []rune {
	out := []rune{0}
	for _, s := range states {
		i := &d.prog.Inst[s]
		switch i.Op {
		case syntax.InstRune1, syntax.InstRune:
			ranges := i.Rune
			if len(ranges) == 1 {
				ranges = []rune{ranges[0], ranges[0]}
			}
			for k := 0; k+1 < len(ranges); k += 2 {
				out = append(out, ranges[k], ranges[k+1]+1)
			}
		case syntax.InstRuneAnyNotNL:
			out = append(out, '\n', '\n'+1)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
