package zmtp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The bits of a frame's first byte.
const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4
)

// maxCommand bounds the body of a command.
const maxCommand = 8 << 10

func protocolError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrProtocol, fmt.Sprintf(format, args...))
}

// greeting is what each side says first: version 3.1, mechanism NULL.
func greeting() []byte {
	g := make([]byte, 64)
	g[0], g[9], g[10], g[11] = 0xff, 0x7f, 3, 1
	copy(g[12:], "NULL")
	return g
}

// readGreeting reads the peer's greeting and returns its minor version.
func readGreeting(r io.Reader) (minor byte, err error) {
	g := make([]byte, 64)
	// A peer of an older version sends less; its version is within the first bytes.
	if _, err := io.ReadFull(r, g[:11]); err != nil {
		return 0, err
	}
	if g[0] != 0xff || g[9]&1 == 0 {
		return 0, protocolError("the greeting has no signature")
	}
	if g[10] < 3 {
		return 0, protocolError("the peer speaks version %d, not 3", g[10])
	}
	if _, err := io.ReadFull(r, g[11:]); err != nil {
		return 0, err
	}
	if mechanism := string(bytes.TrimRight(g[12:32], "\x00")); mechanism != "NULL" {
		return 0, protocolError("the peer's mechanism is %q, not NULL", mechanism)
	}
	return g[11], nil
}

// frame is one frame; more says that its message goes on.
type frame struct {
	more, command bool
	body          []byte
}

// readFrame reads a frame of at most so many bytes. Memory is taken as bytes come,
// not as they are announced.
func readFrame(r io.Reader, most int64) (frame, error) {
	var head [9]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil {
		return frame{}, err
	}
	flags, size := head[0], uint64(head[1])
	if flags&^(flagMore|flagLong|flagCommand) != 0 || flags&flagCommand != 0 && flags&flagMore != 0 {
		return frame{}, protocolError("a frame has the flags %#x", flags)
	}
	if flags&flagLong != 0 {
		if _, err := io.ReadFull(r, head[2:]); err != nil {
			return frame{}, unexpected(err)
		}
		size = binary.BigEndian.Uint64(head[1:])
	}
	f := frame{more: flags&flagMore != 0, command: flags&flagCommand != 0}
	if f.command {
		most = maxCommand
	}
	if size > uint64(most) {
		return frame{}, protocolError("a frame of %d bytes is more than the %d that are taken", size, most)
	}
	if size <= 64<<10 {
		f.body = make([]byte, size)
		_, err := io.ReadFull(r, f.body)
		return f, unexpected(err)
	}
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(r, int64(size)))
	if err == nil && uint64(n) < size {
		err = io.ErrUnexpectedEOF
	}
	f.body = b.Bytes()
	return f, err
}

// unexpected is an end of the data in the middle of a frame.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// appendFrame writes a frame behind b.
func appendFrame(b []byte, flags byte, body []byte) []byte {
	if len(body) <= 255 {
		return append(append(b, flags, byte(len(body))), body...)
	}
	b = append(b, flags|flagLong)
	b = binary.BigEndian.AppendUint64(b, uint64(len(body)))
	return append(b, body...)
}

// appendMessage writes the frames of a message behind b.
func appendMessage(b []byte, frames [][]byte) []byte {
	for i, body := range frames {
		flags := byte(flagMore)
		if i == len(frames)-1 {
			flags = 0
		}
		b = appendFrame(b, flags, body)
	}
	return b
}

// appendCommand writes a command behind b.
func appendCommand(b []byte, name string, data []byte) []byte {
	body := append([]byte{byte(len(name))}, name...)
	return appendFrame(b, flagCommand, append(body, data...))
}

// splitCommand divides a command's body into its name and data.
func splitCommand(body []byte) (name string, data []byte, err error) {
	if len(body) == 0 || int(body[0]) >= len(body) {
		return "", nil, protocolError("a command has no name")
	}
	n := 1 + int(body[0])
	return string(body[1:n]), body[n:], nil
}

// appendProperty writes a property of the handshake behind b.
func appendProperty(b []byte, name string, value []byte) []byte {
	b = append(append(b, byte(len(name))), name...)
	return append(binary.BigEndian.AppendUint32(b, uint32(len(value))), value...)
}

// property finds a property of the handshake; their names have no case.
func property(data []byte, name string) (string, error) {
	found := ""
	for len(data) > 0 {
		n := 1 + int(data[0])
		if len(data) < n+4 {
			return "", protocolError("the handshake is cut off")
		}
		key, size := data[1:n], uint64(binary.BigEndian.Uint32(data[n:]))
		data = data[n+4:]
		if size > uint64(len(data)) {
			return "", protocolError("the handshake is cut off")
		}
		if bytes.EqualFold(key, []byte(name)) {
			found = string(data[:size])
		}
		data = data[size:]
	}
	return found, nil
}
