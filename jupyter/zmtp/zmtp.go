// Package zmtp is the part of ZeroMQ's wire protocol (ZMTP 3.1, RFC 37) that Jupyter
// needs: the NULL mechanism over TCP, and sockets that listen (ROUTER, REP, PUB) or
// connect (DEALER, REQ, SUB).
//
// Peers are not trusted: how long a handshake may take, the size of a message, the
// number of its frames, of peers, of subscriptions, and what waits to be sent are
// bounded; a peer that goes beyond is dropped, and no other one waits for it. A
// connection that is lost is not made again: whoever holds the socket is told. The
// package knows nothing of Jupyter. Data flows: connection → handshake → frames →
// Message, and back.
package zmtp

import (
	"errors"
	"slices"
	"time"
)

// Kind is the type of a socket, as it stands in the handshake.
type Kind string

// The kinds of socket. Router, Reply and Publish listen, Dealer, Request and Subscribe
// connect. A Reply is a Router that says its name as REP: the envelope of a request,
// an empty frame, is the caller's to keep, as it is that of Request.
const (
	Router    Kind = "ROUTER"
	Reply     Kind = "REP"
	Publish   Kind = "PUB"
	Dealer    Kind = "DEALER"
	Request   Kind = "REQ"
	Subscribe Kind = "SUB"
)

// partners are the kinds that each kind may talk to.
var partners = map[Kind][]Kind{
	Router:    {Dealer, Request, Router},
	Reply:     {Dealer, Request},
	Publish:   {Subscribe, "XSUB"},
	Dealer:    {Router, Reply, Dealer},
	Request:   {Router, Reply},
	Subscribe: {Publish, "XPUB"},
}

func (k Kind) talksTo(other Kind) bool { return slices.Contains(partners[k], other) }

// Message is what a peer sent.
type Message struct {
	// Peer is the connection that it came on.
	Peer uint64
	// Frames are its parts. A Publish socket receives subscriptions: one frame,
	// 1 and the prefix, or 0 and the prefix when it ends.
	Frames [][]byte
}

// Bounds are what a peer may do; zero fields stand for the defaults of Defaults.
type Bounds struct {
	Message int64 // bytes of all frames of a message that comes in
	Frames  int   // frames of a message
	Queue   int64 // bytes that wait to be sent to a peer
	Peers   int   // connections at a time
	// Handshake is the time in which a peer must have said what it is, Linger how
	// long Close tries to send what waits.
	Handshake, Linger time.Duration
}

// Defaults returns the bounds that stand for zero fields.
func Defaults() Bounds {
	return Bounds{Message: 64 << 20, Frames: 1024, Queue: 64 << 20, Peers: 64, Handshake: 10 * time.Second, Linger: 2 * time.Second}
}

func (b Bounds) filled() Bounds {
	d := Defaults()
	if b.Message == 0 {
		b.Message = d.Message
	}
	if b.Frames == 0 {
		b.Frames = d.Frames
	}
	if b.Queue == 0 {
		b.Queue = d.Queue
	}
	if b.Peers == 0 {
		b.Peers = d.Peers
	}
	if b.Handshake == 0 {
		b.Handshake = d.Handshake
	}
	if b.Linger == 0 {
		b.Linger = d.Linger
	}
	return b
}

var (
	// ErrClosed is what a socket gives after Close.
	ErrClosed = errors.New("the socket is closed")
	// ErrGone is what a socket that connects gives when its peer has gone.
	ErrGone = errors.New("the peer has gone")
	// ErrProtocol is in the errors about a peer that does not keep to ZMTP, or to
	// the bounds.
	ErrProtocol = errors.New("not as ZMTP has it")
)

// maxTopics bounds the subscriptions of a peer, maxTopic the bytes of one.
const (
	maxTopics = 256
	maxTopic  = 4096
)
