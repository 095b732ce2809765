package sigma

import (
	"errors"
	"regexp"
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
	Prose:   `%name% is a placeholder that a pipeline or a placeholder file replaces; \% is a literal percent sign.`,
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
		var out Pattern
		for _, t := range s.Pattern {
			if t.Kind != Literal {
				out = out.Append(t)
				continue
			}
			out = out.Append(placeholders(t.Text)...)
		}
		s.Pattern = out
		return s, nil
	},
}

var placeholderSyntax = regexp.MustCompile(`\\%|%[^%\s]+%`)

func placeholders(s string) []Token {
	var out []Token
	literal := func(text string) {
		if text != "" {
			out = append(out, Token{Literal, text})
		}
	}
	at := 0
	for _, m := range placeholderSyntax.FindAllStringIndex(s, -1) {
		literal(s[at:m[0]])
		if s[m[0]] == '\\' {
			literal("%")
		} else {
			out = append(out, Token{Placeholder, s[m[0]+1 : m[1]-1]})
		}
		at = m[1]
	}
	literal(s[at:])
	return out
}

func validText(s string) bool { return utf8.ValidString(s) }
