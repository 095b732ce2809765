package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// maxFile bounds a download whose size no index tells.
const maxFile = 16 << 30

// ErrChecksum is wrapped by the error about a file that is not the one of the index.
var ErrChecksum = errors.New("the checksum is wrong")

// part is what is known of a download that was cut off; it stands beside it.
type part struct {
	URL string `json:"url"`
	// Mark is the server's name of the version (ETag or date).
	Mark string `json:"mark"`
}

// Download brings a file to a path. What is there already and has the right
// checksum, or no checksum to compare, is left: there tells of that. A download that
// was cut off before goes on where it ended. progress is told how many bytes there
// are, and of how many, 0 when nobody knows.
func (c *Client) Download(ctx context.Context, f File, path string, progress func(done, total int64)) (there bool, err error) {
	if _, err := os.Stat(path); err == nil {
		if f.SHA256 == "" {
			return true, nil
		}
		sum, err := sumOf(path)
		if err != nil || sum == f.SHA256 {
			return true, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return false, err
	}
	if err := c.again(ctx, func() error { return c.piece(ctx, f, path, progress) }); err != nil {
		return false, err
	}
	partial := path + ".part"
	if f.SHA256 != "" {
		sum, err := sumOf(partial)
		if err != nil {
			return false, err
		}
		if sum != f.SHA256 {
			_ = errors.Join(os.Remove(partial), os.Remove(partial+".json"))
			return false, fmt.Errorf("%s: %w: it is %s, and the index says %s; the file was not kept", f.URL, ErrChecksum, sum, f.SHA256)
		}
	}
	if err := os.Rename(partial, path); err != nil {
		return false, err
	}
	_ = os.Remove(partial + ".json")
	return false, nil
}

func sumOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// piece brings what is missing of a file.
func (c *Client) piece(ctx context.Context, f File, path string, progress func(done, total int64)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	partial := path + ".part"
	have, mark := begun(partial, f.URL)
	header := http.Header{}
	if have > 0 {
		header.Set("Range", "bytes="+strconv.FormatInt(have, 10)+"-")
		header.Set("If-Range", mark)
	}
	resp, err := c.get(ctx, f.URL, header)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	flags := os.O_CREATE | os.O_WRONLY
	switch {
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		// What is there is not the beginning of what the server has: anew.
		return errors.Join(fmt.Errorf("%s: what is there does not fit to the server's file", f.URL), os.Remove(partial))
	case resp.StatusCode == http.StatusPartialContent && strings.HasPrefix(resp.Header.Get("Content-Range"), "bytes "+strconv.FormatInt(have, 10)+"-"):
		flags |= os.O_APPEND
	default:
		flags, have = flags|os.O_TRUNC, 0
	}
	most, total := int64(maxFile), int64(0)
	if resp.ContentLength >= 0 {
		total = have + resp.ContentLength
	}
	if f.Size > 0 {
		most, total = f.Size, f.Size
	}
	if err := remember(partial, part{f.URL, version(resp)}); err != nil {
		return &permanent{err}
	}
	file, err := os.OpenFile(partial, flags, 0o644)
	if err != nil {
		return &permanent{err}
	}
	body := &watched{in: resp.Body, cancel: cancel, done: have, total: total, progress: progress}
	n, err := io.Copy(file, io.LimitReader(body.watch(), most-have+1))
	err = errors.Join(err, file.Close())
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("%s: %w", f.URL, plain(err))
	case have+n > most:
		_ = os.Remove(partial)
		return &permanent{fmt.Errorf("%s is larger than %d bytes, which it should have; it was not kept", f.URL, most)}
	case f.Size > 0 && have+n < f.Size:
		return fmt.Errorf("%s ended after %d bytes of %d", f.URL, have+n, f.Size)
	}
	return nil
}

// begun tells how much of a file is there, and of which version; 0 when it can't be
// gone on with.
func begun(partial, address string) (have int64, mark string) {
	info, err := os.Stat(partial)
	if err != nil {
		return 0, ""
	}
	data, err := os.ReadFile(partial + ".json")
	var p part
	if err != nil || json.Unmarshal(data, &p) != nil || p.URL != address || p.Mark == "" {
		return 0, ""
	}
	return info.Size(), p.Mark
}

func remember(partial string, p part) error {
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return os.WriteFile(partial+".json", data, 0o600)
}

// version is the server's mark of a file's version that If-Range takes: a strong
// ETag, or a date.
func version(resp *http.Response) string {
	if tag := resp.Header.Get("Etag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		return tag
	}
	return resp.Header.Get("Last-Modified")
}

// watched is a body that is given up when nothing comes for a while.
type watched struct {
	in          io.Reader
	cancel      context.CancelCauseFunc
	done, total int64
	progress    func(done, total int64)
	timer       *time.Timer
}

func (w *watched) watch() io.Reader {
	w.timer = time.AfterFunc(stalled, func() { w.cancel(fmt.Errorf("nothing came for %s", stalled)) })
	return w
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.in.Read(p)
	if w.done += int64(n); w.progress != nil {
		w.progress(w.done, w.total)
	}
	if err != nil {
		w.timer.Stop()
	} else if n > 0 {
		w.timer.Reset(stalled)
	}
	return n, err
}
