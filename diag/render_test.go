package diag

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not as it was (-update writes it):\n%s", name, got)
	}
}

// messages are one of each kind.
func messages() List {
	file := &File{Path: "rules/a b.yml", Data: []byte("title: x\ndetection:\n  s:\n    A|contain: x\r\n\t\tB: \u202ey\n    日本|é: z\n" + strings.Repeat("w", 300) + "here" + strings.Repeat("v", 300))}
	return List{
		{Code: "unknown-modifier", Message: `unknown modifier "contain"`, Hint: `did you mean "contains"?`, File: file, Pos: Pos{4, 7}, Width: 7},
		{Code: "tab", Severity: Warning, Message: "a tab", File: file, Pos: Pos{5, 3}},
		{Code: "wide", Severity: Note, Message: "a wide character before", File: file, Pos: Pos{6, 8}, Width: 1},
		{Code: "long", Message: "in a long line", Hint: "shorten it", File: file, Pos: Pos{7, 301}, Width: 4},
		{Code: "beyond", Message: "behind the end of a line", File: file, Pos: Pos{1, 99}, Width: 5},
		{Code: "missing-line", Message: "in a line that is not there", File: file, Pos: Pos{99, 1}},
		{Code: "whole", Message: "about the whole file", File: &File{Path: "/abs/ü%.yml"}},
		{Code: "unknown-modifier", Message: "once more, without a file"},
		{Message: "\x1b[31mof no kind\nwith two lines"},
	}
}

