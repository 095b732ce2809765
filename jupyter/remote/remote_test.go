package remote

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/huntbook/huntbook/internal/jupyterlab"
	"github.com/huntbook/huntbook/jupyter"
)

const token = "c0ffee-0123456789"

func TestSplit(t *testing.T) {
	for _, c := range []struct{ address, want, token, err string }{
		{"http://localhost:8888/", "http://localhost:8888/", "", ""},
		{" https://hub.example/user/me/lab?token=abc&reset#x ", "https://hub.example/user/me/lab", "abc", ""},
		{"http://localhost:8888/?token=a%2Bb", "http://localhost:8888/", "a+b", ""},
		{"http://localhost:8888/a%20b/", "http://localhost:8888/a%20b/", "", ""},
		{"localhost:8888", "", "", "it begins with http:// or https://"},
		{"ftp://localhost/?token=c0ffee", "", "", "it begins with http:// or https://"},
		{"http://x y/?token=c0ffee", "", "", "it begins with http:// or https://"},
		{"http:///?token=c0ffee", "", "", "it begins with http:// or https://"},
		{"http://me:c0ffee@localhost/", "", "", "it holds a name or password"},
		{"", "", "", "it begins with http:// or https://"},
	} {
		u, token, err := Split(c.address)
		switch {
		case c.err != "":
			if !errors.Is(err, ErrAddress) || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "c0ffee") {
				t.Errorf("%q: error %v, want %q", c.address, err, c.err)
			}
		case err != nil || u.String() != c.want || token != c.token:
			t.Errorf("%q: %v, token %q, error %v", c.address, u, token, err)
		}
	}
}

func open(address, token string) (*Server, error) {
	u, _, err := Split(address)
	if err != nil {
		return nil, err
	}
	return Open(context.Background(), Config{Address: u, Token: token, Agent: "huntbook/test"})
}

