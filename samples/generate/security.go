package main

import (
	"fmt"
	"strings"
	"time"
)

// security adds an event of the security log.
func (w *world) security(t time.Time, h *host, id, task int, category, headline string, failure bool, data []field, rules ...ruleID) {
	e := &event{
		time: t, host: h, id: id, channel: securityChannel, source: securityLog, task: task,
		category: category, failure: failure, data: data,
	}
	if !unrendered[id] {
		e.message = sentence(headline, "\t", data)
	}
	w.emit(e, rules...)
}

func subject(u *user, logon string) []field {
	return []field{
		{"SubjectUserSid", u.sid}, {"SubjectUserName", u.name},
		{"SubjectDomainName", u.domain}, {"SubjectLogonId", logon},
	}
}

// audited is who the security log says acts: a service acts as its machine.
func audited(p *proc) (*user, string) {
	if p.user == system || p.user == network {
		return p.host.account(), "0x3e7"
	}
	return p.user, p.logon
}

// processAudited is 4688.
func (w *world) processAudited(t time.Time, p *proc, rules ...ruleID) {
	u, logon := audited(p)
	label := map[string]string{"System": "S-1-16-16384", "High": "S-1-16-12288", "Medium": "S-1-16-8192"}[p.integrity]
	data := append(subject(u, logon),
		field{"NewProcessId", fmt.Sprintf("0x%x", p.pid)}, field{"NewProcessName", p.image},
		field{"TokenElevationType", "%%1936"}, field{"ProcessId", fmt.Sprintf("0x%x", p.parent.pid)},
		field{"CommandLine", p.cmd}, field{"TargetUserSid", "S-1-0-0"}, field{"TargetUserName", "-"},
		field{"TargetDomainName", "-"}, field{"TargetLogonId", "0x0"},
		field{"ParentProcessName", p.parent.image}, field{"MandatoryLabel", label})
	w.security(t, p.host, 4688, 13312, "Process Creation", "A new process has been created.", false, data, rules...)
}

// logon is 4624, with 4672 for an administrator, and 4634 when it ends.
func (w *world) logon(t time.Time, h *host, u *user, kind int, ip, from string, lasts time.Duration, rules ...ruleID) {
	id := fmt.Sprintf("0x%x", 0x100000+w.roll(0xffffff))
	process, pkg := "Kerberos", "Kerberos"
	switch kind {
	case 2, 11:
		process, pkg = "User32 ", "Negotiate"
	case 5:
		process, pkg = "Advapi  ", "Negotiate"
	}
	data := append(subject(anonymus, "0x0"),
		field{"TargetUserSid", u.sid}, field{"TargetUserName", u.name}, field{"TargetDomainName", u.domain},
		field{"TargetLogonId", id}, field{"LogonType", fmt.Sprint(kind)}, field{"LogonProcessName", process},
		field{"AuthenticationPackageName", pkg}, field{"WorkstationName", from},
		field{"LogonGuid", "{00000000-0000-0000-0000-000000000000}"}, field{"TransmittedServices", "-"},
		field{"LmPackageName", "-"}, field{"KeyLength", "0"}, field{"ProcessId", "0x0"}, field{"ProcessName", "-"},
		field{"IpAddress", ip}, field{"IpPort", fmt.Sprint(49152 + w.roll(16000))},
		field{"ImpersonationLevel", "%%1833"}, field{"RestrictedAdminMode", "-"},
		field{"TargetOutboundUserName", "-"}, field{"TargetOutboundDomainName", "-"},
		field{"VirtualAccount", "%%1843"}, field{"TargetLinkedLogonId", "0x0"}, field{"ElevatedToken", "%%1842"})
	w.security(t, h, 4624, 12544, "Logon", "An account was successfully logged on.", false, data, rules...)
	if u.admin {
		w.security(after(t, 1), h, 4672, 12548, "Special Logon", "Special privileges assigned to new logon.", false,
			append(subject(u, id), field{"PrivilegeList", strings.Join([]string{
				"SeSecurityPrivilege", "SeBackupPrivilege", "SeRestorePrivilege", "SeDebugPrivilege",
			}, "\r\n\t\t\t")}))
	}
	if lasts > 0 {
		w.security(t.Add(lasts), h, 4634, 12545, "Logoff", "An account was logged off.", false, []field{
			{"TargetUserSid", u.sid}, {"TargetUserName", u.name}, {"TargetDomainName", u.domain},
			{"TargetLogonId", id}, {"LogonType", fmt.Sprint(kind)},
		})
	}
}

