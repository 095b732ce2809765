package main

import (
	"fmt"
	"time"
)

// program is something that people and machines run all day.
type program struct {
	parent, image, arguments string
	dlls                     []string
}

var (
	userPrograms = []program{
		{"explorer", `C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe`, "--no-startup-window", []string{"dwrite.dll", "mf.dll"}},
		{"explorer", office + "EXCEL.EXE", `/dde`, []string{"msxml6.dll"}},
		{"explorer", office + "WINWORD.EXE", `/n "C:\Users\Public\Documents\Minutes.docx"`, []string{"msxml6.dll", "spool.dll"}},
		{"explorer", sys32 + "notepad.exe", "", nil},
		{"explorer", sys32 + "SnippingTool.exe", "", []string{"dwrite.dll"}},
		{"dcom", sys32 + "RuntimeBroker.exe", "-Embedding", []string{"twinapi.dll"}},
		{"dcom", sys32 + "backgroundTaskHost.exe", "-ServerName:App.AppXmtcan0h2tfbfy7k9kn8hbxb6dmzz1zh0.mca", nil},
		{"explorer", cmdExe, "/c ipconfig", nil},
	}
	systemPrograms = []program{
		{"svchost", sys32 + "taskhostw.exe", "", []string{"dsreg.dll"}},
		{"services", sys32 + "sppsvc.exe", "", []string{"sppobjs.dll"}},
		{"svchost", sys32 + "wuauclt.exe", "/RunHandlerComServer", []string{"wuapi.dll"}},
		{"dcom", sys32 + "dllhost.exe", "/Processid:{AB8902B4-09CA-4BB6-B78D-A8F59079A8D5}", nil},
		{"services", sys32 + "svchost.exe", "-k wsappx -p", []string{"appxdeploymentclient.dll"}},
		{"wmiprvse", `C:\Program Files\FleetAgent\inventory.exe`, "--quick", nil},
		{"svchost", sys32 + "gpupdate.exe", "/target:computer", []string{"gpapi.dll"}},
		{"defender", defender + "MpCmdRun.exe", "SignatureUpdate -ScheduleJob", nil},
	}
	sites = []struct{ name, ip string }{
		{"www.tidetables.example", "198.51.100.20"}, {"news.harbor-gazette.example", "198.51.100.35"},
		{"mail.harborlight.test", "10.20.1.30"}, {"crm.harborlight.test", "10.20.1.31"},
		{"update.fleetagent.example", "198.51.100.77"}, {"weather.coastguard.example", "192.0.2.14"},
	}
	serviceNames = []string{"Windows Update", "Software Protection", "Background Intelligent Transfer Service", "Windows Modules Installer"}
)

// noise is a working day from seven to half past one.
func (w *world) noise() {
	begin, end := at("07:00:00.000"), at("13:30:00.000")
	w.morning()
	for _, h := range w.hosts {
		w.every(begin, end, 7, 6, func(t time.Time) { w.programs(t, h) })
		w.every(begin, end, 12, 12, func(t time.Time) { w.watchers(t, h) })
		w.every(begin, end, 20, 16, func(t time.Time) { w.registry(t, h) })
		w.every(begin, end, 45, 20, func(t time.Time) { w.fleet(t, h) })
		w.every(begin, end, 70, 60, func(t time.Time) {
			name := serviceNames[w.roll(len(serviceNames))]
			w.serviceState(t, h, name, "running")
			w.serviceState(t.Add(4*time.Minute), h, name, "stopped")
		})
		if h.user != system {
			w.every(at("07:50:00.000"), end, 6, 7, func(t time.Time) { w.browse(t, h) })
		}
	}
	// People and machines use the servers.
	for _, server := range []*host{w.files, w.dc} {
		w.every(begin, end, 3, 4, func(t time.Time) {
			from := w.hosts[w.roll(len(w.hosts))]
			who := from.account()
			who.admin = false
			if from.user != system && w.roll(2) == 0 {
				who = from.user
			}
			w.logon(t, server, who, 3, from.ip, "-", time.Duration(20+w.roll(600))*time.Second)
		})
	}
	// A scanner's account has an old password.
	w.every(at("07:20:00.000"), end, 55, 10, func(t time.Time) {
		w.logonFailed(t, w.files, "svc-scan", 3, "10.20.5.9", "PRN-02", networkLogonFailed)
	})
	w.backups()
	w.administrator()
}

