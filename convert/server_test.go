package convert_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/huntbook/huntbook/convert"
	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/convert/targettest"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/internal/servers"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// The fields of the index: every form in which a text is kept, and other types. All
// texts of an event are the same.
const hostileIndex = `{
  "settings": {"analysis": {"normalizer": {"low": {"type": "custom", "filter": ["lowercase"]}}}},
  "mappings": {"properties": {
    "k": {"type": "keyword"},
    "low": {"type": "keyword", "normalizer": "lowercase"},
    "multi": {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 32000}}},
    "folded": {"type": "text", "fields": {"whole": {"type": "keyword", "normalizer": "low"}}},
    "wi ld": {"type": "keyword"},
    "n": {"type": "long", "fields": {"keyword": {"type": "keyword"}}},
    "long": {"type": "long"},
    "ip": {"type": "ip"},
    "flag": {"type": "boolean"}
  }}
}`

var textFields = []string{"k", "low", "multi", "folded", "wi ld"}

type hostile struct {
	r      *rand.Rand
	values []string
	docs   []map[string]any
}

func newHostile() *hostile {
	h := &hostile{r: rand.New(rand.NewPCG(1, 2))}
	for range 120 {
		var b strings.Builder
		for range 1 + h.r.IntN(4) {
			b.WriteString(pick(h.r, targettest.Pieces))
		}
		h.values = append(h.values, b.String())
	}
	h.values = append(h.values, "", "<foo", ">=5", "AND", `C:\Windows\System32\cmd.exe`, `\`, `a\`, "ÀÉ", "TRUE")
	for i := range h.values {
		doc := map[string]any{}
		for _, f := range textFields {
			if h.r.IntN(10) > 0 {
				doc[f] = h.values[i]
			}
		}
		if h.r.IntN(10) == 0 {
			doc["k"] = []string{h.values[i], pick(h.r, h.values)}
		}
		doc["n"], doc["long"] = h.r.IntN(30), h.r.IntN(30)
		doc["ip"] = pick(h.r, []string{"10.1.2.3", "10.200.0.1", "192.168.1.7", "::1", "fe80::1"})
		doc["flag"] = h.r.IntN(2) == 0
		h.docs = append(h.docs, doc)
	}
	return h
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

var line int

func (h *hostile) expr(depth int) ir.Expr {
	switch kind := h.r.IntN(6); {
	case depth == 0 || kind > 3:
		return h.item()
	case kind == 3:
		return &ir.Not{X: h.expr(depth - 1)}
	default:
		var x []ir.Expr
		for range 1 + h.r.IntN(3) {
			x = append(x, h.expr(depth-1))
		}
		if kind == 0 {
			return &ir.And{X: x}
		}
		return &ir.Or{X: x}
	}
}

// item is the values of one detection item.
func (h *hostile) item() ir.Expr {
	field := pick(h.r, append(slices.Clone(textFields), "n", "long", "ip", "flag", "none"))
	line++
	var x []ir.Expr
	for range 1 + h.r.IntN(3) {
		m := &ir.Match{Field: field, Pos: diag.Pos{Line: line}}
		h.match(m)
		x = append(x, m)
	}
	if h.r.IntN(3) == 0 {
		return ir.All(x...)
	}
	return ir.Any(x...)
}

func (h *hostile) match(m *ir.Match) {
	if h.r.IntN(8) == 0 {
		m.Op = pick(h.r, []ir.Op{ir.Null, ir.Exists})
		return
	}
	switch m.Field {
	case "n", "long":
		m.Op = pick(h.r, []ir.Op{ir.Number, ir.Like, ir.Less, ir.LessEqual, ir.Greater, ir.GreaterEqual})
		m.Text = strconv.Itoa(h.r.IntN(30))
		m.Pattern = sigma.Text(pick(h.r, []string{m.Text, "x"}))
		if m.Field == "n" && h.r.IntN(2) == 0 {
			m.Pattern = m.Pattern.StartsWith()
		}
	case "ip":
		m.Op = pick(h.r, []ir.Op{ir.Like, ir.CIDR})
		m.Text = pick(h.r, []string{"10.0.0.0/8", "10.1.0.0/16", "192.168.1.4/30", "fe80::/10"})
		m.Pattern = pick(h.r, []ir.Pattern{sigma.Text("10.1.2.3"), sigma.Text("10.").StartsWith(), sigma.Text("::1"), sigma.Text("x")})
	case "flag":
		m.Op, m.Text = ir.Bool, pick(h.r, []string{"true", "false"})
	default:
		if h.r.IntN(6) == 0 {
			m.Op = ir.Regexp
			m.Text = regexp.QuoteMeta(part(h.r, pick(h.r, h.values)))
			m.Text = pick(h.r, []string{"", "^", "(?i)"}) + m.Text + pick(h.r, []string{"", "$", ".*", "[^a]"})
			if m.Field == "low" || m.Field == "folded" {
				m.Text = "(?i)" + m.Text
			}
			return
		}
		m.Pattern = h.pattern()
		m.Cased = m.Field != "low" && m.Field != "folded" && h.r.IntN(5) == 0
	}
}

// part is a piece of a text.
func part(r *rand.Rand, s string) string {
	runes := []rune(s)
	from := r.IntN(len(runes) + 1)
	return string(runes[from : from+r.IntN(len(runes)-from+1)])
}

// pattern is like a value that there is.
func (h *hostile) pattern() ir.Pattern {
	s := pick(h.r, h.values)
	switch h.r.IntN(4) {
	case 0:
		s = strings.ToUpper(s)
	case 1:
		s = strings.ToLower(s)
	}
	var p ir.Pattern
	switch h.r.IntN(5) {
	case 0:
		p = sigma.Text(s)
	case 1:
		p = sigma.Text(part(h.r, s)).Contains()
	case 2:
		runes := []rune(s)
		p = sigma.Text(string(runes[:h.r.IntN(len(runes)+1)])).StartsWith()
	case 3:
		runes := []rune(s)
		p = sigma.Text(string(runes[h.r.IntN(len(runes)+1):])).EndsWith()
	default:
		for _, r := range s {
			if h.r.IntN(3) == 0 {
				p = p.Append(sigma.Token{Kind: sigma.OneChar})
				continue
			}
			p = p.Append(sigma.Text(string(r))...)
		}
	}
	return p
}

// holds is the slow and obvious reading of a tree.
func holds(e ir.Expr, doc map[string]any) bool {
	switch e := e.(type) {
	case *ir.And:
		return !slices.ContainsFunc(e.X, func(x ir.Expr) bool { return !holds(x, doc) })
	case *ir.Or:
		return slices.ContainsFunc(e.X, func(x ir.Expr) bool { return holds(x, doc) })
	case *ir.Not:
		return !holds(e.X, doc)
	}
	m := e.(*ir.Match)
	value, present := doc[m.Field]
	switch m.Op {
	case ir.Null:
		return !present
	case ir.Exists:
		return present
	}
	if !present {
		return false
	}
	values, ok := value.([]string)
	if !ok {
		values = []string{fmt.Sprint(value)}
	}
	return slices.ContainsFunc(values, func(v string) bool { return meets(m, v) })
}

func meets(m *ir.Match, v string) bool {
	switch m.Op {
	case ir.Like:
		return like(m.Pattern, []rune(v), m.Cased)
	case ir.Number, ir.Bool:
		return v == m.Text
	case ir.Regexp:
		return regexp.MustCompile(m.Text).MatchString(v)
	case ir.CIDR:
		a, err := netip.ParseAddr(v)
		return err == nil && netip.MustParsePrefix(m.Text).Masked().Contains(a)
	}
	a, _ := strconv.Atoi(v)
	b, _ := strconv.Atoi(m.Text)
	switch m.Op {
	case ir.Less:
		return a < b
	case ir.LessEqual:
		return a <= b
	case ir.Greater:
		return a > b
	}
	return a >= b
}

func like(p ir.Pattern, v []rune, cased bool) bool {
	if len(p) == 0 {
		return len(v) == 0
	}
	switch t := p[0]; t.Kind {
	case sigma.AnyChars:
		for i := range len(v) + 1 {
			if like(p[1:], v[i:], cased) {
				return true
			}
		}
		return false
	case sigma.OneChar:
		return len(v) > 0 && like(p[1:], v[1:], cased)
	default:
		for i, r := range []rune(t.Text) {
			if i >= len(v) || v[i] != r && (cased || unicode.ToLower(v[i]) != unicode.ToLower(r)) {
				return false
			}
		}
		return like(p[1:], v[len([]rune(t.Text)):], cased)
	}
}

type server struct {
	t   *testing.T
	url string
}

func (s server) do(method, path string, body []byte) []byte {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		s.t.Fatalf("%s %s: %v %s %.500s", method, path, err, resp.Status, out)
	}
	return out
}

// request is the body of a search for a query string or with a query's own JSON.
func request(t *testing.T, q backend.Query, size int) string {
	body := map[string]any{}
	if text, ok := q.Value.(string); ok {
		// With a default field of its own an index takes nothing that does not fit
		// a field's type.
		body["query"] = map[string]any{"query_string": map[string]any{"query": text, "default_field": "k"}}
	} else if err := json.Unmarshal([]byte(q.JSON()), &body); err != nil {
		t.Fatal(err)
	}
	body["size"], body["_source"] = size, false
	return backend.Query{Value: body}.JSON()
}

// Whatever the values are, with the mapping of the index the hits of a query are the
// events that the tree means.
func TestHostileValuesOnServers(t *testing.T) {
	t.Run("Elasticsearch", func(t *testing.T) { hostileValues(t, servers.Elasticsearch(t)) })
	t.Run("OpenSearch", func(t *testing.T) { hostileValues(t, servers.OpenSearch(t)) })
}

func hostileValues(t *testing.T, url string) {
	s := server{t, url}
	name := servers.Name(t)
	s.do(http.MethodPut, "/"+name, []byte(hostileIndex))
	defer s.do(http.MethodDelete, "/"+name, nil)
	h := newHostile()
	var bulk bytes.Buffer
	for i, doc := range h.docs {
		fmt.Fprintf(&bulk, `{"index":{"_id":"%d"}}`+"\n", i)
		if err := json.NewEncoder(&bulk).Encode(doc); err != nil {
			t.Fatal(err)
		}
	}
	if out := s.do(http.MethodPost, "/"+name+"/_bulk?refresh=true", bulk.Bytes()); !bytes.Contains(out, []byte(`"errors":false`)) {
		t.Fatalf("%.500s", out)
	}
	index, err := mapping.Parse(s.do(http.MethodGet, "/"+name, nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"lucene", "es-qs", "es-dsl", "opensearch_lucene"} {
		t.Run(target, func(t *testing.T) {
			found, err := convert.Target(target)
			if err != nil {
				t.Skip(err)
			}
			converted, hits := 0, 0
			for range 12 {
				var body bytes.Buffer
				var trees []ir.Expr
				var texts []string
				for len(trees) < 100 {
					e := h.expr(2)
					l := &pipeline.Lowered{Rule: &sigma.Rule{File: &diag.File{}}, Exprs: []ir.Expr{e}}
					queries, err := found.With(index).Convert(l, "", nil)
					if err != nil {
						continue
					}
					body.WriteString("{}\n" + request(t, queries[0], len(h.docs)) + "\n")
					trees, texts = append(trees, e), append(texts, queries[0].JSON())
				}
				var answer struct {
					Responses []struct {
						Error json.RawMessage
						Hits  struct {
							Hits []struct {
								ID string `json:"_id"`
							}
						}
					}
				}
				if err := json.Unmarshal(s.do(http.MethodPost, "/"+name+"/_msearch", body.Bytes()), &answer); err != nil {
					t.Fatal(err)
				}
				for i, r := range answer.Responses {
					converted++
					var got, want []string
					for _, hit := range r.Hits.Hits {
						got = append(got, hit.ID)
					}
					for id, doc := range h.docs {
						if holds(trees[i], doc) {
							want = append(want, strconv.Itoa(id))
						}
					}
					slices.Sort(got)
					slices.Sort(want)
					hits += len(want)
					if r.Error != nil {
						t.Errorf("%.600s\n%s\n%s", r.Error, texts[i], targettest.Normal(trees[i]))
					} else if !slices.Equal(got, want) {
						t.Errorf("%s\ngot  %v\nwant %v\n%s", texts[i], got, want, targettest.Normal(trees[i]))
					}
				}
			}
			if hits < converted {
				t.Errorf("only %d hits of %d queries", hits, converted)
			}
		})
	}
}
