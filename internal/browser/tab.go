package browser

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// Tab is a page that stays open and is used as a person does. It is driven through
// Chromium's DevTools protocol, one command after the other.
type Tab struct {
	t    testing.TB
	ctx  context.Context //nolint:containedctx // the life of the tab
	conn *websocket.Conn
	page string // the id of the page's session
	last int
}

// Open opens a page in a window of that size. The browser ends with the test.
func (b *Browser) Open(t testing.TB, url string, width, height int) *Tab {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*timeout)
	profile := t.TempDir()
	cmd := exec.CommandContext(ctx, b.path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--force-device-scale-factor=1",
		"--remote-debugging-port=0", "--user-data-dir="+profile, "about:blank")
	cmd.WaitDelay = 5 * time.Second
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
		// Its processes write to the profile until all have ended.
		for range 50 {
			if os.RemoveAll(profile) == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	tab := &Tab{t: t, ctx: ctx}
	address := tab.address(filepath.Join(profile, "DevToolsActivePort"))
	conn, _, err := websocket.Dial(ctx, address, nil)
	if err != nil {
		t.Fatalf("the browser's DevTools: %v", err)
	}
	conn.SetReadLimit(64 << 20)
	tab.conn = conn
	var target struct{ TargetID string }
	tab.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var session struct{ SessionID string }
	tab.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session)
	tab.page = session.SessionID
	tab.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
	tab.call("Page.navigate", map[string]any{"url": url}, nil)
	return tab
}

// address waits for the file in which the browser says where it listens.
func (t *Tab) address(file string) string {
	for t.ctx.Err() == nil {
		if data, err := os.ReadFile(file); err == nil {
			if port, path, ok := strings.Cut(strings.TrimSpace(string(data)), "\n"); ok {
				return "ws://127.0.0.1:" + port + path
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.t.Fatal("the browser does not start")
	return ""
}

// call gives a command and waits for its result.
func (t *Tab) call(method string, parameters, result any) {
	t.t.Helper()
	t.last++
	message, err := json.Marshal(map[string]any{"id": t.last, "method": method, "params": parameters, "sessionId": t.page})
	if t.page == "" {
		message, err = json.Marshal(map[string]any{"id": t.last, "method": method, "params": parameters})
	}
	if err == nil {
		err = t.conn.Write(t.ctx, websocket.MessageText, message)
	}
	for err == nil {
		var answer struct {
			ID     int
			Error  struct{ Message string }
			Result json.RawMessage
		}
		if _, message, err = t.conn.Read(t.ctx); err != nil {
			break
		}
		if err = json.Unmarshal(message, &answer); err != nil || answer.ID != t.last {
			continue // an event
		}
		switch {
		case answer.Error.Message != "":
			err = errors.New(answer.Error.Message)
		case result == nil:
			return
		default:
			if err = json.Unmarshal(answer.Result, result); err == nil {
				return
			}
		}
	}
	t.t.Fatalf("%s: %v", method, err)
}

// Evaluate runs an expression in the page, and reads its value, which JSON must hold.
func (t *Tab) Evaluate(expression string, value any) {
	t.t.Helper()
	if err := t.evaluate(expression, value); err != nil {
		t.t.Fatalf("%s: %v", expression, err)
	}
}

func (t *Tab) evaluate(expression string, value any) error {
	var out struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails struct {
			Exception struct{ Description string }
		}
	}
	t.call("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &out)
	if text := out.ExceptionDetails.Exception.Description; text != "" {
		return errors.New(text)
	}
	if value == nil {
		return nil
	}
	if len(out.Result.Value) == 0 {
		return errors.New("it has no value")
	}
	return json.Unmarshal(out.Result.Value, value)
}

// Wait waits until a condition, an expression, holds.
func (t *Tab) Wait(condition string) {
	t.t.Helper()
	for end := time.Now().Add(timeout); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		holds := false
		if t.evaluate("!!("+condition+")", &holds) == nil && holds {
			return
		}
	}
	var text string
	t.Evaluate("document.body.innerText", &text)
	t.t.Fatalf("this never holds: %s; the page shows\n%.3000s", condition, text)
}

// Click clicks at the middle of an element, an expression.
func (t *Tab) Click(element string) {
	t.t.Helper()
	t.Wait(element)
	var at struct{ X, Y float64 }
	t.Evaluate(fmt.Sprintf("(() => { const r = (%s).getBoundingClientRect(); return {X: r.x + r.width/2, Y: r.y + r.height/2} })()", element), &at)
	for _, kind := range []string{"mouseMoved", "mousePressed", "mouseReleased"} {
		event := map[string]any{"type": kind, "x": at.X, "y": at.Y}
		if kind != "mouseMoved" {
			event["button"], event["clickCount"] = "left", 1
		}
		t.call("Input.dispatchMouseEvent", event, nil)
	}
}

// Picture returns a PNG of the window.
func (t *Tab) Picture() []byte {
	t.t.Helper()
	var shot struct{ Data string }
	t.call("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		t.t.Fatal(err)
	}
	return data
}