// every calls f about so often: each time some minutes later, and up to as many more.
func (w *world) every(t, end time.Time, minutes, more int, f func(time.Time)) {
	for {
		t = t.Add(time.Duration(minutes)*time.Minute + time.Duration(w.roll(more*60000))*time.Millisecond)
		if !t.Before(end) {
			return
		}
		f(t)
	}
}

// morning: people come, and one mistypes.
func (w *world) morning() {
	for _, x := range []struct {
		clock string
		h     *host
	}{{"07:41:12.300", w.wks21}, {"07:58:40.114", w.wks07}, {"08:13:05.902", w.wks12}} {
		t := at(x.clock)
		if x.h == w.wks12 {
			w.logonFailed(t.Add(-20*time.Second), x.h, lind.name, 2, "127.0.0.1", x.h.name)
			w.logonFailed(t.Add(-9*time.Second), x.h, lind.name, 2, "127.0.0.1", x.h.name)
		}
		w.logon(t, x.h, x.h.user, 2, "127.0.0.1", x.h.name, 0)
	}
}

func (w *world) programs(t time.Time, h *host) {
	list, u := systemPrograms, system
	if h.user != system && w.roll(5) < 3 && t.After(at("07:59:00.000")) {
		list, u = userPrograms, h.user
	}
	p := list[w.roll(len(list))]
	cmd := `"` + p.image + `"`
	if p.arguments != "" {
		cmd += " " + p.arguments
	}
	run := w.start(t, h.procs[p.parent], u, p.image, cmd)
	for i, dll := range p.dlls {
		w.load(after(t, 30+7*i), run, sys32+dll)
	}
	if p.image == cmdExe {
		tool := w.start(after(t, 60), run, u, sys32+"ipconfig.exe", "ipconfig")
		w.end(after(t, 400), tool)
	}
	if u == h.user {
		w.file(after(t, 800), run, fmt.Sprintf(`C:\Users\%s\AppData\Local\Temp\~tmp%04x.tmp`, u.name, w.roll(65536)))
	}
	w.end(t.Add(time.Duration(2+w.roll(200))*time.Second), run)
}

// watchers: the virus scanner and the system look at other processes.
func (w *world) watchers(t time.Time, h *host) {
	w.access(t, h.procs["svchost"], h.procs["lsass"], "0x1000", plainTrace)
	w.access(after(t, 300), h.procs["defender"], h.procs["lsass"], "0x1410", plainTrace)
	w.access(after(t, 420), h.procs["defender"], h.procs["agent"], "0x1410", plainTrace)
	w.file(after(t, 900), h.procs["svchost"], `C:\Windows\ServiceState\EventLog\Data\lastalive0.dat`)
}

func (w *world) registry(t time.Time, h *host) {
	p := h.procs["svchost"]
	w.key(t, p, `HKLM\System\CurrentControlSet\Services\bam\State\UserSettings\S-1-5-18`)
	w.value(after(t, 3), p, `HKLM\System\CurrentControlSet\Services\W32Time\Config\LastKnownGoodTime`, fmt.Sprintf("QWORD (0x01daa5ce-0x%08x)", w.roll(1<<31)))
	w.value(after(t, 9), p, `HKLM\Software\Microsoft\Windows\CurrentVersion\Run\SecurityHealth`, `%windir%\system32\SecurityHealthSystray.exe`)
	w.pipe(after(t, 15), p, fmt.Sprintf(`\PIPE_EVENTROOT\CIMV2SCM EVENT PROVIDER.%d`, w.roll(9)))
}

