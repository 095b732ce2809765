package zmtp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func listen(t *testing.T, kind Kind, bounds Bounds) *Socket {
	t.Helper()
	s, err := Listen(kind, "127.0.0.1:0", bounds)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func dial(t *testing.T, kind Kind, to *Socket) *Socket {
	t.Helper()
	s, err := Dial(t.Context(), kind, to.Addr().String(), []byte("me"), Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func recv(t *testing.T, s *Socket) Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	m, err := s.Recv(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func text(m Message) string { return string(bytes.Join(m.Frames, []byte("|"))) }

// A router answers the one who asked, and no other.
func TestRouterAnswersWhoAsked(t *testing.T) {
	router := listen(t, Router, Bounds{})
	a, b := dial(t, Dealer, router), dial(t, Dealer, router)
	for _, c := range []struct {
		from *Socket
		word string
	}{{a, "a"}, {b, "b"}, {a, "c"}} {
		c.from.Send([][]byte{[]byte(c.word), nil, []byte("x")})
		m := recv(t, router)
		if text(m) != c.word+"||x" {
			t.Fatalf("got %q", text(m))
		}
		router.SendTo(m.Peer, [][]byte{[]byte("re " + c.word)})
		if got := text(recv(t, c.from)); got != "re "+c.word {
			t.Errorf("got %q", got)
		}
	}
	router.SendTo(99, [][]byte{nil}) // nobody
}

func TestReplyEchoes(t *testing.T) {
	reply := listen(t, Reply, Bounds{})
	request := dial(t, Request, reply)
	request.Send([][]byte{nil, []byte("ping")})
	m := recv(t, reply)
	reply.SendTo(m.Peer, m.Frames)
	if got := recv(t, request); len(got.Frames) != 2 || text(got) != "|ping" {
		t.Errorf("got %q", got.Frames)
	}
}

// Who subscribes hears what begins with the topic, and the publisher hears of it.
func TestPublish(t *testing.T) {
	pub := listen(t, Publish, Bounds{})
	sub := dial(t, Subscribe, pub)
	if m := recv(t, pub); text(m) != "\x01" {
		t.Fatalf("the subscription is %q", text(m))
	}
	pub.Send([][]byte{[]byte("topic"), []byte("1")})
	if got := text(recv(t, sub)); got != "topic|1" {
		t.Errorf("got %q", got)
	}

	// A peer by hand, of version 3.0, that wants one topic and then another.
	hand := raw(t, pub, 0)
	for _, c := range []struct{ said, sent, heard string }{
		{"\x01stat", "status", "status"},
		{"\x00stat", "", ""},
		{"\x01err", "error", "error"},
	} {
		hand.write(appendMessage(nil, [][]byte{[]byte(c.said)}))
		if got := text(recv(t, pub)); got != c.said {
			t.Fatalf("the subscription is %q", got)
		}
		pub.Send([][]byte{[]byte("stream")})
		if c.sent == "" {
			continue
		}
		pub.Send([][]byte{[]byte(c.sent)})
		if f, err := readFrame(hand, 100); err != nil || string(f.body) != c.heard {
			t.Errorf("got %q, %v, want %q", f.body, err, c.heard)
		}
	}
}

// peerByHand is a connection past its handshake whose bytes a test writes.
type peerByHand struct {
	net.Conn
	t *testing.T
}

func (p peerByHand) write(b []byte) {
	p.t.Helper()
	if _, err := p.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// gone waits until the other side has closed the connection.
func (p peerByHand) gone() {
	p.t.Helper()
	if err := p.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		p.t.Fatal(err)
	}
	_, err := io.Copy(io.Discard, p)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		p.t.Error("the connection is still open")
	}
}

func connect(t *testing.T, s *Socket) peerByHand {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return peerByHand{conn, t}
}

func raw(t *testing.T, s *Socket, minor byte) peerByHand {
	t.Helper()
	p := connect(t, s)
	kind := Dealer
	if s.kind == Publish {
		kind = Subscribe
	}
	hello := greeting()
	hello[11] = minor
	p.write(appendCommand(hello, "READY", appendProperty(nil, "socket-type", []byte(kind))))
	if _, err := readGreeting(p); err != nil {
		t.Fatal(err)
	}
	f, err := readFrame(p, maxCommand)
	if err != nil {
		t.Fatal(err)
	}
	if name, data, _ := splitCommand(f.body); name != "READY" || !bytes.Contains(data, []byte(s.kind)) {
		t.Fatalf("the handshake is %q", f.body)
	}
	return p
}

func TestPing(t *testing.T) {
	p := raw(t, listen(t, Router, Bounds{}), 1)
	p.write(appendCommand(nil, "PING", []byte("\x00\x10ctx")))
	f, err := readFrame(p, 100)
	if err != nil {
		t.Fatal(err)
	}
	if name, data, _ := splitCommand(f.body); !f.command || name != "PONG" || string(data) != "ctx" {
		t.Errorf("got %q", f.body)
	}
}

// Whatever a peer does against the protocol or the bounds, its connection ends, and
// others are served as before.
func TestHostilePeersAreDropped(t *testing.T) {
	huge := binary.BigEndian.AppendUint64([]byte{flagLong}, 1<<62)
	over := binary.BigEndian.AppendUint64([]byte{flagLong}, 1<<20+1)
	bounds := Bounds{Message: 1 << 20, Frames: 100}
	cases := map[string][]byte{
		"a frame of an impossible size":  huge,
		"a frame over the bound":         over,
		"parts that are over it in all":  bytes.Repeat(appendFrame(nil, flagMore, make([]byte, 100<<10)), 11),
		"too many parts":                 bytes.Repeat(appendFrame(nil, flagMore, nil), 101),
		"unknown flags":                  {0x80, 0},
		"a command that goes on":         {flagCommand | flagMore, 0},
		"a command without a name":       {flagCommand, 0},
		"a command within a message":     append(appendFrame(nil, flagMore, nil), appendCommand(nil, "PING", []byte("\x00\x00"))...),
		"a large command":                appendFrame(nil, flagCommand, append([]byte{4}, bytes.Repeat([]byte("x"), maxCommand)...)),
		"a PING that is too long":        appendCommand(nil, "PING", make([]byte, 30)),
		"a subscription to no publisher": appendCommand(nil, "SUBSCRIBE", nil),
		"an error":                       appendCommand(nil, "ERROR", []byte("\x04oops")),
	}
	for name, bytes := range cases {
		t.Run(name, func(t *testing.T) {
			router := listen(t, Router, bounds)
			good := dial(t, Dealer, router)
			bad := raw(t, router, 1)
			// The other side may close before all is written.
			_, _ = bad.Write(bytes)
			bad.gone()
			good.Send([][]byte{[]byte("still here")})
			if got := text(recv(t, router)); got != "still here" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestHostileHandshakesAreDropped(t *testing.T) {
	version2 := append(greeting()[:10], 1, 0)
	mechanism := greeting()
	copy(mechanism[12:], "CURVE\x00")
	ready := func(kind string) []byte {
		return appendCommand(greeting(), "READY", appendProperty(nil, "Socket-Type", []byte(kind)))
	}
	cases := map[string][]byte{
		"HTTP":                       []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
		"version 2":                  version2,
		"another mechanism":          mechanism,
		"a message first":            appendMessage(greeting(), [][]byte{[]byte("x")}),
		"another command":            appendCommand(greeting(), "HELLO", nil),
		"a socket that does not fit": ready("SUB"),
		"no type of socket":          ready(""),
		"properties that are cut":    appendCommand(greeting(), "READY", []byte("\x0bSocket-Type\x00\x00\xff\xff")),
		"a large handshake":          appendCommand(greeting(), "READY", make([]byte, maxCommand)),
	}
	for name, bytes := range cases {
		t.Run(name, func(t *testing.T) {
			router := listen(t, Router, Bounds{})
			bad := connect(t, router)
			_, _ = bad.Write(bytes)
			bad.gone()
			dial(t, Dealer, router).Send([][]byte{[]byte("hello")})
			recv(t, router)
		})
	}
}

// Who says nothing holds nobody up, is dropped in time, and counts as a peer till then.
func TestSilentPeers(t *testing.T) {
	router := listen(t, Router, Bounds{Peers: 2, Handshake: time.Second})
	mute := connect(t, router)
	good := dial(t, Dealer, router)
	good.Send([][]byte{[]byte("hello")})
	recv(t, router)
	connect(t, router).gone() // one too many
	mute.gone()
	dial(t, Dealer, router).Send([][]byte{[]byte("room again")})
	recv(t, router)
}

// A subscriber that does not read is dropped; the others go on, and nobody waits.
func TestSlowSubscriberIsDropped(t *testing.T) {
	pub := listen(t, Publish, Bounds{Queue: 1 << 20})
	slow := raw(t, pub, 1)
	slow.write(appendCommand(nil, "SUBSCRIBE", nil))
	recv(t, pub)
	sub := dial(t, Subscribe, pub)
	recv(t, pub)
	body := make([]byte, 256<<10)
	for range 200 { // far more than buffers of the system take
		pub.Send([][]byte{body})
		if m := recv(t, sub); len(m.Frames[0]) != len(body) {
			t.Fatal("a message is cut")
		}
	}
	slow.gone()
}

func TestTooManySubscriptions(t *testing.T) {
	pub := listen(t, Publish, Bounds{})
	p := raw(t, pub, 1)
	go func() {
		for {
			if _, err := pub.Recv(t.Context()); err != nil {
				return
			}
		}
	}()
	var all []byte
	for i := range maxTopics + 1 {
		all = appendCommand(all, "SUBSCRIBE", binary.BigEndian.AppendUint16(nil, uint16(i)))
	}
	_, _ = p.Write(all)
	p.gone()
}

// What was sent before Close arrives, and then the other side hears of the end.
func TestCloseSendsWhatWaits(t *testing.T) {
	router := listen(t, Router, Bounds{})
	dealer := dial(t, Dealer, router)
	dealer.Send([][]byte{[]byte("hello")})
	m := recv(t, router)
	body := make([]byte, 1<<20)
	for range 20 {
		router.SendTo(m.Peer, [][]byte{body})
	}
	router.Close()
	router.Close()
	for range 20 {
		if got := recv(t, dealer); len(got.Frames[0]) != len(body) {
			t.Fatal("a message is cut")
		}
	}
	if _, err := dealer.Recv(t.Context()); !errors.Is(err, ErrGone) {
		t.Errorf("the end is %v", err)
	}
	<-dealer.Gone()
	if _, err := router.Recv(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed socket gives %v", err)
	}
}

// Dial waits for who is not there yet, and gives up with its context.
func TestDialWaits(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := Dial(ctx, Dealer, address, nil, Bounds{})
		failed <- err
	}()
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), address) {
		t.Errorf("Dial gives %v", err)
	}
	connected := make(chan error)
	go func() {
		s, err := Dial(t.Context(), Dealer, address, nil, Bounds{})
		if err == nil {
			s.Close()
		}
		connected <- err
	}()
	router, err := Listen(Router, address, Bounds{})
	if err != nil {
		t.Skipf("somebody took the port meanwhile: %v", err)
	}
	defer router.Close()
	if err := <-connected; err != nil {
		t.Error(err)
	}
}

// Frames that are written are read back, whatever their number and size.
func TestFramesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.OneOf(rapid.IntRange(0, 300), rapid.IntRange(65_000, 66_000))
		var frames [][]byte
		for range rapid.IntRange(1, 5).Draw(t, "frames") {
			frames = append(frames, bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, size.Draw(t, "size")))
		}
		r := bytes.NewReader(appendMessage(nil, frames))
		for i, want := range frames {
			f, err := readFrame(r, 1<<20)
			if err != nil || f.command || f.more != (i < len(frames)-1) || !bytes.Equal(f.body, want) {
				t.Fatalf("frame %d: %v, more %v", i, err, f.more)
			}
		}
		if r.Len() > 0 {
			t.Fatalf("%d bytes are left", r.Len())
		}
	})
}

