package sigma

import "strings"

// Value is what a field is compared with, after modifiers: String, Number,
// Bool, Null, Regexp, CIDR, Compare, Exists, FieldRef, TimePart,
// Expression or Alternatives.
type Value interface{ value() }

// String is text with wildcards, matched against the whole value of a field.
type String struct {
	Pattern Pattern
	// Cased makes the match case-sensitive (modifier cased).
	Cased bool
}

// Number is a decimal number as text, as it was written: "19", "-1", "0.50".
type Number struct{ Text string }

// Bool is true or false; it equals the texts "true" and "false" in any case.
type Bool bool

// Null matches a field that is absent or null.
type Null struct{}

// Regexp is a regular expression in RE2 syntax, searched for anywhere in the
// value, case-sensitive unless a flag says otherwise.
type Regexp struct {
	Source string
	// Flags in the order i, m, s (modifiers of the same names).
	IgnoreCase, Multiline, DotAll bool
	// Expand tells that %name% in Source is a placeholder (modifier expand).
	Expand bool
}

// CIDR is an IPv4 or IPv6 network: "10.0.0.0/8".
type CIDR string

// Compare is a numeric comparison; Op is one of lt, lte, gt, gte.
type Compare struct {
	Op     string
	Number string
}

// Exists tests for the presence of the field alone; null and "" are present.
type Exists bool

// FieldRef compares with the value of another field of the same event.
type FieldRef struct {
	Field string
	// StartsWith, EndsWith both set mean contains.
	StartsWith, EndsWith bool
	Cased                bool
}

// TimePart compares a part of the time in a field; Part is minute, hour, day,
// week, month or year; Value is compared for equality, or with Op when set.
type TimePart struct {
	Part   string
	Op     string
	Number string
}

// Expression is a text in the query language of a target, which a pipeline put
// in the place of a placeholder. The field's name, as the target writes it,
// stands between the parts.
type Expression struct{ Parts []string }

// Alternatives are the forms that a modifier made of one value (base64offset,
// windash), linked with OR whatever links the values.
type Alternatives []Value

func (String) value()       {}
func (Number) value()       {}
func (Bool) value()         {}
func (Null) value()         {}
func (Regexp) value()       {}
func (CIDR) value()         {}
func (Compare) value()      {}
func (Exists) value()       {}
func (FieldRef) value()     {}
func (TimePart) value()     {}
func (Expression) value()   {}
func (Alternatives) value() {}

// TokenKind tells what a Token stands for.
type TokenKind uint8

// The kinds of token: text as it is; any characters, also none; exactly one
// character; a placeholder that a pipeline must replace (modifier expand).
const (
	Literal TokenKind = iota
	AnyChars
	OneChar
	Placeholder
)

// Token is a piece of a Pattern. Text is set for Literal and Placeholder.
type Token struct {
	Kind TokenKind
	Text string
}

// Pattern is a string with wildcards, parsed: two literals never stand next
// to each other, no literal is empty, two AnyChars never stand next to each
// other. The empty string is an empty Pattern.
type Pattern []Token

// ParsePattern reads Sigma's wildcard syntax (specification 2.1.0, "Escaping"):
// a backslash is plain unless it stands before a wildcard or another backslash.
func ParsePattern(s string) Pattern {
	var p Pattern
	var lit strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\\':
			if i+1 < len(s) && (s[i+1] == '\\' || s[i+1] == '*' || s[i+1] == '?') {
				i++
			}
			lit.WriteByte(s[i])
		case '*', '?':
			p = p.addLiteral(lit.String())
			lit.Reset()
			if c == '*' {
				p = p.add(Token{Kind: AnyChars})
			} else {
				p = p.add(Token{Kind: OneChar})
			}
		default:
			lit.WriteByte(c)
		}
	}
	return p.addLiteral(lit.String())
}

// Text returns the pattern of a plain text without wildcards.
func Text(s string) Pattern { return Pattern(nil).addLiteral(s) }

func (p Pattern) addLiteral(s string) Pattern {
	if s == "" {
		return p
	}
	return p.add(Token{Kind: Literal, Text: s})
}

// add appends a token and keeps the invariants of Pattern.
func (p Pattern) add(t Token) Pattern {
	if n := len(p); n > 0 {
		last := p[n-1]
		switch {
		case t.Kind == AnyChars && last.Kind == AnyChars:
			return p
		case t.Kind == Literal && last.Kind == Literal:
			q := append(Pattern(nil), p...)
			q[n-1].Text = last.Text + t.Text
			return q
		}
	}
	return append(p[:len(p):len(p)], t)
}

// Append returns the pattern followed by another.
func (p Pattern) Append(q ...Token) Pattern {
	for _, t := range q {
		p = p.add(t)
	}
	return p
}

// IsPlain tells whether the pattern has no wildcard and no placeholder.
func (p Pattern) IsPlain() bool {
	return len(p) == 0 || len(p) == 1 && p[0].Kind == Literal
}

// Plain returns the text of a pattern without wildcards.
func (p Pattern) Plain() (string, bool) {
	if len(p) == 0 {
		return "", true
	}
	if p.IsPlain() {
		return p[0].Text, true
	}
	return "", false
}

// Contains is `*p*`; a wildcard that already stands there is not doubled.
func (p Pattern) Contains() Pattern { return p.EndsWith().StartsWith() }

// StartsWith is `p*`.
func (p Pattern) StartsWith() Pattern { return p.Append(Token{Kind: AnyChars}) }

// EndsWith is `*p`.
func (p Pattern) EndsWith() Pattern { return Pattern{{Kind: AnyChars}}.Append(p...) }

// Placeholders returns the names of the placeholders in the pattern.
func (p Pattern) Placeholders() []string {
	var names []string
	for _, t := range p {
		if t.Kind == Placeholder {
			names = append(names, t.Text)
		}
	}
	return names
}

// String writes the pattern in Sigma's syntax, so that ParsePattern reads the
// same pattern again. A backslash is doubled only where a reader would take it
// for an escape. Placeholders are written %name%.
func (p Pattern) String() string {
	var b strings.Builder
	for i, t := range p {
		switch t.Kind {
		case AnyChars:
			b.WriteByte('*')
		case OneChar:
			b.WriteByte('?')
		case Placeholder:
			b.WriteString("%" + t.Text + "%")
		case Literal:
			wildcardFollows := i+1 < len(p) && p[i+1].Kind != Placeholder
			b.WriteString(escapeLiteral(t.Text, wildcardFollows))
		}
	}
	return b.String()
}

func escapeLiteral(s string, wildcardFollows bool) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '*' || c == '?':
			b.WriteByte('\\')
		case c == '\\':
			last := i+1 == len(s)
			if last && wildcardFollows || !last && (s[i+1] == '\\' || s[i+1] == '*' || s[i+1] == '?') {
				b.WriteByte('\\')
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}
