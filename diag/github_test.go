package diag

import (
	"bytes"
	"testing"
)

// A workflow command is one line, whatever a path or a message holds.
func TestWriteGitHub(t *testing.T) {
	file := &File{Path: "rules/a,b:c%.yml"}
	for want, d := range map[string]*Diagnostic{
		"::error file=rules/a%2Cb%3Ac%25.yml,line=3,col=5,endColumn=9,title=title-end::100%25 wrong; write, less: more\n": {
			Code: "title-end", Message: "100% wrong", Hint: "write, less: more", File: file, Pos: Pos{3, 5}, Width: 4,
		},
		"::warning file=rules/a%2Cb%3Ac%25.yml,title=file-name::one%0A::error::two%0D\n": {
			Code: "file-name", Severity: Warning, Message: "one\n::error::two\r", File: file,
		},
		"::notice::no place\n": {Severity: Note, Message: "no place"},
	} {
		var b bytes.Buffer
		if err := WriteGitHub(&b, List{d}); err != nil || b.String() != want {
			t.Errorf("got %q (%v), want %q", b.String(), err, want)
		}
	}
}
