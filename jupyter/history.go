package jupyter

import (
	"encoding/json"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The bounds of what is kept of the cells that were run.
const (
	maxHistory      = 10_000
	maxHistoryBytes = 16 << 20
)

// history is the cells that were run since the kernel started.
type history struct {
	// count is the number of the last cell; list holds the last ones.
	count int
	list  []string
	bytes int
}

func (h *history) add(code string) {
	h.count++
	h.list = append(h.list, code)
	h.bytes += len(code)
	for len(h.list) > maxHistory || h.bytes > maxHistoryBytes && len(h.list) > 1 {
		h.bytes -= len(h.list[0])
		h.list = h.list[1:]
	}
}

// find returns the cells asked for as session, number and source, in their order. The
// kernel knows one session, its own.
func (h *history) find(r HistoryRequest) [][3]json.RawMessage {
	first := h.count - len(h.list) + 1
	var numbers []int
	for i, code := range h.list {
		n := first + i
		switch r.HistAccessType {
		case "range":
			if (r.Session == 0 || r.Session == 1) && n >= r.Start && (n < r.Stop || r.Stop == 0) {
				numbers = append(numbers, n)
			}
		case "search":
			if matches(r.Pattern, code) {
				numbers = append(numbers, n)
			}
		case "tail":
			numbers = append(numbers, n)
		}
	}
	if r.Unique {
		// The last of equal cells stays.
		seen := map[string]bool{}
		slices.Reverse(numbers)
		numbers = slices.DeleteFunc(numbers, func(n int) bool {
			code := h.list[n-first]
			known := seen[code]
			seen[code] = true
			return known
		})
		slices.Reverse(numbers)
	}
	if r.HistAccessType != "range" && r.N > 0 && len(numbers) > r.N {
		numbers = numbers[len(numbers)-r.N:]
	}
	out := [][3]json.RawMessage{}
	for _, n := range numbers {
		var source any = h.list[n-first]
		if r.Output {
			source = []any{source, nil}
		}
		// Strings always marshal.
		text, _ := json.Marshal(source)
		out = append(out, [3]json.RawMessage{json.RawMessage("1"), json.RawMessage(strconv.Itoa(n)), text})
	}
	return out
}

// matches tells whether a whole cell is like a pattern of "*", "?" and "[…]".
func matches(pattern, code string) bool {
	// path.Match has the same signs, but none of them stands for "/", and a backslash escapes.
	plain := strings.NewReplacer("/", "\x00", `\`, "\x01")
	ok, err := path.Match(plain.Replace(pattern), plain.Replace(code))
	return ok && err == nil
}
