package remote

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/coder/websocket"

	"github.com/huntbook/huntbook/jupyter"
)

// protocol is the newer form of messages on the WebSocket. Servers that do not choose
// it use the older one, JSON with the channel beside the parts.
const protocol = "v1.kernel.websocket.jupyter.org"

const (
	// maxMessage bounds a message of a kernel, as without a server.
	maxMessage = 256 << 20
	// alive is how often a server that says nothing is asked whether it is there,
	// and how long it may take to answer.
	alive = 30 * time.Second
)

// channels is the WebSocket of a kernel: a jupyter.Carrier.
type channels struct {
	server *Server
	conn   *websocket.Conn
	v1     bool
	ctx    context.Context //nolint:containedctx // the life of the connection
	end    context.CancelCauseFunc
}

var _ jupyter.Carrier = (*channels)(nil)

// dial connects to a kernel; the server answers when the kernel does.
func (s *Server) dial(ctx context.Context, id, session string) (*channels, error) {
	u := s.url("api/kernels/"+id+"/channels") + "?session_id=" + url.QueryEscape(session)
	conn, answer, err := websocket.Dial(ctx, u, &websocket.DialOptions{ //nolint:bodyclose // the library closes it
		HTTPClient: s.client, HTTPHeader: s.header(), Subprotocols: []string{protocol},
	})
	if err != nil {
		if answer != nil && answer.StatusCode != http.StatusSwitchingProtocols {
			return nil, fmt.Errorf("%w when asked for a WebSocket", &answerError{answer.StatusCode, http.StatusText(answer.StatusCode)})
		}
		var of *url.Error
		if errors.As(err, &of) {
			err = of.Err
		}
		return nil, s.unreachable(ctx, err)
	}
	conn.SetReadLimit(maxMessage)
	c := &channels{server: s, conn: conn, v1: conn.Subprotocol() == protocol}
	c.ctx, c.end = context.WithCancelCause(context.Background())
	go c.keep()
	return c, nil
}

// keep asks again and again whether the server is there, until the end.
func (c *channels) keep() {
	tick := time.NewTicker(alive)
	defer tick.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(c.ctx, alive)
		err := c.conn.Ping(ctx)
		cancel()
		if err != nil {
			c.end(fmt.Errorf("no answer within %s", alive))
		}
	}
}

// Send sends a message on a channel.
func (c *channels) Send(channel string, parts [][]byte) {
	message, kind := encodeV1(channel, parts), websocket.MessageBinary
	if !c.v1 {
		message, kind = encodeJSON(channel, parts), websocket.MessageText
	}
	ctx, cancel := context.WithTimeout(c.ctx, alive)
	defer cancel()
	if err := c.conn.Write(ctx, kind, message); err != nil {
		c.end(err)
	}
}

// Recv waits for the next message.
func (c *channels) Recv() (string, [][]byte, error) {
	kind, message, err := c.conn.Read(c.ctx)
	if err != nil {
		if c.ctx.Err() != nil {
			err = context.Cause(c.ctx)
		}
		c.Close()
		return "", nil, fmt.Errorf("the connection to %s is broken: %w", c.server, lost(err))
	}
	var channel string
	var parts [][]byte
	switch {
	case c.v1:
		channel, parts, err = decodeV1(message)
	case kind == websocket.MessageBinary:
		channel, parts, err = decodeBinary(message)
	default:
		channel, parts, err = decodeJSON(message, nil)
	}
	if err != nil {
		c.Close()
		return "", nil, c.server.foreign(": " + err.Error())
	}
	return channel, parts, nil
}

// lost is the reason for the end of a connection without what the library says around it.
func lost(err error) error {
	var closed websocket.CloseError
	switch {
	case errors.As(err, &closed) && closed.Code == websocket.StatusMessageTooBig:
		return fmt.Errorf("an output is larger than %d MB", maxMessage>>20)
	case errors.As(err, &closed):
		return fmt.Errorf("the server closed it (%s)", closed.Code)
	}
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err
}

// Close ends the connection.
func (c *channels) Close() {
	c.end(errors.New("it was closed"))
	_ = c.conn.CloseNow()
}

var errForm = errors.New("a message is not in the protocol's form")

// encodeV1 writes the number of offsets, the offsets of the channel, of the parts and
// of the end, each in eight bytes, and then those.
func encodeV1(channel string, parts [][]byte) []byte {
	count := uint64(len(parts) + 2)
	at := 8 * (count + 1)
	out := binary.LittleEndian.AppendUint64(nil, count)
	out = binary.LittleEndian.AppendUint64(out, at)
	at += uint64(len(channel))
	for _, p := range parts {
		out = binary.LittleEndian.AppendUint64(out, at)
		at += uint64(len(p))
	}
	out = binary.LittleEndian.AppendUint64(out, at)
	out = append(out, channel...)
	return append(out, bytes.Join(parts, nil)...)
}

func decodeV1(message []byte) (string, [][]byte, error) {
	pieces, err := cut(message, 8, func(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }, false)
	if err != nil || len(pieces) < 1 {
		return "", nil, errForm
	}
	return string(pieces[0]), pieces[1:], nil
}

// cut cuts a message at the offsets that it begins with: their number, then they, each
// of so many bytes. The last one is the end, or the end of the message is.
func cut(message []byte, size int, number func([]byte) uint64, open bool) ([][]byte, error) {
	if len(message) < size {
		return nil, errForm
	}
	count := number(message)
	if count < 1 || count > uint64(len(message)/size-1) {
		return nil, errForm
	}
	var offsets []uint64
	for i := range count {
		offsets = append(offsets, number(message[size*int(i+1):]))
	}
	if open {
		offsets = append(offsets, uint64(len(message)))
	}
	var pieces [][]byte
	for i := range len(offsets) - 1 {
		from, to := offsets[i], offsets[i+1]
		if from > to || to > uint64(len(message)) {
			return nil, errForm
		}
		pieces = append(pieces, message[from:to])
	}
	return pieces, nil
}

// jsonMessage is a message in the older form.
type jsonMessage struct {
	Channel  string          `json:"channel"`
	Header   json.RawMessage `json:"header"`
	Parent   json.RawMessage `json:"parent_header"`
	Metadata json.RawMessage `json:"metadata"`
	Content  json.RawMessage `json:"content"`
	Buffers  []any           `json:"buffers"`
}

func encodeJSON(channel string, parts [][]byte) []byte {
	// What the client writes is JSON.
	out, _ := json.Marshal(jsonMessage{channel, parts[0], parts[1], parts[2], parts[3], []any{}})
	return out
}

func decodeJSON(message []byte, buffers [][]byte) (string, [][]byte, error) {
	var m jsonMessage
	if err := json.Unmarshal(message, &m); err != nil {
		return "", nil, fmt.Errorf("%w: %w", errForm, err)
	}
	return m.Channel, append([][]byte{m.Header, m.Parent, m.Metadata, m.Content}, buffers...), nil
}

// decodeBinary reads a message in the older form that has buffers: offsets of four
// bytes, then the JSON, then the buffers.
func decodeBinary(message []byte) (string, [][]byte, error) {
	pieces, err := cut(message, 4, func(b []byte) uint64 { return uint64(binary.BigEndian.Uint32(b)) }, true)
	if err != nil || len(pieces) < 1 {
		return "", nil, errForm
	}
	return decodeJSON(pieces[0], pieces[1:])
}
