package ruletest

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/huntbook/huntbook/diag"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	File    string        `xml:"file,attr,omitempty"`
	Line    int           `xml:"line,attr,omitempty"`
	Time    string        `xml:"time,attr"`
	Failure *junitProblem `xml:"failure"`
	Error   *junitProblem `xml:"error"`
}

type junitProblem struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the results as code hosts read them: one suite, a case a
// test; a test file that can't be read is an error.
func WriteJUnit(w io.Writer, results []*Result, unusable diag.List) error {
	suite := junitSuite{Name: "Sigma rules"}
	seconds := 0.0
	for _, d := range unusable {
		c := junitCase{Class: "test files", Name: d.Message, Time: "0", Line: d.Pos.Line}
		if d.File != nil {
			c.File = d.File.Path
		}
		c.Error = &junitProblem{Message: printable(d.Message), Text: printable(d.Error())}
		suite.Errors++
		suite.Cases = append(suite.Cases, c)
	}
	for _, r := range results {
		c := junitCase{
			Class: rulePath(r), Name: r.Rule.Title + ": " + r.Name, File: r.File.Path, Line: r.Pos.Line,
			Time: fmt.Sprintf("%.3f", r.Took.Seconds()),
		}
		seconds += r.Took.Seconds()
		if !r.Passed {
			problem := &junitProblem{Message: printable(r.Message), Text: "\n" + plain(r)}
			if r.Broken {
				suite.Errors++
				c.Error = problem
			} else {
				suite.Failures++
				c.Failure = problem
			}
		}
		suite.Cases = append(suite.Cases, c)
	}
	suite.Tests, suite.Time = len(suite.Cases), fmt.Sprintf("%.3f", seconds)
	all := junitSuites{
		Name: "huntbook test", Tests: suite.Tests, Failures: suite.Failures, Errors: suite.Errors, Time: suite.Time,
		Suites: []junitSuite{suite},
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// plain is a failure as text without colour.
func plain(r *Result) string {
	var b strings.Builder
	_ = r.WriteText(&b, false)
	return b.String()
}

func printable(s string) string { return diag.Printable(s) }

func rulePath(r *Result) string {
	if r.Rule.File == nil {
		return r.Rule.Title
	}
	return r.Rule.File.Path
}
