package engine

import (
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// TestPreparersAtOnce: preparers share a pipeline, and lower rules at the same time as if
// each were alone. The race detector looks at it, too.
func TestPreparersAtOnce(t *testing.T) {
	lower := func(i int) Prepared {
		p, err := NewPreparer()
		if err != nil {
			t.Error(err)
			return Prepared{}
		}
		category := []string{"process_creation", "network_connection", "registry_set"}[i%3]
		text := fmt.Sprintf("title: t\nlogsource: {product: windows, category: %s}\ndetection: {s: {Image|endswith: '\\a%d.exe'}, condition: s}\n", category, i)
		rules, _ := sigma.Parse(&diag.File{Data: []byte(text)})
		prepared, err := p.Prepare(rules[0])
		if err != nil {
			t.Error(err)
		}
		prepared.Rule = nil
		return prepared
	}
	const n = 60
	var want, got [n]Prepared
	for i := range n {
		want[i] = lower(i)
	}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { got[i] = lower(i) })
	}
	wg.Wait()
	for i := range n {
		if !reflect.DeepEqual(want[i], got[i]) {
			t.Errorf("rule %d at once differs from alone", i)
		}
	}
}
