package elastic

import (
	"slices"
	"strings"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
)

// QueryString writes the language of the query_string query and of search bars with
// Lucene syntax. NOT always has parentheses around what it negates, and AND beside
// OR has too, since the language has no precedence: "NOT a OR b" is read otherwise
// than a person reads it. Every value is escaped so that it can't change the
// query's structure.
type QueryString struct {
	*Fields
	// Bare writes whole values without quotes, as sigmac did. Otherwise only
	// single words stand bare: where a field turns out to be analysed, a bare
	// value with several words would mean one of them.
	Bare bool
	// Whole puts parentheses around a query that is not a single comparison.
	Whole bool
}

// QueryStringLimits are what no query string can say, or says otherwise.
func QueryStringLimits() []string {
	return []string{
		"A comparison of two fields of an event (fieldref) and parts of a time (minute, hour, day …) can't be expressed.",
		"Regular expressions with word boundaries, or with anchors inside of the text, can't be expressed.",
		"Without a mapping (--mapping) fields are taken for keyword fields, whose values are compared as a whole and with their case; ci_whitelist ignores it. With one, each comparison ignores case where the rule does.",
		"A field that the index keeps as words alone is asked for the words, in any order; a warning names it.",
		"Presence (exists) and absence can't be told from null.",
		"Networks (cidr) need a field of type ip, or a mapping.",
		"Values without field are looked for in text; a number in a numeric field is not found by a part of it.",
		`A "." inside of a regular expression matches a newline too.`,
	}
}

type searchBody struct {
	Query searchString `json:"query"`
}

type searchString struct {
	QueryString struct {
		Query string `json:"query"`
	} `json:"query_string"`
}

// SearchBody is a query string as the body of a search request.
func SearchBody(query string) any {
	var b searchBody
	b.Query.QueryString.Query = query
	return b
}

// Query writes one condition.
func (q *QueryString) Query(l *pipeline.Lowered, e ir.Expr) (string, error) {
	d := dialect
	d.Whole = q.Whole
	text, err := d.Print(e, q)
	if err != nil || len(l.Search) == 0 {
		return text, err
	}
	parts := append(slices.Clone(l.Search), text)
	return "((" + strings.Join(parts, ") AND (") + "))", nil
}

// Group writes comparisons of one field. Values that an OR links share a list.
func (q *QueryString) Group(matches []*ir.Match, all bool) ([]backend.Piece, error) {
	asks, err := q.Asks(matches, all)
	if err != nil {
		return nil, err
	}
	return q.pieces(asks, all), nil
}

var dialect = backend.Dialect{
	And: " AND ", Or: " OR ", Not: "NOT ",
	Open: "(", Close: ")",
	True: "*:*", False: "(NOT *:*)",
}

// list is values of one field.
type list struct {
	field  string
	values []string
	// at is the place of its piece.
	at int
}

// pieces writes questions that AND (all) or OR links. Values of which one must
// match share a list, at the place of the first, and so do values that are looked
// for in every field.
func (q *QueryString) pieces(asks []Ask, all bool) []backend.Piece {
	token := dialect.Or
	if all {
		token = dialect.And
	}
	var pieces []backend.Piece
	var lists []*list
	for _, a := range flatten(asks, all) {
		text, ok := q.value(a)
		if !ok {
			pieces = append(pieces, q.piece(a))
			continue
		}
		at := slices.IndexFunc(lists, func(l *list) bool { return l.field == a.Field })
		if at >= 0 && (!all || isEvery(a.Field)) {
			lists[at].values = append(lists[at].values, text)
			continue
		}
		lists = append(lists, &list{a.Field, []string{text}, len(pieces)})
		pieces = append(pieces, backend.Piece{})
	}
	for _, l := range lists {
		text := strings.Join(l.values, token)
		if len(l.values) > 1 {
			text = dialect.Open + text + dialect.Close
		}
		pieces[l.at] = backend.Piece{Text: FieldName(l.field) + ":" + text, Closed: isEvery(l.field)}
		if l.field == "" {
			pieces[l.at].Text = text
		}
	}
	return pieces
}

