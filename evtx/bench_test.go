package evtx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"testing"
)

// chunks returns the chunks of the corpus' logs in one stream, or made ones when
// the corpus is not here.
func chunks(b *testing.B) []byte {
	var log []byte
	for _, path := range logsUnder("evtx-attack-samples") {
		file, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		for at := headerBlock; at+chunkSize <= len(file); at += chunkSize {
			if chunk := file[at : at+chunkSize]; bytes.HasPrefix(chunk, chunkMagic) {
				log = append(log, chunk...)
			}
		}
	}
	if log == nil {
		log = bytes.Repeat(smallChunk(1, 400), 100)
	}
	return log
}

// BenchmarkDecode decodes logs to JSON, on one core. Bytes are those of records
// and headers: room that a chunk has left does not count.
func BenchmarkDecode(b *testing.B) {
	log := chunks(b)
	used := 0
	for at := 0; at < len(log); at += chunkSize {
		used += int(binary.LittleEndian.Uint32(log[at+48:]))
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
			if errors.Is(err, io.EOF) {
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
	b.ReportMetric(float64(used)/float64(records), "bytes/record")
}
