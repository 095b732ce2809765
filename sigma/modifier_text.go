package sigma

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

var modContains = Modifier{
	Name:    "contains",
	Prose:   "The value is found anywhere in the field.",
	Example: "CommandLine|contains: ' -enc '",
	value: func(o operand) (Value, error) {
		if ref, ok := o.Value.(FieldRef); ok {
			ref.StartsWith, ref.EndsWith = true, true
			return ref, nil
		}
		return patterned(o, Pattern.Contains)
	},
}

var modStartsWith = Modifier{
	Name:    "startswith",
	Prose:   "The field begins with the value.",
	Example: "Image|startswith: 'C:\\Users\\'",
	value: func(o operand) (Value, error) {
		if ref, ok := o.Value.(FieldRef); ok {
			ref.StartsWith = true
			return ref, nil
		}
		return patterned(o, Pattern.StartsWith)
	},
}

var modEndsWith = Modifier{
	Name:    "endswith",
	Prose:   "The field ends with the value.",
	Example: "Image|endswith: '\\powershell.exe'",
	value: func(o operand) (Value, error) {
		if ref, ok := o.Value.(FieldRef); ok {
			ref.EndsWith = true
			return ref, nil
		}
		return patterned(o, Pattern.EndsWith)
	},
}

func patterned(o operand, f func(Pattern) Pattern) (Value, error) {
	s, err := stringOf(o.Value)
	if err != nil {
		return nil, err
	}
	s.Pattern = f(s.Pattern)
	return s, nil
}

var modCased = Modifier{
	Name:    "cased",
	Prose:   "Upper and lower case are told apart.",
	Example: "CommandLine|cased|contains: 'iEX'",
	value: func(o operand) (Value, error) {
		if ref, ok := o.Value.(FieldRef); ok {
			ref.Cased = true
			return ref, nil
		}
		s, err := stringOf(o.Value)
		if err != nil {
			return nil, err
		}
		s.Cased = true
		return s, nil
	},
}

var modWindash = Modifier{
	Name:    "windash",
	Prose:   "A dash or slash that begins a command line flag stands for each of - / – — ―.",
	Example: "CommandLine|windash|contains: ' -f '",
	value: func(o operand) (Value, error) {
		s, err := stringOf(o.Value)
		if err != nil {
			return nil, err
		}
		forms := []Pattern{nil}
		for _, t := range s.Pattern {
			pieces := []string{t.Text}
			if t.Kind == Literal {
				if pieces = splitFlags(t.Text); len(pieces) > 2*maxFlags {
					return nil, errTooManyFlags
				}
			}
			for i, piece := range pieces {
				forms = extend(forms, t.Kind, piece, i%2 == 1)
			}
			if len(forms) > maxValues {
				return nil, errTooManyFlags
			}
		}
		if len(forms) == 1 {
			return s, nil
		}
		out := make(Alternatives, len(forms))
		for i, f := range forms {
			out[i] = String{Pattern: f, Cased: s.Cased}
		}
		return out, nil
	},
}

var dashes = []string{"-", "/", "–", "—", "―"}

// maxFlags bounds the flags of one value: each multiplies its forms by five.
const maxFlags = 6

var errTooManyFlags = errors.New("a value may hold six flags; use several values")

// extend appends a piece to every form; a flag's dash makes five of each, the
// one that was written first.
func extend(forms []Pattern, kind TokenKind, piece string, flag bool) []Pattern {
	choices := []string{piece}
	if flag {
		for _, d := range dashes {
			if d != piece {
				choices = append(choices, d)
			}
		}
	}
	if kind == Literal && piece == "" {
		return forms
	}
	out := make([]Pattern, 0, len(forms)*len(choices))
	for _, f := range forms {
		for _, c := range choices {
			out = append(out, f.Append(Token{Kind: kind, Text: c}))
		}
	}
	return out
}

// splitFlags cuts a text so that every second piece is a dash that begins a
// flag: not after a word character, and before one.
func splitFlags(s string) []string {
	var out []string
	start := 0
	for i, r := range s {
		if !isDash(r) {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(s[:i])
		width := utf8.RuneLen(r)
		after, _ := utf8.DecodeRuneInString(s[i+width:])
		if i > 0 && isWord(before) || !isWord(after) {
			continue
		}
		out = append(out, s[start:i], s[i:i+width])
		start = i + width
	}
	return append(out, s[start:])
}

func isDash(r rune) bool {
	return r == '-' || r == '/' || r == '–' || r == '—' || r == '―'
}

func isWord(r rune) bool {
	return r != utf8.RuneError && (r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r))
}

var modExpand = Modifier{
	Name:    "expand",
	Prose:   `%name% is a placeholder that a pipeline or a placeholder file replaces; \% is a plain percent sign, \\%name% a backslash before a placeholder.`,
	Example: "User|expand: '%Administrators%'",
	value: func(o operand) (Value, error) {
		if re, ok := o.Value.(Regexp); ok {
			re.Expand = true
			return re, nil
		}
		s, err := stringOf(o.Value)
		if err != nil {
			return nil, err
		}
		// A modifier before this one has left all percent signs in their order,
		// or has encoded them all.
		signs := percentSigns(o.at.Value)
		var out Pattern
		for _, t := range s.Pattern {
			if t.Kind != Literal {
				out = out.Append(t)
				continue
			}
			var pieces []Token
			pieces, signs = cutPlaceholders(t.Text, signs, "%")
			out = out.Append(pieces...)
		}
		s.Pattern = out
		return s, nil
	},
}

// percentSigns tells of each percent sign of a value, as it is written, whether a
// backslash takes its meaning away.
func percentSigns(written string) []bool {
	var plain []bool
	for i := 0; i < len(written); i++ {
		switch written[i] {
		case '%':
			plain = append(plain, false)
		case '\\':
			if i++; i < len(written) && written[i] == '%' {
				plain = append(plain, true)
			}
		}
	}
	return plain
}

// cutPlaceholders cuts a text at its placeholders. Plain tells of its percent signs,
// and of those behind it, which it returns, whether they are plain ones; such a one
// becomes sign, together with the backslash before it. A name has no spaces.
func cutPlaceholders(text string, plain []bool, sign string) ([]Token, []bool) {
	isPlain := func(n int) bool { return n < len(plain) && plain[n] }
	var out []Token
	literal := func(s string) {
		if s != "" {
			out = append(out, Token{Literal, s})
		}
	}
	n := 0 // percent signs so far
	for {
		before, rest, found := strings.Cut(text, "%")
		if !found {
			literal(text)
			return out, plain[min(n, len(plain)):]
		}
		name, behind, closed := strings.Cut(rest, "%")
		switch {
		case isPlain(n):
			literal(strings.TrimSuffix(before, "\\") + sign)
			n, text = n+1, rest
		case closed && !isPlain(n+1) && name != "" && !strings.ContainsFunc(name, unicode.IsSpace):
			literal(before)
			out = append(out, Token{Placeholder, name})
			n, text = n+2, behind
		default:
			literal(before + "%")
			n, text = n+1, rest
		}
	}
}

// regexpPlaceholders cuts an expression at its placeholders; what stands between
// them is left as it is.
func regexpPlaceholders(source string) Pattern {
	tokens, _ := cutPlaceholders(source, percentSigns(source), `\%`)
	return tokens
}

func validText(s string) bool { return utf8.ValidString(s) }
