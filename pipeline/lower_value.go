package pipeline

import (
	"fmt"
	"strings"

	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// item lowers a detection item: its values linked with OR or AND, over all of
// its fields linked with OR, then negated when neq says so.
func (r *run) item(it *item) ir.Expr {
	fields := it.lookedAt()
	present, absent := it.values, []sigma.Value(nil)
	if len(fields) > 1 && !it.all {
		present, absent = splitAbsent(it.values)
	}
	var ways []ir.Expr
	for _, f := range fields {
		if len(present) > 0 {
			ways = append(ways, r.values(it, f, present))
		}
	}
	if len(absent) > 0 {
		// A field with several names is absent when all of them are.
		var none []ir.Expr
		for _, f := range fields {
			none = append(none, r.values(it, f, absent))
		}
		ways = append(ways, ir.All(none...))
	}
	e := ir.Any(ways...)
	if it.negate {
		return &ir.Not{X: e}
	}
	return e
}

func splitAbsent(values []sigma.Value) (present, absent []sigma.Value) {
	for _, v := range values {
		exists, presence := v.(sigma.Exists)
		if _, null := v.(sigma.Null); null || presence && !bool(exists) {
			absent = append(absent, v)
		} else {
			present = append(present, v)
		}
	}
	return present, absent
}

func (r *run) values(it *item, field string, values []sigma.Value) ir.Expr {
	x := make([]ir.Expr, len(values))
	for i, v := range values {
		x[i] = r.value(it, field, v)
	}
	if it.all {
		return ir.All(x...)
	}
	return ir.Any(x...)
}

func (r *run) value(it *item, field string, v sigma.Value) ir.Expr {
	m := &ir.Match{Field: field, Pos: it.pos, File: it.file}
	for _, name := range sigma.PlaceholdersOf(v) {
		r.about(it, "placeholder", fmt.Sprintf("placeholder %%%s%% has no value", name),
			"give its values with --placeholders FILE or in a pipeline, or remove the modifier expand to match the text as it is written")
	}
	switch v := v.(type) {
	case sigma.String:
		m.Op, m.Pattern, m.Cased = ir.Like, v.Pattern, v.Cased
	case sigma.Number:
		if field == "" {
			// A keyword is looked for inside the event's values.
			m.Op, m.Pattern = ir.Like, sigma.Text(v.Text)
			break
		}
		m.Op, m.Text = ir.Number, v.Text
	case sigma.Bool:
		m.Op, m.Text = ir.Bool, fmt.Sprint(bool(v))
	case sigma.Null:
		m.Op = ir.Null
	case sigma.Exists:
		m.Op = ir.Exists
		if !v {
			return &ir.Not{X: m}
		}
	case sigma.Regexp:
		m.Op, m.Text = ir.Regexp, regexpText(v)
	case sigma.CIDR:
		m.Op, m.Text = ir.CIDR, string(v)
	case sigma.Compare:
		m.Op, m.Text = compareOp(v.Op), v.Number
	case sigma.FieldRef:
		m.Op, m.Text, m.Cased = ir.FieldRef, v.Field, v.Cased
		switch {
		case v.StartsWith && v.EndsWith:
			m.Affix = ir.Anywhere
		case v.StartsWith:
			m.Affix = ir.Prefix
		case v.EndsWith:
			m.Affix = ir.Suffix
		}
	case sigma.TimePart:
		m.Op, m.Part, m.Text, m.Compare = ir.TimePart, v.Part, v.Number, compareOp(v.Op)
	case sigma.Expression:
		m.Op, m.Parts = ir.Raw, v.Parts
	case sigma.Alternatives:
		x := make([]ir.Expr, len(v))
		for i, a := range v {
			x[i] = r.value(it, field, a)
		}
		return ir.Any(x...)
	default:
		r.about(it, "value", fmt.Sprintf("a value of kind %T is not supported", v), "")
	}
	return m
}

// compareOp reads lt, lte, gt, gte; anything else is equality.
func compareOp(op string) ir.Op {
	switch op {
	case "lt":
		return ir.Less
	case "lte":
		return ir.LessEqual
	case "gt":
		return ir.Greater
	case "gte":
		return ir.GreaterEqual
	}
	return ir.Number
}

func regexpText(v sigma.Regexp) string {
	var flags strings.Builder
	if v.IgnoreCase {
		flags.WriteByte('i')
	}
	if v.Multiline {
		flags.WriteByte('m')
	}
	if v.DotAll {
		flags.WriteByte('s')
	}
	if flags.Len() == 0 {
		return v.Source
	}
	return "(?" + flags.String() + ")" + v.Source
}
