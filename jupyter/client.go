package jupyter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/huntbook/huntbook/jupyter/zmtp"
)

// ErrDead is in the errors of everything that is asked of a kernel which has gone.
var ErrDead = errors.New("the kernel died")

// quiet is how long nothing may come on iopub, after a cell's reply, until the idle
// status that ends its outputs is taken for lost.
const quiet = 5 * time.Second

// Client talks to one kernel. Its methods may be called at once.
type Client struct {
	session          *session
	shell, control   sender
	iopub, heartbeat *zmtp.Socket // nil where a Carrier brings what the kernel says

	mu      sync.Mutex
	waiting map[string]*waiter // by the id of the request
	dead    chan struct{}
	once    sync.Once
	// died says more about the end of the kernel, as far as it is known.
	died func() error
}

// sender is a channel on which requests are sent.
type sender interface {
	Send(frames [][]byte)
	Close()
}

// waiter is a request whose answers are expected.
type waiter struct {
	reply chan *Message // the answer on shell or control
	idle  chan struct{} // closed when the kernel says that it is done

	mu     sync.Mutex
	each   func(*Message) // nil once nobody listens any more
	heard  time.Time      // when something came on iopub
	isIdle bool
}

// Connect connects to a kernel that runs, or is about to, and waits until it answers.
func Connect(ctx context.Context, at Connection) (*Client, error) {
	if err := at.check(); err != nil {
		return nil, err
	}
	c := newClient(newSession(at.Key))
	var shell, control *zmtp.Socket
	for _, channel := range []struct {
		socket **zmtp.Socket
		kind   zmtp.Kind
		port   int
	}{
		{&c.iopub, zmtp.Subscribe, at.IOPubPort},
		{&shell, zmtp.Dealer, at.ShellPort},
		{&control, zmtp.Dealer, at.ControlPort},
		{&c.heartbeat, zmtp.Request, at.HeartbeatPort},
	} {
		socket, err := zmtp.Dial(ctx, channel.kind, at.address(channel.port), []byte(c.session.id), clientBounds)
		if err != nil {
			for _, s := range []*zmtp.Socket{c.iopub, shell, control} {
				if s != nil {
					s.Close()
				}
			}
			return nil, err
		}
		*channel.socket = socket
	}
	c.shell, c.control = shell, control
	var channels sync.WaitGroup
	first := make(chan struct{}, 3)
	for socket, take := range map[*zmtp.Socket]func(*Message){shell: c.answer, control: c.answer, c.iopub: c.output} {
		channels.Go(func() {
			c.receive(socket, take)
			first <- struct{}{}
		})
	}
	go func() {
		<-first
		// What is on its way on the other channels still counts; a kernel that has
		// gone ends them all.
		all := make(chan struct{})
		go func() { channels.Wait(); close(all) }()
		select {
		case <-all:
		case <-time.After(time.Second):
		}
		c.end()
	}()
	return c, nil
}

func newClient(s *session) *Client {
	return &Client{
		session: s, waiting: map[string]*waiter{}, dead: make(chan struct{}),
		died: func() error { return ErrDead },
	}
}

// Close ends the connection; the kernel goes on.
func (c *Client) Close() {
	c.shell.Close()
	c.control.Close()
	for _, s := range []*zmtp.Socket{c.iopub, c.heartbeat} {
		if s != nil {
			s.Close()
		}
	}
	c.end()
}

// Dead is closed when the kernel, or the connection to it, has gone.
func (c *Client) Dead() <-chan struct{} { return c.dead }

func (c *Client) end() { c.once.Do(func() { close(c.dead) }) }

// receive hands over what comes on a socket, until its end.
func (c *Client) receive(s *zmtp.Socket, take func(*Message)) {
	for {
		got, err := s.Recv(context.Background())
		if err != nil {
			return
		}
		// What is not signed with the key is not the kernel's.
		if m, err := c.session.decode(got.Frames); err == nil {
			take(m)
		}
	}
}

func (c *Client) waiter(id string) *waiter {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waiting[id]
}

func (c *Client) answer(m *Message) {
	if w := c.waiter(m.Parent.MsgID); w != nil {
		select {
		case w.reply <- m:
		default: // a second answer
		}
	}
}

func (c *Client) output(m *Message) {
	w := c.waiter(m.Parent.MsgID)
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard = time.Now()
	if w.each != nil {
		w.each(m)
	}
	var status statusContent
	if m.Header.MsgType == "status" && m.Decode(&status) == nil && status.State == "idle" && !w.isIdle {
		w.isIdle = true
		close(w.idle)
	}
}

// ask sends a request and starts to listen for its answers; stop ends that.
func (c *Client) ask(s sender, kind string, content any, each func(*Message)) (w *waiter, stop func(), err error) {
	header := c.session.header(kind)
	frames, err := c.session.encode(header, nil, content)
	if err != nil {
		return nil, nil, err
	}
	w = &waiter{reply: make(chan *Message, 1), idle: make(chan struct{}), each: each}
	c.mu.Lock()
	c.waiting[header.MsgID] = w
	c.mu.Unlock()
	s.Send(frames)
	return w, func() {
		c.mu.Lock()
		delete(c.waiting, header.MsgID)
		c.mu.Unlock()
		w.mu.Lock()
		w.each = nil
		w.mu.Unlock()
	}, nil
}

