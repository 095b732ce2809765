package esql

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/huntbook/huntbook/convert/targettest"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

type burst struct {
	at   time.Time
	user string
	kind int
}

// A correlation that asks for at least so many finds, on a real Elasticsearch, every
// group in which they lie within the timespan, and none in which they do not lie
// within one and a half times the timespan.
func TestServerCorrelates(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var events []burst
	var docs []string
	for user := range 40 {
		at := start.Add(time.Duration(r.IntN(3600)) * time.Second)
		for range 3 + r.IntN(12) {
			at = at.Add(time.Duration(r.IntN(90_000)) * time.Millisecond)
			e := burst{at, fmt.Sprintf("User%d", user), 1 + r.IntN(3)}
			events = append(events, e)
			docs = append(docs, fmt.Sprintf(`{"@timestamp":%q,"EventID":%d,"User":%q}`, at.Format(time.RFC3339Nano), e.kind, e.user))
		}
	}
	docs = append(docs, `{"EventID":1,"User":"undated"}`, `{"@timestamp":"2026-01-01T00:00:00Z","EventID":1}`)
	index := targettest.NewIndex(t, map[string]any{
		"@timestamp": map[string]any{"type": "date"}, "EventID": map[string]any{"type": "long"}, "User": map[string]any{"type": "keyword"},
	}, docs)
	any1 := func(list []burst) bool { return len(list) > 0 }
	for _, span := range []time.Duration{time.Second, time.Minute, 5 * time.Minute} {
		for n := 2; n <= 7; n++ {
			count := func(list []burst) bool { return len(list) >= n }
			check(t, index, events, span, fmt.Sprintf("{type: event_count, rules: [any], group-by: [User], timespan: %ds, condition: {gte: %d}}", int(span.Seconds()), n), count)
		}
		both := func(list []burst) bool {
			return any1(ofKind(list, 1)) && any1(ofKind(list, 2))
		}
		check(t, index, events, span, fmt.Sprintf("{type: temporal, rules: [one, two], group-by: [User], timespan: %ds}", int(span.Seconds())), both)
		kinds := func(list []burst) bool {
			return any1(ofKind(list, 1)) && any1(ofKind(list, 2)) && any1(ofKind(list, 3))
		}
		check(t, index, events, span, fmt.Sprintf("{type: value_count, rules: [any], group-by: [User], timespan: %ds, condition: {field: EventID, gte: 3}}", int(span.Seconds())), kinds)
	}
}

func ofKind(list []burst, kind int) []burst {
	return slices.DeleteFunc(slices.Clone(list), func(e burst) bool { return e.kind != kind })
}

const correlated = `title: any
name: any
logsource: {product: windows}
detection: {s: {EventID: [1, 2, 3]}, condition: s}
---
title: one
name: one
logsource: {product: windows}
detection: {s: {EventID: 1}, condition: s}
---
title: two
name: two
logsource: {product: windows}
detection: {s: {EventID: 2}, condition: s}
---
title: correlation
correlation: `

func check(t *testing.T, index *targettest.Index, events []burst, span time.Duration, correlation string, holds func([]burst) bool) {
	t.Helper()
	rules, diags := sigma.Parse(&diag.File{Path: "rules.yml", Data: []byte(correlated + correlation + "\n")})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	queries, diags := targettest.Convert(Target, rules[len(rules)-1], rules, nil, "", map[string]string{"index_names": index.Name})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	columns, rows, err := index.ESQL(targettest.Text(queries[0]))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, r := range rows {
		found[r[slices.Index(columns, "User")].(string)] = true
	}
	for user := range 40 {
		name := fmt.Sprintf("user%d", user)
		var own []burst
		for _, e := range events {
			if e.user == fmt.Sprintf("User%d", user) {
				own = append(own, e)
			}
		}
		if within(own, span, holds) && !found[name] {
			t.Errorf("%s: %s is missed", correlation, name)
		}
		if found[name] && !within(own, span*3/2, holds) {
			t.Errorf("%s: %s is found", correlation, name)
		}
	}
	if found["undated"] {
		t.Errorf("%s: an event without a time is in a window", correlation)
	}
}

// within tells whether something holds of the events of a window, which begins with
// any of them.
func within(list []burst, span time.Duration, holds func([]burst) bool) bool {
	for i := range list {
		end := i
		for end < len(list) && list[end].at.Sub(list[i].at) <= span {
			end++
		}
		if holds(list[i:end]) {
			return true
		}
	}
	return false
}
