package ingest_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/unicode"

	"github.com/huntbook/huntbook/ingest"
)

// entry is a member of an archive that a test makes.
type entry struct{ name, data string }

func zipOf(t testing.TB, entries ...entry) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		f, err := w.Create(e.name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(f, e.data)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func tarOf(t testing.TB, entries ...entry) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if err := w.WriteHeader(&tar.Header{Name: e.name, Mode: 0o644, Size: int64(len(e.data))}); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, e.data)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gzipOf(data string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, data)
	_ = w.Close()
	return b.String()
}

func zstdOf(t testing.TB, data string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(data), nil))
}

func utf16Of(t testing.TB, order unicode.Endianness, data string) string {
	t.Helper()
	s, err := unicode.UTF16(order, unicode.UseBOM).NewEncoder().String(data)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// write makes a folder with files and returns its path.
func write(t testing.TB, files ...entry) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(f.data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// run reads inputs and tells, a line each, what came of it: the events as
// "source:number id", then what the summary holds. Paths lose dir.
func run(t testing.TB, o ingest.Options, dir string, inputs ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := ingest.Open(ctx, inputs, o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var lines []string
	events := 0
	for {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, rec := range b.Records {
			id := ""
			if c := b.Column("id"); c != nil {
				id = c.Values[c.Codes[i]].Text
			}
			lines = append(lines, fmt.Sprintf("%s:%d %s", rec.Source.Name, rec.Number, id))
		}
		events += b.Rows
	}
	s := r.Summary()
	if s.Events != events {
		t.Errorf("the summary counts %d events of %d", s.Events, events)
	}
	for _, p := range s.BrokenPlaces {
		lines = append(lines, fmt.Sprintf("broken %s line %d record %d: %s", p.Name, p.Line, p.Record, p.Reason))
	}
	for _, p := range s.Unknown {
		lines = append(lines, fmt.Sprintf("unknown %s: %s", p.Name, p.Reason))
	}
	for _, p := range s.Notes {
		lines = append(lines, fmt.Sprintf("note %s: %s", p.Name, p.Reason))
	}
	for _, name := range s.Duplicates {
		lines = append(lines, "duplicate "+name)
	}
	for _, err := range s.Failed {
		lines = append(lines, "failed "+err.Error())
	}
	out := strings.Join(lines, "\n")
	if dir != "" {
		out = strings.ReplaceAll(out, dir+"/", "")
	}
	return out
}

const (
	one   = `{"id":1}`
	two   = `{"id":2}`
	three = `{"id":3}`
	ab    = one + "\n" + two + "\n"
	table = "time,host\n2024-03-05,ws5\n"
)

// TestFormats reads the file "f" with some content, and expects its events and
// what the summary says.
func TestFormats(t *testing.T) {
	pretty := "{\n  \"id\": 1,\n  \"x\": {\n    \"y\": [\n      {}\n    ]\n  }\n}\n"
	cases := []struct{ name, data, want string }{
		{"lines", ab, "f:1 1\nf:2 2"},
		{"lines without the last break", one + "\n" + two, "f:1 1\nf:2 2"},
		{"blank lines and CRLF", "\r\n" + one + "\r\n\r\n" + two + "\r\n", "f:1 1\nf:2 2"},
		{"byte order mark", "\xef\xbb\xbf" + ab, "f:1 1\nf:2 2"},
		{"byte order mark in the middle", ab + "\xef\xbb\xbf" + three, "f:1 1\nf:2 2\nf:3 3"},
		{"UTF-16 little endian", utf16Of(t, unicode.LittleEndian, ab), "f:1 1\nf:2 2"},
		{"UTF-16 big endian", utf16Of(t, unicode.BigEndian, `{"id":"ü"}`), "f:1 ü"},
		{"a list", "[" + one + "," + two + "]", "f:1 1\nf:2 2"},
		{"a list over lines", "[\n  " + one + ",\n  " + two + "\n]\n", "f:1 1\nf:2 2"},
		{"an empty list", "[]", ""},
		{"one object", one, "f:1 1"},
		{"one object over lines", pretty, "f:1 1"},
		{"objects over lines", pretty + pretty, "f:1 1\nf:2 1"},
		{"objects on one line", one + two + " " + three, "f:1 1\nf:2 2\nf:3 3"},
		{"objects with commas", one + ",\n" + two + ",\n", "f:1 1\nf:2 2"},
		{"a list a line", "[" + one + "]\n[" + two + "," + three + "]\n", "f:1 1\nf:2 2\nf:3 3"},
		{"evtx_dump's records", "Record 1\n" + pretty + "Record 2\n" + pretty, "f:1 1\nf:2 1"},
		{"two objects on a later line", one + "\n" + two + three + "\n" + one + "\n", "f:1 1\nf:2 2\nf:3 3\nf:4 1"},
		{"nothing", "", ""},
		{"white space", " \n\n", ""},
		{"gzip", gzipOf(ab), "f:1 1\nf:2 2"},
		{"gzip, several streams", gzipOf(one+"\n") + gzipOf(two), "f:1 1\nf:2 2"},
		{"gzip with a stray byte", gzipOf(ab) + "\n", "f:1 1\nf:2 2"},
		{"gzip with padding", gzipOf(ab) + strings.Repeat("\x00", 5000), "f:1 1\nf:2 2"},
		{"gzip in gzip", gzipOf(gzipOf(ab)), "f:1 1\nf:2 2"},
		{"zstd", zstdOf(t, ab), "f:1 1\nf:2 2"},
		{"zip", zipOf(t, entry{"b.json", one}, entry{"a/ü x.json", two}), "f!b.json:1 1\nf!a/ü x.json:1 2"},
		{"tar", tarOf(t, entry{"b.json", one}, entry{"a.json", two}), "f!b.json:1 1\nf!a.json:1 2"},
		{"tar.gz", gzipOf(tarOf(t, entry{"a.json", ab})), "f!a.json:1 1\nf!a.json:2 2"},
		{"tar.gz with a stray byte", gzipOf(tarOf(t, entry{"a.json", ab})) + "\n", "f!a.json:1 1\nf!a.json:2 2"},
		{"tar.zst", zstdOf(t, tarOf(t, entry{"a.json", ab})), "f!a.json:1 1\nf!a.json:2 2"},
		{"gz in zip", zipOf(t, entry{"a.json.gz", gzipOf(ab)}), "f!a.json.gz:1 1\nf!a.json.gz:2 2"},
		{"zip in zip in tar", tarOf(t, entry{"a.zip", zipOf(t, entry{"b.zip", zipOf(t, entry{"c.json", one})})}), "f!a.zip!b.zip!c.json:1 1"},
		{"Windows paths in a zip", zipOf(t, entry{`logs\ws5\a.json`, one}), "f!logs/ws5/a.json:1 1"},
		{"what macOS leaves", zipOf(t, entry{"__MACOSX/._a.json", "\x00\x05\x16\x07"}, entry{"a.json", one}, entry{"._b.json", "x"}, entry{"d/.DS_Store", "x"}, entry{"_metadata/a.yaml", "x"}), "f!a.json:1 1"},
		{"an empty zip", zipOf(t), ""},
		{"unknown members", zipOf(t, entry{"a.csv", table}, entry{"a.json", one}),
			"f!a.json:1 1\nunknown f!a.csv: text without JSON events (CSV and plain text logs can't be read)"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := write(t, entry{"f", c.data})
			if got := run(t, ingest.Options{}, dir, dir+"/f"); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if !strings.HasPrefix(c.data, "PK") && c.data != "" {
				// The same through a pipe that gives a byte at a time.
				o := ingest.Options{Stdin: iotest.OneByteReader(strings.NewReader(c.data))}
				want := strings.ReplaceAll(strings.ReplaceAll("\n"+c.want, "\nf:", "\n-:"), "\nf!", "\n-!")[1:]
				if got := run(t, o, "", "-"); got != want {
					t.Errorf("standard input: got\n%s\nwant\n%s", got, want)
				}
			}
		})
	}
}

// TestBroken reads files in which something is wrong with some records.
func TestBroken(t *testing.T) {
	cases := []struct{ name, data, want string }{
		{"a broken line", one + "\n\n{\"id\":2,}\n" + three + "\n",
			"f:1 1\nf:3 3\nbroken f line 3 record 2: a name in double quotes is missing (byte 9)"},
		{"a first line that is cut off", `{"id":1,"x":"` + "\n" + two + "\n",
			"f:2 2\nbroken f line 1 record 1: it ends in the middle of an object (byte 14)"},
		{"a last line that is cut off", ab + `{"id":3`, "f:1 1\nf:2 2\nbroken f line 3 record 3: it ends in the middle of an object (byte 8)"},
		{"a heading before the lines", "exported by ann\n" + ab,
			"f:2 1\nf:3 2\nbroken f line 1 record 1: a value is missing (byte 1)"},
		{"lines that are no objects", one + "\n19\n\"x\"\n[1]\n" + two + "\n",
			"f:1 1\nf:5 2\n" +
				"broken f line 2 record 2: a JSON value that is not an object\n" +
				"broken f line 3 record 3: a JSON value that is not an object\n" +
				"broken f line 4 record 4: a JSON value that is not an object"},
		{"text behind an object", one + "\n" + two + " x\n" + three,
			"f:1 1\nf:3 3\nbroken f line 2 record 2: text is behind the object (byte 10)"},
		{"text behind the first object", one + " x\n" + two + "\n",
			"f:1 1\nf:3 2\nbroken f line 1 record 2: a value is missing (byte 1)"},
		{"a broken object over lines", "{\n \"id\": 1\n}\n{\n \"id\" 2\n}\n{\n \"id\": 3\n}\n",
			"f:1 1\nf:3 3\nbroken f line 4 record 2: a colon is missing after a name (byte 9)"},
		{"an object over lines that is cut off in the middle", "{\n \"id\": 1\n}\n{\n \"id\": 2,\n{\n \"id\": 3\n}\n",
			"f:1 1\nf:3 3\nbroken f line 4 record 2: a name in double quotes is missing (byte 13)"},
		{"an object over lines that is cut off at the end", "{\n \"id\": 1\n}\n{\n \"id\": 2,\n",
			"f:1 1\nbroken f line 4 record 2: it ends in the middle of an object (byte 13)"},
		{"a broken entry of a list", "[\n  " + one + ",\n  {\"id\":2,},\n  " + three + "\n]",
			"f:1 1\nf:3 3\nbroken f line 3 record 2: a name in double quotes is missing (byte 9)"},
		{"entries of a list that are no objects", "[" + one + ", 2, \"x\", " + three + "]",
			"f:1 1\nf:4 3\nbroken f line 1 record 2: a JSON value that is not an object\nbroken f line 1 record 3: a JSON value that is not an object"},
		{"a list that is cut off", "[\n" + one + ",\n" + two + "\n",
			"f:1 1\nf:2 2\nbroken f line 4 record 3: the file ends before its list does: it is cut off"},
		{"too large a line", one + "\n{\"id\":\"" + strings.Repeat("x", 5000) + "\"}\n" + three,
			"f:1 1\nf:3 3\nbroken f line 2 record 2: the event is larger than 1 KiB"},
		{"too large a line without end", one + "\n{\"id\":\"" + strings.Repeat("x", 200_000),
			"f:1 1\nbroken f line 2 record 2: the event is larger than 1 KiB"},
		{"too large an entry of a list", "[" + one + ",{\"id\":\"" + strings.Repeat(`\"}`, 50_000) + "\",\"x\":{}}," + three + "]",
			"f:1 1\nf:3 3\nbroken f line 1 record 2: the event is larger than 1 KiB"},
		{"too deep an entry of a list", "[" + one + "," + strings.Repeat(`{"":`, 600) + "1" + strings.Repeat("}", 600) + "," + three + "]",
			"f:1 1\nf:3 3\nbroken f line 1 record 2: more than 512 objects and lists in each other (byte 2049)"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := write(t, entry{"f", c.data})
			o := ingest.Options{MaxEventBytes: 1024}
			if strings.Contains(c.name, "too deep") {
				o.MaxEventBytes = 0
			}
			if got := run(t, o, dir, dir+"/f"); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// TestFailed reads what can't be read, or not to its end. What comes before the
// fault is read, and what comes after the file.
func TestFailed(t *testing.T) {
	var many strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&many, "{\"id\":%d,\"x\":\"%x\"}\n", i, i*7919)
	}
	cut := gzipOf(many.String())
	cut = cut[:len(cut)/2]
	encrypted := []byte(zipOf(t, entry{"secret.json", one}, entry{"open.json", two}))
	local := bytes.Index(encrypted, []byte("PK\x03\x04"))
	central := bytes.Index(encrypted, []byte("PK\x01\x02"))
	encrypted[local+6] |= 1
	encrypted[central+8] |= 1
	method := []byte(zipOf(t, entry{"a.json", one}))
	method[bytes.Index(method, []byte("PK\x01\x02"))+10] = 9
	nested := one
	for range 4 {
		nested = zipOf(t, entry{"x", nested})
	}
	packed := ab
	for range 5 {
		packed = gzipOf(packed)
	}
	wrongSum := []byte(gzipOf(ab))
	wrongSum[len(wrongSum)-8] ^= 1
	cases := []struct {
		name, data string
		want       []string // parts of the outcome
	}{
		{"CSV", table, []string{"failed f: text without JSON events (CSV and plain text logs can't be read)"}},
		{"a text log", "[2024-03-05] start\n[2024-03-05] end\n", []string{"failed f: text without JSON events"}},
		{"binary", "\x00\x01\x02", []string{"failed f: no format that can be read"}},
		{"scalars", "1\n2\n", []string{"failed f: text without JSON events"}},
		{"a cut event log", "ElfFile\x00", []string{"failed f: the file is cut off within its header (at byte 8)"}},
		{"pcap", "\xd4\xc3\xb2\xa1", []string{"failed f: a packet capture"}},
		{"7z", "7z\xbc\xaf\x27\x1c", []string{"failed f: a 7-Zip archive: unpack it first"}},
		{"cut gzip", cut, []string{"f:1 0\nf:2 1\n", "\nfailed f: it is cut off; what came before the cut was read"}},
		{"cut tar.gz", gzipOf(tarOf(t, entry{"a", many.String()}))[:9000], []string{"f!a:1 0\nf!a:2 1\n", "\nfailed f!a: it is cut off"}},
		{"cut zip", zipOf(t, entry{"a", ab})[:60], []string{"failed f: the archive is damaged or cut off"}},
		{"cut zstd", zstdOf(t, many.String())[:2000], []string{"failed f: it is cut off"}},
		{"gzip with a wrong sum", string(wrongSum), []string{"f:1 1\nf:2 2\n", "failed f: the archive is damaged"}},
		{"encrypted member", string(encrypted), []string{"f!open.json:1 2",
			"failed f!secret.json: is encrypted: unpack the archive with its password first and give the folder"}},
		{"unknown zip method", string(method), []string{"failed f!a.json: packed in a way that can't be read (zip method 9): unpack the archive first"}},
		{"archives in archives", nested, []string{"failed f!x!x!x: lies in more than 3 archives"}},
		{"packed many times", packed, []string{"failed f: packed more than 4 times over"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := write(t, entry{"f", c.data}, entry{"next.json", `{"id":"next"}`})
			got := run(t, ingest.Options{}, dir, dir+"/f", dir+"/next.json")
			for _, part := range append(c.want, "next.json:1 next") {
				if !strings.Contains(got, part) {
					t.Errorf("%.2000s\nlacks %q", got, part)
				}
			}
			if strings.Contains(got, "broken") {
				t.Errorf("a fault of the file counts as a broken record:\n%.2000s", got)
			}
		})
	}
}

func TestBombs(t *testing.T) {
	zeros := gzipOf(strings.Repeat(one+"\n", 200_000))
	inner := zipOf(t, entry{"a.json", strings.Repeat(one+"\n", 50_000)})
	limits := ingest.Limits{Ratio: 50, RatioAfter: 64 << 10}
	cases := []struct {
		name, data string
		limits     ingest.Limits
		bomb       bool
	}{
		{"gzip", zeros, limits, true},
		{"gzip in tar", tarOf(t, entry{"a.gz", zeros}), limits, true},
		{"gzip in gzip", gzipOf(zeros), limits, true},
		{"zip in zip", zipOf(t, entry{"a.zip", inner}), limits, true},
		{"members in sum", zipOf(t, slices.Repeat([]entry{{"a.json", strings.Repeat(one+"\n", 5000)}}, 50)...), limits, true},
		{"default limits", zeros, ingest.Limits{}, false},
		{"little", gzipOf(strings.Repeat(one+"\n", 5000)), limits, false},
		{"one member", zeros, ingest.Limits{MemberBytes: 100_000}, true},
	}
	for _, c := range cases {
		dir := write(t, entry{"f", c.data})
		got := run(t, ingest.Options{Limits: c.limits}, dir, dir+"/f")
		if strings.Contains(got, "archive bombs") != c.bomb {
			t.Errorf("%s: %.300s", c.name, got[max(0, len(got)-300):])
		}
	}
	dir := write(t, entry{"f", tarOf(t, entry{"a.zip", inner})})
	if got := run(t, ingest.Options{Limits: ingest.Limits{SpoolBytes: 100}}, dir, dir+"/f"); !strings.Contains(got, "may have 100 bytes") {
		t.Errorf("an archive in an archive that is too large: %s", got)
	}
}

func TestPathsInArchives(t *testing.T) {
	data := tarOf(t,
		entry{"../../etc/a.json", one}, entry{"/abs/b.json", one}, entry{`C:\x\c.json`, one},
		entry{"d/../d.json", one}, entry{"e\n\u202eevil.json", one}, entry{"ü ü/f.json", one})
	dir := write(t, entry{"f.tar", data})
	want := strings.Join([]string{
		"f.tar!abs/b.json:1 1", "f.tar!x/c.json:1 1",
		"f.tar!d.json:1 1", "f.tar!e__evil.json:1 1", "f.tar!ü ü/f.json:1 1",
		`note f.tar!abs/b.json: the archive calls it "/abs/b.json"; nothing is written there`,
		`note f.tar!x/c.json: the archive calls it "C:\\x\\c.json"; nothing is written there`,
		`note f.tar!e__evil.json: the archive calls it "e\n\u202eevil.json"; nothing is written there`,
		`failed f.tar: the archive holds a member named "../../etc/a.json", which would lie outside of the folder it is unpacked to: it is not read; look at where the archive comes from`,
	}, "\n")
	if got := run(t, ingest.Options{}, dir, dir+"/f.tar"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFolders(t *testing.T) {
	dir := write(t,
		entry{"logs/b.json", one}, entry{"logs/a.json", ab}, entry{"logs/a/z.json", three},
		entry{"logs/c d ü.zip", zipOf(t, entry{"m.json", two})},
		entry{"logs/readme.csv", table},
		entry{"logs/__MACOSX/a.json", one}, entry{"logs/_metadata/m.json", one}, entry{"logs/._a.json", one}, entry{"logs/.DS_Store", "x"},
		entry{"outside.json", three})
	want := strings.Join([]string{
		"logs/a/z.json:1 3", "logs/a.json:1 1", "logs/a.json:2 2", "logs/b.json:1 1", "logs/c d ü.zip!m.json:1 2", "outside.json:1 3",
		"unknown logs/readme.csv: text without JSON events (CSV and plain text logs can't be read)",
		"duplicate logs/a.json", "duplicate outside.json",
	}, "\n")
	got := run(t, ingest.Options{}, dir, dir+"/logs", dir+"/logs/a.json", dir+"/outside.json", dir+"/outside.json")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := run(t, ingest.Options{}, dir, dir+"/logs/"); !strings.HasPrefix(got, "logs/a/z.json:1 3\n") {
		t.Errorf("a folder given with a slash: %s", got)
	}
	if got := run(t, ingest.Options{}, dir, dir+"/logs/a.json", dir+"/logs"); !strings.HasSuffix(got, "duplicate logs/a.json") {
		t.Errorf("a file and its folder: %s", got)
	}
	empty := write(t, entry{"e/__MACOSX/x.json", one})
	if got := run(t, ingest.Options{}, empty, empty+"/e"); got != "failed e: there are no files in the folder: give one that holds logs" {
		t.Errorf("an empty folder: %s", got)
	}
}

func TestLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights on Windows")
	}
	dir := write(t, entry{"logs/a.json", one}, entry{"logs/d/b.json", two}, entry{"outside/c.json", three})
	for link, target := range map[string]string{
		"logs/in": "a.json", "logs/loop": "../logs", "logs/self": "self", "logs/out": "../outside/c.json", "logs/outdir": "../outside", "all": "logs",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"a.json:1 1", "d/b.json:1 2", "unknown out: a symbolic link", "unknown outdir: a symbolic link", "unknown self: a symbolic link"}
	for _, root := range []string{"logs", "all"} {
		got := strings.Split(run(t, ingest.Options{}, filepath.Join(dir, root), filepath.Join(dir, root)), "\n")
		if len(got) != len(want) {
			t.Fatalf("%s: %q", root, got)
		}
		for i := range want {
			if !strings.HasPrefix(got[i], want[i]) {
				t.Errorf("%s: %q, want %q", root, got[i], want[i])
			}
		}
	}
	if got := run(t, ingest.Options{}, dir, dir+"/logs/out"); got != "logs/out:1 3" {
		t.Errorf("a link that is given itself: %s", got)
	}
}

func TestMissingInputs(t *testing.T) {
	dir := write(t, entry{"a.json", one})
	_, err := ingest.Open(context.Background(), []string{dir + "/no", dir + "/a.json", dir + "/neither/x"}, ingest.Options{})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, name := range []string{dir + "/no: file does not exist", dir + "/neither/x: file does not exist"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%v lacks %q", err, name)
		}
	}
}

func TestEmbedded(t *testing.T) {
	samples := fstest.MapFS{
		"b.json":   {Data: []byte(two)},
		"a.zip":    {Data: []byte(zipOf(t, entry{"x.json", one}))},
		"c.csv":    {Data: []byte(table)},
		"d/e.json": {Data: []byte(three)},
	}
	o := ingest.Options{Embedded: map[string]fs.FS{"samples:": samples}}
	want := "samples:a.zip!x.json:1 1\nsamples:b.json:1 2\nsamples:d/e.json:1 3\n" +
		"unknown samples:c.csv: text without JSON events (CSV and plain text logs can't be read)"
	if got := run(t, o, "", "samples:"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTimeRange(t *testing.T) {
	dir := write(t, entry{"f", `{"id":1,"time":"2024-03-05T09:00:00"}` + "\n" + `{"id":2,"time":"2024-03-05T10:00:00"}` + "\n" + three})
	since := time.Date(2024, 3, 5, 11, 0, 0, 0, time.UTC)
	o := ingest.Options{Since: since, Location: time.FixedZone("", -3600)}
	ctx := context.Background()
	r, err := ingest.Open(ctx, []string{dir + "/f"}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := r.Next(ctx)
	if err != nil || b.Rows != 1 || b.Records[0].Number != 2 {
		t.Fatalf("%v, %v; want record 2 alone", b, err)
	}
	if _, err := r.Next(ctx); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if s := r.Summary(); s.Events != 1 || s.Outside != 1 || s.Undated != 1 || s.Broken != 0 {
		t.Errorf("%+v; want 1 event, 1 outside, 1 undated", s)
	}
}

// TestBatches cuts an input into batches of a few rows, by rows and by bytes.
func TestBatches(t *testing.T) {
	dir := write(t, entry{"a", ab + three}, entry{"b", one + two + "\n" + three}, entry{"c", ab})
	for _, o := range []ingest.Options{{BatchRows: 1}, {BatchRows: 2}, {BatchRows: 3}, {BatchBytes: 10}, {}} {
		got := run(t, o, dir, dir+"/a", dir+"/b", dir+"/c")
		if want := "a:1 1\na:2 2\na:3 3\nb:1 1\nb:2 2\nb:3 3\nc:1 1\nc:2 2"; got != want {
			t.Errorf("%+v: got\n%s\nwant\n%s", o, got, want)
		}
	}
}

func TestNumbersAfterSeveralObjectsOnALine(t *testing.T) {
	dir := write(t, entry{"f", one + "\n" + one + two + three + "\n{\n" + two + "\n"})
	got := run(t, ingest.Options{BatchRows: 1}, dir, dir+"/f")
	want := "f:1 1\nf:2 1\nf:3 2\nf:4 3\nf:6 2\nbroken f line 3 record 5: it ends in the middle of an object (byte 2)"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestCancel ends a reading whose standard input never gives anything.
func TestCancel(t *testing.T) {
	in, out := io.Pipe()
	defer func() { _ = out.Close() }()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := ingest.Open(ctx, []string{"-"}, ingest.Options{Stdin: in})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := r.Next(context.Background()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if s := r.Summary(); len(s.Failed) > 0 {
		t.Errorf("the end of the context counts as a failure: %v", s.Failed)
	}
}

// TestCloseEarly closes a reader that has much left to read.
func TestCloseEarly(t *testing.T) {
	dir := write(t, entry{"f", strings.Repeat(ab, 10_000)})
	r, err := ingest.Open(context.Background(), []string{dir}, ingest.Options{BatchRows: 10})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestProgress(t *testing.T) {
	plain, packed := strings.Repeat(ab, 1000), zipOf(t, entry{"a", strings.Repeat(ab, 1000)})
	dir := write(t, entry{"f.json", plain}, entry{"f.zip", packed})
	r, err := ingest.Open(context.Background(), []string{dir}, ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for err == nil {
		_, err = r.Next(context.Background())
	}
	if done, total := r.Progress(); done != total || total != int64(len(plain)+len(packed)) {
		t.Errorf("%d of %d", done, total)
	}
}