// logonFailed is 4625.
func (w *world) logonFailed(t time.Time, h *host, name string, kind int, ip, from string, rules ...ruleID) {
	data := append(subject(anonymus, "0x0"),
		field{"TargetUserSid", "S-1-0-0"}, field{"TargetUserName", name}, field{"TargetDomainName", domain},
		field{"Status", "0xc000006d"}, field{"FailureReason", "%%2313"}, field{"SubStatus", "0xc000006a"},
		field{"LogonType", fmt.Sprint(kind)}, field{"LogonProcessName", "NtLmSsp "},
		field{"AuthenticationPackageName", "NTLM"}, field{"WorkstationName", from},
		field{"TransmittedServices", "-"}, field{"LmPackageName", "-"}, field{"KeyLength", "0"},
		field{"ProcessId", "0x0"}, field{"ProcessName", "-"}, field{"IpAddress", ip},
		field{"IpPort", fmt.Sprint(49152 + w.roll(16000))})
	w.security(t, h, 4625, 12544, "Logon", "An account failed to log on.", true, data, rules...)
}

// accountCreated is 4720, memberAdded 4732.
func (w *world) accountCreated(t time.Time, h *host, by *user, u *user, rules ...ruleID) {
	data := append([]field{
		{"TargetUserName", u.name}, {"TargetDomainName", u.domain}, {"TargetSid", u.sid},
	}, subject(by, "0x4f1a2c")...)
	data = append(data,
		field{"PrivilegeList", "-"}, field{"SamAccountName", u.name}, field{"DisplayName", "%%1793"},
		field{"UserPrincipalName", "-"}, field{"HomeDirectory", "%%1793"}, field{"HomePath", "%%1793"},
		field{"ScriptPath", "%%1793"}, field{"ProfilePath", "%%1793"}, field{"UserWorkstations", "%%1793"},
		field{"PasswordLastSet", "%%1794"}, field{"AccountExpires", "%%1794"}, field{"PrimaryGroupId", "513"},
		field{"AllowedToDelegateTo", "-"}, field{"OldUacValue", "0x0"}, field{"NewUacValue", "0x15"},
		field{"UserAccountControl", "%%2080 %%2082 %%2084"}, field{"UserParameters", "%%1793"},
		field{"SidHistory", "-"}, field{"LogonHours", "%%1797"})
	w.security(t, h, 4720, 13824, "User Account Management", "A user account was created.", false, data, rules...)
}

func (w *world) memberAdded(t time.Time, h *host, by, member *user, group, groupSID string, rules ...ruleID) {
	data := append([]field{
		{"MemberName", "CN=" + member.name + ",CN=Users,DC=harborlight,DC=test"}, {"MemberSid", member.sid},
		{"TargetUserName", group}, {"TargetDomainName", "Builtin"}, {"TargetSid", groupSID},
	}, subject(by, "0x4f1a2c")...)
	data = append(data, field{"PrivilegeList", "-"})
	w.security(t, h, 4732, 13826, "Security Group Management", "A member was added to a security-enabled local group.", false, data, rules...)
}

// task is 4698: a scheduled task that runs a command.
func (w *world) task(t time.Time, h *host, by *user, name, command, arguments string, rules ...ruleID) {
	content := "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n<Task version=\"1.2\">\r\n" +
		"  <RegistrationInfo><URI>" + name + "</URI></RegistrationInfo>\r\n" +
		"  <Triggers><CalendarTrigger><StartBoundary>2024-05-14T00:00:00</StartBoundary></CalendarTrigger></Triggers>\r\n" +
		"  <Actions><Exec><Command>" + command + "</Command><Arguments>" + arguments + "</Arguments></Exec></Actions>\r\n" +
		"</Task>"
	data := append(subject(by, "0x4f1a2c"), field{"TaskName", name}, field{"TaskContent", content})
	w.security(t, h, 4698, 12804, "Other Object Access Events", "A scheduled task was created.", false, data, rules...)
}

// logCleared is 1102, which the event log writes about itself.
func (w *world) logCleared(t time.Time, h *host, by *user, rules ...ruleID) {
	data := subject(by, "0x5b33f1")
	w.emit(&event{
		time: t, host: h, id: 1102, channel: securityChannel, source: eventlogLog, task: 104,
		category: "Log clear", data: data, message: sentence("The audit log was cleared.", "\t", data),
	}, rules...)
}