func TestWriteText(t *testing.T) {
	var b bytes.Buffer
	if err := WriteText(&b, messages(), false); err != nil {
		t.Fatal(err)
	}
	golden(t, "text.txt", b.Bytes())
	b.Reset()
	if err := WriteText(&b, messages()[:2], true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\x1b[31;1merror:\x1b[0m", "      ^~~~~~~\x1b[0m", "\x1b[33;1mwarning:\x1b[0m"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in the coloured text %q", want, b.String())
		}
	}
}

func TestWriteJSON(t *testing.T) {
	var b bytes.Buffer
	if err := WriteJSON(&b, messages()); err != nil {
		t.Fatal(err)
	}
	golden(t, "lines.json", b.Bytes())
}

func TestWriteSARIF(t *testing.T) {
	var b bytes.Buffer
	if err := WriteSARIF(&b, messages(), "huntbook", "1.2.3", func(code string) string {
		return map[string]string{"tab": "Tabs are wide."}[code]
	}); err != nil {
		t.Fatal(err)
	}
	golden(t, "log.sarif", b.Bytes())

	// Every result's index leads to the rule of its id.
	var log struct {
		Runs []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID    string
				RuleIndex *int
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	for _, r := range log.Runs[0].Results {
		if (r.RuleID == "") != (r.RuleIndex == nil) {
			t.Errorf("a result has a rule's id or index alone: %+v", r)
		}
		if r.RuleIndex != nil && log.Runs[0].Tool.Driver.Rules[*r.RuleIndex].ID != r.RuleID {
			t.Errorf("index %d is not that of %s", *r.RuleIndex, r.RuleID)
		}
	}
	b.Reset()
	if err := WriteSARIF(&b, nil, "huntbook", "1.2.3", nil); err != nil || !strings.Contains(b.String(), `"results": []`) {
		t.Errorf("an empty log is %v\n%s", err, b.String())
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestWriteErrors(t *testing.T) {
	for name, err := range map[string]error{
		"text": WriteText(broken{}, messages(), false), "JSON": WriteJSON(broken{}, messages()), "SARIF": WriteSARIF(broken{}, messages(), "x", "1", nil),
	} {
		if err == nil {
			t.Errorf("%s: the writer's error is lost", name)
		}
	}
}

func TestFileURI(t *testing.T) {
	for path, want := range map[string]string{
		"a.yml": "a.yml", "rules/a b.yml": "rules/a%20b.yml", "/x/a#?.yml": "file:///x/a%23%3F.yml", "ü": "%C3%BC", "a:b": "a%3Ab", "100%": "100%25",
	} {
		if got := fileURI(path); got != want {
			t.Errorf("fileURI(%q) = %q, want %q", path, got, want)
		}
	}
}

// TestPrintable: what is shown moves no cursor and hides nothing, and text that
// shows already stays as it is.
func TestPrintable(t *testing.T) {
	for s, want := range map[string]string{
		"plain é 日本 😀": "plain é 日本 😀", "a\tb\nc": "a b c", "\x1b[31m": "<U+001B>[31m", "\u202ex": "<U+202E>x", "\u2028": "<U+2028>",
		"\x00": "<U+0000>", "\xff": "\ufffd", "\u200b": "<U+200B>", "\U000E0041": "<U+E0041>", "\r": "<U+000D>", "": "",
	} {
		if got := Printable(s); got != want {
			t.Errorf("Printable(%q) = %q, want %q", s, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		got := Printable(s)
		if strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) || !utf8.ValidString(got) {
			t.Fatalf("Printable(%q) = %q", s, got)
		}
		if Printable(got) != got {
			t.Fatalf("Printable is not done with %q", got)
		}
	})
}

// TestCaret: the caret stands under the character that the position names, and
// the first line alone says where that is, whatever the file holds.
func TestCaret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.StringMatching(`[a-zé日\t \x1b]{0,300}`), 1, 4).Draw(t, "lines")
		line := rapid.IntRange(1, len(lines)).Draw(t, "line")
		runes := []rune(lines[line-1])
		column := rapid.IntRange(1, len(runes)+1).Draw(t, "column")
		d := &Diagnostic{Message: "m", File: &File{Path: "f", Data: []byte(strings.Join(lines, "\n"))}, Pos: Pos{line, column}, Width: rapid.IntRange(0, 400).Draw(t, "width")}
		var b bytes.Buffer
		if err := WriteText(&b, List{d}, false); err != nil {
			t.Fatal(err)
		}
		out := strings.Split(b.String(), "\n")
		if out[0] != fmt.Sprintf("f:%d:%d: error: m", line, column) {
			t.Fatalf("first line %q", out[0])
		}
		source, caret := strings.TrimPrefix(out[1], fmt.Sprintf("%5d | ", line)), strings.TrimPrefix(out[2], "      | ")
		at := strings.IndexByte(caret, '^')
		if at < 0 || strings.Trim(caret[:at], " ") != "" || strings.Trim(caret[at+1:], "~") != "" {
			t.Fatalf("caret line %q", caret)
		}
		// What stands left of the caret is as wide as the text left of it.
		left := runewidth.Truncate(source, at, "")
		if runewidth.StringWidth(left) != at {
			t.Fatalf("the caret stands in the middle of a character of %q", source)
		}
		if column <= len(runes) && !strings.HasPrefix(source[len(left):], Printable(string(runes[column-1]))) {
			t.Fatalf("under the caret stands %q, want %q", source[len(left):], runes[column-1])
		}
		if runewidth.StringWidth(source) > 8*maxSourceLine {
			t.Fatalf("the source line has %d columns", runewidth.StringWidth(source))
		}
	})
}

func TestOf(t *testing.T) {
	one := &Diagnostic{Code: "a", Message: "one"}
	list := List{one, {Code: "b", Severity: Warning, Message: "two"}}
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{one, "one"},
		{list, "one\ntwo"},
		{fmt.Errorf("wrapped: %w", list), "one\ntwo"},
		{fmt.Errorf("wrapped: %w", one), "one"},
		{errors.New("plain"), "plain"},
	} {
		if got := Of(c.err).Error(); got != c.want {
			t.Errorf("Of(%v) = %q, want %q", c.err, got, c.want)
		}
	}
	if list.Err() == nil || len(list.Errors()) != 1 || (List{list[1]}).Err() != nil {
		t.Error("warnings count as errors, or errors do not")
	}
}
