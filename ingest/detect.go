package ingest

import (
	"bytes"
	"errors"
	"strconv"
	"unicode/utf8"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/evtx"
)

// format is what a stream turns out to be by its first bytes.
type format int

const (
	textFormat format = iota // JSON perhaps
	gzipFormat
	zstdFormat
	zipFormat
	tarFormat
	eventLogFormat
	foreignFormat // known, but not to be read
)

// magics are how formats begin, and for those that can't be read what to do.
var magics = []struct {
	start  string
	format format
	is     string
}{
	{"\x1f\x8b", gzipFormat, ""},
	{"\x28\xb5\x2f\xfd", zstdFormat, ""},
	{"PK\x03\x04", zipFormat, ""},
	{"PK\x05\x06", zipFormat, ""},
	{"\xd4\xc3\xb2\xa1", foreignFormat, "a packet capture, which holds no events"},
	{"\xa1\xb2\xc3\xd4", foreignFormat, "a packet capture, which holds no events"},
	{"\x4d\x3c\xb2\xa1", foreignFormat, "a packet capture, which holds no events"},
	{"\x0a\x0d\x0d\x0a", foreignFormat, "a packet capture, which holds no events"},
	{"BZh", foreignFormat, "packed with bzip2: unpack it first"},
	{"\xfd7zXZ\x00", foreignFormat, "packed with xz: unpack it first"},
	{"7z\xbc\xaf\x27\x1c", foreignFormat, "a 7-Zip archive: unpack it first"},
	{"Rar!", foreignFormat, "a RAR archive: unpack it first"},
	{"PAR1", foreignFormat, "a Parquet file, which can't be read"},
	{"SQLite format 3", foreignFormat, "an SQLite database, which can't be read"},
}

// detect tells a stream's format by its first 512 bytes or what there is of
// them, and of a foreign one what it is.
func detect(head []byte) (format, string) {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.start)) {
			return m.format, m.is
		}
	}
	switch {
	case evtx.IsEVTX(head):
		return eventLogFormat, ""
	case isTar(head):
		return tarFormat, ""
	}
	return textFormat, ""
}

// isTar checks the sum that every header of a tar archive carries.
func isTar(head []byte) bool {
	const size, from, to = 512, 148, 156
	if len(head) < size {
		return false
	}
	sum := 0
	for i, c := range head[:size] {
		if from <= i && i < to {
			c = ' '
		}
		sum += int(c)
	}
	written, err := strconv.ParseInt(string(bytes.Trim(head[from:to], " \x00")), 8, 64)
	return err == nil && int64(sum) == written
}

// layout is how JSON objects lie in a text.
type layout int

const (
	noEvents layout = iota
	lineLayout
	streamLayout
)

// layoutOf looks at the beginning of a text. Text without an object that can be
// read holds no events.
func layoutOf(head []byte) layout {
	t := trimBlank(head)
	if len(t) == 0 {
		return lineLayout
	}
	n, err := event.Scan(t)
	var syntax *event.SyntaxError
	switch {
	case err == nil:
		line, _, _ := bytes.Cut(t[n:], newline)
		if bytes.IndexByte(t[:n], '\n') < 0 && len(trimBlank(line)) == 0 {
			return lineLayout
		}
		return streamLayout
	case errors.As(err, &syntax) && (syntax.Incomplete || syntax.TooBig) && begins(t, '[', "{["):
		return streamLayout
	case bytes.HasPrefix(t, []byte("Record ")) && bytes.Contains(t, []byte("\n{")):
		return streamLayout
	case hasWholeLine(t) && !begins(t, '[', "{["):
		return lineLayout
	case begins(t, '{', `"}`), begins(t, '[', "{[]"):
		return streamLayout
	}
	return noEvents
}

// begins says that t starts with the bracket and then, after white space, with
// one of next.
func begins(t []byte, bracket byte, next string) bool {
	if t[0] != bracket {
		return false
	}
	t = trimBlank(t[1:])
	return len(t) > 0 && bytes.IndexByte([]byte(next), t[0]) >= 0
}

// hasWholeLine says that one of the first lines is an object by itself, not
// indented as it would be inside of another.
func hasWholeLine(t []byte) bool {
	const lines = 100
	for range lines {
		line, rest, found := bytes.Cut(t, newline)
		if len(line) > 0 && line[0] == '{' && whole(line) {
			return true
		}
		if !found {
			break
		}
		t = rest
	}
	return false
}

// describe says what a text without events seems to be.
func describe(head []byte) string {
	if bytes.IndexByte(head, 0) >= 0 || !utf8.Valid(head[:max(0, len(head)-utf8.UTFMax)]) {
		return "no format that can be read"
	}
	return "text without JSON events (CSV and plain text logs can't be read)"
}
