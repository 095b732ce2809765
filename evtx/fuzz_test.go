package evtx

import (
	"encoding/binary"
	"testing"
)

// FuzzReader changes small logs in any way. The fuzzer can't make checksums
// right, so a chunk's are set right for it as well.
func FuzzReader(f *testing.F) {
	trim := func(log []byte) []byte {
		return log[:headerBlock+binary.LittleEndian.Uint32(log[headerBlock+48:])]
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
		if len(log) < headerBlock+chunkHeader {
			return
		}
		chunk := log[headerBlock:]
		binary.LittleEndian.PutUint32(chunk[48:], uint32(min(len(chunk), chunkSize)))
		seal(chunk[:min(len(chunk), chunkSize)])
		sound(t, log)
	})
}
