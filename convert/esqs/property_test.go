package esqs

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/convert/targettest"
	"github.com/huntbook/huntbook/internal/querystring"
)

// Whatever the values and names are, the query read back has the same structure, names
// and patterns.
func TestReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := targettest.LuceneTree().Draw(t)
		text, err := targettest.Query(Target, e, nil)
		if err != nil {
			t.Skip(err)
		}
		q, err := querystring.Parse(text)
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if got, want := targettest.LuceneForm(q).Normal().String(), targettest.AsQuery(e).Normal().String(); got != want {
			t.Fatalf("query %s\nreads %s\nwant  %s", text, got, want)
		}
	})
}
