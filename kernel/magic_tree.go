package kernel

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
)

// Names under which events tell of a process and of the one that started it.
var (
	processFields     = []string{"Image", "NewProcessName", "process.executable", "process_path"}
	parentFields      = []string{"ParentImage", "ParentProcessName", "process.parent.executable", "process_parent_path"}
	commandFields     = []string{"CommandLine", "ProcessCommandLine", "process.command_line", "process_command_line"}
	processIDFields   = []string{"ProcessGuid", "process.entity_id", "process_guid"}
	parentGUIDFields  = []string{"ParentProcessGuid", "process.parent.entity_id", "process_parent_guid"}
	treeLines         = 100 // that a tree shows at most
	treeCommandLength = 200 // bytes of a command line
)

func treeMagic() Magic {
	return Magic{
		Name:    "tree",
		Takes:   true,
		Summary: "draws which process started which",
		Prose: "By host and parent, with command lines and how often each was seen. A process that one of the findings " +
			"started stands below it. Findings that tell of no process are left out and counted.",
		Example: "%tree",
		run:     runTree,
	}
}

// branch is a line of the tree and what is below it.
type branch struct {
	label    string
	count    int
	branches []*branch
}

// below is the branch of that label, made when it is not there yet.
func (b *branch) below(label string) *branch {
	for _, c := range b.branches {
		if c.label == label {
			return c
		}
	}
	c := &branch{label: label}
	b.branches = append(b.branches, c)
	return c
}

func runTree(_ context.Context, s *step) error {
	if len(s.in.Findings) == 0 {
		s.out.print("No findings, so there is no tree.")
		return nil
	}
	root, without := tree(s.in.Findings)
	if without > 0 {
		s.out.print(count(without, "finding") + " without a process and its parent left out.")
	}
	if len(root.branches) == 0 {
		return nil
	}
	var lines []string
	root.write("", &lines)
	text := covers(s.in) + "\n\n"
	if more := len(lines) - treeLines; more > 0 {
		lines = append(lines[:treeLines], "… and "+count(more, "line")+" more")
	}
	s.out.display(map[string]any{"text/plain": text + strings.Join(lines, "\n")}, nil)
	return nil
}

// tree puts findings into a tree of hosts, parents and processes.
func tree(findings []engine.Finding) (root *branch, without int) {
	ordered := make([]*engine.Finding, len(findings))
	for i := range findings {
		ordered[i] = &findings[i]
	}
	// A process begins before those that it starts.
	slices.SortStableFunc(ordered, func(a, b *engine.Finding) int { return a.Time.Compare(b.Time) })
	root = &branch{}
	byID := map[string]*branch{}
	for _, f := range ordered {
		process, parent := value(f, processFields), value(f, parentFields)
		if process == "" || parent == "" {
			without++
			continue
		}
		host := cmp.Or(value(f, hostFields), "(no host)")
		above := byID[host+"\x00"+value(f, parentGUIDFields)]
		if above == nil {
			above = root.below(printable(host)).below(printable(parent))
		}
		label := printable(process)
		if command := value(f, commandFields); command != "" {
			label += "  " + printable(command)
		}
		b := above.below(label)
		b.count++
		if id := value(f, processIDFields); id != "" {
			byID[host+"\x00"+id] = b
		}
	}
	return root, without
}

// value is that of the first of the fields that the finding has.
func value(f *engine.Finding, fields []string) string {
	for _, name := range fields {
		if v, ok := f.Value(name); ok && v != "" {
			return v
		}
	}
	return ""
}

func printable(s string) string {
	if len(s) > treeCommandLength {
		s = strings.ToValidUTF8(s[:treeCommandLength], "") + "…"
	}
	return diag.Printable(s)
}

// write adds a line for each branch, those of a host without a sign before it.
func (b *branch) write(indent string, lines *[]string) {
	for i, c := range b.branches {
		label := c.label
		if c.count > 1 {
			label += "  ×" + thousands(c.count)
		}
		if b.label == "" && indent == "" {
			*lines = append(*lines, label)
			c.write(" ", lines)
			continue
		}
		sign, below := "├─ ", "│  "
		if i == len(b.branches)-1 {
			sign, below = "└─ ", "   "
		}
		*lines = append(*lines, indent+sign+label)
		c.write(indent+below, lines)
	}
}
