package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/huntbook/huntbook/hunt"
	"github.com/huntbook/huntbook/ingest"
)

// commonFolder goes to a folder with the files of testdata/common.txtar.
func commonFolder(t *testing.T) {
	t.Helper()
	common, err := txtar.ParseFile(filepath.Join("testdata", "common.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := txtar.Write(common, "."); err != nil {
		t.Fatal(err)
	}
}

// onTerminal runs a command line as on a terminal that is so wide.
func onTerminal(t *testing.T, width int, args ...string) string {
	t.Helper()
	var b bytes.Buffer
	a := &app{Streams: Streams{Out: &b, Err: &bytes.Buffer{}}, out: bufio.NewWriter(&b), outTerm: true, outWidth: width}
	root := a.root()
	root.SetArgs(args)
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.out.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestMatchTable(t *testing.T) {
	commonFolder(t)
	t.Setenv("NO_COLOR", "1")
	const wide = `TIME                 LEVEL  RULE                       HOST  EVENT
2020-09-04 20:00:00  high   WMI Event Subscription     WS1   logs/events.json #1
2020-09-04 21:00:00  high   WMI Event Subscription     WS1   logs/events.json #2
2020-09-04 22:00:00  high   WMI Event Subscription     WS2   logs/events.json #3
2020-09-04 22:30:00  low    Logon of an Administrator  WS2   logs/events.json #4
                     low    Logon of an Administrator  WS3   logs/events.json #5
`
	if got := onTerminal(t, 100, "match", "-r", "rules", "logs"); got != wide {
		t.Errorf("the table is\n%s, want\n%s", got, wide)
	}
	for line := range strings.SplitSeq(onTerminal(t, 50, "match", "-r", "rules", "logs"), "\n") {
		if n := len([]rune(line)); n > 50 {
			t.Errorf("%q has %d characters on a terminal of 50", line, n)
		}
	}
	if got := onTerminal(t, 100, "match", "--json", "-r", "rules/win/wmi.yml", "logs"); strings.Count(got, "\n") != 3 || !strings.HasPrefix(got, `{"rule_id":`) {
		t.Errorf("--json on a terminal gives\n%s", got)
	}
	if got := onTerminal(t, 100, "match", "-r", "rules/win/never.yml", "logs"); got != "" {
		t.Errorf("nothing was found and the table is %q", got)
	}
}

func TestMatchTableColours(t *testing.T) {
	commonFolder(t)
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	got := onTerminal(t, 100, "match", "-r", "rules/win/wmi.yml", "logs")
	if !strings.Contains(got, "\x1b[31;1mhigh") {
		t.Errorf("levels have no colour:\n%q", got)
	}
	t.Setenv("TERM", "dumb")
	if got := onTerminal(t, 100, "match", "-r", "rules/win/wmi.yml", "logs"); strings.Contains(got, "\x1b") {
		t.Errorf("a dumb terminal gets colours:\n%q", got)
	}
}

// TestProgressLines: what a hunt says every some seconds where there is no
// terminal.
func TestProgressLines(t *testing.T) {
	commonFolder(t)
	reader, err := ingest.Open(t.Context(), []string{"logs"}, ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, err := reader.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	p := &hunt.Progress{}
	s := &progressShow{app: &app{Streams: Streams{Err: &b}}, p: p, rules: 1200, start: time.Now().Add(-time.Minute)}
	s.show()
	if b.Len() > 0 {
		t.Errorf("before anything is read it says %q", b.String())
	}
	p.Reader.Store(reader)
	p.Findings.Store(5)
	s.show()
	p.Stage.Store(1)
	p.Planned.Store(1200)
	s.show()
	p.Notebooks.Store(300)
	s.start = s.start.Add(-30 * time.Second)
	s.show()
	p.Notebooks.Store(1200)
	s.show()
	s.end()
	want := regexp.MustCompile(`^1,200 rules, 6 events \(\d+/s\), 5 findings, 100 %
0 of 1,200 notebooks, 0 %
300 of 1,200 notebooks, 25 %, about 1m30s left
1,200 of 1,200 notebooks, 100 %
$`)
	if !want.MatchString(b.String()) {
		t.Errorf("it says\n%s, want\n%s", b.String(), want)
	}
}

// TestStatusLine: one line of a terminal that makes room for messages, and elsewhere a
// line each time.
func TestStatusLine(t *testing.T) {
	for _, c := range []struct {
		terminal bool
		want     string
	}{
		{false, "1 of 23 files put; hunts/index.html\n2 of 23 files put; hunts/hunt.json\n"},
		{true, "1 of 23 files put; hunts/…\r\x1b[K2 of 23 files put; hunts/…\r\x1b[K"},
	} {
		var b bytes.Buffer
		texts := []string{"1 of 23 files put; hunts/index.html", "2 of 23 files put; hunts/hunt.json"}
		l := statusLine{app: &app{Streams: Streams{Err: &b}, errTerm: c.terminal, errWidth: 27}, text: func() (text string) {
			text, texts = texts[0], texts[1:]
			return text
		}}
		l.draw()
		l.draw()
		l.clear()
		l.clear()
		if b.String() != c.want {
			t.Errorf("terminal %v: %q, want %q", c.terminal, b.String(), c.want)
		}
	}
}

// endless is standard input that never ends, and interrupts whoever reads it.
type endless struct{ interrupt func() }

func (e endless) Read(b []byte) (int, error) {
	e.interrupt()
	return copy(b, `{"@timestamp":"2020-09-04T20:00:00Z","Channel":"Microsoft-Windows-Sysmon/Operational","EventID":19}`+"\n"), nil
}

// TestInterrupt: Ctrl-C ends every command with its own exit code, and what was
// printed is whole.
func TestInterrupt(t *testing.T) {
	commonFolder(t)
	for _, args := range [][]string{
		{"hunt", "-r", "rules", "-d", "-", "-o", "out"},
		{"match", "-r", "rules", "-"},
		{"convert", "rules"},
		{"notebook", "-r", "rules", "-e", "http://127.0.0.1:9200"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		in := endless{cancel}
		if args[0] == "convert" || args[0] == "notebook" {
			cancel() // they read no events
		}
		var out, errs bytes.Buffer
		code := Main(ctx, args, Streams{In: in, Out: &out, Err: &errs})
		cancel()
		if code != exitInterrupted || !strings.HasSuffix(errs.String(), "huntbook: interrupted\n") {
			t.Errorf("%s: exit code %d, %q", args[0], code, errs.String())
		}
		for line := range strings.Lines(out.String()) {
			if !strings.HasSuffix(line, "\n") || !json.Valid([]byte(line)) {
				t.Errorf("%s: half a line: %q", args[0], line)
			}
		}
	}
	if _, err := os.Stat("notebooks"); err == nil {
		t.Error("an interrupted notebook command went on writing")
	}
	if code, _, stderr := run(t, "hunt", "-r", "rules", "-d", "logs", "-o", "out"); code != exitOK {
		t.Errorf("the folder of an interrupted hunt can't be hunted into again: %d, %s", code, stderr)
	}
}
