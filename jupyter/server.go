package jupyter

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"github.com/huntbook/huntbook/jupyter/zmtp"
)

// Handler is what a kernel can do. All but Info are called one at a time, Info at any.
// Places in cells are counted in characters (code points).
type Handler interface {
	Info() KernelInfo
	// Execute runs a cell and returns nil, or how it failed, which the server tells
	// the front ends. It returns soon after ctx has ended, which is an interrupt.
	Execute(ctx context.Context, code string, out *Publisher) *Failure
	Complete(code string, cursor int) Completions
	Inspect(code string, cursor int) Inspection
	IsComplete(code string) Completeness
}

// Failure says why a cell failed.
type Failure struct {
	Ename, Evalue string
	Traceback     []string
}

// waitingRequests is how many requests are read ahead of the one that is answered.
const waitingRequests = 1024

// Server is the kernel's side of a connection.
type Server struct {
	handler                                 Handler
	session                                 *session
	shell, control, iopub, stdin, heartbeat *zmtp.Socket
	queue                                   chan *Message
	stop                                    context.CancelFunc
	history                                 history

	mu        sync.Mutex
	interrupt context.CancelFunc // ends the cell that runs, nil when none does
}

// NewServer listens where the connection says.
func NewServer(at Connection, h Handler) (*Server, error) {
	if err := at.check(); err != nil {
		return nil, err
	}
	s := &Server{handler: h, session: newSession(at.Key), queue: make(chan *Message, waitingRequests)}
	for _, channel := range []struct {
		socket **zmtp.Socket
		kind   zmtp.Kind
		port   int
	}{
		{&s.shell, zmtp.Router, at.ShellPort},
		{&s.control, zmtp.Router, at.ControlPort},
		{&s.stdin, zmtp.Router, at.StdinPort},
		{&s.iopub, zmtp.Publish, at.IOPubPort},
		{&s.heartbeat, zmtp.Reply, at.HeartbeatPort},
	} {
		socket, err := zmtp.Listen(channel.kind, at.address(channel.port), serverBounds)
		if err != nil {
			s.close()
			return nil, err
		}
		*channel.socket = socket
	}
	return s, nil
}

func (s *Server) close() {
	for _, socket := range []*zmtp.Socket{s.shell, s.control, s.stdin, s.heartbeat, s.iopub} {
		if socket != nil {
			socket.Close()
		}
	}
}

// Run serves until a client asks for the end or ctx ends.
func (s *Server) Run(ctx context.Context) {
	ctx, s.stop = context.WithCancel(ctx)
	var loops sync.WaitGroup
	loops.Go(func() {
		each(ctx, s.heartbeat, func(m zmtp.Message) { s.heartbeat.SendTo(m.Peer, m.Frames) })
	})
	loops.Go(func() { each(ctx, s.iopub, s.welcome) })
	loops.Go(func() { each(ctx, s.stdin, func(zmtp.Message) {}) })
	loops.Go(func() {
		each(ctx, s.control, func(got zmtp.Message) {
			if m := s.believe(got); m != nil {
				s.answer(ctx, s.control, m)
			}
		})
	})
	loops.Go(func() {
		each(ctx, s.shell, func(got zmtp.Message) {
			if m := s.believe(got); m != nil {
				select {
				case s.queue <- m:
				case <-ctx.Done():
				}
			}
		})
	})
	for ctx.Err() == nil {
		select {
		case m := <-s.queue:
			s.answer(ctx, s.shell, m)
		case <-ctx.Done():
		}
	}
	loops.Wait()
	s.close()
}

// each hands over what comes on a socket until ctx ends.
func each(ctx context.Context, s *zmtp.Socket, take func(zmtp.Message)) {
	for {
		m, err := s.Recv(ctx)
		if err != nil {
			return
		}
		take(m)
	}
}

// believe reads a message; one that is not signed with our key is dropped, as is what
// is no message at all: whoever sent it is told nothing.
func (s *Server) believe(got zmtp.Message) *Message {
	m, err := s.session.decode(got.Frames)
	if err != nil {
		return nil
	}
	m.peer = got.Peer
	return m
}

// welcome tells a front end that its subscription has come, so that it need not guess.
func (s *Server) welcome(m zmtp.Message) {
	if m.Frames[0][0] != 1 {
		return
	}
	topic := string(m.Frames[0][1:])
	frames, err := s.session.encode(s.session.header("iopub_welcome"), nil, map[string]any{"subscription": topic}, []byte(topic))
	if err == nil {
		s.iopub.SendTo(m.Peer, frames)
	}
}

// Interrupt ends the cell that runs.
func (s *Server) Interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.interrupt != nil {
		s.interrupt()
	}
}

// answer answers a request, with the status around it.
func (s *Server) answer(ctx context.Context, socket *zmtp.Socket, m *Message) {
	out := &Publisher{server: s, parent: m.header}
	out.publish("status", statusContent{"busy"})
	defer out.publish("status", statusContent{"idle"})
	kind, isRequest := strings.CutSuffix(m.Header.MsgType, "_request")
	reply := func(content any) {
		frames, err := s.session.encode(s.session.header(kind+"_reply"), m.header, content, m.route...)
		if err == nil {
			socket.SendTo(m.peer, frames)
		}
	}
	switch kind {
	case "execute":
		s.execute(ctx, m, out, reply)
	case "interrupt":
		s.Interrupt()
		reply(replyStatus{Status: "ok"})
	case "shutdown":
		var c shutdownContent
		_ = m.Decode(&c) // a restart is the front end's affair
		c.Status = "ok"
		reply(c)
		out.publish("shutdown_reply", c)
		s.stop()
	case "comm_open":
		// There is nothing on our side that a widget could talk to.
		var c struct {
			ID string `json:"comm_id"`
		}
		_ = m.Decode(&c)
		out.publish("comm_close", map[string]any{"comm_id": c.ID, "data": map[string]any{}})
	default:
		if !isRequest {
			return // news of something that we never opened
		}
		content, err := s.content(kind, m)
		if err != nil {
			content = replyStatus{"error", "RequestError", err.Error()}
		}
		reply(content)
	}
}

