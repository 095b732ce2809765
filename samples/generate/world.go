package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The company and the day: all hosts keep UTC.
const (
	domain  = "HARBORLIGHT"
	dnsName = "harborlight.test"
	sidBase = "S-1-5-21-2094741330-1187263490-3316620958"
)

var day = time.Date(2024, 5, 14, 0, 0, 0, 0, time.UTC)

// at is a time of the day: at("08:53:07.250").
func at(clock string) time.Time {
	t, err := time.Parse("15:04:05.000", clock)
	if err != nil {
		panic(err)
	}
	return day.Add(t.Sub(t.Truncate(24 * time.Hour)))
}

// after is a time some milliseconds later.
func after(t time.Time, ms int) time.Time { return t.Add(time.Duration(ms) * time.Millisecond) }

// world holds the hosts and what happened on them so far.
type world struct {
	dice
	hosts  []*host
	events []*event
	// found counts the events that each rule must find.
	found map[ruleID]int

	wks07, wks12, wks21, files, dc *host
}

// dice are numbers that look random and are the same on every run and with
// every release of Go.
type dice struct{ state uint64 }

func (d *dice) roll(n int) int {
	d.state += 0x9e3779b97f4a7c15
	z := d.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) >> 33 % uint64(n))
}

// user is an account.
type user struct {
	name, domain, sid string
	admin             bool
}

func (u *user) full() string { return u.domain + `\` + u.name }

var (
	system   = &user{"SYSTEM", "NT AUTHORITY", "S-1-5-18", true}
	network  = &user{"NETWORK SERVICE", "NT AUTHORITY", "S-1-5-20", false}
	okafor   = &user{"m.okafor", domain, sidBase + "-1117", false}
	lind     = &user{"j.lindqvist", domain, sidBase + "-1122", false}
	brandt   = &user{"t.brandt", domain, sidBase + "-1104", true}
	backup   = &user{"svc-backup", domain, sidBase + "-1131", true}
	anonymus = &user{"-", "-", "S-1-0-0", false}
)

// host is a machine; procs are those of its processes that others refer to.
type host struct {
	name, ip string
	user     *user
	logon    string
	pid      int
	procs    map[string]*proc
}

func (h *host) fqdn() string { return h.name + "." + dnsName }

// account is the account of the machine itself.
func (h *host) account() *user {
	return &user{h.name + "$", domain, "S-1-5-18", true}
}

// proc is a process.
type proc struct {
	host       *host
	image, cmd string
	pid        int
	guid       string
	user       *user
	logon      string
	parent     *proc
	integrity  string
}

func newWorld() *world {
	w := &world{dice: dice{20240514}, found: map[ruleID]int{}}
	add := func(name, ip string, u *user) *host {
		h := &host{name: name, ip: ip, user: u, pid: 640 + 4*w.roll(50), procs: map[string]*proc{}}
		h.logon = fmt.Sprintf("0x%x", 0x30000+w.roll(0x8ffff))
		w.hosts = append(w.hosts, h)
		w.boot(h)
		return h
	}
	w.wks07 = add("WKS-07", "10.20.4.107", okafor)
	w.wks12 = add("WKS-12", "10.20.4.112", lind)
	w.wks21 = add("WKS-21", "10.20.4.121", brandt)
	w.files = add("SRV-FILES01", "10.20.1.20", system)
	w.dc = add("DC01", "10.20.1.10", system)
	return w
}

const sys32 = `C:\Windows\System32\`

// boot makes the processes that run before the day begins.
func (w *world) boot(h *host) {
	run := func(name, image, cmd string, parent *proc, u *user) *proc {
		p := w.newProc(day.Add(5*time.Hour+time.Duration(w.roll(600))*time.Second), h, parent, u, image, cmd)
		h.procs[name] = p
		return p
	}
	run("system", "System", "", nil, system).pid = 4
	wininit := run("wininit", sys32+"wininit.exe", "wininit.exe", nil, system)
	services := run("services", sys32+"services.exe", sys32+"services.exe", wininit, system)
	run("lsass", sys32+"lsass.exe", sys32+"lsass.exe", wininit, system)
	run("svchost", sys32+"svchost.exe", sys32+"svchost.exe -k netsvcs -p", services, system)
	run("dcom", sys32+"svchost.exe", sys32+"svchost.exe -k DcomLaunch -p", services, system)
	run("network", sys32+"svchost.exe", sys32+"svchost.exe -k NetworkService -p", services, network)
	run("wmiprvse", sys32+`wbem\WmiPrvSE.exe`, sys32+`wbem\wmiprvse.exe -secured -Embedding`, h.procs["dcom"], system)
	run("defender", defender+`MsMpEng.exe`, `"`+defender+`MsMpEng.exe"`, services, system)
	run("agent", `C:\Program Files\FleetAgent\fleetagent.exe`, `"C:\Program Files\FleetAgent\fleetagent.exe" --service`, services, system)
	if h.user != system {
		run("explorer", `C:\Windows\explorer.exe`, `C:\Windows\explorer.exe`, nil, h.user)
	}
}

const defender = `C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.24040.4-0\`

func (w *world) newProc(t time.Time, h *host, parent *proc, u *user, image, cmd string) *proc {
	h.pid += 4 * (1 + w.roll(40))
	p := &proc{host: h, image: image, cmd: cmd, pid: h.pid, user: u, parent: parent}
	sum := sha256.Sum256([]byte(h.name))
	p.guid = fmt.Sprintf("{%s-%04x-%04x-%04x-000000000300}",
		hex.EncodeToString(sum[:4]), t.Unix()&0xffff, t.Unix()>>16&0xffff, h.pid&0xffff)
	switch {
	case u == system:
		p.logon, p.integrity = "0x3e7", "System"
	case u == network:
		p.logon, p.integrity = "0x3e4", "System"
	case u.admin:
		p.logon, p.integrity = h.logon, "High"
	default:
		p.logon, p.integrity = h.logon, "Medium"
	}
	return p
}

// base is the file name of a Windows path.
func base(path string) string { return path[strings.LastIndexByte(path, '\\')+1:] }

// hashes are as Sysmon writes them, made of the path: equal files, equal hashes.
func hashes(path string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(path)))
	h := strings.ToUpper(hex.EncodeToString(sum[:]))
	return "SHA1=" + h[:40] + ",MD5=" + h[20:52] + ",SHA256=" + h + ",IMPHASH=" + h[32:]
}

// lines is the log: an object a line, by time, with record numbers as each
// host's logs count them.
func (w *world) lines() []byte {
	slices.SortStableFunc(w.events, func(a, b *event) int { return a.time.Compare(b.time) })
	next := map[string]int{}
	var out []byte
	for _, e := range w.events {
		log := e.host.name + "/" + e.channel
		if next[log] == 0 {
			sum := sha256.Sum256([]byte(log))
			next[log] = 10000 + int(sum[0])<<10 + int(sum[1])
		}
		next[log]++
		out = append(e.append(out, next[log]), '\n')
	}
	return out
}