// Whatever comes on a connection, reading ends, and what is read is within the bounds.
func FuzzPeer(f *testing.F) {
	f.Add([]byte("\x01\x01a\x00\x00"), false)
	f.Add(appendCommand(nil, "SUBSCRIBE", []byte("x")), true)
	f.Add(binary.BigEndian.AppendUint64([]byte{flagLong}, 1<<40), false)
	f.Add(appendCommand(nil, "PING", []byte("\x00\x00x")), false)
	f.Fuzz(func(t *testing.T, data []byte, publish bool) {
		kind := Router
		if publish {
			kind = Publish
		}
		s := newSocket(kind, Bounds{Message: 1 << 10, Frames: 4, Queue: 1 << 10})
		ours, theirs := net.Pipe()
		_ = theirs.Close()
		p := newPeer(s, ours)
		p.in.Reset(bytes.NewReader(data))
		for {
			frames, err := p.message()
			if err != nil {
				return
			}
			total := 0
			for _, f := range frames {
				total += len(f)
			}
			if total > 1<<10 && !publish || len(frames) > 4 {
				t.Fatalf("%d bytes in %d frames", total, len(frames))
			}
		}
	})
}

func FuzzHandshake(f *testing.F) {
	f.Add(appendCommand(greeting(), "READY", appendProperty(nil, "Socket-Type", []byte("DEALER"))))
	f.Add(greeting())
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		if _, err := readGreeting(r); err != nil {
			return
		}
		frame, err := readFrame(r, maxCommand)
		if err != nil {
			return
		}
		_, properties, err := splitCommand(frame.body)
		if err == nil {
			_, _ = property(properties, "Socket-Type")
		}
	})
}
