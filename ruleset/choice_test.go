package ruleset

import (
	"strings"
	"testing"

	"github.com/huntbook/huntbook/sigma"
)

var (
	wmi = &sigma.Rule{
		Title: "WMI Event Subscription", ID: "0f06a3a5-6a09-413f-8743-e6cf35561297", Level: "high", Status: "test",
		Tags:      []string{"attack.persistence", "attack.t1546.003"},
		LogSource: sigma.LogSource{Product: "windows", Category: "wmi_event"},
	}
	bare = &sigma.Rule{Title: "TCP/IP Scan"}
	old  = &sigma.Rule{Title: "Old", Status: "deprecated", Level: "low"}
	no   = &sigma.Rule{Title: "No", Status: "unsupported"}
)

func TestLeavesOut(t *testing.T) {
	for _, c := range []struct {
		name   string
		choice Choice
		rule   *sigma.Rule
		path   string
		named  bool
		want   string
	}{
		{"all", Choice{}, wmi, "win/wmi.yml", false, ""},
		{"no metadata at all", Choice{}, bare, "scan.yml", false, ""},
		{"deprecated", Choice{}, old, "old.yml", false, "deprecated"},
		{"deprecated, but named", Choice{}, old, "old.yml", true, ""},
		{"deprecated, asked for", Choice{Statuses: []string{"deprecated"}}, old, "old.yml", false, ""},
		{"unsupported", Choice{}, no, "no.yml", false, "unsupported"},
		{"a status", Choice{Statuses: []string{"stable", "Test"}}, wmi, "wmi.yml", false, ""},
		{"another status", Choice{Statuses: []string{"stable"}}, wmi, "wmi.yml", true, "status"},

		{"a level", Choice{Levels: []string{"critical", "High"}}, wmi, "wmi.yml", false, ""},
		{"another level", Choice{Levels: []string{"low"}}, wmi, "wmi.yml", false, "level"},
		{"a level, of a rule without", Choice{Levels: []string{"low"}}, bare, "scan.yml", false, "level"},
		{"high enough", Choice{MinLevel: "high"}, wmi, "wmi.yml", false, ""},
		{"high enough, in capitals", Choice{MinLevel: "Medium"}, wmi, "wmi.yml", false, ""},
		{"too low", Choice{MinLevel: "critical"}, wmi, "wmi.yml", false, "level"},
		{"the lowest level, of a rule without", Choice{MinLevel: "informational"}, bare, "scan.yml", false, "level"},

		{"a tag", Choice{Tags: []string{"attack.t1546.003"}}, wmi, "wmi.yml", false, ""},
		{"a technique takes its sub-techniques", Choice{Tags: []string{"ATTACK.T1546"}}, wmi, "wmi.yml", false, ""},
		{"not a prefix", Choice{Tags: []string{"attack.t15"}}, wmi, "wmi.yml", false, "tag"},
		{"one of the tags", Choice{Tags: []string{"cve.2020.1", "attack.persistence"}}, wmi, "wmi.yml", false, ""},
		{"another sub-technique", Choice{Tags: []string{"attack.t1546.001"}}, wmi, "wmi.yml", false, "tag"},

		{"a log source", Choice{LogSources: []string{"product=windows"}}, wmi, "wmi.yml", false, ""},
		{"all of its parts", Choice{LogSources: []string{"product=Windows, category=wmi_event"}}, wmi, "wmi.yml", false, ""},
		{"not all of its parts", Choice{LogSources: []string{"product=windows,service=security"}}, wmi, "wmi.yml", false, "log source"},
		{"one of several", Choice{LogSources: []string{"product=linux", "category=wmi_event"}}, wmi, "wmi.yml", false, ""},

		{"a file's name", Choice{Include: []string{"wm?.yml"}}, wmi, "a/b/wmi.yml", false, ""},
		{"a folder and all below", Choice{Include: []string{"a/**"}}, wmi, "a/b/wmi.yml", false, ""},
		{"only the folder itself", Choice{Include: []string{"a/*"}}, wmi, "a/b/wmi.yml", false, "not included"},
		{"an id", Choice{Include: []string{strings.ToUpper("0f06a3a5-6a09-413f-8743-e6cf35561297")}}, wmi, "x.yml", false, ""},
		{"words of a title", Choice{Include: []string{"*event*"}}, wmi, "x.yml", false, ""},
		{"a title with a slash", Choice{Include: []string{"tcp/ip*"}}, bare, "x.yml", false, ""},
		{"excluded", Choice{Exclude: []string{"*.yml"}}, wmi, "a/wmi.yml", false, "excluded"},
		{"included and excluded", Choice{Include: []string{"a/**"}, Exclude: []string{"*wmi*"}}, wmi, "a/wmi.yml", false, "excluded"},
		{"another excluded", Choice{Exclude: []string{"b/**"}}, wmi, "a/wmi.yml", false, ""},
	} {
		if got := c.choice.leavesOut(c.rule, c.path, c.named); got != c.want {
			t.Errorf("%s: left out because of %q, want %q", c.name, got, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		choice Choice
		want   string
	}{
		{Choice{}, ""},
		{Choice{Levels: []string{"High", "low"}, MinLevel: "MEDIUM", Statuses: []string{"Stable"}, LogSources: []string{"product=windows"}, Include: []string{"**/x[ab]"}}, ""},
		{Choice{Levels: []string{"low", "hihg"}}, `unknown level "hihg"; did you mean "high"?`},
		{Choice{MinLevel: "xyzzy"}, `unknown level "xyzzy"; known are informational, low, medium, high, critical`},
		{Choice{Statuses: []string{"tset"}}, `unknown status "tset"; did you mean "test"?`},
		{Choice{LogSources: []string{"windows"}}, "write for example category=process_creation,product=windows"},
		{Choice{LogSources: []string{"product="}}, "is not understood"},
		{Choice{LogSources: []string{"vendor=x"}}, "is not understood"},
		{Choice{Include: []string{"[a"}}, `"[a" is no valid glob`},
		{Choice{Exclude: []string{"{a"}}, `"{a" is no valid glob`},
	} {
		switch err := c.choice.Check(); {
		case c.want == "" && err != nil:
			t.Errorf("%+v: %v", c.choice, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%+v: error %v, want %q", c.choice, err, c.want)
		}
	}
}
