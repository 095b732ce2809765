package pipeline

import (
	"strings"
	"testing"
)

const sysmonChannel = `Channel = "Microsoft-Windows-Sysmon/Operational"`

func TestWindowsLogSources(t *testing.T) {
	chain := NewChain(load(t, "windows-logsources"))
	for _, c := range []struct{ source, items, want string }{
		{"{product: windows, category: process_creation}", "{Image: x, ParentImage: y, CommandLine: z}",
			`(` + sysmonChannel + ` and EventID = 1 and Image = "x" and ParentImage = "y" and CommandLine = "z") or ` +
				`(Channel = "Security" and EventID = 4688 and NewProcessName = "x" and ParentProcessName = "y" and CommandLine = "z")`},
		{"{product: windows, category: registry_event}", "{A: 1}", sysmonChannel + ` and EventID = (12 or 13 or 14) and A = 1`},
		{"{product: windows, category: registry_add}", "{A: 1}", sysmonChannel + ` and EventID = 12 and EventType = "CreateKey" and A = 1`},
		{"{product: windows, category: registry_delete}", "{A: 1}", sysmonChannel + ` and EventID = 12 and EventType = ("DeleteKey" or "DeleteValue") and A = 1`},
		{"{product: windows, category: registry_set}", "{A: 1}", sysmonChannel + ` and EventID = 13 and A = 1`},
		{"{product: windows, category: wmi_event}", "{A: 1}", sysmonChannel + ` and EventID = (19 or 20 or 21) and A = 1`},
		{"{product: windows, category: clipboard_change}", "{A: 1}", sysmonChannel + ` and EventID = 24 and A = 1`},
		{"{product: windows, category: clipboard_capture}", "{A: 1}", sysmonChannel + ` and EventID = 24 and A = 1`},
		{"{product: windows, category: ps_script}", "{A: 1}", `Channel = ("Microsoft-Windows-PowerShell/Operational" or "PowerShellCore/Operational") and EventID = 4104 and A = 1`},
		{"{product: windows, category: ps_classic_start}", "{A: 1}", `Channel = "Windows PowerShell" and EventID = 400 and A = 1`},
		{"{product: windows, service: sysmon}", "{EventID: 1}", sysmonChannel + ` and EventID = 1`},
		{"{product: windows, service: security}", "{EventID: 1}", `Channel = "Security" and EventID = 1`},
		{"{product: windows, service: microsoft-servicebus-client}", "{A: 1}", `Channel = ("Microsoft-ServiceBus-Client/Admin" or "Microsoft-ServiceBus-Client/Operational") and A = 1`},
		{"{product: windows, service: applocker}", "{A: 1}", `Channel = ("Microsoft-Windows-AppLocker/MSI and Script" or "Microsoft-Windows-AppLocker/EXE and DLL" or "Microsoft-Windows-AppLocker/Packaged app-Deployment" or "Microsoft-Windows-AppLocker/Packaged app-Execution") and A = 1`},
		{"{product: windows}", "{A: 1}", `A = 1`},
		{"{category: antivirus}", "{Signature|contains: x, Filename: y}",
			`(Channel = "Microsoft-Windows-Windows Defender/Operational" and EventID = (1006 or 1007 or 1008 or 1009 or 1010 or 1011 or 1012 or 1017 or 1018 or 1019 or 1115 or 1116) and (ThreatName = "*x*" or Threat Name = "*x*") and Path = "y") or ` +
				`(Channel is null and Signature = "*x*" and Filename = "y")`},
		{"{product: linux, category: process_creation}", "{Image: x}",
			`(Channel = "Linux-Sysmon/Operational" and EventID = 1 and Image = "x") or (Channel is null and Image = "x")`},
		{"{product: linux, category: file_event}", "{A: 1}", `(Channel = "Linux-Sysmon/Operational" and EventID = 11 and A = 1) or (Channel is null and A = 1)`},
		{"{product: linux, service: auditd}", "{A: 1}", `A = 1`},
		{"{product: macos, category: process_creation}", "{A: 1}", `A = 1`},
		{"{product: aws, service: cloudtrail}", "{A: 1}", `A = 1`},
		{"{category: proxy}", "{A: 1}", `A = 1`},
		{"{category: process_creation}", "{A: 1}", `A = 1`},
	} {
		l, diags := Lower(ruleOf(t, c.source, c.items), chain)
		if l == nil {
			t.Fatal(diags)
		}
		if got := show(l.Expr()); got != c.want {
			t.Errorf("%s %s\n  gives %s\n  want  %s", c.source, c.items, got, c.want)
		}
		if len(l.Unmapped) > 0 || len(diags) > 0 && c.source != "{product: windows}" {
			t.Errorf("%s: unmapped %v, %v", c.source, l.Unmapped, diags)
		}
	}
}

func TestProduct(t *testing.T) {
	for source, want := range map[string]string{
		"{product: windows, category: process_creation}": "windows",
		"{product: Linux, service: auditd}":              "linux",
		"{category: proxy}":                              "",
	} {
		if l, _ := Lower(ruleOf(t, source, "{A: 1}"), nil); l.Product != want {
			t.Errorf("%s: %q", source, l.Product)
		}
	}
}

