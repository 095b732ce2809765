package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
)

const powershellExe = sys32 + `WindowsPowerShell\v1.0\powershell.exe`

// encode is what powershell -EncodedCommand takes: Base64 of UTF-16LE.
func encode(script string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(script)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return base64.StdEncoding.EncodeToString(b)
}

func (w *world) powershell(t time.Time, p *proc, id, task int, kind string, data []field, message string, rules ...ruleID) {
	source := powershellLog
	source.pid = p.pid
	w.emit(&event{
		time: t, host: p.host, id: id, channel: powershellChannel, source: source, task: task, version: 1,
		kind: kind, account: p.user, data: data, message: message,
	}, rules...)
}

// script is 4104: PowerShell compiles a block of script.
func (w *world) script(t time.Time, p *proc, text string, rules ...ruleID) {
	sum := sha256.Sum256([]byte(p.guid + text))
	h := hex.EncodeToString(sum[:16])
	id := strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
	w.powershell(t, p, 4104, 2, "VERBOSE", []field{
		{"MessageNumber", "1"}, {"MessageTotal", "1"}, {"ScriptBlockText", text}, {"ScriptBlockId", id}, {"Path", ""},
	}, "Creating Scriptblock text (1 of 1):\r\n"+text, rules...)
}

// command is 4103: PowerShell runs a command.
func (w *world) command(t time.Time, p *proc, name, parameter, value string, rules ...ruleID) {
	payload := fmt.Sprintf("CommandInvocation(%s): \"%s\"\r\nParameterBinding(%s): name=\"%s\"; value=\"%s\"\r\n", name, name, name, parameter, value)
	context := fmt.Sprintf("        Severity = Informational\r\n        Host Name = ConsoleHost\r\n        Host Version = 5.1.19041.3803\r\n        Host Application = %s\r\n        Command Name = %s\r\n        Command Type = Cmdlet\r\n        User = %s\r\n", p.cmd, name, p.user.full())
	w.powershell(t, p, 4103, 106, "INFO", []field{{"ContextInfo", context}, {"UserData", ""}, {"Payload", payload}}, payload, rules...)
}

// service is 7045 of the system log, serviceState 7036.
func (w *world) service(t time.Time, h *host, by *user, name, path string, rules ...ruleID) {
	data := []field{{"ServiceName", name}, {"ImagePath", path}, {"ServiceType", "user mode service"}, {"StartType", "demand start"}, {"AccountName", "LocalSystem"}}
	w.emit(&event{
		time: t, host: h, id: 7045, channel: systemChannel, source: servicesLog,
		data:    append([]field{{"UserID", by.sid}, {"AccountType", "User"}, {"Domain", by.domain}}, data...),
		message: sentence("A service was installed in the system.", "", data),
	}, rules...)
}

func (w *world) serviceState(t time.Time, h *host, name, state string) {
	w.emit(&event{
		time: t, host: h, id: 7036, channel: systemChannel, source: servicesLog,
		data:    []field{{"param1", name}, {"param2", state}},
		message: "The " + name + " service entered the " + state + " state.",
	})
}