// TestStrangers: servers that are none of Jupyter's, or wish us ill. Errors are a line,
// without the token, and no other origin gets to see it.
func TestStrangers(t *testing.T) {
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another origin was asked: %s, %q", r.URL, r.Header)
	}))
	defer thief.Close()
	about := func(then http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api" {
				fmt.Fprint(w, `{"version": "2"}`)
				return
			}
			then(w, r)
		}
	}
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		want    string // URL stands for the server's address
	}{
		{"moved", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, thief.URL+"?"+token, http.StatusFound)
		},
			`URL sends on to "` + thief.URL + `?[token]"; give the address at which the server itself answers`},
		{"moved later", about(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
		}),
			`URL sends on to "` + thief.URL + `"; give the address at which the server itself answers`},
		{"another site", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "URL answers, but not as a Jupyter server does"},
		{"another API", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }, "URL answers, but not as a Jupyter server does"},
		{"nothing there", http.NotFound, "URL answers, but not as a Jupyter server does (404 Not Found)"},
		{"an endless answer", func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}, "the answer of URL is larger than 8 MB"},
		{"an answer that breaks off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			fmt.Fprint(w, "{")
		}, "URL can't be reached: unexpected EOF"},
		{"kernels that are none", about(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"kernelspecs": 7}`) }), "URL answers, but not as a Jupyter server does"},
		{"a long story", about(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_ = json.NewEncoder(w).Encode(map[string]string{"message": token + "\n\x1b[31m" + strings.Repeat("x", 1000)})
		}), "the server answers 500: [token] \x1b[31m" + strings.Repeat("x", 300-len("[token] \x1b[31m")) + "…"},
		{"refused", about(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }), "URL refuses the token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := httptest.NewServer(c.handler)
			defer s.Close()
			_, err := open(s.URL, token)
			if got, want := fmt.Sprint(err), strings.ReplaceAll(c.want, "URL", s.URL+"/"); got != want {
				t.Errorf("error %q\nwant  %q", got, want)
			}
		})
	}
	// The WebSocket does not follow either.
	evil := httptest.NewServer(about(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/kernelspecs":
			fmt.Fprint(w, `{"kernelspecs": {"x": {"name": "x", "spec": {}}}}`)
		case "/api/sessions":
			fmt.Fprint(w, `{"id": "a", "kernel": {"id": "../../x"}}`)
		default:
			http.Redirect(w, r, thief.URL, http.StatusFound)
		}
	}))
	defer evil.Close()
	s, err := open(evil.URL, token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Start(context.Background(), "x", ""); fmt.Sprint(err) != "kernel x: "+evil.URL+"/ answers, but not as a Jupyter server does" {
		t.Errorf("a bad id: %v", err)
	}
	if _, err := s.dial(context.Background(), "x", "y"); fmt.Sprint(err) != "the server answers 302: Found when asked for a WebSocket" {
		t.Errorf("a WebSocket that moved: %v", err)
	}
}

func TestCheckPath(t *testing.T) {
	for name, good := range map[string]bool{
		"a.ipynb": true, "a/b c/d.ipynb": true, "é/日本 #?%.ipynb": true, "a..b": true,
		"": false, "/a": false, "a//b": false, "../a": false, "a/../b": false, ".": false, "a/.git/x": false, "a/": false,
	} {
		if err := CheckPath(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestMessages: what is written is read again, in both forms; what is not in a form is
// an error.
func TestMessages(t *testing.T) {
	parts := [][]byte{[]byte(`{"msg_id":"1"}`), []byte("{}"), []byte("{}"), []byte(`{"text":"é"}`)}
	for name, read := range map[string]func() (string, [][]byte, error){
		"v1": func() (string, [][]byte, error) { return decodeV1(encodeV1("shell", parts)) },
		"v1 with buffers": func() (string, [][]byte, error) {
			return decodeV1(encodeV1("shell", append(parts[:4:4], []byte("\x00"), nil)))
		},
		"JSON": func() (string, [][]byte, error) { return decodeJSON(encodeJSON("shell", parts), nil) },
		"binary": func() (string, [][]byte, error) {
			text := encodeJSON("shell", parts)
			head := []byte{0, 0, 0, 3, 0, 0, 0, 16, 0, 0, 0, byte(16 + len(text)), 0, 0, 0, byte(17 + len(text))}
			return decodeBinary(append(append(head, text...), "ab"...))
		},
	} {
		channel, got, err := read()
		if err != nil || channel != "shell" || len(got) < 4 {
			t.Errorf("%s: %q %q %v", name, channel, got, err)
			continue
		}
		for i, p := range parts {
			if !bytes.Equal(got[i], p) {
				t.Errorf("%s: part %d is %q, want %q", name, i, got[i], p)
			}
		}
		if name == "binary" && (len(got) != 6 || string(got[4]) != "a" || string(got[5]) != "b") {
			t.Errorf("buffers: %q", got[4:])
		}
	}
	eight := func(numbers ...byte) []byte {
		var b []byte
		for _, n := range numbers {
			b = append(b, n, 0, 0, 0, 0, 0, 0, 0)
		}
		return b
	}
	for name, message := range map[string][]byte{
		"empty": nil, "short": {1, 2}, "no offsets": eight(0), "one offset": eight(1, 16), "more offsets than bytes": eight(200, 1),
		"backwards": eight(2, 24, 16), "behind the end": eight(2, 24, 99), "a huge number": bytes.Repeat([]byte{255}, 32),
	} {
		if channel, parts, err := decodeV1(message); err == nil {
			t.Errorf("v1, %s: %q %q", name, channel, parts)
		}
		if channel, parts, err := decodeBinary(message); err == nil {
			t.Errorf("binary, %s: %q %q", name, channel, parts)
		}
	}
}

func FuzzMessages(f *testing.F) {
	f.Add(encodeV1("shell", [][]byte{[]byte("{}"), nil}))
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 8, '{', '}'})
	f.Fuzz(func(_ *testing.T, message []byte) {
		_, _, _ = decodeV1(message)
		_, _, _ = decodeBinary(message)
	})
}

// TestServer asks real servers: one with a token and the newer form of messages, one
// without either.
func TestServer(t *testing.T) {
	for _, c := range []struct {
		name, token string
		options     []string
	}{
		{"token", token, nil},
		{"open", "", []string{"--ZMQChannelsWebsocketConnection.kernel_ws_protocol=", "--IdentityProvider.password_required=False"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			real := jupyterlab.Start(t, c.token, c.options...)
			if c.token != "" {
				admission(t, real)
			}
			s, err := open(real.URL, c.token)
			if err != nil {
				t.Fatal(err)
			}
			files(t, real, s)
			cells(t, s, c.token != "")
			if strings.Contains(real.Log(), token) {
				t.Error("the token stands in the server's log")
			}
		})
	}
}

// admission: who gets in, and from which of the addresses that a browser shows.
func admission(t *testing.T, real *jupyterlab.Server) {
	for token, want := range map[string]string{"wrong-1234": " refuses the token", "": " wants a token"} {
		if _, err := open(real.URL, token); !errors.Is(err, ErrToken) || err.Error() != real.URL+want {
			t.Errorf("token %q: %v", token, err)
		}
	}
	for _, page := range []string{"lab", "lab/tree/a/b.ipynb", "lab/workspaces/x?reset", "tree", "../jupyter"} {
		s, err := open(strings.Replace(real.URL+page, "jupyter/../", "", 1), real.Token)
		if err != nil || s.String() != real.URL {
			t.Errorf("%s: %v, %v", page, s, err)
		}
	}
}

// files are put in place, and read.
func files(t *testing.T, real *jupyterlab.Server, s *Server) {
	ctx := context.Background()
	const folder = "a b/é#?%41"
	for range 2 {
		if err := s.MakeFolder(ctx, folder); err != nil {
			t.Fatal(err)
		}
	}
	const empty = `{"cells":[],"metadata":{"x":"é"},"nbformat":4,"nbformat_minor":5}`
	for _, name := range []string{folder + "/n.ipynb", "n.ipynb"} {
		if got, err := s.Notebook(ctx, name); got != nil || err != nil {
			t.Errorf("%s is there already: %s %v", name, got, err)
		}
		if err := s.PutNotebook(ctx, name, []byte(empty)); err != nil {
			t.Error(err)
		}
		got, err := s.Notebook(ctx, name)
		if err != nil || strings.ReplaceAll(strings.ReplaceAll(string(got), " ", ""), `\u00e9`, "é") != empty {
			t.Errorf("%s is %s, %v", name, got, err)
		}
		if _, err := os.Stat(filepath.Join(real.Root, filepath.FromSlash(name))); err != nil {
			t.Error(err)
		}
	}
	for _, size := range []int{0, 100, chunk, chunk + 1, 2*chunk + 5} {
		data := make([]byte, size)
		_, _ = rand.Read(data)
		if err := s.PutFile(ctx, folder+"/data.bin", bytes.NewReader(data)); err != nil {
			t.Error(err)
		}
		got, err := os.ReadFile(filepath.Join(real.Root, filepath.FromSlash(folder), "data.bin"))
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("a file of %d bytes has %d: %v", size, len(got), err)
		}
	}
	if got, err := s.Notebook(ctx, folder+"/data.bin"); got != nil || err != nil {
		t.Errorf("a file is a notebook: %s %v", got, err)
	}
	err := s.PutNotebook(ctx, "not/there/n.ipynb", []byte(empty))
	if err == nil || !strings.HasPrefix(err.Error(), "putting not/there/n.ipynb on the server: the server answers ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// cells run on a kernel; v1 says in which form messages must have come.
func cells(t *testing.T, s *Server, v1 bool) {
	ctx := context.Background()
	// The machine may have others.
	if _, err := s.Spec("cobol"); !errors.Is(err, jupyter.ErrNoKernel) || !strings.HasPrefix(err.Error(), `no such kernel as "cobol"; the server has `) || !strings.Contains(err.Error(), "python3") {
		t.Errorf("no such kernel: %v", err)
	}
	k, err := s.Start(ctx, "python3", "a b")
	if err != nil {
		t.Fatal(err)
	}
	defer k.Kill()
	if k.Info.LanguageInfo.Name != "python" {
		t.Errorf("info %+v", k.Info)
	}
	c, err := s.dial(ctx, k.id, "another")
	if err != nil || c.v1 != v1 {
		t.Errorf("the newer form: %v, want %v; %v", c.v1, v1, err)
	} else {
		c.Close()
	}
	run := func(code string) (string, error) {
		recorder := &jupyter.Recorder{}
		reply, err := k.Execute(ctx, jupyter.ExecuteRequest{Code: code}, recorder.Take)
		if err != nil {
			return "", err
		}
		out := reply.Status
		for _, o := range recorder.Outputs {
			out += " " + o.Text + o.Ename
		}
		return strings.TrimSpace(out), nil
	}
	for code, want := range map[string]string{
		"import os; print(os.path.basename(os.getcwd()), 'é')": "ok a b é",
		"1/0": "error ZeroDivisionError",
		"x = 1\nget_ipython().kernel.session.send(get_ipython().kernel.iopub_socket, 'stream', {'name': 'stdout', 'text': 'raw'}, parent=get_ipython().kernel.get_parent(), buffers=[b'\\0\\1'])\nNone": "ok raw",
	} {
		if got, err := run(code); got != want || err != nil {
			t.Errorf("%s: %q %v, want %q", code, got, err, want)
		}
	}
	// The server's own bound: it leaves out outputs, and says so.
	if _, err := run("for i in range(40): print('x' * 500_000, flush=True)"); err == nil || err.Error() != "the server left out outputs, which came too fast for it (ServerApp.iopub_data_rate_limit)" {
		t.Errorf("a flood: %v", err)
	}
	// A cell's own text of that kind is only text.
	if got, err := run("import sys; print('IOPub data rate exceeded.', file=sys.stderr)"); err != nil || got != "ok IOPub data rate exceeded." {
		t.Errorf("%q %v", got, err)
	}
	// An interrupt ends a cell that waits.
	begun := make(chan struct{})
	go func() {
		<-begun
		if err := k.Interrupt(ctx); err != nil {
			t.Error(err)
		}
	}()
	started := false
	reply, err := k.Execute(ctx, jupyter.ExecuteRequest{Code: "import time; print('waits', flush=True); time.sleep(1000)"}, func(m *jupyter.Message) {
		if m.Header.MsgType == "stream" && !started {
			started = true
			close(begun)
		}
	})
	if err != nil || reply.Ename != "KeyboardInterrupt" {
		t.Errorf("interrupted: %+v %v", reply, err)
	}
	if _, err := run("import os; os._exit(3)"); !errors.Is(err, jupyter.ErrDead) {
		t.Errorf("a kernel that ends: %v", err)
	}
	k.Kill()
	for _, kind := range []string{"kernels", "sessions"} {
		var left []struct{ ID string }
		if err := s.get(ctx, "api/"+kind, &left); err != nil || len(left) > 0 {
			t.Errorf("%s are left: %v %v", kind, left, err)
		}
	}
}

// TestKernelThatEnds: a kernel that does not start is an error, once its server gives up.
func TestKernelThatEnds(t *testing.T) {
	t.Parallel()
	real := jupyterlab.Start(t, token, "--AsyncIOLoopKernelRestarter.time_to_dead=0.1", "--AsyncIOLoopKernelRestarter.restart_limit=1")
	real.AddKernel(t, "ends", `{"argv": ["sh", "-c", "exit 3"], "display_name": "ends", "language": "sh"}`)
	s, err := open(real.URL, token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Start(context.Background(), "ends", ""); fmt.Sprint(err) != "kernel ends: the kernel died as it started; the server's log says why" {
		t.Errorf("error %v", err)
	}
	// One that never answers is given up in time.
	real.AddKernel(t, "sleeps", `{"argv": ["sleep", "1000"], "display_name": "sleeps", "language": "sh"}`)
	late := errors.New("too late")
	ctx, cancel := context.WithTimeoutCause(context.Background(), time.Second, late)
	defer cancel()
	if _, err := s.Start(ctx, "sleeps", ""); !errors.Is(err, late) {
		t.Errorf("error %v", err)
	}
	// The server has gone.
	real.Stop()
	var of *url.Error
	if _, err := s.Start(context.Background(), "ends", ""); !errors.Is(err, errUnreachable) || errors.As(err, &of) {
		t.Errorf("error %v", err)
	}
}