// wait waits for the answer to a request.
func (c *Client) wait(ctx context.Context, w *waiter) (*Message, error) {
	select {
	case m := <-w.reply:
		return m, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.dead:
		select {
		case m := <-w.reply:
			return m, nil
		default:
			return nil, c.died()
		}
	}
}

// Execute runs a cell, and gives each message that it sends to each, which must be
// quick about it: a kernel drops outputs that nobody takes. Each is not called any more
// once Execute has returned. That a cell fails is in the reply, not in the error; when
// ctx ends, the kernel is still at it: interrupt it. A cell ends when the reply and the
// status "idle" have come.
func (c *Client) Execute(ctx context.Context, request ExecuteRequest, each func(*Message)) (*ExecuteReply, error) {
	if request.UserExpressions == nil {
		request.UserExpressions = map[string]string{}
	}
	w, stop, err := c.ask(c.shell, "execute_request", request, each)
	if err != nil {
		return nil, err
	}
	defer stop()
	m, err := c.wait(ctx, w)
	if err != nil {
		return nil, err
	}
	var reply ExecuteReply
	if err := m.Decode(&reply); err != nil {
		return nil, err
	}
	reply.Incomplete, err = c.waitIdle(ctx, w)
	return &reply, err
}

// waitIdle waits for the end of a request's outputs; true says that it did not come.
func (c *Client) waitIdle(ctx context.Context, w *waiter) (bool, error) {
	begun := time.Now()
	for {
		w.mu.Lock()
		since := time.Since(begun)
		if !w.heard.IsZero() {
			since = min(since, time.Since(w.heard))
		}
		w.mu.Unlock()
		if since >= quiet {
			return true, nil
		}
		timer := time.NewTimer(quiet - since)
		select {
		case <-w.idle:
			timer.Stop()
			return false, nil
		case <-ctx.Done():
			timer.Stop()
			return true, ctx.Err()
		case <-c.dead:
			timer.Stop()
			select {
			case <-w.idle:
				return false, nil
			default:
				return true, c.died()
			}
		case <-timer.C:
		}
	}
}

// Request sends any other request on the shell channel, or on control, reads its
// answer into reply (nil to leave it) and fails when the answer's status is "error".
func (c *Client) Request(ctx context.Context, kind string, content, reply any) error {
	socket := c.shell
	if kind == "shutdown_request" || kind == "interrupt_request" || kind == "debug_request" {
		socket = c.control
	}
	w, stop, err := c.ask(socket, kind, content, nil)
	if err != nil {
		return err
	}
	defer stop()
	m, err := c.wait(ctx, w)
	if err != nil {
		return err
	}
	var status replyStatus
	if err := m.Decode(&status); err != nil {
		return err
	}
	if status.Status == "error" {
		return fmt.Errorf("the kernel answers %s with %s: %s", kind, status.Ename, status.Evalue)
	}
	if reply == nil {
		return nil
	}
	return m.Decode(reply)
}

// Ready waits until the kernel answers and its outputs are heard here: a kernel drops
// outputs as long as it does not know of the subscription.
func (c *Client) Ready(ctx context.Context) (*KernelInfo, error) {
	var info *KernelInfo
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		w, stop, err := c.ask(c.shell, "kernel_info_request", struct{}{}, nil)
		if err != nil {
			return nil, err
		}
		m, err := c.wait(ctx, w)
		if err != nil {
			stop()
			return nil, err
		}
		info = &KernelInfo{}
		if err := m.Decode(info); err != nil {
			stop()
			return nil, err
		}
		heard := false
		timer := time.NewTimer(wait)
		select {
		case <-w.idle:
			heard = true
		case <-ctx.Done():
			err = ctx.Err()
		case <-c.dead:
			err = c.died()
		case <-timer.C:
		}
		timer.Stop()
		stop()
		if heard || err != nil {
			return info, err
		}
	}
}

// KernelInfo asks the kernel what it is.
func (c *Client) KernelInfo(ctx context.Context) (*KernelInfo, error) {
	var info KernelInfo
	return &info, c.Request(ctx, "kernel_info_request", struct{}{}, &info)
}

// Heartbeat tells whether the kernel's process is alive and not frozen: it returns when
// the kernel has sent a message back. Some kernels (R's) do that only between cells. A
// client over a Carrier has no heartbeat.
func (c *Client) Heartbeat(ctx context.Context) error {
	if c.heartbeat == nil {
		return errors.ErrUnsupported
	}
	ping := newID()
	c.heartbeat.Send([][]byte{nil, []byte(ping)})
	for {
		m, err := c.heartbeat.Recv(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return c.died()
		case string(m.Frames[len(m.Frames)-1]) == ping:
			return nil
		}
	}
}
