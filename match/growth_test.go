package match

import (
	"fmt"
	"testing"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ir"
)

// The tests here hold what matching costs, counted and not timed: what is done
// for an event must not grow with the rules that can't match it, nor with values
// that were seen before.

// processRules are rules about the start of processes: copies of them look for
// other texts.
func processRules(rules, copies int) []Rule {
	var list []Rule
	for c := range copies {
		for i := range rules {
			list = append(list, Rule{Scope: WindowsEvent, Expr: &ir.And{X: []ir.Expr{
				like("Channel", "Sysmon"), op("EventID", ir.Number, fmt.Sprint(1+i%3)),
				&ir.Or{X: []ir.Expr{
					like("Image", fmt.Sprintf(`*\\tool%dof%d.exe`, i, c)),
					like("CommandLine", fmt.Sprintf(`*switch%dof%d *`, i, c)),
				}},
				&ir.Not{X: like("User", "*SYSTEM*")},
			}}})
		}
	}
	return list
}

func processEvents(n int) [][]byte {
	events := make([][]byte, n)
	for i := range events {
		events[i] = fmt.Appendf(nil, `{"Channel":"Sysmon","EventID":%d,"Image":"C:\\Windows\\tool%dof0.exe","CommandLine":"run %d","User":"me"}`,
			1+i%5, i%100, i%50)
	}
	return events
}

func workOf(t *testing.T, rules []Rule, events [][]byte) (w Work, matches int) {
	t.Helper()
	p, errs := Compile(rules)
	if errs[0] != nil {
		t.Fatal(errs[0])
	}
	m := NewMatcher(p, event.Options{})
	for _, raw := range events {
		rules, _, err := m.Match(raw)
		if err != nil {
			t.Fatal(err)
		}
		matches += len(rules)
	}
	return m.Work(), matches
}

func TestMoreRulesCostNothingWhereTheyCanNotMatch(t *testing.T) {
	events := processEvents(2000)
	few, matches := workOf(t, processRules(60, 1), events)
	many, same := workOf(t, processRules(60, 20), events)
	if matches == 0 || matches != same {
		t.Fatalf("%d and %d matches", matches, same)
	}
	if many != few {
		t.Errorf("twenty times the rules: %+v\nbefore: %+v", many, few)
	}
	// Each event names one tool, which at most one rule is about.
	if few.Conditions > len(events) {
		t.Errorf("%d conditions for %d events", few.Conditions, len(events))
	}
}

func TestValuesAreLookedAtOnce(t *testing.T) {
	rules := processRules(60, 1)
	once, _ := workOf(t, rules, processEvents(500))
	again, _ := workOf(t, rules, processEvents(5000))
	if again.Values != once.Values || again.ValueBytes != once.ValueBytes {
		t.Errorf("ten times the same events: %+v\nbefore: %+v", again, once)
	}
	// A channel, five event ids, a user, and what the three ids that rules are
	// for name.
	if most := 1 + 5 + 1 + 100 + 50; once.Values > most {
		t.Errorf("%d values were looked at, there are %d", once.Values, most)
	}
}

func TestEventsOfNoRuleCostNoValues(t *testing.T) {
	var events [][]byte
	for i := range 1000 {
		events = append(events, fmt.Appendf(nil, `{"Channel":"Other","EventID":1,"Image":"%d","CommandLine":"%d","User":"%d"}`, i, i, i))
	}
	if w, _ := workOf(t, processRules(60, 1), events); w.Values > 2 || w.Conditions > 0 {
		t.Errorf("%+v", w)
	}
}

func TestKnownEventsAllocateNothing(t *testing.T) {
	p, _ := Compile(append(processRules(60, 1), Rule{Scope: WindowsEvent, Expr: like("", "mimikatz")}))
	m := NewMatcher(p, event.Options{})
	events := processEvents(100)
	i := 0
	match := func() {
		if _, _, err := m.Match(events[i%len(events)]); err != nil {
			t.Fatal(err)
		}
		i++
	}
	for range 2 * len(events) {
		match()
	}
	if n := testing.AllocsPerRun(5*len(events), match); n > 0 {
		t.Errorf("%v allocations an event", n)
	}
}

// TestMemoryOfValuesIsBounded feeds more distinct values than are remembered.
func TestMemoryOfValuesIsBounded(t *testing.T) {
	p, _ := Compile(processRules(3, 1))
	m := NewMatcher(p, event.Options{})
	for i := range 3 * largestTable {
		if _, _, err := m.Match(fmt.Appendf(nil, `{"Channel":"Sysmon","EventID":1,"CommandLine":"%d"}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range m.columns {
		if n := len(m.columns[i].table); n > largestTable {
			t.Errorf("%s: a table of %d", p.fields[i], n)
		}
	}
}
