package main

import (
	"strings"
	"testing"
)

func TestSummarize(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
		ok             bool
	}{
		{
			"a pass leaves the package's line", `
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:3: chatter\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- PASS: TestA (0.00s)\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}`,
			"ok  \tp\t0.1s\n\n1 passed, 0 failed, 0 skipped\n", true,
		},
		{
			"a failure is shown in full", `
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:3: wrong\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- FAIL: TestA (0.00s)\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}`,
			"=== RUN   TestA\n    a_test.go:3: wrong\n--- FAIL: TestA (0.00s)\nFAIL\tp\t0.1s\n\n0 passed, 1 failed, 0 skipped\n", false,
		},
		{
			"a test that never ended is shown", `
{"Action":"output","Package":"p","Test":"TestA","Output":"panic: out of fuel\n"}
{"Action":"fail","Package":"p"}`,
			"panic: out of fuel\n\n0 passed, 0 failed, 0 skipped\n", false,
		},
		{
			"skips are grouped by reason", `
{"Action":"output","Package":"p","Test":"TestB","Output":"=== RUN   TestB\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:9: no corpus: set HUNTBOOK_SHARED\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
{"Action":"output","Package":"q","Test":"TestC/x","Output":"    c_test.go:1: no corpus: set HUNTBOOK_SHARED\n"}
{"Action":"skip","Package":"q","Test":"TestC/x"}
{"Action":"skip","Package":"q","Test":"TestD"}`,
			"\nskipped: no corpus: set HUNTBOOK_SHARED\n  p TestB\n  q TestC/x\n\nskipped: no reason given\n  q TestD\n\n0 passed, 0 failed, 3 skipped\n", true,
		},
		{
			"a package that does not build", `
{"ImportPath":"p","Action":"build-output","Output":"p/a.go:1:1: undefined: x\n"}
{"ImportPath":"p","Action":"build-fail"}
{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}
{"Action":"fail","Package":"p","FailedBuild":"p"}`,
			"p/a.go:1:1: undefined: x\nFAIL\tp [build failed]\n\n0 passed, 0 failed, 0 skipped\n", false,
		},
		{
			"a line that is no event is passed on",
			"go: no such tool\n",
			"go: no such tool\n\n0 passed, 0 failed, 0 skipped\n", true,
		},
	} {
		var out strings.Builder
		ok, err := summarize(strings.NewReader(strings.TrimPrefix(c.in, "\n")), &out)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if out.String() != c.want || ok != c.ok {
			t.Errorf("%s:\nok = %v, want %v\ngot:\n%s\nwant:\n%s", c.name, ok, c.ok, out.String(), c.want)
		}
	}
}
