package jupyter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/huntbook/huntbook/jupyter/zmtp"
)

// served is a client of a toy kernel in this process.
func served(t *testing.T) (*Client, Connection, *Server) {
	t.Helper()
	at, err := NewConnection("toy")
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewServer(at, toy{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done; at.Release() })
	c, err := Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if _, err := c.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c, at, s
}

// run executes a cell and outlines what came of it.
func run(t *testing.T, c *Client, code string) string {
	t.Helper()
	r := &Recorder{Displays: Displays{}}
	reply, err := c.Execute(t.Context(), ExecuteRequest{Code: code, StoreHistory: true, StopOnError: true}, r.Take)
	if err != nil {
		t.Fatal(err)
	}
	if reply.Incomplete {
		t.Error("the kernel was never idle again")
	}
	return strings.TrimSuffix(fmt.Sprintf("%s %d %s; %s", reply.Status, reply.ExecutionCount, reply.Evalue, outline(r.Outputs)), "; ")
}

func TestExecute(t *testing.T) {
	c, _, _ := served(t)
	for i, cell := range []struct{ code, want string }{
		{"print a\nprint b\nwarn c", `ok 1 ; stdout "a\nb\n"; stderr "c\n"`},
		{"show 1\nchange 2", `ok 2 ; display_data {"text/plain":"2"}`},
		{"print a\nclear\nresult 3", `ok 3 ; execute_result {"text/plain":"3"}`},
		{"print a\nfail why", `error 4 why; stdout "a\n"; Failed: why`},
		{"", `ok 5 `},
	} {
		if got := run(t, c, cell.code); got != cell.want {
			t.Errorf("cell %d: %s, want %s", i+1, got, cell.want)
		}
	}
	flood := &Recorder{}
	if _, err := c.Execute(t.Context(), ExecuteRequest{Code: "flood"}, flood.Take); err != nil || len(flood.Outputs[0].Text) != 2_000_000 {
		t.Errorf("of a flood %d bytes came, %v", len(flood.Outputs[0].Text), err)
	}
}

// A silent cell says nothing and is not counted, one outside the history is not counted.
func TestSilentCells(t *testing.T) {
	c, _, _ := served(t)
	run(t, c, "print a")
	var kinds []string
	take := func(m *Message) { kinds = append(kinds, m.Header.MsgType) }
	reply, err := c.Execute(t.Context(), ExecuteRequest{Code: "print b\nfail", Silent: true, StoreHistory: true, UserExpressions: map[string]string{"x": "1"}}, take)
	if err != nil || reply.ExecutionCount != 1 || reply.Status != "error" || strings.Join(kinds, " ") != "status status" {
		t.Errorf("reply %+v, %v, messages %v", reply, err, kinds)
	}
	kinds = nil
	reply, err = c.Execute(t.Context(), ExecuteRequest{Code: "print b", UserExpressions: map[string]string{"x": "1"}}, take)
	if err != nil || reply.ExecutionCount != 1 || strings.Join(kinds, " ") != "status execute_input stream status" {
		t.Errorf("reply %+v, %v, messages %v", reply, err, kinds)
	}
	if x, _ := json.Marshal(reply.UserExpressions); !strings.Contains(string(x), `"status":"error"`) {
		t.Errorf("expressions %s", x)
	}
}

