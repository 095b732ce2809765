package zmtp

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// peer is one connection.
type peer struct {
	id     uint64
	socket *Socket
	conn   net.Conn
	in     *bufio.Reader
	minor  byte

	mu     sync.Mutex
	wake   sync.Cond
	queue  [][]byte // encoded messages
	queued int64
	// ending says that the queue is to be sent and then the connection closed.
	ending bool
	topics map[string]bool
	sent   chan struct{} // closed when nothing is sent any more
}

func newPeer(s *Socket, conn net.Conn) *peer {
	p := &peer{socket: s, conn: conn, in: bufio.NewReaderSize(conn, 16<<10), topics: map[string]bool{}, sent: make(chan struct{})}
	p.wake.L = &p.mu
	return p
}

// shake does the handshake on a new connection.
func shake(s *Socket, conn net.Conn, identity []byte) (*peer, error) {
	p := newPeer(s, conn)
	if err := conn.SetDeadline(time.Now().Add(s.bounds.Handshake)); err != nil {
		return nil, err
	}
	ready := appendProperty(nil, "Socket-Type", []byte(s.kind))
	if s.kind == Dealer || s.kind == Request {
		ready = appendProperty(ready, "Identity", identity)
	}
	if _, err := conn.Write(appendCommand(greeting(), "READY", ready)); err != nil {
		return nil, err
	}
	var err error
	if p.minor, err = readGreeting(p.in); err != nil {
		return nil, err
	}
	f, err := readFrame(p.in, maxCommand)
	if err != nil {
		return nil, err
	}
	if !f.command {
		return nil, protocolError("a message comes before the handshake")
	}
	name, data, err := splitCommand(f.body)
	if err != nil {
		return nil, err
	}
	if name != "READY" {
		return nil, protocolError("the handshake is %q, not READY", name)
	}
	kind, err := property(data, "Socket-Type")
	if err != nil {
		return nil, err
	}
	if !s.kind.talksTo(Kind(kind)) {
		return nil, protocolError("a socket %s does not talk to %q", s.kind, kind)
	}
	return p, conn.SetDeadline(time.Time{})
}

// send puts a message into the queue. A peer that lets it grow over the bound is
// dropped.
func (p *peer) send(message []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ending {
		return
	}
	if p.queued > 0 && p.queued+int64(len(message)) > p.socket.bounds.Queue {
		p.ending, p.queue = true, nil
		_ = p.conn.Close()
	} else {
		p.queue = append(p.queue, message)
		p.queued += int64(len(message))
	}
	p.wake.Signal()
}

// end makes write send what waits and close the connection.
func (p *peer) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ending = true
	p.wake.Signal()
}

// write sends what is queued, until the end.
func (p *peer) write() {
	defer close(p.sent)
	defer func() { _ = p.conn.Close() }()
	for {
		p.mu.Lock()
		for len(p.queue) == 0 && !p.ending {
			p.wake.Wait()
		}
		batch := net.Buffers(p.queue)
		p.queue = nil
		p.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		n, err := batch.WriteTo(p.conn)
		p.mu.Lock()
		p.queued -= n
		p.mu.Unlock()
		if err != nil {
			p.end()
			return
		}
	}
}

// read hands messages to the socket until the connection ends, and says why it did.
func (p *peer) read() error {
	for {
		frames, err := p.message()
		if err != nil {
			return err
		}
		if frames == nil {
			continue
		}
		if !p.socket.deliver(Message{p.id, frames}) {
			return ErrClosed
		}
	}
}

// message reads a message; nil is one that the peer and we settle among ourselves.
func (p *peer) message() ([][]byte, error) {
	bounds := p.socket.bounds
	left := bounds.Message
	if p.socket.kind == Publish {
		left = maxTopic
	}
	var frames [][]byte
	for {
		f, err := readFrame(p.in, left)
		switch {
		case errors.Is(err, io.EOF) && frames != nil:
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		case f.command && frames != nil:
			return nil, protocolError("a command comes within a message")
		case f.command:
			return p.command(f.body)
		}
		frames = append(frames, f.body)
		left -= int64(len(f.body))
		if len(frames) > bounds.Frames {
			return nil, protocolError("a message has more than %d frames", bounds.Frames)
		}
		if !f.more {
			break
		}
	}
	if p.socket.kind == Publish {
		return p.subscription(frames)
	}
	return frames, nil
}

// command answers a command; one about a topic is returned in the form of a message.
func (p *peer) command(body []byte) ([][]byte, error) {
	name, data, err := splitCommand(body)
	if err != nil {
		return nil, err
	}
	switch name {
	case "PING":
		if len(data) < 2 || len(data) > 2+16 {
			return nil, protocolError("a PING of %d bytes", len(data))
		}
		p.send(appendCommand(nil, "PONG", data[2:]))
	case "ERROR":
		return nil, protocolError("the peer says %q", data[min(1, len(data)):])
	case "SUBSCRIBE", "CANCEL":
		if p.socket.kind != Publish {
			return nil, protocolError("a %s to a socket %s", name, p.socket.kind)
		}
		verb := byte(1)
		if name == "CANCEL" {
			verb = 0
		}
		return p.subscription([][]byte{append([]byte{verb}, data...)})
	}
	return nil, nil
}

// subscription notes what a peer wants to hear; what is no subscription is left out.
func (p *peer) subscription(frames [][]byte) ([][]byte, error) {
	if len(frames) != 1 || len(frames[0]) == 0 || frames[0][0] > 1 {
		return nil, nil
	}
	topic := string(frames[0][1:])
	p.mu.Lock()
	defer p.mu.Unlock()
	if frames[0][0] == 0 {
		delete(p.topics, topic)
		return frames, nil
	}
	if p.topics[topic] = true; len(p.topics) > maxTopics {
		return nil, protocolError("more than %d subscriptions", maxTopics)
	}
	return frames, nil
}

// hears tells whether the peer has subscribed to a prefix of the topic.
func (p *peer) hears(topic []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for prefix := range p.topics {
		if bytes.HasPrefix(topic, []byte(prefix)) {
			return true
		}
	}
	return false
}