// A rule for Windows that gets neither channel nor event id is told of.
func TestSourceWarnings(t *testing.T) {
	logsources, helk := load(t, "windows-logsources"), load(t, "helk")
	config, err := LoadSigmac("helk", "es-qs")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, source, items string
		chain               *Chain
		want                string
	}{
		{"no pipeline", "{product: windows, category: file_event}", "{A: 1}", nil, ""},
		{"logsources", "{product: windows, category: file_event}", "{A: 1}", NewChain(logsources), ""},
		{"logsources", "{product: windows, category: file_access}", "{A: 1}", NewChain(logsources), "rule.yml:2:12: category file_access got no channel and event id"},
		{"logsources", "{product: windows, service: nope}", "{A: 1}", NewChain(logsources), "rule.yml:2:12: service nope got no channel and no index"},
		{"helk", "{product: windows, category: file_event}", "{A: 1}", NewChain(helk), ""},
		{"-c helk", "{product: windows, category: file_event}", "{A: 1}", NewChain(config), "rule.yml:2:12: category file_event got no channel and event id"},
		{"-c helk", "{product: windows, category: file_event}", "{EventID: 11}", NewChain(config), ""},
		{"-c helk", "{product: windows, service: sysmon}", "{A: 1}", NewChain(config), ""},
		{"-c helk", "{product: windows, service: ntlm}", "{A: 1}", NewChain(config), "rule.yml:2:12: service ntlm got no channel and no index"},
		{"-c helk", "{product: linux, category: file_event}", "{A: 1}", NewChain(config), ""},
		{"-c helk -p logsources", "{product: windows, category: file_event}", "{A: 1}", NewChain(config, logsources), ""},
	} {
		_, diags := Lower(ruleOf(t, c.source, c.items), c.chain)
		got := diags.Error()
		if c.want == "" && len(diags) > 0 || !strings.HasPrefix(got, c.want) || diags.HasErrors() {
			t.Errorf("%s, %s %s: %q, want %q", c.name, c.source, c.items, got, c.want)
		}
	}
}

func TestHELK(t *testing.T) {
	chain := NewChain(load(t, "helk"))
	for _, c := range []struct{ source, items, want, unmapped string }{
		{"{product: windows, category: image_load}", `{ImageLoaded|endswith: '\X.dll'}`,
			`log_name = "Microsoft-Windows-Sysmon/Operational" and event_id = 7 and module_loaded = "*\\x.dll" in logs-endpoint-winevent-sysmon-*`, ""},
		{"{product: windows, category: driver_load}", `{ImageLoaded: X, Hashes|contains: 'SHA1=AB'}`,
			`log_name = "Microsoft-Windows-Sysmon/Operational" and event_id = 6 and driver_loaded = "x" and hash_sha1 = "AB" in logs-endpoint-winevent-sysmon-*`, ""},
		{"{product: windows, category: process_creation}", `{Image: X}`,
			`(log_name = "Microsoft-Windows-Sysmon/Operational" and event_id = 1 and process_path = "x") or (log_name = "Security" and event_id = 4688 and process_path = "x") in logs-endpoint-winevent-sysmon-*, logs-endpoint-winevent-security-*`, ""},
		{"{product: windows, service: security}", `{EventID: 4624, TargetUserName: A, SubjectUserName: B}`,
			`log_name = "Security" and event_id = 4624 and user_name = "a" and user_reporter_name = "b" in logs-endpoint-winevent-security-*`, ""},
		{"{product: windows, service: security}", `{EventID: 5145, AccessMask: '0x1'}`,
			`log_name = "Security" and event_id = 5145 and share_access_mask = "0x1" in logs-endpoint-winevent-security-*`, ""},
		{"{product: windows, service: ntlm}", `{EventID: 8001, Nope: 1, CallTrace: x, AlsoNope|fieldref: Never}`,
			`log_name = "Microsoft-Windows-NTLM/Operational" and event_id = 8001 and Nope = 1 and process_call_trace = "x" and AlsoNope = field Never in logs-endpoint-winevent-additional-*`, "Nope AlsoNope Never"},
		{"{category: proxy}", `{c-uri: x}`, `c-uri = "x" in logs-*`, "c-uri"},
		{"{product: windows, category: ps_script}", `{ScriptBlockText|re: 'A\S'}`,
			`log_name = ("Microsoft-Windows-PowerShell/Operational" or "PowerShellCore/Operational") and event_id = 4104 and powershell.scriptblock.text =~ /A\S/ in logs-endpoint-winevent-powershell-*`, ""},
	} {
		l, diags := Lower(ruleOf(t, c.source, c.items), chain)
		if l == nil {
			t.Fatal(diags)
		}
		if got := show(l.Expr()) + " in " + strings.Join(l.Index, ", "); got != c.want {
			t.Errorf("%s %s\n  gives %s\n  want  %s", c.source, c.items, got, c.want)
		}
		if got := strings.Join(l.Unmapped, " "); got != c.unmapped {
			t.Errorf("%s: unmapped %q, want %q", c.items, got, c.unmapped)
		}
	}
}
