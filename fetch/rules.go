package fetch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// markFile stands in a folder of rules and says what they are.
const markFile = ".huntbook-rules.json"

// mark is the content of a markFile.
type mark struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	URL     string `json:"url"`
}

// ErrOccupied is wrapped by the error about a folder that holds something else.
var ErrOccupied = errors.New("it holds something else")

// Pulled says what became of a package of rules.
type Pulled struct {
	// There tells that this version was there already.
	There bool
	Files int
	// Before is where the version is now that was there before, "" for none.
	Before string
}

// PullRules brings a package of rules and unpacks it into a folder, which must be
// empty, missing, or of an earlier pull: that one is kept beside, under its version.
func (c *Client) PullRules(ctx context.Context, r Rules, dir string, progress func(done, total int64)) (Pulled, error) {
	dir = filepath.Clean(dir)
	old, err := occupied(dir)
	if err != nil {
		return Pulled{}, err
	}
	now := mark{r.Name, r.Version, r.File.URL}
	if old == now {
		return Pulled{There: true}, nil
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return Pulled{}, err
	}
	archive := filepath.Join(parent, ".huntbook-"+r.File.Name())
	// What is left of an earlier try may be of another version.
	if err := os.Remove(archive); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Pulled{}, err
	}
	if _, err := c.Download(ctx, r.File, archive, progress); err != nil {
		return Pulled{}, err
	}
	defer func() { _ = os.Remove(archive) }()
	fresh, err := os.MkdirTemp(parent, ".huntbook-rules-")
	if err != nil {
		return Pulled{}, err
	}
	defer func() { _ = os.RemoveAll(fresh) }()
	if err := os.Chmod(fresh, 0o755); err != nil {
		return Pulled{}, err
	}
	out := Pulled{}
	if out.Files, err = Unpack(archive, fresh, Limits{}); err != nil {
		return Pulled{}, err
	}
	if out.Files == 0 {
		return Pulled{}, fmt.Errorf("%s: there are no files in it", r.File.URL)
	}
	data, err := json.Marshal(now)
	if err != nil {
		return Pulled{}, err
	}
	if err := os.WriteFile(filepath.Join(fresh, markFile), append(data, '\n'), 0o644); err != nil {
		return Pulled{}, err
	}
	if old != (mark{}) {
		if out.Before, err = aside(dir, old.Version); err != nil {
			return Pulled{}, err
		}
	} else if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Pulled{}, err
	}
	return out, os.Rename(fresh, dir)
}

// occupied reads what is in a folder; nothing for one that is empty or missing.
func occupied(dir string) (mark, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return mark{}, nil
	}
	if err != nil {
		return mark{}, err
	}
	data, err := os.ReadFile(filepath.Join(dir, markFile))
	var m mark
	if err != nil || json.Unmarshal(data, &m) != nil || m.Name == "" {
		return mark{}, fmt.Errorf("%s: %w than rules that were pulled; name another folder", dir, ErrOccupied)
	}
	return m, nil
}

// aside moves a folder to a name with its version, which it returns.
func aside(dir, version string) (string, error) {
	version = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>| `, r) {
			return '-'
		}
		return r
	}, version)
	for i := 1; ; i++ {
		to := dir + "-" + version
		if i > 1 {
			to = fmt.Sprintf("%s.%d", to, i)
		}
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			return to, os.Rename(dir, to)
		} else if err != nil {
			return "", err
		}
	}
}