// fleet: the management agent runs a script, encoded as it does, and reports.
func (w *world) fleet(t time.Time, h *host) {
	const text = `Get-CimInstance Win32_OperatingSystem | Select-Object Version, LastBootUpTime | ConvertTo-Json`
	agent := h.procs["agent"]
	ps := w.start(t, agent, system, powershellExe, "powershell.exe -NoProfile -EncodedCommand "+encode(text))
	w.load(after(t, 80), ps, sys32+"amsi.dll")
	w.script(after(t, 300), ps, text)
	w.command(after(t, 420), ps, "Get-CimInstance", "ClassName", "Win32_OperatingSystem")
	w.command(after(t, 610), ps, "ConvertTo-Json", "Depth", "2")
	w.connect(after(t, 900), ps, "10.20.1.40", "fleet.harborlight.test", 443)
	w.end(after(t, 1300), ps)
	w.query(after(t, 1500), agent, "update.fleetagent.example", "198.51.100.77")
	w.connect(after(t, 1600), agent, "198.51.100.77", "update.fleetagent.example", 443)
}

func (w *world) browse(t time.Time, h *host) {
	edge := h.procs["edge"]
	if edge == nil {
		const image = `C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe`
		edge = w.start(t, h.procs["explorer"], h.user, image, `"`+image+`" --profile-directory=Default`)
		h.procs["edge"] = edge
	}
	for i := range 1 + w.roll(3) {
		s := sites[w.roll(len(sites))]
		w.query(after(t, 1000*i+100), edge, s.name, s.ip)
		w.connect(after(t, 1000*i+160), edge, s.ip, s.name, 443)
	}
}

// backups: the account that the attackers find logs on everywhere each morning.
func (w *world) backups() {
	for i, h := range w.hosts {
		t := at("07:15:00.000").Add(time.Duration(i) * 7 * time.Minute)
		w.logon(t, h, backup, 3, "10.20.1.50", "SRV-BACKUP01", 4*time.Minute)
		w.connect(t.Add(12*time.Second), h.procs["system"], "10.20.1.50", "srv-backup01.harborlight.test", 445)
	}
}

// administrator: what looks like the attack and is none.
func (w *world) administrator() {
	explorer := w.wks21.procs["explorer"]
	ps := w.start(at("09:31:00.200"), explorer, brandt, powershellExe, `"`+powershellExe+`"`)
	who := w.start(at("09:31:44.910"), ps, brandt, sys32+"whoami.exe", `"`+sys32+`whoami.exe" /groups`, discovery)
	w.end(at("09:31:45.300"), who)
	w.script(at("09:32:20.000"), ps, `New-ADUser -Name 'Ada Brecht' -SamAccountName a.brecht -Enabled $true`)
	w.command(at("09:32:20.300"), ps, "New-ADUser", "SamAccountName", "a.brecht")
	starter := &user{"a.brecht", domain, sidBase + "-1158", false}
	w.logon(at("09:32:20.500"), w.dc, brandt, 3, w.wks21.ip, "WKS-21", 2*time.Minute)
	w.accountCreated(at("09:32:20.711"), w.dc, brandt, starter)
	w.memberAdded(at("09:33:02.140"), w.wks12, brandt, lind, "Remote Desktop Users", "S-1-5-32-555")
	w.task(at("09:40:00.330"), w.files, brandt, `\Harborlight\Nightly report`, `C:\Program Files\Reports\nightly.exe`, "--mail ops")
	w.service(at("09:44:18.030"), w.files, brandt, "Fleet Agent Updater", `"C:\Program Files\FleetAgent\updater.exe" --service`)
	list := w.start(at("09:50:10.040"), w.wks21.procs["explorer"], brandt, cmdExe, `"`+cmdExe+`"`)
	vss := w.start(at("09:50:31.700"), list, brandt, sys32+"vssadmin.exe", "vssadmin list shadows")
	w.end(at("09:50:33.000"), vss)
	w.end(at("09:52:00.000"), list)
	w.end(at("09:58:00.000"), ps)
}
