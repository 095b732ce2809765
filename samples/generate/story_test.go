package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// archive is the sample as it is in the repository, unpacked.
func archive(t *testing.T) []byte {
	t.Helper()
	packed, err := os.ReadFile("../data/attack-story.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The archive's bytes depend on the release of Go that packed it; its text does not.
func TestFilesAreWhatTheGeneratorMakes(t *testing.T) {
	w := story()
	if !bytes.Equal(archive(t), w.lines()) {
		t.Error("data/attack-story.json.gz is out of date: run go generate ./samples")
	}
	table, err := os.ReadFile("../expected.tsv")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(table, w.expected()) {
		t.Error("expected.tsv is out of date: run go generate ./samples")
	}
}

func TestSampleIsSmall(t *testing.T) {
	info, err := os.Stat("../data/attack-story.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 400<<10 {
		t.Errorf("the archive has %d bytes, more than 400 KiB", info.Size())
	}
}

// entry is an event as a reader sees it: numbers as text.
type entry map[string]string

func entries(t *testing.T) []entry {
	t.Helper()
	var all []entry
	for line := range bytes.Lines(archive(t)) {
		e, dec := entry{}, json.NewDecoder(bytes.NewReader(line))
		dec.UseNumber()
		if token, err := dec.Token(); err != nil || token != json.Delim('{') {
			t.Fatalf("record %d is no object", len(all)+1)
		}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				t.Fatal(err)
			}
			name := key.(string)
			if _, twice := e[name]; twice {
				t.Errorf("record %d has %s twice", len(all)+1, name)
			}
			var value any
			if err := dec.Decode(&value); err != nil {
				t.Fatal(err)
			}
			switch v := value.(type) {
			case string:
				e[name] = v
			case json.Number:
				e[name] = v.String()
			default:
				e[name] = "…"
			}
		}
		all = append(all, e)
	}
	return all
}

func TestEveryEventIsValid(t *testing.T) {
	all := entries(t)
	if len(all) < 3000 || len(all) > 5000 {
		t.Errorf("%d events, want a few thousand", len(all))
	}
	records := map[string]bool{}
	last := ""
	for i, e := range all {
		for _, name := range []string{
			"@timestamp", "EventTime", "EventReceivedTime", "Hostname", "Channel", "EventID", "SourceName",
			"ProviderGuid", "RecordNumber", "Keywords", "Severity", "SeverityValue", "Task", "Version",
			"ExecutionProcessID", "ThreadID", "EventType", "SourceModuleName", "SourceModuleType", "host", "port", "tags", "@version",
		} {
			if e[name] == "" {
				t.Errorf("record %d has no %s", i+1, name)
			}
		}
		when, err := time.Parse(time.RFC3339, e["@timestamp"])
		if err != nil || !strings.HasPrefix(when.Format("2006-01-02 15:04:05.000"), e["EventTime"]) {
			t.Errorf("record %d: @timestamp %s and EventTime %s", i+1, e["@timestamp"], e["EventTime"])
		}
		if e["@timestamp"] < last {
			t.Errorf("record %d is older than the one before", i+1)
		}
		last = e["@timestamp"]
		if e["Channel"] == sysmonChannel && e["UtcTime"] != when.Format("2006-01-02 15:04:05.000") {
			t.Errorf("record %d: UtcTime %q", i+1, e["UtcTime"])
		}
		key := e["Hostname"] + e["Channel"] + e["RecordNumber"]
		if records[key] {
			t.Errorf("record %d has the number of another", i+1)
		}
		records[key] = true
		if (e["Message"] == "") == (e["ERROR_EVT_UNRESOLVED"] == "") {
			t.Errorf("record %d has both a message and its absence, or neither", i+1)
		}
	}
}

// Nothing in the sample leads to a host or an address that somebody owns.
func TestNamesAndAddressesAreReserved(t *testing.T) {
	var reserved []netip.Prefix
	for _, p := range []string{"10.0.0.0/8", "127.0.0.0/8", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"} {
		reserved = append(reserved, netip.MustParsePrefix(p))
	}
	name := regexp.MustCompile(`\.(test|example)$`)
	for i, e := range entries(t) {
		for _, field := range []string{"SourceIp", "DestinationIp", "IpAddress"} {
			value, ok := e[field]
			if !ok || value == "-" {
				continue
			}
			ip, err := netip.ParseAddr(value)
			if err != nil || !slices.ContainsFunc(reserved, func(p netip.Prefix) bool { return p.Contains(ip) }) {
				t.Errorf("record %d: %s is %s", i+1, field, value)
			}
		}
		for _, field := range []string{"QueryName", "DestinationHostname", "Hostname", "host"} {
			if value, ok := e[field]; ok && !name.MatchString(value) {
				t.Errorf("record %d: %s is %s", i+1, field, value)
			}
		}
	}
}

