package evtx

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// FuzzReader changes small logs in any way. They have no file header, which would
// only take the fuzzer's time, and since it can't make a chunk's checksums right,
// they are set right for it as well.
func FuzzReader(f *testing.F) {
	trim := func(log []byte) []byte {
		chunk := log[headerBlock:]
		return chunk[:binary.LittleEndian.Uint32(chunk[48:])]
	}
	str := func(s string) val { return val{kind: typeString, data: wide(s)} }
	f.Add(trim(file(0, smallChunk(1, 3))))
	f.Add(trim(file(flagDirty, smallChunk(1, 2))))
	f.Add(trim(logOf(&event{root: &el{"Event", nil, []node{slot(0)}}, values: []val{{kind: typeXML, event: &event{
		root: &el{"EventData", []at1{{"a", []node{slot(0), text("b")}}}, []node{
			el{"Data", []at1{{"Name", []node{slot(1)}}}, []node{slot(2)}}, el{"Data", nil, []node{slot(3)}}, el{"Data", nil, nil}}},
		values: []val{str("x"), str("n"), {kind: typeArray | typeString, data: wide("a\x00b\x00")}, {kind: typeSID, data: make([]byte, 12)}},
	}}}})))
	f.Add(trim(logOf(&event{plain: true, root: &el{"Event", nil, []node{
		cdata("c"), entity("amp"), char(65), pi{"p", "q"}, el{"A", nil, []node{text(" ")}}, el{"A", nil, nil}}}})))
	f.Fuzz(func(t *testing.T, log []byte) {
		sound(t, log)
		if len(log) < chunkHeader {
			return
		}
		log = bytes.Clone(log) // the fuzzer's own must not change
		copy(log, chunkMagic)
		chunk := log[:min(len(log), chunkSize)]
		binary.LittleEndian.PutUint32(chunk[48:], uint32(len(chunk)))
		seal(chunk)
		sound(t, log)
	})
}
