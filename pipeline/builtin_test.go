package pipeline

import (
	"strings"
	"testing"
)

// What the built-in pipelines make of rules, alone or together.
func TestBuiltinPipelines(t *testing.T) {
	const (
		creation  = "{product: windows, category: process_creation}"
		network   = "{product: windows, category: network_connection}"
		set       = "{product: windows, category: registry_set}"
		sysmonLog = `winlog.channel = "Microsoft-Windows-Sysmon/Operational"`
	)
	for _, c := range []struct{ pipelines, source, items, want string }{
		{"sysmon", creation, "{Image: x}", `EventID = 1 and Channel = "Microsoft-Windows-Sysmon/Operational" and Image = "x"`},
		{"sysmon", "{product: windows, category: registry_delete}", "{A: x}", `EventID = 12 and EventType = ("DeleteKey" or "DeleteValue") and Channel = "Microsoft-Windows-Sysmon/Operational" and A = "x"`},
		{"sysmon", "{product: windows, category: ps_script}", "{A: x}", `Channel = ("Microsoft-Windows-PowerShell/Operational" or "PowerShellCore/Operational") and EventID = 4104 and A = "x"`},
		{"windows-audit", creation, "{Image: x, CommandLine: y}", `EventID = 4688 and Channel = "Security" and NewProcessName = "x" and CommandLine = "y"`},
		{"windows-audit", network, "{Image: x, Initiated: 'true', DestinationPort: 1}", `EventID = 5156 and Channel = "Security" and Application = "x" and Direction = ("%%14593" or "Outbound") and DestPort = 1`},
		{"windows-audit", network, "{Image: x, Initiated: true, DestinationPort: 1}", `EventID = 5156 and Channel = "Security" and Application = "x" and Direction = ("%%14593" or "Outbound") and DestPort = 1`},
		{"windows-audit", set, "{TargetObject: x, Details: y}", `EventID = 4657 and OperationType = ("%%1904" or "New registry value created" or "%%1905" or "Existing registry value modified") and Channel = "Security" and ObjectName = "x" and NewValue = "y"`},
		{"windows", creation, "{Image: x}", `(EventID = 1 and Channel = "Microsoft-Windows-Sysmon/Operational" and Image = "x") or (EventID = 4688 and Channel = "Security" and NewProcessName = "x")`},
		{"windows", "{product: windows, category: image_load}", "{Image: x}", `Channel = "Microsoft-Windows-Sysmon/Operational" and EventID = 7 and Image = "x"`},
		{"sysmon ecs_windows", creation, "{Image: x, Product: y, Odd: z, User|fieldref: ParentImage}",
			`event.code = 1 and ` + sysmonLog + ` and process.executable.caseless = "x" and process.pe.product = "y" and winlog.event_data.Odd = "z" and (winlog.event_data.User = field process.parent.executable.caseless or user.name = field process.parent.executable.caseless) in winlogbeat-*`},
		{"sysmon ecs_windows", network, "{Initiated: 'false', Protocol: tcp, CommandLine: x}",
			`event.code = 3 and ` + sysmonLog + ` and network.direction = ("ingress" or "inbound") and network.transport = "tcp" and winlog.event_data.CommandLine = "x" in winlogbeat-*`},
		{"windows-audit ecs_windows", creation, "{Image: x, CommandLine: y, LogonId: z}",
			`event.code = 4688 and winlog.channel = "Security" and process.executable.caseless = "x" and process.command_line = "y" and winlog.event_data.SubjectLogonId = "z" in winlogbeat-*`},
		{"ecs_windows", "{product: windows, service: security}", "{EventID: 4624, SubjectUserName: x, TargetUserName: y}",
			`winlog.channel = "Security" and event.code = 4624 and winlog.event_data.SubjectUserName = "x" and winlog.event_data.TargetUserName = "y" in winlogbeat-*`},
		{"ecs_windows", "{product: windows, service: windefend}", "{EventID: 5007, NewValue: x}",
			`winlog.channel = "Microsoft-Windows-Windows Defender/Operational" and event.code = 5007 and winlog.event_data.New Value = "x" in winlogbeat-*`},
		{"ecs_windows", "{product: windows}", "[x, y]", `any = ("x" or "y") in winlogbeat-*`},
		{"ecs_windows", "{product: linux, service: auditd}", "{Image: x}", `Image = "x"`},
		{"ecs_windows_old", "{product: windows, service: system}", "{EventID: 7045, Provider_Name: x, ServiceName: y}",
			`log_name = "System" and event_id = 7045 and source_name = "x" and event_data.ServiceName = "y" in winlogbeat-*`},
	} {
		var parts []Part
		for _, name := range strings.Fields(c.pipelines) {
			parts = append(parts, load(t, name))
		}
		if got := lowered(ruleOf(t, c.source, c.items), NewChain(parts...)); got != c.want {
			t.Errorf("-p %s, %s %s\n  gives %s\n  want  %s", c.pipelines, c.source, c.items, got, c.want)
		}
	}
}

// A pipeline that only says how one of the logs names things reports no field as
// unknown.
func TestLogsAreNoTargets(t *testing.T) {
	for _, name := range []string{"sysmon", "windows", "windows-audit", "windows-logsources"} {
		l, diags := Lower(ruleOf(t, "{product: windows, category: process_creation}", "{CommandLine: x, Image: y}"), NewChain(load(t, name)))
		if l == nil || len(diags) > 0 || len(l.Unmapped) > 0 {
			t.Errorf("%s: unmapped %v, %v", name, l.Unmapped, diags)
		}
	}
}

// A fields list is mapped once, and references too.
func TestECSFields(t *testing.T) {
	rule := parseRule(t, "title: t\nfields: [Image, Odd, EventID]\nlogsource: {product: windows, category: process_creation}\ndetection:\n  s: {Image: x}\n  condition: s\n")
	l, _ := Lower(rule, NewChain(load(t, "ecs_windows")))
	if got := strings.Join(l.Fields, " "); got != "process.executable.caseless winlog.event_data.Odd event.code" {
		t.Error(got)
	}
}
