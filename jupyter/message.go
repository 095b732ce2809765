package jupyter

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// protocolVersion is the version of the messaging protocol that we speak.
const protocolVersion = "5.4"

// Header names a message.
type Header struct {
	MsgID    string `json:"msg_id"`
	Session  string `json:"session"`
	Username string `json:"username"`
	Date     string `json:"date"`
	MsgType  string `json:"msg_type"`
	Version  string `json:"version"`
}

// Message is one message of the protocol.
type Message struct {
	Header Header
	// Parent is the header of the message that this one answers; that of none is
	// empty.
	Parent   Header
	Metadata json.RawMessage
	Content  json.RawMessage
	Buffers  [][]byte

	// route are the frames before the delimiter: a topic, or names of peers.
	route [][]byte
	peer  uint64
	// parent is the parent's header as it came, whatever else it holds.
	parent json.RawMessage
	header json.RawMessage
}

// Decode reads the content into v.
func (m *Message) Decode(v any) error {
	if err := json.Unmarshal(m.Content, v); err != nil {
		return fmt.Errorf("the content of a message %s: %w", m.Header.MsgType, err)
	}
	return nil
}

// delimiter stands between the frames that lead a message to its place and its own.
var delimiter = []byte("<IDS|MSG>")

var (
	// errFrames is in the errors about messages that are not in the form of the
	// protocol, errSignature in those whose signature is wrong.
	errFrames    = errors.New("not a Jupyter message")
	errSignature = errors.New("the signature is wrong")
)

// session makes and reads the messages of one client or kernel.
type session struct {
	id, username string
	key          []byte // empty: messages are not signed
}

func newSession(key string) *session { return &session{newID(), "huntbook", []byte(key)} }

// newID returns an id that nobody else has, and nobody can guess.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func (s *session) header(kind string) Header {
	return Header{
		MsgID: newID(), Session: s.id, Username: s.username, MsgType: kind, Version: protocolVersion,
		Date: time.Now().UTC().Format("2006-01-02T15:04:05.000000Z07:00"),
	}
}

func (s *session) sign(parts [][]byte) []byte {
	if len(s.key) == 0 {
		return nil
	}
	mac := hmac.New(sha256.New, s.key)
	for _, p := range parts {
		mac.Write(p)
	}
	return hex.AppendEncode(nil, mac.Sum(nil))
}

// encode writes a message's frames. The parent is its header as it came, nil for none.
func (s *session) encode(header Header, parent json.RawMessage, content any, route ...[]byte) ([][]byte, error) {
	head, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(content)
	if err != nil {
		return nil, fmt.Errorf("the content of a message %s: %w", header.MsgType, err)
	}
	if parent == nil {
		parent = json.RawMessage("{}")
	}
	parts := [][]byte{head, parent, []byte("{}"), body}
	frames := append(append([][]byte{}, route...), delimiter, s.sign(parts))
	return append(frames, parts...), nil
}

// decode reads the frames of a message, and believes none that is not signed.
func (s *session) decode(frames [][]byte) (*Message, error) {
	at := -1
	for i, f := range frames {
		if bytes.Equal(f, delimiter) {
			at = i
			break
		}
	}
	if at < 0 || len(frames) < at+6 {
		return nil, fmt.Errorf("%w: it has too few frames", errFrames)
	}
	signature, parts := frames[at+1], frames[at+2:at+6]
	if !hmac.Equal(signature, s.sign(parts)) && len(s.key) > 0 {
		return nil, errSignature
	}
	m := &Message{route: frames[:at], header: parts[0], parent: parts[1], Metadata: parts[2], Content: parts[3], Buffers: frames[at+6:]}
	if err := json.Unmarshal(parts[0], &m.Header); err != nil {
		return nil, fmt.Errorf("%w: its header: %w", errFrames, err)
	}
	if err := json.Unmarshal(parts[1], &m.Parent); err != nil {
		return nil, fmt.Errorf("%w: its parent's header: %w", errFrames, err)
	}
	for name, part := range map[string]json.RawMessage{"metadata": m.Metadata, "content": m.Content} {
		if !json.Valid(part) || bytes.TrimLeft(part, " \t\r\n")[0] != '{' {
			return nil, fmt.Errorf("%w: its %s is no object", errFrames, name)
		}
	}
	if m.Header.MsgID == "" || m.Header.MsgType == "" {
		return nil, fmt.Errorf("%w: its header has no id or type", errFrames)
	}
	return m, nil
}
