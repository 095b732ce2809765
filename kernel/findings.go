package kernel

import (
	"fmt"
	"slices"

	"github.com/huntbook/huntbook/engine"
)

// hostFields and userFields are the names under which events say where and who,
// the most telling first; timeFields say again what the column of times says.
var (
	hostFields = []string{"Computer", "ComputerName", "Hostname", "host.name", "host_name", "winlog.computer_name", "agent.hostname", "hostname"}
	userFields = []string{"User", "SubjectUserName", "TargetUserName", "AccountName", "user_account", "user.name", "user_name"}
	timeFields = []string{"@timestamp", "UtcTime", "EventTime", "TimeCreated", "SystemTime", "EventReceivedTime"}
)

// present returns those of the names that some finding has a value for, in the
// order of names, each once.
func present(findings []engine.Finding, names []string) []string {
	has := map[string]bool{}
	for i := range findings {
		for _, v := range findings[i].Values {
			if v.Value != "" {
				has[v.Name] = true
			}
		}
	}
	var out []string
	for _, name := range names {
		if has[name] {
			out = append(out, name)
			has[name] = false
		}
	}
	return out
}

// first returns at most n of the names.
func first(names []string, n int) []string { return names[:min(n, len(names))] }

// names returns the names of all fields of the findings, in the order in which
// they come.
func names(findings []engine.Finding) []string {
	var out []string
	seen := map[string]bool{}
	for i := range findings {
		for _, v := range findings[i].Values {
			if !seen[v.Name] {
				seen[v.Name] = true
				out = append(out, v.Name)
			}
		}
	}
	return out
}

// columns chooses the fields that a table shows: the host, the rule's own, then
// others, at most n in all.
func columns(result *engine.Result, findings []engine.Finding, n int) []string {
	host := first(present(findings, hostFields), 1)
	out := append(slices.Clone(host), present(findings, result.Fields)...)
	for _, name := range present(findings, names(findings)) {
		if !slices.Contains(hostFields, name) && !slices.Contains(timeFields, name) {
			out = append(out, name)
		}
	}
	return first(present(findings, out), n)
}

// telling chooses the fields whose values are counted: the host, users, then
// the rule's own.
func telling(result *engine.Result, n int) []string {
	out := first(present(result.Findings, hostFields), 1)
	out = append(out, first(present(result.Findings, userFields), 2)...)
	out = append(out, result.Fields...)
	return first(present(result.Findings, out), n)
}

// covers says which findings a picture is made of when not all were fetched.
func covers(result *engine.Result) string {
	if n := len(result.Findings); n < result.Count {
		return fmt.Sprintf("the first %s of %s", thousands(n), count(result.Count, "finding"))
	}
	return count(result.Count, "finding")
}
