package match

import (
	"fmt"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/event"
)

// BenchmarkMatcher matches events with 2,000 rules: those whose values were all seen
// before, and those whose command line is always a new one.
func BenchmarkMatcher(b *testing.B) {
	p, errs := Compile(processRules(2000, 1))
	if errs[0] != nil {
		b.Fatal(errs[0])
	}
	known := processEvents(100)
	tail := strings.Repeat(" -option value", 10)
	for _, c := range []struct {
		name  string
		event func(i int) []byte
	}{
		{"known", func(i int) []byte { return known[i%len(known)] }},
		{"new", func(i int) []byte {
			return fmt.Appendf(nil, `{"Channel":"Sysmon","EventID":1,"Image":"C:\\Windows\\tool1of0.exe","CommandLine":"run %d%s","User":"me"}`, i, tail)
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			events := make([][]byte, 1<<16)
			for i := range events {
				events[i] = c.event(i)
			}
			m := NewMatcher(p, event.Options{})
			b.SetBytes(int64(len(events[0])))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, _, err := m.Match(events[i%len(events)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// scriptWords are what the texts and the value of the benchmarks below are made of.
var scriptWords = strings.Fields(`get set new remove invoke item object command expression web request
	string download file process service registry path convert from base64 system net client write host
	function param return foreach where select import module policy bypass hidden window`)

func scriptTexts(n int) []string {
	texts := make([]string, n)
	for i := range texts {
		w := scriptWords
		texts[i] = fmt.Sprintf("%s-%s%d", w[i%len(w)], w[(i*7+3)%len(w)], i)
	}
	return texts
}

// script is a value of some 8 KB in which the beginnings of many texts occur.
func script() string {
	var b strings.Builder
	for i := range 700 {
		w := scriptWords
		fmt.Fprintf(&b, "%s-%s $x%d\n", w[i%len(w)], w[(i*5+1)%len(w)], i)
	}
	return b.String()
}

// BenchmarkLiterals looks for the texts of a column's rules in a long value.
func BenchmarkLiterals(b *testing.B) {
	value := script()
	for _, n := range []int{100, 3000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := newLiterals(scriptTexts(n))
			var m marks
			b.SetBytes(int64(len(value)))
			b.ReportAllocs()
			for b.Loop() {
				l.find(value, &m, nil, func(int32) {})
			}
		})
	}
}

// BenchmarkTeddy looks for the keywords of a log source in an event's text.
func BenchmarkTeddy(b *testing.B) {
	if !hasTeddy {
		b.Skip("this processor has no AVX2")
	}
	value := script()
	t := newTeddy(scriptTexts(16))
	var m marks
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	for b.Loop() {
		t.find(value, &m, func(int32) {})
	}
}
