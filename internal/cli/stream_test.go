package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const streamRules = `title: A login failed
name: failed
logsource: {product: windows, service: security}
detection:
  s: {EventID: 4625}
  condition: s
---
title: Many logins failed
correlation:
  type: event_count
  rules: [failed]
  group-by: [User]
  timespan: 1m
  condition: {gte: 3}
`

// With a lateness, what correlations find in a stream comes before its end.
func TestMatchStream(t *testing.T) {
	rules := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(rules, []byte(streamRules), 0o600); err != nil {
		t.Fatal(err)
	}
	in, events := io.Pipe()
	found, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		a := &app{Streams: Streams{In: in, Out: out, Err: &bytes.Buffer{}}, out: bufio.NewWriter(out)}
		root := a.root()
		root.SetArgs([]string{"match", "-r", rules, "--lateness", "10s", "-"})
		err := root.ExecuteContext(t.Context())
		_ = out.CloseWithError(err)
		ended <- err
	}()
	first := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(found).ReadString('\n')
		first <- line
		_, _ = io.Copy(io.Discard, found)
	}()

	// Three logins of root, then one a second, of another user each, until there is
	// a finding: some megabytes, and a hundred where it never comes.
	const most = 100 << 20
	sent, line := 0, ""
	for i := 0; line == "" && sent < most; i++ {
		user := "root"
		if i >= 3 {
			user = fmt.Sprint("user", i)
		}
		at := time.Date(2024, 5, 1, 0, 0, i, 0, time.UTC).Format(time.RFC3339)
		n, err := fmt.Fprintf(events, "{\"@timestamp\":%q,\"Channel\":\"Security\",\"EventID\":4625,\"User\":%q,\"more\":\"%s\"}\n", at, user, strings.Repeat("x", 1000))
		if err != nil {
			t.Fatal(err)
		}
		sent += n
		select {
		case line = <-first:
		default:
		}
	}
	if sent >= most || !strings.Contains(line, `"group":{"User":"root"}`) {
		t.Errorf("after %d bytes: %q", sent, line)
	}
	if err := events.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}