// Cells that wait behind one that fails are not run; other requests are answered.
func TestFailureAbortsWhatWaits(t *testing.T) {
	c, _, s := served(t)
	var waiting []*waiter
	send := func(kind string, content any) {
		w, stop, err := c.ask(c.shell, kind, content, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
		waiting = append(waiting, w)
	}
	send("execute_request", ExecuteRequest{Code: "wait", StopOnError: true})
	send("execute_request", ExecuteRequest{Code: "print no"})
	send("complete_request", codeContent{"x", 1})
	send("execute_request", ExecuteRequest{Code: "print no"})
	// They are read ahead while the first runs.
	for len(s.queue) < 3 {
		time.Sleep(time.Millisecond)
	}
	s.Interrupt()
	var got []string
	for _, w := range waiting {
		m, err := c.wait(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		var status replyStatus
		_ = m.Decode(&status)
		got = append(got, m.Header.MsgType+" "+status.Status)
		<-w.idle
	}
	if want := "execute_reply error, execute_reply aborted, complete_reply ok, execute_reply aborted"; strings.Join(got, ", ") != want {
		t.Errorf("got %s", strings.Join(got, ", "))
	}
	if got := run(t, c, "print on"); got != `ok 1 ; stdout "on\n"` {
		t.Errorf("then %s", got)
	}
}

func TestInterrupt(t *testing.T) {
	c, _, _ := served(t)
	begun := make(chan struct{})
	done := make(chan *ExecuteReply)
	go func() {
		reply, _ := c.Execute(t.Context(), ExecuteRequest{Code: "print a\nwait"}, func(m *Message) {
			if m.Header.MsgType == "stream" {
				close(begun)
			}
		})
		done <- reply
	}()
	<-begun
	// A kernel at work beats, and says on control what it is.
	if err := c.Heartbeat(t.Context()); err != nil {
		t.Error(err)
	}
	if err := c.Request(t.Context(), "interrupt_request", struct{}{}, nil); err != nil {
		t.Error(err)
	}
	if reply := <-done; reply == nil || reply.Ename != "Interrupted" {
		t.Errorf("reply %+v", reply)
	}
	if err := c.Request(t.Context(), "interrupt_request", struct{}{}, nil); err != nil {
		t.Errorf("interrupting an idle kernel: %v", err)
	}
}

func TestRequests(t *testing.T) {
	c, _, _ := served(t)
	ctx := t.Context()
	info, err := c.KernelInfo(ctx)
	if err != nil || info.ProtocolVersion != "5.4" || info.Implementation != "toy" {
		t.Errorf("info %+v, %v", info, err)
	}
	var completions Completions
	if err := c.Request(ctx, "complete_request", codeContent{"é", 1}, &completions); err != nil || completions.Matches[0] != "é!" || completions.CursorEnd != 1 {
		t.Errorf("completions %+v, %v", completions, err)
	}
	var inspection Inspection
	if err := c.Request(ctx, "inspect_request", codeContent{"x", 1}, &inspection); err != nil || !inspection.Found {
		t.Errorf("inspection %+v, %v", inspection, err)
	}
	var completeness Completeness
	if err := c.Request(ctx, "is_complete_request", codeContent{Code: `x\`}, &completeness); err != nil || completeness.Status != "incomplete" {
		t.Errorf("completeness %+v, %v", completeness, err)
	}
	if err := c.Request(ctx, "comm_info_request", struct{}{}, nil); err != nil {
		t.Error(err)
	}
	// Nobody waits for an answer that does not come.
	for _, kind := range []string{"unheard_request", "complete_request", "history_request"} {
		if err := c.Request(ctx, kind, map[string]any{"code": 1, "n": "x"}, nil); err == nil || !strings.Contains(err.Error(), "the kernel answers "+kind+" with RequestError: ") {
			t.Errorf("%s: %v", kind, err)
		}
	}
	var closed []string
	w, stop, err := c.ask(c.shell, "comm_open", map[string]any{"comm_id": "1"}, func(m *Message) {
		closed = append(closed, m.Header.MsgType)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	<-w.idle
	if strings.Join(closed, " ") != "status comm_close status" {
		t.Errorf("a comm gives %v", closed)
	}
	// What asks for nothing is not answered.
	w, stop, err = c.ask(c.shell, "comm_msg", map[string]any{"comm_id": "1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	<-w.idle
	select {
	case m := <-w.reply:
		t.Errorf("it is answered with %s", m.Header.MsgType)
	default:
	}
}

func TestHistory(t *testing.T) {
	c, _, _ := served(t)
	for _, code := range []string{"print 1", "print 2", `show a/b\c`, "print 1"} {
		run(t, c, code)
	}
	cases := []struct {
		request HistoryRequest
		want    string
	}{
		{HistoryRequest{HistAccessType: "tail", N: 2}, `[1,3,"show a/b\\c"] [1,4,"print 1"]`},
		{HistoryRequest{HistAccessType: "tail", N: 1, Output: true}, `[1,4,["print 1",null]]`},
		{HistoryRequest{HistAccessType: "range", Start: 1, Stop: 3}, `[1,1,"print 1"] [1,2,"print 2"]`},
		{HistoryRequest{HistAccessType: "range", Session: 1, Start: 4}, `[1,4,"print 1"]`},
		{HistoryRequest{HistAccessType: "range", Session: 7, Start: 1}, ``},
		{HistoryRequest{HistAccessType: "search", Pattern: "print*"}, `[1,1,"print 1"] [1,2,"print 2"] [1,4,"print 1"]`},
		{HistoryRequest{HistAccessType: "search", Pattern: "print*", Unique: true}, `[1,2,"print 2"] [1,4,"print 1"]`},
		{HistoryRequest{HistAccessType: "search", Pattern: `*a/b\c`, N: 5}, `[1,3,"show a/b\\c"]`},
		{HistoryRequest{HistAccessType: "search", Pattern: "[", N: 5}, ``},
		{HistoryRequest{HistAccessType: "else"}, ``},
	}
	for _, h := range cases {
		var reply historyReply
		if err := c.Request(t.Context(), "history_request", h.request, &reply); err != nil {
			t.Fatal(err)
		}
		var rows []string
		for _, row := range reply.History {
			text, _ := json.Marshal(row)
			rows = append(rows, string(text))
		}
		if got := strings.Join(rows, " "); got != h.want {
			t.Errorf("%+v: %s, want %s", h.request, got, h.want)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	var h history
	for range maxHistory + 5 {
		h.add("x")
	}
	h.add(strings.Repeat("y", maxHistoryBytes))
	if len(h.list) != 1 || h.count != maxHistory+6 || h.bytes != maxHistoryBytes {
		t.Errorf("%d cells of %d bytes, count %d", len(h.list), h.bytes, h.count)
	}
}

// Who does not know the key is not answered, and does nobody harm.
func TestStrangersAreNotAnswered(t *testing.T) {
	c, at, _ := served(t)
	strange := at
	strange.Key = "guessed"
	stranger, err := Connect(t.Context(), strange)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	for _, frames := range [][][]byte{{nil}, {delimiter}, {delimiter, nil, []byte("{}"), []byte("{}"), []byte("{}"), []byte("{}")}} {
		stranger.shell.Send(frames)
		stranger.control.Send(frames)
	}
	w, stop, err := stranger.ask(stranger.control, "shutdown_request", shutdownContent{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if got := run(t, c, "print here"); got != `ok 1 ; stdout "here\n"` {
		t.Errorf("the other gets %s", got)
	}
	select {
	case m := <-w.reply:
		t.Errorf("a stranger is answered %s", m.Content)
	case <-c.Dead():
		t.Error("a stranger ends the kernel")
	default:
	}
}

// A front end that subscribes is welcomed with what it subscribed to.
func TestWelcome(t *testing.T) {
	c, at, _ := served(t)
	sub, err := zmtp.Dial(t.Context(), zmtp.Subscribe, at.address(at.IOPubPort), nil, zmtp.Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	got, err := sub.Recv(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.session.decode(got.Frames)
	if err != nil || m.Header.MsgType != "iopub_welcome" || string(m.Content) != `{"subscription":""}` {
		t.Errorf("message %+v, %v", m, err)
	}
}

func TestShutdown(t *testing.T) {
	c, at, _ := served(t)
	var reply shutdownContent
	if err := c.Request(t.Context(), "shutdown_request", shutdownContent{Restart: true}, &reply); err != nil || !reply.Restart || reply.Status != "ok" {
		t.Errorf("reply %+v, %v", reply, err)
	}
	<-c.Dead()
	if _, err := c.Execute(t.Context(), ExecuteRequest{}, nil); !errors.Is(err, ErrDead) {
		t.Errorf("then a cell gives %v", err)
	}
	if err := c.Heartbeat(t.Context()); !errors.Is(err, ErrDead) {
		t.Errorf("then the heart gives %v", err)
	}
	if _, err := Connect(t.Context(), Connection{}); err == nil {
		t.Error("a connection to nowhere")
	}
	if s, err := NewServer(at, toy{}); err != nil {
		t.Errorf("the ports are not free: %v", err)
	} else {
		s.close()
	}
}
