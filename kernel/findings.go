package kernel

import (
	"fmt"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/engine"
)

// Names under which events say where, who and what, the most telling first.
var (
	hostFields = []string{"Computer", "ComputerName", "Hostname", "host.name", "host_name", "winlog.computer_name", "agent.hostname", "hostname"}
	userFields = []string{"User", "SubjectUserName", "TargetUserName"}
	// agentFields may name the user, or the account of the agent that sent
	// the event, and so count only where there is nothing better.
	agentFields = []string{"user_account", "user_name", "user.name", "AccountName"}
	whatFields  = []string{
		"Image", "CommandLine", "ParentImage", "ParentCommandLine", "TargetFilename", "TargetObject", "Details", "Operation", "Name", "Query",
		"SourceIp", "DestinationIp", "DestinationPort", "DestinationHostname", "IpAddress", "QueryName", "ImageLoaded", "PipeName",
		"SourceImage", "TargetImage", "ServiceName", "ImagePath", "ScriptBlockText", "LogonType", "ObjectName", "TaskName",
	}
)

// plumbing are fields that tell of the log and of its transport, not of what
// happened; a name that ends with "." stands for all that start with it. A table
// shows them only if they are asked for.
var plumbing = []string{
	"@timestamp", "@version", "@metadata.", "agent.", "beat.", "ecs.", "host.", "host", "input.", "log.", "winlog.", "tags", "type", "port",
	"UtcTime", "EventTime", "TimeCreated", "SystemTime", "EventReceivedTime",
	"Message", "message", "Provider_Name", "Provider_Guid", "ProviderGuid", "SourceName", "SourceModuleName", "SourceModuleType",
	"Version", "Task", "Opcode", "OpcodeValue", "Level", "Severity", "SeverityValue", "Keywords", "Category",
	"EventRecordID", "RecordNumber", "ThreadID", "ProcessID", "ExecutionProcessID", "UserID", "ActivityID", "Domain", "AccountType",
}

func isPlumbing(name string) bool {
	for _, p := range plumbing {
		if name == p || strings.HasSuffix(p, ".") && strings.HasPrefix(name, p) {
			return true
		}
	}
	return slices.Contains(hostFields, name) || slices.Contains(agentFields, name)
}

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

// users chooses the fields that say who, two at most.
func users(findings []engine.Finding) []string {
	if who := present(findings, userFields); len(who) > 0 {
		return first(who, 2)
	}
	return first(present(findings, agentFields), 1)
}

// columns chooses the fields that a table shows: the host, the rule's own, then
// others, at most n in all.
func columns(result *engine.Result, findings []engine.Finding, n int) []string {
	out := first(present(findings, hostFields), 1)
	out = append(out, result.Fields...)
	out = append(out, users(findings)...)
	out = append(out, whatFields...)
	for _, name := range names(findings) {
		if !isPlumbing(name) {
			out = append(out, name)
		}
	}
	return first(present(findings, out), n)
}

// telling chooses the fields whose values are counted: the host, users, then
// the rule's own.
func telling(result *engine.Result, n int) []string {
	out := first(present(result.Findings, hostFields), 1)
	out = append(out, users(result.Findings)...)
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