// isEvery tells whether a name stands for every field.
func isEvery(field string) bool { return field == "" || strings.HasPrefix(field, "*") }

// flatten takes apart what is linked by the operator that links the questions, and
// leaves out what beside others can't match.
func flatten(asks []Ask, all bool) []Ask {
	var out []Ask
	for _, a := range asks {
		if a.Op == Any && !all || a.Op == All && all {
			out = append(out, flatten(a.Of, all)...)
			continue
		}
		if a.Op != Never || all || len(asks) == 1 {
			out = append(out, a)
		}
	}
	if len(out) == 0 && len(asks) > 0 {
		out = []Ask{{Op: Never}}
	}
	return out
}

// value writes what may stand in a list of values.
func (q *QueryString) value(a Ask) (string, bool) {
	switch {
	case a.Op != Value && a.Op != Wild:
		return "", false
	case a.Fold:
		re := backend.LucenePattern(a.Pattern)
		if strings.HasSuffix(re, `\\`) {
			// The reader takes a backslash before the closing slash for an escape.
			re = dialect.Open + re + dialect.Close
		}
		return "/" + re + "/", true
	case a.Op == Wild:
		return bare.Write(a.Pattern), true
	}
	s, _ := a.Pattern.Plain()
	switch {
	case q.Bare && a.Whole && s != "" && s[0] != '<' && s[0] != '>' && !slices.Contains(reserved, s):
		return bare.Text(s), true
	case q.Bare:
		return quoted.Text(s), true
	case isBareWord(s):
		return s, true
	}
	return phrase.Text(s), true
}

// isBareWord tells whether a text needs no quotes wherever it stands.
func isBareWord(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_' && i > 0) {
			return false
		}
	}
	return s != "" && !slices.Contains(reserved, s)
}

var comparison = map[ir.Op]string{ir.Less: "<", ir.LessEqual: "<=", ir.Greater: ">", ir.GreaterEqual: ">="}

// piece writes what stands alone.
func (q *QueryString) piece(a Ask) backend.Piece {
	name := FieldName(a.Field) + ":"
	if a.Field == "" {
		name = ""
	}
	switch a.Op {
	case Regexp:
		return backend.Piece{Text: name + "/" + a.Text + "/", Closed: isEvery(a.Field)}
	case OneOf:
		re := a.regexp(backend.LucenePattern)
		return backend.Piece{Text: name + "/" + re + "/", Closed: isEvery(a.Field)}
	case Range:
		return backend.Piece{Text: name + comparison[a.Compare] + a.Text}
	case Network:
		if q.Bare {
			return backend.Piece{Text: name + quoted.Text(a.Text)}
		}
		return backend.Piece{Text: name + phrase.Text(a.Text)}
	case Exists:
		return backend.Piece{Text: "_exists_:" + FieldName(a.Field)}
	case Raw:
		return backend.Piece{Text: "(" + a.Text + ")", Closed: true}
	case All, Any:
		return backend.Piece{Text: dialect.Open + q.join(a.Of, a.Op == All) + dialect.Close, Closed: true}
	case Not:
		inner := q.piece(a.Of[0])
		if a.Of[0].Op != Exists {
			inner.Text = dialect.Open + inner.Text + dialect.Close
		}
		return backend.Piece{Text: dialect.Not + inner.Text, Negative: true}
	}
	return backend.Piece{Text: dialect.False, Closed: true}
}

func (q *QueryString) join(asks []Ask, all bool) string {
	token := dialect.Or
	if all {
		token = dialect.And
	}
	var texts []string
	for _, p := range q.pieces(asks, all) {
		if p.Negative && !all {
			p.Text = dialect.Open + p.Text + dialect.Close
		}
		texts = append(texts, p.Text)
	}
	return strings.Join(texts, token)
}
