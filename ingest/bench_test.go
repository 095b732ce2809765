package ingest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/ingest"
)

// BenchmarkRead reads a generated dataset, plain and packed.
func BenchmarkRead(b *testing.B) {
	var lines strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&lines, `{"@timestamp":"2024-03-05T15:%02d:%02d.%03dZ","Channel":"Microsoft-Windows-Sysmon/Operational","EventID":10,`+
			`"Hostname":"WS%d.contoso.local","SourceName":"Microsoft-Windows-Sysmon","RecordNumber":%d,"UtcTime":"2024-03-05 15:%02d:%02d.%03d",`+
			`"SourceImage":"C:\\Windows\\system32\\svchost.exe","TargetImage":"C:\\Program Files\\App%d\\app.exe","GrantedAccess":"0x1000",`+
			`"CallTrace":"C:\\Windows\\SYSTEM32\\ntdll.dll+9c534|C:\\Windows\\System32\\KERNELBASE.dll+2726e","tags":["lab"],`+
			`"Message":"Process accessed:\r\nRuleName: -\r\nUtcTime: 2024-03-05 15:%02d:%02d.%03d\r\nSourceImage: C:\\Windows\\system32\\svchost.exe"}`+"\n",
			i/60%60, i%60, i%1000, i%7, 70_000+i, i/60%60, i%60, i%1000, i%40, i/60%60, i%60, i%1000)
	}
	text := lines.String()
	list := "[" + strings.ReplaceAll(strings.TrimSpace(text), "\n", ",\n") + "]"
	for _, c := range []struct{ name, data string }{
		{"plain", text}, {"gzip", gzipOf(text)}, {"zip", zipOf(b, entry{"a.json", text})}, {"list", list},
	} {
		b.Run(c.name, func(b *testing.B) {
			dir := write(b, entry{"f", c.data})
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if got := readAll(b, ingest.Options{}, dir); got.all != 50_000 {
					b.Fatal(got.all)
				}
			}
		})
	}
}
