package evtx

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"
)

func le16(n uint16) []byte { return binary.LittleEndian.AppendUint16(nil, n) }
func le32(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }
func le64(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// oneJSON decodes a log of one record that has no damage.
func oneJSON(t *testing.T, log []byte) string {
	t.Helper()
	records, summary := readAll(t, bytes.NewReader(log))
	if len(records) != 1 || summary.Damages > 0 {
		t.Fatalf("%d records, damage %v", len(records), summary.Damage)
	}
	return string(records[0].JSON)
}

func TestValues(t *testing.T) {
	guid := unhex("5D383770 2AC2 E043 BF4C 06F5698FFBD9")
	sid := unhex("01 02 000000000005 20000000 20020000")
	for _, c := range []struct {
		name string
		kind byte
		data []byte
		want string
	}{
		{"null", typeNull, nil, `null`},
		{"null with bytes", typeNull, []byte{1}, `null`},
		{"string", typeString, wide("a b"), `"a b"`},
		{"empty string", typeString, nil, `null`},
		{"string of a zero", typeString, wide("\x00"), `null`},
		{"string ends with a zero", typeString, wide("ab\x00"), `"ab"`},
		{"string is cut at a zero", typeString, wide("ab\x00cd"), `"ab"`},
		{"string keeps its white space", typeString, wide(" a  "), `" a  "`},
		{"string of odd size", typeString, append(wide("ab"), 'c'), `"ab"`},
		{"string with escapes", typeString, wide("\"\\\n\r\t\x01\x1f/"), `"\"\\\n\r\t\u0001\u001f/"`},
		{"string beyond ASCII", typeString, wide("Grüße, мир, 世界, 😀!"), `"Grüße, мир, 世界, 😀!"`},
		{"string with half a pair", typeString, unhex("6100 3dd8 6200 00de"), `"a` + "\ufffd" + `b` + "\ufffd" + `"`},
		{"ANSI", typeANSI, []byte("caf\xe9 \x80\"\x00x"), `"café €\""`},
		{"int8", typeInt8, []byte{0x80}, `-128`},
		{"uint8", typeUint8, []byte{0xff}, `255`},
		{"int16", typeInt16, le16(0x8000), `-32768`},
		{"uint16", typeUint16, le16(4624), `4624`},
		{"int32", typeInt32, le32(0xffffffff), `-1`},
		{"uint32", typeUint32, le32(0xffffffff), `4294967295`},
		{"int64", typeInt64, le64(1 << 63), `-9223372036854775808`},
		{"uint64", typeUint64, le64(math.MaxUint64), `18446744073709551615`},
		{"float", typeFloat, le32(math.Float32bits(0.1)), `0.1`},
		{"double", typeDouble, le64(math.Float64bits(-2.5e300)), `-2.5e+300`},
		{"infinite", typeDouble, le64(math.Float64bits(math.Inf(-1))), `"-Inf"`},
		{"not a number", typeFloat, le32(math.Float32bits(float32(math.NaN()))), `"NaN"`},
		{"true", typeBool, le32(1), `true`},
		{"false", typeBool, le32(0), `false`},
		{"binary", typeBinary, unhex("00ff1a"), `"00FF1A"`},
		{"GUID", typeGUID, guid, `"7037385D-C22A-43E0-BF4C-06F5698FFBD9"`},
		{"size of 4 bytes", typeSize, le32(0x7ffe), `"0x7ffe"`},
		{"size of 8 bytes", typeSize, le64(0x7ffe00000001), `"0x7ffe00000001"`},
		{"file time", typeFileTime, le64(134086680101653247), `"2025-11-26T22:00:10.165324Z"`},
		{"file time 0", typeFileTime, le64(0), `"1601-01-01T00:00:00.000000Z"`},
		{"last file time", typeFileTime, le64(ticksTo10000 - 1), `"9999-12-31T23:59:59.999999Z"`},
		{"never", typeFileTime, le64(math.MaxInt64), `"0x7fffffffffffffff"`},
		{"system time", typeSystemTime, unhex("e907 0b00 0400 1b00 0700 2800 0a00 a500"), `"2025-11-27T07:40:10.165000Z"`},
		{"no system time", typeSystemTime, make([]byte, 16), `"00000000000000000000000000000000"`},
		{"SID", typeSID, sid, `"S-1-5-32-544"`},
		{"SID of a wrong size", typeSID, sid[:12], `"010200000000000520000000"`},
		{"SID with a great authority", typeSID, unhex("01 00 010000000002"), `"S-1-1099511627778"`},
		{"hex32", typeHex32, le32(0x3e7), `"0x3e7"`},
		{"hex64", typeHex64, le64(0x8020000000000000), `"0x8020000000000000"`},
		{"handle", typeHandle, le64(0x1c), `"0x1c"`},
		{"XML as text", typeXMLText, wide("<a/>"), `"<a/>"`},
		{"number of a wrong size", typeUint32, unhex("0102"), `"0102"`},
		{"unknown type", 0x3a, unhex("0a0b"), `"0A0B"`},

		{"strings", typeArray | typeString, wide("a\x00\x00b\x00"), `["a","","b"]`},
		{"strings without an end", typeArray | typeString, wide("a\x00b"), `["a","b"]`},
		{"one string", typeArray | typeString, wide("a\x00"), `"a"`},
		{"one empty string", typeArray | typeString, wide("\x00"), `null`},
		{"no strings", typeArray | typeString, nil, `null`},
		{"ANSI strings", typeArray | typeANSI, []byte("a\x00b\x00"), `["a","b"]`},
		{"int8s", typeArray | typeInt8, []byte{1, 0xff}, `[1,-1]`},
		{"uint8s", typeArray | typeUint8, []byte{1, 0xff}, `[1,255]`},
		{"int16s", typeArray | typeInt16, unhex("0100 ffff"), `[1,-1]`},
		{"uint16s", typeArray | typeUint16, unhex("0100 ffff"), `[1,65535]`},
		{"int32s", typeArray | typeInt32, unhex("01000000 ffffffff"), `[1,-1]`},
		{"uint32s", typeArray | typeUint32, unhex("01000000 ffffffff"), `[1,4294967295]`},
		{"int64s", typeArray | typeInt64, append(le64(1), le64(math.MaxUint64)...), `[1,-1]`},
		{"uint64s", typeArray | typeUint64, append(le64(1), le64(2)...), `[1,2]`},
		{"one uint64", typeArray | typeUint64, le64(1), `1`},
		{"floats", typeArray | typeFloat, append(le32(math.Float32bits(1.5)), le32(0)...), `[1.5,0]`},
		{"doubles", typeArray | typeDouble, append(le64(math.Float64bits(1.5)), le64(0)...), `[1.5,0]`},
		{"truths", typeArray | typeBool, unhex("01000000 00000000"), `[true,false]`},
		{"GUIDs", typeArray | typeGUID, append(guid, make([]byte, 16)...), `["7037385D-C22A-43E0-BF4C-06F5698FFBD9","00000000-0000-0000-0000-000000000000"]`},
		{"sizes", typeArray | typeSize, append(le64(1), le64(2)...), `["0x1","0x2"]`},
		{"sizes of 4 bytes", typeArray | typeSize, unhex("01000000 02000000 03000000"), `["0x1","0x2","0x3"]`},
		{"file times", typeArray | typeFileTime, make([]byte, 16), `["1601-01-01T00:00:00.000000Z","1601-01-01T00:00:00.000000Z"]`},
		{"system times", typeArray | typeSystemTime, bytes.Repeat(unhex("e907 0b00 0400 1b00 0700 2800 0a00 a500"), 2), `["2025-11-27T07:40:10.165000Z","2025-11-27T07:40:10.165000Z"]`},
		{"SIDs", typeArray | typeSID, append(sid[:len(sid):len(sid)], unhex("01 01 000000000005 12000000")...), `["S-1-5-32-544","S-1-5-18"]`},
		{"hex32s", typeArray | typeHex32, unhex("0f000000 10000000"), `["0xf","0x10"]`},
		{"hex64s", typeArray | typeHex64, append(le64(15), le64(16)...), `["0xf","0x10"]`},
		{"binary as an array", typeArray | typeBinary, unhex("0102"), `"0102"`},
		{"an array with half a number", typeArray | typeUint16, unhex("0100 ff"), `[1,"FF"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := &el{"Event", nil, []node{el{"EventData", nil, []node{
				el{"Data", []at1{{"Name", []node{text("v")}}}, []node{slot(0)}},
			}}}}
			got := oneJSON(t, logOf(&event{root: root, values: []val{{kind: c.kind, data: c.data}}}))
			if want := `{"Event":{"EventData":{"v":` + c.want + `}}}`; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// TestShapes is about how elements become JSON.
func TestShapes(t *testing.T) {
	str := func(s string) val { return val{kind: typeString, data: wide(s)} }
	num := func(n uint32) val { return val{kind: typeUint32, data: le32(n)} }
	list := func(s string) val { return val{kind: typeArray | typeString, data: wide(s)} }
	xml := func(e *event) val { return val{kind: typeXML, event: e} }
	null := val{}
	attr := func(name string, kids ...node) []at1 { return []at1{{name, kids}} }
	data := func(name string, kids ...node) el { return el{"Data", attr("Name", text(name)), kids} }
	tag := func(name string, kids ...node) el { return el{name, nil, kids} }
	none := []val(nil)

	for _, c := range []struct {
		name   string
		kids   []node // of Event
		values []val
		want   string // in Event
	}{
		{"fixed text", []node{tag("A", text("1"))}, none, `{"A":"1"}`},
		{"empty elements", []node{tag("A"), tag("B", text(""))}, none, `{"A":null,"B":null}`},
		{"a number", []node{tag("A", must(0))}, []val{num(7)}, `{"A":7}`},
		{"an optional value that is null", []node{tag("A", slot(0))}, []val{null}, `{"A":null}`},
		{"a value that the instance lacks", []node{tag("A", slot(9))}, []val{num(1)}, `{"A":null}`},
		{"a number in a text", []node{tag("A", text("n="), slot(0), slot(1))}, []val{num(7), str("!")}, `{"A":"n=7!"}`},
		{"a number beside nothing", []node{tag("A", slot(1), slot(0))}, []val{num(7), null}, `{"A":7}`},
		{"an array in a text", []node{tag("A", text("n="), slot(0))}, []val{list("a\x00b\x00")}, `{"A":"n=a, b"}`},
		{"fixed attributes", []node{el{"A", attr("x", text("1")), nil}}, none, `{"A":{"#attributes":{"x":"1"}}}`},
		{"attributes and text", []node{el{"A", []at1{{"x", []node{slot(0)}}, {"y", []node{text("z")}}}, []node{slot(1)}}}, []val{num(1), num(2)},
			`{"A":{"#attributes":{"x":1,"y":"z"},"#text":2}}`},
		{"fixed attributes and a value", []node{el{"A", attr("x", text("1")), []node{slot(0)}}}, []val{num(2)}, `{"A":{"#attributes":{"x":"1"},"#text":2}}`},
		{"attributes without a value", []node{el{"A", attr("x", slot(0)), nil}, el{"B", attr("x", slot(0)), []node{slot(1)}}}, []val{null, num(2)}, `{"A":null,"B":2}`},
		{"repeated elements", []node{tag("A", slot(0)), tag("B"), tag("A", text("x")), tag("A")}, []val{num(1)}, `{"A":[1,"x",null],"B":null}`},
		{"an array in a repeated element", []node{tag("A", slot(0)), tag("A", slot(1))}, []val{list("a\x00b\x00"), num(3)}, `{"A":["a","b",3]}`},
		{"an array in an element with attributes", []node{el{"A", attr("x", text("y")), []node{slot(0)}}}, []val{list("a\x00b\x00")}, `{"A":{"#attributes":{"x":"y"},"#text":["a","b"]}}`},
		{"text between elements", []node{tag("A", text("x"), tag("B"), text("y"))}, none, `{"A":{"#text":"xy","B":null}}`},
		{"white space between elements", []node{tag("A", text("\r\n\t "), tag("B"), text(" "))}, none, `{"A":{"B":null}}`},
		{"white space behind an element", []node{tag("A", text("x"), tag("B", slot(0)), text(" "))}, none, `{"A":{"#text":"x","B":null}}`},
		{"entities", []node{tag("A", entity("lt"), text("a"), entity("gt"), entity("amp"), entity("quot"), entity("apos"), entity("x"))}, none, `{"A":"<a>&\"'&x;"}`},
		{"character references", []node{tag("A", char('&'), char(0x4e16))}, none, `{"A":"&世"}`},
		{"CDATA", []node{tag("A", cdata("<b>\"&"))}, none, `{"A":"<b>\"&"}`},
		{"processing instructions", []node{tag("A", pi{"p", "d"}, text("x"))}, none, `{"A":"x"}`},

		{"named data", []node{tag("EventData", data("a b", slot(0)), data("c"), data("d", text("e")))}, []val{num(1)}, `{"EventData":{"a b":1,"c":null,"d":"e"}}`},
		{"a name twice", []node{tag("EventData", data("a", slot(0)), data("b"), data("a", slot(1)))}, []val{num(1), null}, `{"EventData":{"a":[1,null],"b":null}}`},
		{"a name with a quote", []node{tag("EventData", data(`a"\`, slot(0)))}, []val{num(1)}, `{"EventData":{"a\"\\":1}}`},
		{"other attributes of data", []node{tag("EventData", el{"Data", []at1{{"Name", []node{text("a")}}, {"Type", []node{text("t")}}}, []node{slot(0)}})}, []val{num(1)},
			`{"EventData":{"a":{"#attributes":{"Type":"t"},"#text":1}}}`},
		{"attributes of EventData", []node{el{"EventData", attr("Name", text("N")), []node{data("a", slot(0))}}}, []val{num(1)}, `{"EventData":{"#attributes":{"Name":"N"},"a":1}}`},
		{"data without a name", []node{tag("EventData", tag("Data", slot(0)))}, []val{str("x")}, `{"EventData":{"Data":{"#text":"x"}}}`},
		{"data with an empty name", []node{tag("EventData", data("", slot(0)))}, []val{str("x")}, `{"EventData":{"Data":{"#text":"x"}}}`},
		{"an array of data", []node{tag("EventData", tag("Data", slot(0)), tag("Binary", slot(1)))}, []val{list("a\x00\x00b\x00"), null},
			`{"EventData":{"Data":{"#text":["a","","b"]},"Binary":null}}`},
		{"several data", []node{tag("EventData", tag("Data", slot(0)), tag("Data"), tag("Data", slot(1)))}, []val{list("a\x00b\x00"), num(3)},
			`{"EventData":{"Data":{"#text":["a","b","",3]}}}`},
		{"data with and without names", []node{tag("EventData", data("x", slot(0)), tag("Data", slot(1)))}, []val{num(1), num(2)}, `{"EventData":{"x":1,"Data":{"#text":2}}}`},
		{"data elsewhere", []node{tag("Other", data("a", slot(0)))}, []val{num(1)}, `{"Other":{"Data":{"#attributes":{"Name":"a"},"#text":1}}}`},
		{"a name by value", []node{tag("EventData", el{"Data", attr("Name", slot(0)), []node{slot(1)}}, data("b", slot(1)))}, []val{str("k"), num(1)},
			`{"EventData":{"b":1,"k":1}}`},
		{"a name by value that is there", []node{tag("EventData", el{"Data", attr("Name", slot(0)), []node{text("y")}}, data("b", slot(1)))}, []val{str("b"), num(1)},
			`{"EventData":{"b":[1,"y"]}}`},
		{"a name by value that is null", []node{tag("EventData", el{"Data", attr("Name", slot(0)), []node{slot(1)}})}, []val{null, num(1)}, `{"EventData":{"Data":{"#text":1}}}`},
		{"names by value, twice", []node{tag("EventData", el{"Data", attr("Name", slot(0)), []node{slot(1)}}, el{"Data", attr("Name", slot(0)), []node{slot(1)}})}, []val{str("k"), num(1)},
			`{"EventData":{"k":[1,1]}}`},

		{"a fragment", []node{tag("System"), slot(0)}, []val{xml(&event{root: &el{"EventData", nil, []node{data("a", slot(0))}}, values: []val{num(1)}})},
			`{"System":null,"EventData":{"a":1}}`},
		{"a fragment without a template", []node{slot(0)}, []val{xml(&event{root: &el{"UserData", nil, []node{tag("X", text("y"))}}, plain: true})}, `{"UserData":{"X":"y"}}`},
		{"a fragment in a fragment", []node{slot(0)}, []val{xml(&event{root: &el{"UserData", nil, []node{slot(0)}}, values: []val{
			xml(&event{root: &el{"Inner", attr("xmlns", text("n")), []node{tag("P", slot(0))}}, values: []val{num(5)}})}})},
			`{"UserData":{"Inner":{"#attributes":{"xmlns":"n"},"P":5}}}`},
		{"a fragment with a name that is there", []node{tag("A", text("x")), slot(0)}, []val{xml(&event{root: &el{"A", nil, []node{slot(0)}}, values: []val{num(1)}})}, `{"A":["x",1]}`},
		{"a fragment as a value", []node{tag("EventData", data("a", slot(0)))}, []val{xml(&event{root: &el{"B", nil, []node{slot(0)}}, values: []val{num(1)}})}, `{"EventData":{"a":{"B":1}}}`},
		{"an empty fragment", []node{tag("A", slot(0))}, []val{{kind: typeXML}}, `{"A":null}`},
		{"a fragment in an attribute", []node{el{"A", attr("x", slot(0)), nil}}, []val{xml(&event{root: &el{"B", nil, nil}})}, `{"A":null}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := oneJSON(t, logOf(&event{root: &el{"Event", nil, c.kids}, values: c.values}))
			if want := `{"Event":` + c.want + `}`; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// TestPlainElements reads elements that stand without a template, with and
// without the number of a value that they depend on.
func TestPlainElements(t *testing.T) {
	for _, without := range []bool{false, true} {
		c := newChunk()
		c.noDependency = without
		c.record(1, &event{root: &el{"Event", nil, []node{el{"A", nil, []node{text("x")}}}}, plain: true})
		c.record(2, &event{root: &el{"Event", []at1{{"a", []node{text("b")}}}, nil}, plain: true})
		records, summary := readAll(t, bytes.NewReader(file(0, c.finish())))
		if len(records) != 2 || string(records[0].JSON) != `{"Event":{"A":"x"}}` || string(records[1].JSON) != `{"Event":{"#attributes":{"a":"b"}}}` {
			t.Errorf("without=%v: %d records, %v", without, len(records), summary.Damage)
		}
	}
}

func TestRecordFields(t *testing.T) {
	root := &el{"Event", nil, []node{slot(0)}}
	one, two := newChunk(), newChunk()
	one.record(10, &event{root: root})
	one.record(11, &event{root: root})
	two.record(12, &event{root: root})
	records, summary := readAll(t, bytes.NewReader(file(flagFull, one.finish(), two.finish())))
	if len(records) != 3 || summary.Records != 3 || summary.Chunks != 2 || !summary.Full || summary.Dirty || summary.Damages > 0 {
		t.Fatalf("%d records, %+v", len(records), summary)
	}
	for i, rec := range records {
		if rec.ID != uint64(10+i) || !rec.Time.Equal(time.Unix(int64(10+i), 0)) || rec.Recovered {
			t.Errorf("record %d: %+v", i, rec)
		}
	}
	if records[0].Offset != headerBlock+chunkHeader || records[2].Offset != headerBlock+chunkSize+chunkHeader {
		t.Errorf("offsets %d, %d", records[0].Offset, records[2].Offset)
	}
}

func TestFileTimeAgreesWithTime(t *testing.T) {
	for ticks := uint64(0); ticks < ticksTo10000; ticks += 7_777_777_777_777_77 {
		want := fileTime(ticks).Format("2006-01-02T15:04:05.000000Z")
		if got := string(appendFileTime(nil, ticks)); got != want {
			t.Fatalf("%d is %s, want %s", ticks, got, want)
		}
	}
}
