package remote

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
)

// chunk is how much of a file is sent at once; larger ones go in pieces.
const chunk = 8 << 20

// CheckPath tells whether a name may be put on a server: relative, with slashes, and
// no part of it hidden, which servers refuse.
func CheckPath(name string) error {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || strings.HasPrefix(part, ".") {
			return fmt.Errorf("%q can't be put on a server: a name has no empty and no hidden parts", name)
		}
	}
	return nil
}

// folders remembers the folders that are there.
type folders struct {
	mu   sync.Mutex
	made map[string]error
}

// MakeFolder makes a folder, and those above it, where they are not there yet.
func (s *Server) MakeFolder(ctx context.Context, name string) error {
	if name == "." || name == "" {
		return nil
	}
	if err := CheckPath(name); err != nil {
		return err
	}
	if err := s.MakeFolder(ctx, path.Dir(name)); err != nil {
		return err
	}
	s.folders.mu.Lock()
	defer s.folders.mu.Unlock()
	if err, done := s.folders.made[name]; done {
		return err
	}
	err := s.put(ctx, name, map[string]any{"type": "directory"})
	if ctx.Err() == nil {
		if s.folders.made == nil {
			s.folders.made = map[string]error{}
		}
		s.folders.made[name] = err
	}
	return err
}

func (s *Server) put(ctx context.Context, name string, model map[string]any) error {
	body, err := json.Marshal(model)
	if err != nil {
		return err
	}
	if err := s.do(ctx, http.MethodPut, "api/contents/"+name, "", body, nil); err != nil {
		return fmt.Errorf("putting %s on the server: %w", name, err)
	}
	return nil
}

// PutNotebook puts a notebook, as JSON, in place of one that may be there. Its folder
// must be there.
func (s *Server) PutNotebook(ctx context.Context, name string, data []byte) error {
	if err := CheckPath(name); err != nil {
		return err
	}
	return s.put(ctx, name, map[string]any{"type": "notebook", "format": "json", "content": json.RawMessage(data)})
}

// PutFile puts any other file in place, in pieces if it is large.
func (s *Server) PutFile(ctx context.Context, name string, from io.Reader) error {
	if err := CheckPath(name); err != nil {
		return err
	}
	piece, next := make([]byte, chunk), make([]byte, chunk)
	n, err := fill(from, piece)
	if err != nil {
		return err
	}
	for number := 1; ; number++ {
		more := 0
		if n == chunk {
			if more, err = fill(from, next); err != nil {
				return err
			}
		}
		model := map[string]any{"type": "file", "format": "base64", "content": base64.StdEncoding.EncodeToString(piece[:n])}
		switch {
		case more > 0:
			model["chunk"] = number
		case number > 1:
			model["chunk"] = -1 // the last one
		}
		if err := s.put(ctx, name, model); err != nil {
			return err
		}
		if more == 0 {
			return nil
		}
		piece, next, n = next, piece, more
	}
}

// fill reads until the buffer is full or there is no more.
func fill(from io.Reader, into []byte) (int, error) {
	n, err := io.ReadFull(from, into)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n, err
}

// Notebook reads a notebook, as JSON; nil says that there is none.
func (s *Server) Notebook(ctx context.Context, name string) ([]byte, error) {
	if err := CheckPath(name); err != nil {
		return nil, err
	}
	var model struct {
		Type    string
		Content json.RawMessage
	}
	err := s.do(ctx, http.MethodGet, "api/contents/"+name, "content=1&type=notebook", nil, &model)
	var answer *answerError
	// A file there that is no notebook is a bad request.
	if errors.As(err, &answer) && slices.Contains([]int{http.StatusNotFound, http.StatusBadRequest}, answer.status) {
		return nil, nil
	}
	if err != nil || model.Type != "notebook" {
		return nil, err
	}
	return model.Content, nil
}
