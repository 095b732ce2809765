package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

func utc(t time.Time) string { return t.Format("2006-01-02 15:04:05.000") }

// sysmon adds an event of Sysmon; fields that all share come first.
func (w *world) sysmon(t time.Time, h *host, id, version int, headline, category, kind string, data []field, rules ...ruleID) {
	all := []field{{"RuleName", "-"}, {"UtcTime", utc(t)}}
	all = append(all, data...)
	message := all
	if kind != "" {
		message = append([]field{{"EventType", kind}}, all...)
	}
	e := &event{
		time: t, host: h, id: id, channel: sysmonChannel, source: sysmonLog, task: id, version: version,
		category: category, kind: kind, account: system, data: all,
	}
	if !unrendered[id] {
		e.message = sentence(headline+":", "", message)
	}
	w.emit(e, rules...)
}

func (p *proc) fields() []field {
	return []field{{"ProcessGuid", p.guid}, {"ProcessId", strconv.Itoa(p.pid)}, {"Image", p.image}}
}

// start runs a program: Sysmon 1 and Security 4688, both of which a rule on
// process creation must find, and the libraries that every program loads.
func (w *world) start(t time.Time, parent *proc, u *user, image, cmd string, rules ...ruleID) *proc {
	h := parent.host
	p := w.newProc(t, h, parent, u, image, cmd)
	dir := `C:\Windows\system32\`
	if u != system && u != network {
		dir = `C:\Users\` + u.name + `\`
	}
	about := aboutFile(image)
	data := append(p.fields(),
		field{"FileVersion", about.version}, field{"Description", about.description},
		field{"Product", about.product}, field{"Company", about.company},
		field{"OriginalFileName", about.original}, field{"CommandLine", cmd},
		field{"CurrentDirectory", dir}, field{"User", u.full()},
		field{"LogonGuid", "{00000000-0000-0000-0000-000000000000}"}, field{"LogonId", p.logon},
		field{"TerminalSessionId", session(u)}, field{"IntegrityLevel", p.integrity},
		field{"Hashes", hashes(image)},
		field{"ParentProcessGuid", parent.guid}, field{"ParentProcessId", strconv.Itoa(parent.pid)},
		field{"ParentImage", parent.image}, field{"ParentCommandLine", parent.cmd},
	)
	w.sysmon(t, h, 1, 5, "Process Create", "Process Create (rule: ProcessCreate)", "", data, rules...)
	w.processAudited(after(t, 4), p, rules...)
	w.load(after(t, 9), p, sys32+"ntdll.dll")
	w.load(after(t, 11), p, sys32+"kernel32.dll")
	return p
}

func session(u *user) string {
	if u == system || u == network {
		return "0"
	}
	return "1"
}

// end is Sysmon 5.
func (w *world) end(t time.Time, p *proc) {
	w.sysmon(t, p.host, 5, 3, "Process terminated", "Process terminated (rule: ProcessTerminate)", "", p.fields())
}

// connect is Sysmon 3: p opens a TCP connection.
func (w *world) connect(t time.Time, p *proc, ip, name string, port int, rules ...ruleID) {
	data := append(p.fields(),
		field{"User", p.user.full()}, field{"Protocol", "tcp"}, field{"Initiated", "true"},
		field{"SourceIsIpv6", "false"}, field{"SourceIp", p.host.ip}, field{"SourceHostname", p.host.fqdn()},
		field{"SourcePort", strconv.Itoa(49152 + w.roll(16000))}, field{"SourcePortName", "-"},
		field{"DestinationIsIpv6", "false"}, field{"DestinationIp", ip}, field{"DestinationHostname", name},
		field{"DestinationPort", strconv.Itoa(port)}, field{"DestinationPortName", portName(port)},
	)
	w.sysmon(t, p.host, 3, 5, "Network connection detected", "Network connection detected (rule: NetworkConnect)", "", data, rules...)
}

func portName(port int) string {
	switch port {
	case 80:
		return "http"
	case 443:
		return "https"
	case 389:
		return "ldap"
	case 445:
		return "microsoft-ds"
	}
	return "-"
}

// query is Sysmon 22: p looks up a name.
func (w *world) query(t time.Time, p *proc, name, ip string, rules ...ruleID) {
	data := append(p.fields(), field{"QueryName", name}, field{"QueryStatus", "0"},
		field{"QueryResults", "::ffff:" + ip + ";"})
	w.sysmon(t, p.host, 22, 5, "Dns query", "Dns query (rule: DnsQuery)", "", data, rules...)
}

// load is Sysmon 7: p loads a library.
func (w *world) load(t time.Time, p *proc, dll string, rules ...ruleID) {
	about := aboutFile(dll)
	signed, by, status := "true", "Microsoft Windows", "Valid"
	if about.company == "-" {
		signed, by, status = "false", "-", "Unavailable"
	}
	data := append(p.fields(), field{"ImageLoaded", dll},
		field{"FileVersion", about.version}, field{"Description", about.description},
		field{"Product", about.product}, field{"Company", about.company}, field{"OriginalFileName", about.original},
		field{"Hashes", hashes(dll)}, field{"Signed", signed}, field{"Signature", by}, field{"SignatureStatus", status})
	w.sysmon(t, p.host, 7, 3, "Image loaded", "Image loaded (rule: ImageLoad)", "", data, rules...)
}

// access is Sysmon 10: p opens another process.
func (w *world) access(t time.Time, p, target *proc, mask, trace string, rules ...ruleID) {
	data := []field{
		{"SourceProcessGUID", p.guid}, {"SourceProcessId", strconv.Itoa(p.pid)},
		{"SourceThreadId", strconv.Itoa(p.pid + 8)}, {"SourceImage", p.image},
		{"TargetProcessGUID", target.guid}, {"TargetProcessId", strconv.Itoa(target.pid)}, {"TargetImage", target.image},
		{"GrantedAccess", mask}, {"CallTrace", trace},
	}
	w.sysmon(t, p.host, 10, 3, "Process accessed", "Process accessed (rule: ProcessAccess)", "", data, rules...)
}

const plainTrace = sys32 + `ntdll.dll+9d104|` + sys32 + `KERNELBASE.dll+2c13e`

// file is Sysmon 11: p creates a file.
func (w *world) file(t time.Time, p *proc, name string, rules ...ruleID) {
	data := append(p.fields(), field{"TargetFilename", name}, field{"CreationUtcTime", utc(t)})
	w.sysmon(t, p.host, 11, 2, "File created", "File created (rule: FileCreate)", "", data, rules...)
}

// key is Sysmon 12, value is Sysmon 13: p creates a key, sets a value.
func (w *world) key(t time.Time, p *proc, object string, rules ...ruleID) {
	data := append(p.fields(), field{"TargetObject", object})
	w.sysmon(t, p.host, 12, 2, "Registry object added or deleted", "Registry object added or deleted (rule: RegistryEvent)", "CreateKey", data, rules...)
}

func (w *world) value(t time.Time, p *proc, object, details string, rules ...ruleID) {
	data := append(p.fields(), field{"TargetObject", object}, field{"Details", details})
	w.sysmon(t, p.host, 13, 2, "Registry value set", "Registry value set (rule: RegistryEvent)", "SetValue", data, rules...)
}

// pipe is Sysmon 17: p creates a named pipe.
func (w *world) pipe(t time.Time, p *proc, name string, rules ...ruleID) {
	data := append(p.fields(), field{"PipeName", name})
	w.sysmon(t, p.host, 17, 1, "Pipe Created", "Pipe Created (rule: PipeEvent)", "CreatePipe", data, rules...)
}

// subscription is Sysmon 19, 20 and 21: a permanent WMI subscription.
func (w *world) subscription(t time.Time, h *host, u *user, name, query, command string, rules ...ruleID) {
	who := []field{{"Operation", "Created"}, {"User", u.full()}}
	with := func(more ...field) []field { return append(append([]field{}, who...), more...) }
	quote := func(s string) string { return fmt.Sprintf(` "%s"`, s) }
	w.sysmon(t, h, 19, 3, "WmiEventFilter activity detected", "WmiEventFilter activity detected (rule: WmiEvent)", "WmiFilterEvent",
		with(field{"EventNamespace", quote(`root\\cimv2`)}, field{"Name", quote(name)}, field{"Query", quote(query)}), rules...)
	w.sysmon(after(t, 640), h, 20, 3, "WmiEventConsumer activity detected", "WmiEventConsumer activity detected (rule: WmiEvent)", "WmiConsumerEvent",
		with(field{"Name", quote(name)}, field{"Type", "Command Line"}, field{"Destination", quote(strings.ReplaceAll(command, `\`, `\\`))}), rules...)
	w.sysmon(after(t, 1210), h, 21, 3, "WmiEventConsumerToFilter activity detected", "WmiEventConsumerToFilter activity detected (rule: WmiEvent)", "WmiBindingEvent",
		with(field{"Consumer", quote(`CommandLineEventConsumer.Name=\"` + name + `\"`)}, field{"Filter", quote(`__EventFilter.Name=\"` + name + `\"`)}), rules...)
}

// about is what a file says about itself.
type about struct{ version, description, product, company, original string }

func aboutFile(path string) about {
	const windows = "Microsoft® Windows® Operating System"
	lower := strings.ToLower(path)
	name := base(path)
	switch {
	case strings.Contains(lower, `\appdata\`):
		return about{"-", "-", "-", "-", "-"}
	case strings.Contains(lower, `\fleetagent\`):
		return about{"3.2.1", "Fleet Agent", "Fleet Agent", "Harborlight IT", name}
	case strings.Contains(lower, `\microsoft office\`):
		return about{"16.0.17531.20140", "Microsoft Office", "Microsoft Office", "Microsoft Corporation", name}
	case strings.Contains(lower, `\program files`):
		return about{"124.0.2478.97", strings.TrimSuffix(name, ".exe"), strings.TrimSuffix(name, ".exe"), "Microsoft Corporation", name}
	}
	return about{"10.0.19041.3636 (WinBuild.160101.0800)", strings.TrimSuffix(name, ".exe"), windows, "Microsoft Corporation", name}
}