func lower(e entry, field string) string { return strings.ToLower(e[field]) }

func anyOf(s string, test func(s, part string) bool, parts ...string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return test(s, strings.ToLower(p)) })
}

// process reads a process creation of either log.
func process(e entry) (image, parent, command string, ok bool) {
	switch {
	case e["Channel"] == sysmonChannel && e["EventID"] == "1":
		return lower(e, "Image"), lower(e, "ParentImage"), e["CommandLine"], true
	case e["Channel"] == securityChannel && e["EventID"] == "4688":
		return lower(e, "NewProcessName"), lower(e, "ParentProcessName"), e["CommandLine"], true
	}
	return "", "", "", false
}

func sysmonEvent(e entry, ids ...string) bool {
	return e["Channel"] == sysmonChannel && slices.Contains(ids, e["EventID"])
}

func isPowerShell(image string) bool {
	return anyOf(image, strings.HasSuffix, `\powershell.exe`, `\pwsh.exe`)
}

// decoded is what the last word of a PowerShell command line says in Base64.
func decoded(command string) string {
	words := strings.Fields(command)
	raw, err := base64.StdEncoding.DecodeString(words[len(words)-1])
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(string(raw), "\x00", "")
}

// meaning says again, in Go, what each rule says in Sigma.
var meaning = map[ruleID]func(entry) bool{
	officeStartsHost: func(e entry) bool {
		image, parent, _, ok := process(e)
		return ok && anyOf(parent, strings.HasSuffix, `\winword.exe`, `\excel.exe`, `\powerpnt.exe`, `\outlook.exe`) &&
			anyOf(image, strings.HasSuffix, `\cmd.exe`, `\powershell.exe`, `\pwsh.exe`, `\wscript.exe`, `\cscript.exe`, `\mshta.exe`)
	},
	encodedCommand: func(e entry) bool {
		image, parent, command, ok := process(e)
		return ok && isPowerShell(image) && parent != `c:\program files\fleetagent\fleetagent.exe` &&
			anyOf(strings.ToLower(command), strings.Contains, " -enc ", " -ec ", " -EncodedCommand ")
	},
	encodedDownload: func(e entry) bool {
		image, _, command, ok := process(e)
		return ok && isPowerShell(image) && anyOf(strings.ToLower(decoded(command)), strings.Contains, "DownloadString", "DownloadFile", "DownloadData")
	},
	discovery: func(e entry) bool {
		image, parent, _, ok := process(e)
		return ok && isPowerShell(parent) &&
			anyOf(image, strings.HasSuffix, `\whoami.exe`, `\quser.exe`, `\nltest.exe`, `\net.exe`, `\systeminfo.exe`, `\ipconfig.exe`)
	},
	wmiStartsShell: func(e entry) bool {
		image, parent, _, ok := process(e)
		return ok && strings.HasSuffix(parent, `\wbem\wmiprvse.exe`) &&
			anyOf(image, strings.HasSuffix, `\cmd.exe`, `\powershell.exe`, `\wscript.exe`, `\cscript.exe`, `\mshta.exe`)
	},
	directoryCopied: func(e entry) bool {
		image, _, command, ok := process(e)
		return ok && strings.HasSuffix(image, `\ntdsutil.exe`) && strings.Contains(command, "ifm") && strings.Contains(command, "create")
	},
	shadowCopiesDeleted: func(e entry) bool {
		image, _, command, ok := process(e)
		return ok && (strings.HasSuffix(image, `\vssadmin.exe`) && strings.Contains(command, "delete") && strings.Contains(command, "shadows") ||
			strings.HasSuffix(image, `\wmic.exe`) && strings.Contains(command, "shadowcopy") && strings.Contains(command, "delete"))
	},
	lsassOpened: func(e entry) bool {
		source := lower(e, "SourceImage")
		return sysmonEvent(e, "10") && strings.HasSuffix(lower(e, "TargetImage"), `\lsass.exe`) &&
			slices.Contains([]string{"0x1010", "0x1410", "0x1438", "0x143a", "0x1fffff"}, e["GrantedAccess"]) &&
			!anyOf(source, strings.HasPrefix, `c:\windows\system32\`, `c:\windows\syswow64\`) &&
			!(strings.HasPrefix(source, `c:\programdata\microsoft\windows defender\platform\`) && strings.HasSuffix(source, `\msmpeng.exe`))
	},
	threadInLsass: func(e entry) bool {
		return sysmonEvent(e, "8") && strings.HasSuffix(lower(e, "TargetImage"), `\lsass.exe`)
	},
	powershellInternet: func(e entry) bool {
		ip, err := netip.ParseAddr(e["DestinationIp"])
		return sysmonEvent(e, "3") && isPowerShell(lower(e, "Image")) && e["Initiated"] == "true" &&
			err == nil && !ip.IsPrivate() && !ip.IsLoopback() && !ip.IsLinkLocalUnicast()
	},
	runKeyInProfile: func(e entry) bool {
		return sysmonEvent(e, "13") && strings.Contains(lower(e, "TargetObject"), `\software\microsoft\windows\currentversion\run`) &&
			anyOf(lower(e, "Details"), strings.Contains, `\appdata\`, `\users\public\`, `%appdata%`, `%temp%`)
	},
	settingsHijacked: func(e entry) bool {
		hive, key, ok := strings.Cut(lower(e, "TargetObject"), `_classes\`)
		return sysmonEvent(e, "13") && ok && strings.HasPrefix(hive, `hku\`) && strings.HasPrefix(key, `ms-settings\shell\open\command\`)
	},
	scriptDownloads: func(e entry) bool {
		text := lower(e, "ScriptBlockText")
		return e["Channel"] == powershellChannel && e["EventID"] == "4104" && strings.Contains(text, "net.webclient") &&
			anyOf(text, strings.Contains, ".downloadstring(", ".downloadfile(", ".downloaddata(")
	},
	parcelPipe: func(e entry) bool {
		return sysmonEvent(e, "17", "18") && strings.HasPrefix(e["PipeName"], `\parcel-`) && len(e["PipeName"]) == len(`\parcel-0000`)
	},
	wmiSubscription:    func(e entry) bool { return sysmonEvent(e, "19", "20", "21") && e["Operation"] == "Created" },
	networkLogonFailed: func(e entry) bool { return e["EventID"] == "4625" && e["LogonType"] == "3" },
	taskInPublicFolder: func(e entry) bool {
		return e["EventID"] == "4698" && anyOf(lower(e, "TaskContent"), strings.Contains, `c:\users\public\`, `c:\windows\temp\`, `c:\perflogs\`)
	},
	memberAddedToAdmins: func(e entry) bool { return e["EventID"] == "4732" && e["TargetSid"] == "S-1-5-32-544" },
	securityLogCleared:  func(e entry) bool { return e["EventID"] == "1102" },
	serviceRunsShell: func(e entry) bool {
		return e["Channel"] == systemChannel && e["EventID"] == "7045" && e["SourceName"] == "Service Control Manager" &&
			anyOf(lower(e, "ImagePath"), strings.Contains, "%comspec%", "cmd.exe /c", "powershell", "rundll32")
	},
}

// The story's own count of what each rule must find is what the rule's meaning
// finds in the archive: nothing was forgotten, and no noise is taken for it.
func TestExpectedCounts(t *testing.T) {
	want := story().found
	all := entries(t)
	for _, r := range rules {
		test, ok := meaning[r.id]
		if !ok {
			t.Errorf("%s: no meaning is written down", r.title)
			continue
		}
		got := 0
		for _, e := range all {
			if test(e) {
				got++
			}
		}
		if got != want[r.id] {
			t.Errorf("%s: %d events, the story says %d", r.title, got, want[r.id])
		}
	}
	if len(meaning) != len(rules) {
		t.Errorf("%d meanings of %d rules", len(meaning), len(rules))
	}
	quiet := 0
	for _, r := range rules {
		if want[r.id] == 0 {
			quiet++
		}
	}
	if quiet != 2 {
		t.Errorf("%d rules stay quiet, want 2", quiet)
	}
}

func TestRuleFilesAreThoseOfTheTable(t *testing.T) {
	head := regexp.MustCompile(`(?m)\Atitle: (.+)\nid: ([0-9a-f-]{36})\n`)
	titles := map[ruleID]string{}
	err := filepath.WalkDir("../rules", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		m := head.FindSubmatch(text)
		if m == nil {
			t.Errorf("%s does not begin with a title and an id", path)
			return nil
		}
		titles[ruleID(m[2])] = string(m[1])
		if !bytes.Contains(text, []byte("\nlicense: Apache-2.0\n")) {
			t.Errorf("%s names no licence", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		if titles[r.id] != r.title {
			t.Errorf("%s is %q in rules, %q in the table", r.id, titles[r.id], r.title)
		}
	}
	if len(titles) != len(rules) {
		t.Errorf("%d files of %d rules", len(titles), len(rules))
	}
}
