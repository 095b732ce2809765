package event

import "testing"

// BenchmarkDecoder reads events as matching does: every key is seen, and the values of
// the asked fields are looked at.
func BenchmarkDecoder(b *testing.B) {
	events := make([][]byte, 8192)
	size := 0
	for i := range events {
		events[i] = sysmonEvent(i)
		size += len(events[i])
	}
	for _, c := range []struct {
		name   string
		fields []string
	}{
		{"keys", nil},
		{"values", []string{"Channel", "EventID", "Image", "CommandLine", "SourceImage", "TargetImage", "GrantedAccess", "CallTrace"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			d := NewDecoder(Options{}, c.fields)
			b.SetBytes(int64(size / len(events)))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := d.Read(events[i%len(events)]); err != nil {
					b.Fatal(err)
				}
				for field := range c.fields {
					d.Raw(field)
				}
			}
		})
	}
}
