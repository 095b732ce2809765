package evtx

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"testing"
)

// BenchmarkDecode decodes the logs of the corpus to JSON, on one core. Bytes are
// those of records and headers: room that a chunk has left does not count.
func BenchmarkDecode(b *testing.B) {
	var log []byte
	used, chunks := 0, 0
	for _, path := range corpus(b, "evtx-attack-samples") {
		file, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		for at := headerBlock; at+chunkSize <= len(file); at += chunkSize {
			if chunk := file[at : at+chunkSize]; bytes.HasPrefix(chunk, chunkMagic) {
				log = append(log, chunk...)
				used += int(binary.LittleEndian.Uint32(chunk[48:]))
				chunks++
			}
		}
	}
	b.SetBytes(int64(used))
	b.ReportAllocs()
	json, records := 0, 0
	for b.Loop() {
		r, err := NewReader(bytes.NewReader(log))
		if err != nil {
			b.Fatal(err)
		}
		json, records = 0, 0
		for {
			rec, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			json += len(rec.JSON)
			records++
		}
	}
	b.ReportMetric(float64(json)/float64(used), "json-bytes/byte")
	b.ReportMetric(float64(records)/float64(chunks), "records/chunk")
}
