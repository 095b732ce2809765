package jupyter

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestMessagesRoundTrip(t *testing.T) {
	s := newSession("secret")
	parent := json.RawMessage(`{"msg_id":"p","msg_type":"execute_request","extra":[1]}`)
	frames, err := s.encode(s.header("stream"), parent, map[string]any{"text": "<é>"}, []byte("topic"))
	if err != nil {
		t.Fatal(err)
	}
	frames = append(frames, []byte("buffer"))
	m, err := s.decode(frames)
	if err != nil {
		t.Fatal(err)
	}
	if m.Header.MsgType != "stream" || m.Header.Session != s.id || m.Header.Version != "5.4" || m.Parent.MsgID != "p" {
		t.Errorf("headers %+v, %+v", m.Header, m.Parent)
	}
	if !bytes.Equal(m.parent, parent) || string(m.route[0]) != "topic" || string(m.Buffers[0]) != "buffer" {
		t.Errorf("got %s, %q, %q", m.parent, m.route, m.Buffers)
	}
	var content struct{ Text string }
	if err := m.Decode(&content); err != nil || content.Text != "<é>" {
		t.Errorf("content %q, %v", content.Text, err)
	}
	if err := m.Decode(&struct{ Text int }{}); err == nil || !strings.Contains(err.Error(), "message stream") {
		t.Errorf("a content of another kind: %v", err)
	}
}

// A message is believed as it was signed, and not otherwise.
func TestWhatIsNotSignedIsNotBelieved(t *testing.T) {
	s := newSession("secret")
	made := func() [][]byte {
		frames, err := s.encode(s.header("execute_request"), nil, map[string]any{"code": "x"})
		if err != nil {
			t.Fatal(err)
		}
		return frames
	}
	resigned := func(change func([][]byte)) [][]byte {
		f := made()
		change(f)
		f[1] = s.sign(f[2:6])
		return f
	}
	other, _ := newSession("other").encode(s.header("execute_request"), nil, map[string]any{})
	cases := []struct {
		name   string
		frames [][]byte
		want   error
	}{
		{"as it is", made(), nil},
		{"another key", other, errSignature},
		{"no signature", slices.Replace(made(), 1, 2, []byte{}), errSignature},
		{"the signature in capitals", slices.Replace(made(), 1, 2, bytes.ToUpper(made()[1])), errSignature},
		{"another content", slices.Replace(made(), 5, 6, []byte(`{"code":"y"}`)), errSignature},
		{"another header", slices.Replace(made(), 2, 3, made()[2]), errSignature},
		{"no frames", nil, errFrames},
		{"no delimiter", made()[1:], errFrames},
		{"too few frames", made()[:5], errFrames},
		{"a header that is no JSON", resigned(func(f [][]byte) { f[2] = []byte("{") }), errFrames},
		{"a header without an id", resigned(func(f [][]byte) { f[2] = []byte(`{"msg_type":"x"}`) }), errFrames},
		{"a parent of another kind", resigned(func(f [][]byte) { f[3] = []byte(`[1]`) }), errFrames},
		{"a content that is no object", resigned(func(f [][]byte) { f[5] = []byte(`"x"`) }), errFrames},
		{"an empty content", resigned(func(f [][]byte) { f[5] = nil }), errFrames},
		{"metadata that are null", resigned(func(f [][]byte) { f[4] = []byte("null") }), errFrames},
	}
	for _, c := range cases {
		if _, err := s.decode(c.frames); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	// Without a key nothing is signed, as the protocol has it.
	open := newSession("")
	frames, _ := open.encode(s.header("x"), nil, map[string]any{})
	if _, err := open.decode(frames); err != nil || len(frames[1]) != 0 {
		t.Errorf("without a key: %v, signature %q", err, frames[1])
	}
}

func TestIDsDiffer(t *testing.T) {
	if a, b := newID(), newID(); a == b || len(a) != 32 {
		t.Errorf("ids %s and %s", a, b)
	}
}

// Whatever the frames of a signed message hold, reading it ends in a message or an error.
func FuzzDecode(f *testing.F) {
	s := newSession("secret")
	frames, _ := s.encode(s.header("execute_request"), json.RawMessage(`{"msg_id":"1"}`), ExecuteRequest{Code: "%table"})
	f.Add(frames[2], frames[3], frames[4], frames[5])
	f.Add([]byte(`{"msg_id":1}`), []byte("null"), []byte(" {}"), []byte("{"))
	f.Fuzz(func(t *testing.T, header, parent, metadata, content []byte) {
		parts := [][]byte{header, parent, metadata, content}
		frames := append([][]byte{delimiter, s.sign(parts)}, parts...)
		m, err := s.decode(frames)
		if (m == nil) == (err == nil) {
			t.Fatalf("message %v with error %v", m, err)
		}
		if err != nil {
			return
		}
		if m.Header.MsgID == "" || !json.Valid(m.Content) {
			t.Errorf("a message %+v", m)
		}
		r := &Recorder{Displays: Displays{}}
		r.Take(m)
		// An answer to it can be written.
		if _, err := s.encode(s.header("status"), m.header, statusContent{"busy"}); err != nil {
			t.Error(err)
		}
	})
}