// content is the answer to a request that has no other effect.
func (s *Server) content(kind string, m *Message) (any, error) {
	var code codeContent
	var asked HistoryRequest
	switch kind {
	case "kernel_info":
		info := s.handler.Info()
		info.Status, info.ProtocolVersion = "ok", protocolVersion
		return info, nil
	case "complete":
		if err := m.Decode(&code); err != nil {
			return nil, err
		}
		c := s.handler.Complete(code.Code, code.CursorPos)
		c.Status = "ok"
		if c.Matches == nil {
			c.Matches = []string{}
		}
		if c.Metadata == nil {
			c.Metadata = map[string]any{}
		}
		return c, nil
	case "inspect":
		if err := m.Decode(&code); err != nil {
			return nil, err
		}
		i := s.handler.Inspect(code.Code, code.CursorPos)
		i.Status, i.Metadata = "ok", map[string]any{}
		if i.Data == nil {
			i.Data = map[string]any{}
		}
		return i, nil
	case "is_complete":
		if err := m.Decode(&code); err != nil {
			return nil, err
		}
		return s.handler.IsComplete(code.Code), nil
	case "history":
		if err := m.Decode(&asked); err != nil {
			return nil, err
		}
		return historyReply{"ok", s.history.find(asked)}, nil
	case "comm_info":
		return map[string]any{"status": "ok", "comms": map[string]any{}}, nil
	}
	return nil, errors.New("this kernel does not know " + m.Header.MsgType)
}

func (s *Server) execute(ctx context.Context, m *Message, out *Publisher, reply func(any)) {
	request := ExecuteRequest{StoreHistory: true, StopOnError: true}
	if err := m.Decode(&request); err != nil {
		reply(replyStatus{"error", "RequestError", err.Error()})
		return
	}
	out.silent = request.Silent
	if request.StoreHistory && !request.Silent {
		s.history.add(request.Code)
	}
	count := s.history.count
	out.count = count
	out.output("execute_input", inputContent{request.Code, count})

	running, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	s.interrupt = cancel
	s.mu.Unlock()
	failure := s.handler.Execute(running, request.Code, out)
	s.mu.Lock()
	s.interrupt = nil
	s.mu.Unlock()
	cancel()

	answer := ExecuteReply{Status: "ok", ExecutionCount: count, UserExpressions: map[string]any{}, Payload: []any{}}
	for name := range request.UserExpressions {
		answer.UserExpressions[name] = map[string]any{"status": "error", "ename": "ExpressionError", "evalue": "this kernel has no expressions", "traceback": []string{}}
	}
	if failure == nil {
		reply(answer)
		return
	}
	answer.Status, answer.Ename, answer.Evalue, answer.Traceback = "error", failure.Ename, failure.Evalue, failure.Traceback
	out.output("error", errorContent{failure.Ename, failure.Evalue, append([]string{}, failure.Traceback...)})
	reply(answer)
	if request.StopOnError {
		s.abort(ctx)
	}
}

// abort answers the cells that wait behind one that failed without running them, and
// what else waits as always.
func (s *Server) abort(ctx context.Context) {
	for range len(s.queue) {
		m := <-s.queue
		if m.Header.MsgType != "execute_request" {
			s.answer(ctx, s.shell, m)
			continue
		}
		out := &Publisher{server: s, parent: m.header}
		out.publish("status", statusContent{"busy"})
		frames, err := s.session.encode(s.session.header("execute_reply"), m.header, replyStatus{Status: "aborted"}, m.route...)
		if err == nil {
			s.shell.SendTo(m.peer, frames)
		}
		out.publish("status", statusContent{"idle"})
	}
}

// Publisher sends what a cell gives back to all front ends, as it comes.
type Publisher struct {
	server *Server
	parent json.RawMessage
	silent bool
	count  int
}

func (p *Publisher) publish(kind string, content any) {
	frames, err := p.server.session.encode(p.server.session.header(kind), p.parent, content, []byte("kernel."+kind))
	if err == nil {
		p.server.iopub.Send(frames)
	}
}

// output publishes something that a silent cell does not.
func (p *Publisher) output(kind string, content any) {
	if !p.silent {
		p.publish(kind, content)
	}
}

// Stream sends text of "stdout" or "stderr".
func (p *Publisher) Stream(name, text string) { p.output("stream", streamContent{name, text}) }

// Display sends an output; one with an id can be changed by Update.
func (p *Publisher) Display(data, metadata map[string]any, id string) {
	p.output("display_data", bundle(data, metadata, id))
}

// Update changes the outputs that were sent with an id.
func (p *Publisher) Update(data, metadata map[string]any, id string) {
	p.output("update_display_data", bundle(data, metadata, id))
}

// Result sends what the cell's last line is.
func (p *Publisher) Result(data, metadata map[string]any) {
	b := bundle(data, metadata, "")
	b.ExecutionCount = p.count
	p.output("execute_result", b)
}

// Clear removes the cell's outputs, at once or when the next one comes.
func (p *Publisher) Clear(wait bool) { p.output("clear_output", clearContent{wait}) }

func bundle(data, metadata map[string]any, id string) Bundle {
	if metadata == nil {
		metadata = map[string]any{}
	}
	b := Bundle{Data: data, Metadata: metadata}
	if id != "" {
		b.Transient = map[string]any{"display_id": id}
	}
	return b
}
