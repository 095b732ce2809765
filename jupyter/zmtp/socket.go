package zmtp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Socket is one socket. Its methods may be called at once.
type Socket struct {
	kind     Kind
	bounds   Bounds
	listener net.Listener // nil: it connects
	inbox    chan Message

	mu     sync.Mutex
	peers  map[uint64]*peer
	lastID uint64
	closed chan struct{}
	// gone is closed when the peer of a socket that connects has gone; why says it.
	gone chan struct{}
	why  error
}

func newSocket(kind Kind, bounds Bounds) *Socket {
	return &Socket{
		kind: kind, bounds: bounds.filled(), inbox: make(chan Message, 16),
		peers: map[uint64]*peer{}, closed: make(chan struct{}), gone: make(chan struct{}),
	}
}

// Listen makes a socket that others connect to; the address is "127.0.0.1:5555", port 0
// a free one.
func Listen(kind Kind, address string, bounds Bounds) (*Socket, error) {
	s := newSocket(kind, bounds)
	var err error
	if s.listener, err = net.Listen("tcp", address); err != nil {
		return nil, err
	}
	go s.accept()
	return s, nil
}

// Dial makes a socket that is connected. It tries until somebody listens there or ctx
// ends. The identity is what the peer may call us; a Subscribe socket subscribes to
// everything.
func Dial(ctx context.Context, kind Kind, address string, identity []byte, bounds Bounds) (*Socket, error) {
	s := newSocket(kind, bounds)
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			return s, s.connect(conn, identity)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("connecting to %s: %w (last: %w)", address, ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Socket) connect(conn net.Conn, identity []byte) error {
	p, err := shake(s, conn, identity)
	if err != nil {
		_ = conn.Close()
		return fmt.Errorf("connecting to %s: %w", conn.RemoteAddr(), err)
	}
	if s.kind == Subscribe {
		if p.minor == 0 {
			p.send(appendMessage(nil, [][]byte{{1}}))
		} else {
			p.send(appendCommand(nil, "SUBSCRIBE", nil))
		}
	}
	s.add(p)
	go p.write()
	go func() {
		err := p.read()
		s.remove(p)
		if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
			s.why = ErrGone
		} else {
			s.why = fmt.Errorf("%w: %w", ErrGone, err)
		}
		close(s.gone)
	}()
	return nil
}

// Addr is the address that the socket listens at.
func (s *Socket) Addr() net.Addr { return s.listener.Addr() }

func (s *Socket) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			select {
			case <-s.closed:
				return
			case <-time.After(50 * time.Millisecond):
				// Out of file descriptors, most likely; some may come free.
				continue
			}
		}
		go s.serve(conn)
	}
}

// serve is the life of a connection that somebody made.
func (s *Socket) serve(conn net.Conn) {
	id, ok := s.reserve()
	if !ok {
		_ = conn.Close()
		return
	}
	p, err := shake(s, conn, nil)
	if err != nil {
		s.release(id)
		_ = conn.Close()
		return
	}
	p.id = id
	if s.admit(p) {
		go p.write()
		// The peer is told by its connection's end, whatever it did.
		_ = p.read()
	} else {
		_ = conn.Close()
	}
	s.remove(p)
}

// reserve takes the place of a peer before its handshake, so that those who say
// nothing are counted too.
func (s *Socket) reserve() (uint64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.peers) >= s.bounds.Peers {
		return 0, false
	}
	s.lastID++
	s.peers[s.lastID] = nil
	return s.lastID, true
}

func (s *Socket) release(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.peers, id)
}

// admit puts a peer into its place unless the socket was closed meanwhile.
func (s *Socket) admit(p *peer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
		return false
	default:
		s.peers[p.id] = p
		return true
	}
}

func (s *Socket) add(p *peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID++
	p.id = s.lastID
	s.peers[p.id] = p
}

func (s *Socket) remove(p *peer) {
	s.release(p.id)
	_ = p.conn.SetWriteDeadline(time.Now().Add(s.bounds.Linger))
	p.end()
}

func (s *Socket) deliver(m Message) bool {
	select {
	case s.inbox <- m:
		return true
	case <-s.closed:
		return false
	}
}

// Recv waits for a message. The error is ctx's, ErrClosed or, in a socket that
// connects, ErrGone once all that came is taken.
func (s *Socket) Recv(ctx context.Context) (Message, error) {
	select {
	case m := <-s.inbox:
		return m, nil
	default:
	}
	select {
	case m := <-s.inbox:
		return m, nil
	case <-ctx.Done():
		return Message{}, ctx.Err()
	case <-s.closed:
		return Message{}, ErrClosed
	case <-s.gone:
		// What came before the end goes before the end.
		select {
		case m := <-s.inbox:
			return m, nil
		default:
			return Message{}, s.why
		}
	}
}

// Gone is closed when the peer of a socket that connects has gone.
func (s *Socket) Gone() <-chan struct{} { return s.gone }

// Send queues a message to all that hear it: of a Publish socket the peers that
// subscribed to a prefix of the first frame. It waits for nobody.
func (s *Socket) Send(frames [][]byte) {
	message := appendMessage(nil, frames)
	for _, p := range s.all() {
		if s.kind != Publish || p.hears(frames[0]) {
			p.send(message)
		}
	}
}

// SendTo queues a message to one peer; one that has gone hears nothing.
func (s *Socket) SendTo(id uint64, frames [][]byte) {
	s.mu.Lock()
	p := s.peers[id]
	s.mu.Unlock()
	if p != nil {
		p.send(appendMessage(nil, frames))
	}
}

// all are the peers at this moment, past their handshake.
func (s *Socket) all() []*peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*peer, 0, len(s.peers))
	for _, p := range s.peers {
		if p != nil {
			out = append(out, p)
		}
	}
	return out
}

// Close ends the socket. What was queued is sent first, as long as Linger lets it.
func (s *Socket) Close() {
	s.mu.Lock()
	select {
	case <-s.closed:
		s.mu.Unlock()
		return
	default:
	}
	close(s.closed)
	s.mu.Unlock()
	if s.listener != nil {
		_ = s.listener.Close()
	}
	deadline := time.Now().Add(s.bounds.Linger)
	peers := s.all()
	for _, p := range peers {
		// Reading ends by itself; only writing goes on.
		_ = p.conn.SetWriteDeadline(deadline)
		p.end()
	}
	for _, p := range peers {
		<-p.sent
	}
}
