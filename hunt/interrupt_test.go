package hunt

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/notebook"
	"github.com/huntbook/huntbook/sigma"
)

func manyRules(n int) map[string]string {
	rules := map[string]string{}
	for i := range n {
		rules[fmt.Sprintf("r%02d.yml", i)] = strings.Replace(ruleText("a", "1"), "aaaaaaaa", fmt.Sprintf("%08d", i), 1)
	}
	return rules
}

// cancelAfter is a hook that ends the hunt when its n-th notebook is made.
func cancelAfter(n int, cancel func()) func(*sigma.Rule) []notebook.Query {
	return func(*sigma.Rule) []notebook.Query {
		if n--; n == 0 {
			cancel()
		}
		return nil
	}
}

// TestInterruptedWhileWriting: the notebooks that are there are whole, hunt.json
// and the page say that the hunt was interrupted, and running it again gives
// what an undisturbed hunt gives.
func TestInterruptedWhileWriting(t *testing.T) {
	for _, rerun := range []bool{false, true} {
		p := newGround(t, manyRules(12))
		if rerun {
			p.hunt()
			p.note("out/r07.ipynb", "mine")
			p.write("logs.json", events+events)
		}
		ctx, cancel := context.WithCancel(t.Context())
		o := p.options()
		o.Workers, o.Convert = 1, cancelAfter(4, cancel)
		outcome, err := Run(ctx, o)
		if !errors.Is(err, context.Canceled) || outcome == nil {
			t.Fatalf("error %v, want that of the context", err)
		}
		whole := 0
		for name := range p.files("out") {
			if strings.HasSuffix(name, ".ipynb") {
				p.notebook("out/" + name)
				whole++
			}
			if strings.HasPrefix(name, ".") {
				t.Errorf("%s is left behind", name)
			}
		}
		if want := map[bool]int{false: 3, true: 12}[rerun]; whole != want {
			t.Errorf("%d notebooks, want %d", whole, want)
		}
		doc := p.huntJSON()
		if seconds, there := doc["seconds"]; !there || seconds != nil {
			t.Errorf("seconds of an interrupted hunt are %v, want null", seconds)
		}
		for _, r := range doc["rules"].([]any) {
			row := r.(map[string]any)
			_, err := os.Stat("out/" + strings.Replace(row["path"].(string), ".yml", ".ipynb", 1))
			if there := err == nil; there != (row["notebook"] != nil) {
				t.Errorf("%s: notebook %v, on disk: %v", row["path"], row["notebook"], there)
			}
		}
		if !strings.Contains(p.files("out")["index.html"], "This hunt was interrupted") {
			t.Error("the page does not say that the hunt was interrupted")
		}

		p.hunt()
		if rerun && p.notes("out/r07.ipynb") != "mine" {
			t.Error("the notes are lost")
		}
		if rerun {
			p.note("out/r07.ipynb", p.notes("out/r08.ipynb"))
		}
		again := p.files("out")
		p.hunt(func(o *Options) { o.Out = "undisturbed" })
		fresh := p.files("undisturbed")
		for _, f := range []map[string]string{again, fresh} {
			delete(f, "hunt.json")
			delete(f, "index.html")
		}
		if !maps.Equal(again, fresh) {
			t.Errorf("the second run does not give what an undisturbed hunt gives (rerun: %v)", rerun)
		}
		if p.huntJSON()["seconds"] == nil {
			t.Error("the second run does not say that it came to its end")
		}
	}
}

// endless is a log that never ends, and cancels the hunt that reads it.
type endless struct{ cancel func() }

func (e endless) Read(b []byte) (int, error) {
	e.cancel()
	return copy(b, events), nil
}

// TestInterruptedWhileReading: nothing of an earlier hunt is touched; a new
// folder can be hunted into again.
func TestInterruptedWhileReading(t *testing.T) {
	p := newGround(t, manyRules(3))
	p.hunt()
	before := p.files("out")
	for _, out := range []string{"out", "new"} {
		ctx, cancel := context.WithCancel(t.Context())
		o := p.options()
		o.Data.Paths, o.Ingest.Stdin, o.Out = []string{"-"}, endless{cancel}, out
		if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v, want that of the context", err)
		}
	}
	if !maps.Equal(before, p.files("out")) {
		t.Error("the folder of the earlier hunt changed")
	}
	if names := p.names("new"); names != "hunt.json" || !strings.Contains(p.files("new")["hunt.json"], `"seconds": null`) {
		t.Errorf("the new folder holds %s, want a hunt.json without seconds", names)
	}
	p.hunt(func(o *Options) { o.Out = "new" })
	if got, want := p.names("new"), p.names("out"); got != want {
		t.Errorf("the second run left %s, want %s", got, want)
	}
}

// TestNotebookCannotBeWritten: an error on the way leaves the others whole and is
// told with the file's name.
func TestNotebookCannotBeWritten(t *testing.T) {
	p := newGround(t, manyRules(4))
	p.write("out/hunt.json", `{"version": "test", "inputs": {}, "seconds": 1, "events": 0, "findings": 0, "rules": []}`)
	p.write("out/x", "a file where a folder should be")
	rules := manyRules(4)
	rules["x/r.yml"] = ruleText("f", "1")
	p.rules(rules)
	outcome, err := Run(t.Context(), p.options())
	if err == nil || outcome == nil || !strings.Contains(err.Error(), "x") || !strings.Contains(err.Error(), "a file stands where a folder should be") {
		t.Fatalf("error %v, want that a file stands where a folder should be", err)
	}
	for name := range p.files("out") {
		if strings.HasSuffix(name, ".ipynb") {
			p.notebook("out/" + name)
		}
		if strings.HasPrefix(name, ".") {
			t.Errorf("%s is left behind", name)
		}
	}
	if p.huntJSON()["seconds"] != nil {
		t.Error("hunt.json does not say that the hunt did not come to its end")
	}
}
