package event

import (
	"fmt"
	"testing"
)

// sysmonEvent writes a Sysmon event as NXLog does; which values are new and which
// repeat is about as in real logs.
func sysmonEvent(i int) []byte {
	return fmt.Appendf(nil, `{"EventTime":"2024-03-05 10:%02d:%02d","Hostname":"WS%d.contoso.local","Keywords":-9223372036854775808,`+
		`"EventType":"INFO","SeverityValue":2,"Severity":"INFO","EventID":10,"SourceName":"Microsoft-Windows-Sysmon",`+
		`"ProviderGuid":"{5770385F-C22A-43E0-BF4C-06F5698FFBD9}","Version":3,"Task":10,"OpcodeValue":0,"RecordNumber":%d,`+
		`"ExecutionProcessID":3208,"ThreadID":4864,"Channel":"Microsoft-Windows-Sysmon/Operational","Domain":"NT AUTHORITY",`+
		`"AccountName":"SYSTEM","UserID":"S-1-5-18","AccountType":"User","Message":"Process accessed:\r\nRuleName: -\r\n`+
		`UtcTime: 2024-03-05 15:%02d:%02d.%03d\r\nSourceProcessGUID: {71551ac5-4eb4-5f4c-%04x-000000000500}\r\nSourceImage: C:\\Windows\\system32\\svchost.exe\r\n`+
		`TargetImage: C:\\Program Files\\App%d\\app.exe\r\nGrantedAccess: 0x1000\r\nCallTrace: C:\\Windows\\SYSTEM32\\ntdll.dll+9c534|C:\\Windows\\System32\\KERNELBASE.dll+2726e",`+
		`"Category":"Process accessed (rule: ProcessAccess)","Opcode":"Info","UtcTime":"2024-03-05 15:%02d:%02d.%03d",`+
		`"SourceImage":"C:\\Windows\\system32\\svchost.exe","TargetImage":"C:\\Program Files\\App%d\\app.exe","GrantedAccess":"0x1000",`+
		`"CallTrace":"C:\\Windows\\SYSTEM32\\ntdll.dll+9c534|C:\\Windows\\System32\\KERNELBASE.dll+2726e","tags":["lab"],`+
		`"@timestamp":"2024-03-05T15:%02d:%02d.%03dZ","port":60430,"host":"relay.contoso.local"}`,
		i/60%60, i%60, i%7, 70_000+i, i/60%60, i%60, i%1000, i%65536, i%40, i/60%60, i%60, i%1000, i%40, i/60%60, i%60, i%1000)
}

func BenchmarkAppendJSON(b *testing.B) {
	events := make([][]byte, 8192)
	size := 0
	for i := range events {
		events[i] = sysmonEvent(i)
		size += len(events[i])
	}
	builder := NewBuilder(Options{})
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for i, raw := range events {
			if err := builder.AppendJSON(raw, Record{Number: i}); err != nil {
				b.Fatal(err)
			}
		}
		builder.Batch()
	}
}

// BenchmarkScan is the bare parse to which BenchmarkAppendJSON compares.
func BenchmarkScan(b *testing.B) {
	raw := sysmonEvent(1)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := Scan(raw); err != nil {
			b.Fatal(err)
		}
	}
}

// TestKnownValuesAllocateNothing appends the same event over and over: what is
// left is the growth of the batch.
func TestKnownValuesAllocateNothing(t *testing.T) {
	b := NewBuilder(Options{})
	raw := sysmonEvent(1)
	n := testing.AllocsPerRun(4000, func() {
		if err := b.AppendJSON(raw, Record{}); err != nil {
			t.Fatal(err)
		}
	})
	if n >= 1 {
		t.Errorf("%v allocations for an event without new values", n)
	}
}
