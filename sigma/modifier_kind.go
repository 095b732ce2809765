package sigma

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp/syntax"
	"strconv"
	"strings"
)

var modAll = Modifier{
	Name:    "all",
	Prose:   "All values of the list must match, instead of one of them.",
	Example: "CommandLine|contains|all: ['-enc', 'bypass']",
	item: func(item *Item, ops []operand) ([]operand, error) {
		item.All = true
		if len(ops) < 2 {
			return ops, warning{"single-value-all", "there is one value only; without all the rule means the same"}
		}
		return ops, nil
	},
}

var modNeq = Modifier{
	Name:    "neq",
	Prose:   "The field differs from the value, or from all values of the list.",
	Example: "IntegrityLevel|neq: System",
	item: func(item *Item, ops []operand) ([]operand, error) {
		item.Negated = true
		return ops, nil
	},
}

var modExists = Modifier{
	Name:    "exists",
	Prose:   "The field is there (true) or not (false), whatever its value.",
	Example: "ParentImage|exists: false",
	value: func(o operand) (Value, error) {
		if b, ok := o.Value.(Bool); ok {
			return Exists(b), nil
		}
		return nil, errors.New("takes true or false")
	},
}

var modRe = Modifier{
	Name:    "re",
	Prose:   "The value is a regular expression (RE2 syntax), searched for anywhere in the field, upper and lower case told apart.",
	Example: "CommandLine|re: '\\s-e(nc)?\\s'",
	value: func(o operand) (Value, error) {
		source := o.written
		switch v := o.Value.(type) {
		case String:
			if len(v.Pattern.Placeholders()) > 0 {
				return nil, errors.New("stands before expand, so that the values of the placeholder are parts of the expression")
			}
			if source == "" {
				source = v.Pattern.String()
			}
		case Number, Bool:
		default:
			return nil, fmt.Errorf("takes text, not %s", valueName(o.Value))
		}
		return checkRegexp(Regexp{Source: source})
	},
}

func checkRegexp(re Regexp) (Value, error) {
	if _, err := syntax.Parse(re.Expr(), syntax.Perl); err != nil {
		var e *syntax.Error
		if errors.As(err, &e) {
			switch {
			case e.Code == syntax.ErrInvalidPerlOp && strings.HasPrefix(e.Expr, "(?"),
				e.Code == syntax.ErrInvalidNamedCapture && (strings.HasPrefix(e.Expr, "(?<!") || strings.HasPrefix(e.Expr, "(?<=")):
				return nil, fmt.Errorf("%q is not part of RE2, which has no look-around and no back-references", e.Expr)
			case e.Code == syntax.ErrInvalidEscape && len(e.Expr) == 2 && e.Expr[1] >= '1' && e.Expr[1] <= '9':
				return nil, fmt.Errorf("%q is not part of RE2, which has no look-around and no back-references", e.Expr)
			}
			return nil, fmt.Errorf("the expression can't be read: %s: %q", e.Code, e.Expr)
		}
		return nil, err
	}
	return re, nil
}

// Expr is the expression with its flags inside: "(?i)abc".
func (r Regexp) Expr() string {
	flags := ""
	if r.IgnoreCase {
		flags += "i"
	}
	if r.Multiline {
		flags += "m"
	}
	if r.DotAll {
		flags += "s"
	}
	if flags == "" {
		return r.Source
	}
	return "(?" + flags + ")" + r.Source
}

var (
	modReI = flagModifier("i", "After re: upper and lower case are the same.", func(r *Regexp) { r.IgnoreCase = true })
	modReM = flagModifier("m", "After re: ^ and $ match at every line.", func(r *Regexp) { r.Multiline = true })
	modReS = flagModifier("s", "After re: the dot matches a newline too.", func(r *Regexp) { r.DotAll = true })
)

