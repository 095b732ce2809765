package pipeline

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

var stateParameters = []Parameter{
	{"key", "the name in the state"}, {"val", "the value to compare with"},
	{"op", "eq (default; for a list: one of it), ne, gte, gt, lte, lt, of numbers where both are, else of texts"},
}

// readState reads a condition on the state. A key that was never set makes it
// false, whatever the op.
func readState(d dict) func(*draft) bool {
	key, want := d.need("key"), d.need("val")
	op := d.operator(false)
	return func(d *draft) bool {
		switch v := d.state[key].(type) {
		case string:
			n, ok := compareNumbers(v, want)
			if !ok {
				n = strings.Compare(v, want)
			}
			return relation(op, n)
		case []string:
			return op == "eq" && slices.Contains(v, want) || op == "ne" && !slices.Contains(v, want)
		}
		return false
	}
}

// compareNumbers is negative, 0 or positive; false when one is no number.
func compareNumbers(a, b string) (int, bool) {
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return cmp.Compare(x, y), err1 == nil && err2 == nil
}

// relation tells whether the outcome of a comparison is what op asks for.
func relation(op string, n int) bool {
	switch op {
	case "eq":
		return n == 0
	case "ne":
		return n != 0
	case "gte":
		return n >= 0
	case "gt":
		return n > 0
	case "lte":
		return n <= 0
	}
	return n < 0
}