func flagModifier(name, prose string, set func(*Regexp)) Modifier {
	return Modifier{
		Name:    name,
		Prose:   prose,
		Example: "CommandLine|re|" + name + ": 'invoke-.*'",
		value: func(o operand) (Value, error) {
			re, ok := o.Value.(Regexp)
			if !ok {
				return nil, errors.New("stands behind re only")
			}
			set(&re)
			return checkRegexp(re)
		},
	}
}

var (
	modLt  = compareModifier("lt", "The field is less than the number.")
	modLte = compareModifier("lte", "The field is less than the number or equal.")
	modGt  = compareModifier("gt", "The field is greater than the number.")
	modGte = compareModifier("gte", "The field is greater than the number or equal.")
)

func compareModifier(name, prose string) Modifier {
	return Modifier{
		Name:    name,
		Prose:   prose,
		Example: "DestinationPort|" + name + ": 1024",
		value: func(o operand) (Value, error) {
			if part, ok := o.Value.(TimePart); ok {
				part.Op = name
				return part, nil
			}
			number, err := numberOf(o.Value)
			if err != nil {
				return nil, err
			}
			return Compare{Op: name, Number: number}, nil
		},
	}
}

func numberOf(v Value) (string, error) {
	switch v := v.(type) {
	case Number:
		return v.Text, nil
	case String:
		if text, ok := v.Pattern.Plain(); ok {
			if f, err := strconv.ParseFloat(text, 64); err == nil && f == f && f-f == 0 {
				return text, nil
			}
		}
		return "", errors.New("takes a number, this is text")
	}
	return "", fmt.Errorf("takes a number, not %s", valueName(v))
}

var (
	modMinute = timeModifier("minute", "The minute of the time in the field, 0 to 59.")
	modHour   = timeModifier("hour", "The hour of the time in the field, 0 to 23.")
	modDay    = timeModifier("day", "The day of the month, 1 to 31.")
	modWeek   = timeModifier("week", "The week of the year (ISO 8601), 1 to 53.")
	modMonth  = timeModifier("month", "The month, 1 to 12.")
	modYear   = timeModifier("year", "The year.")
)

func timeModifier(name, prose string) Modifier {
	return Modifier{
		Name:    name,
		Prose:   prose,
		Example: "UtcTime|" + name + ": 3",
		value: func(o operand) (Value, error) {
			number, err := numberOf(o.Value)
			if err != nil {
				return nil, err
			}
			return TimePart{Part: name, Number: number}, nil
		},
	}
}

var modCIDR = Modifier{
	Name:    "cidr",
	Prose:   "The field is an address in the IPv4 or IPv6 network.",
	Example: "DestinationIp|cidr: 10.0.0.0/8",
	value: func(o operand) (Value, error) {
		text, err := plainOf(o.Value)
		if err != nil {
			return nil, err
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			if addr, e := netip.ParseAddr(text); e == nil {
				return CIDR(netip.PrefixFrom(addr, addr.BitLen()).String()), nil
			}
			return nil, fmt.Errorf("%q is no network; write 10.0.0.0/8 or fe80::/10", text)
		}
		return CIDR(prefix.Masked().String()), nil
	},
}

var modFieldRef = Modifier{
	Name:    "fieldref",
	Prose:   "The value names another field of the same event, whose value is compared.",
	Example: "SubjectUserName|fieldref: TargetUserName",
	value: func(o operand) (Value, error) {
		if _, null := o.Value.(Null); o.written != "" && !null {
			return FieldRef{Field: o.written}, nil
		}
		s, err := stringOf(o.Value)
		if err != nil {
			return nil, err
		}
		ref := FieldRef{Cased: s.Cased}
		p := s.Pattern
		if len(p) > 0 && p[len(p)-1].Kind == AnyChars {
			ref.StartsWith, p = true, p[:len(p)-1]
		}
		if len(p) > 0 && p[0].Kind == AnyChars {
			ref.EndsWith, p = true, p[1:]
		}
		name, ok := p.Plain()
		if !ok || name == "" {
			return nil, errors.New("takes the name of a field")
		}
		ref.Field = name
		return ref, nil
	},
}
