package fetch

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
	"golang.org/x/sync/errgroup"
)

// Where the projects publish.
const (
	DatasetsIndex = "https://api.github.com/repos/OTRF/Security-Datasets/contents/datasets/atomic/_metadata"
	RulesIndex    = "https://api.github.com/repos/SigmaHQ/sigma/releases/latest"
)

// Index lists what can be brought here.
type Index struct {
	Datasets []Dataset `json:"datasets,omitempty"`
	Rules    []Rules   `json:"rules,omitempty"`
}

// Dataset is a recording of events.
type Dataset struct {
	ID          string   `json:"id"`
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Platforms   []string `json:"platforms,omitempty"`
	// Techniques are ids of ATT&CK, "T1546.003".
	Techniques []string `json:"techniques,omitempty"`
	Created    string   `json:"created,omitempty"`
	Files      []File   `json:"files"`
}

// Rules is a package of rules in a version.
type Rules struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	File    File   `json:"file"`
}

// File is something to download.
type File struct {
	URL string `json:"url"`
	// Kind says what is in it, as "Host" or "Network"; "" when nothing does.
	Kind string `json:"kind,omitempty"`
	// Size in bytes and SHA256 in hex are 0 and "" where the index has none.
	Size   int64  `json:"size,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
}

// Name is the last part of the address, a name for a file.
func (f File) Name() string {
	u, err := url.Parse(f.URL)
	if err != nil {
		return ""
	}
	name := path.Base(path.Clean("/" + u.Path))
	if name == "/" || name == "." || strings.ContainsAny(name, `\:`) || strings.HasPrefix(name, ".") {
		return ""
	}
	return name
}

// indexVersion is the version of our own form.
const indexVersion = 1

// Index reads an index: a URL, a file or a folder.
func (c *Client) Index(ctx context.Context, location string) (*Index, error) {
	if !strings.Contains(location, "://") {
		return localIndex(location)
	}
	data, from, err := c.text(ctx, location, maxIndex)
	if err != nil {
		return nil, err
	}
	index, listed, err := parseIndex(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", location, err)
	}
	if listed != nil {
		if index, err = c.metadata(ctx, listed); err != nil {
			return nil, err
		}
	}
	return index, index.resolve(location, from)
}

func localIndex(location string) (*Index, error) {
	info, err := os.Stat(location)
	if err != nil {
		return nil, err
	}
	paths := []string{location}
	if info.IsDir() {
		paths = nil
		for _, ending := range []string{"*.yaml", "*.yml"} {
			found, err := filepath.Glob(filepath.Join(location, ending))
			if err != nil {
				return nil, err
			}
			paths = append(paths, found...)
		}
		if len(paths) == 0 {
			return nil, fmt.Errorf("%s: there is no metadata (*.yaml) in the folder", location)
		}
	}
	all := &Index{}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			return nil, err
		}
		index, listed, err := parseIndex(data)
		if err == nil && listed != nil {
			err = errors.New("it lists files on a server; give the server's address")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		all.Datasets, all.Rules = append(all.Datasets, index.Datasets...), append(all.Rules, index.Rules...)
	}
	return all, all.resolve(location, nil)
}

// errIndex is why a document is no index.
var errIndex = errors.New("it is neither an index of huntbook, nor metadata of Security-Datasets, nor a release of rules")

// parseIndex reads a document of any of the forms. A list of files of metadata is
// returned for itself.
func parseIndex(data []byte) (index *Index, listed []string, err error) {
	data = bytes.TrimSpace(data)
	switch {
	case bytes.HasPrefix(data, []byte("[")):
		return parseListing(data)
	case bytes.HasPrefix(data, []byte("{")):
		var form struct {
			Version int             `json:"huntbook_index"`
			Assets  json.RawMessage `json:"assets"`
		}
		if err := json.Unmarshal(data, &form); err != nil {
			return nil, nil, fmt.Errorf("broken JSON: %w", err)
		}
		switch {
		case form.Version > indexVersion:
			return nil, nil, fmt.Errorf("an index of version %d, and this program knows up to %d; a newer one may read it", form.Version, indexVersion)
		case form.Version > 0:
			index = &Index{}
			return index, nil, json.Unmarshal(data, index)
		case form.Assets != nil:
			return parseRelease(data)
		}
		return nil, nil, errIndex
	}
	d, err := parseMetadata(data)
	if err != nil {
		return nil, nil, err
	}
	return &Index{Datasets: []Dataset{d}}, nil, nil
}

// parseListing reads GitHub's list of the files of a folder.
func parseListing(data []byte) (*Index, []string, error) {
	var files []struct {
		Name string `json:"name"`
		URL  string `json:"download_url"`
	}
	if err := json.Unmarshal(data, &files); err != nil {
		return nil, nil, fmt.Errorf("broken JSON: %w", err)
	}
	var urls []string
	for _, f := range files {
		if strings.HasSuffix(f.Name, ".yaml") || strings.HasSuffix(f.Name, ".yml") {
			urls = append(urls, f.URL)
		}
	}
	if len(urls) == 0 {
		return nil, nil, errIndex
	}
	return nil, urls, nil
}

// parseRelease reads GitHub's description of a release: its packages are rules.
func parseRelease(data []byte) (*Index, []string, error) {
	var release struct {
		Tag    string `json:"tag_name"`
		Assets []struct {
			Name   string `json:"name"`
			URL    string `json:"browser_download_url"`
			Size   int64  `json:"size"`
			Digest string `json:"digest"`
		} `json:"assets"`
	}
	if err := json.Unmarshal(data, &release); err != nil {
		return nil, nil, fmt.Errorf("broken JSON: %w", err)
	}
	index := &Index{}
	for _, a := range release.Assets {
		name, ok := strings.CutSuffix(a.Name, ".zip")
		if !ok {
			continue
		}
		sum, _ := strings.CutPrefix(a.Digest, "sha256:")
		index.Rules = append(index.Rules, Rules{Name: strings.TrimPrefix(name, "sigma_"), Version: release.Tag, File: File{URL: a.URL, Size: a.Size, SHA256: sum}})
	}
	if len(index.Rules) == 0 {
		return nil, nil, errors.New("the release has no packages of rules (*.zip)")
	}
	return index, nil, nil
}

// parseMetadata reads a dataset as Security-Datasets describes it.
func parseMetadata(data []byte) (Dataset, error) {
	var m struct {
		ID          string   `yaml:"id"`
		Title       string   `yaml:"title"`
		Description string   `yaml:"description"`
		Platform    []string `yaml:"platform"`
		Created     string   `yaml:"creation_date"`
		Attack      []struct {
			Technique string `yaml:"technique"`
			Sub       string `yaml:"sub-technique"`
		} `yaml:"attack_mappings"`
		Files []struct {
			Type string `yaml:"type"`
			Link string `yaml:"link"`
		} `yaml:"files"`
	}
	if err := unmarshal(data, &m); err != nil || m.ID == "" {
		return Dataset{}, errIndex
	}
	d := Dataset{ID: m.ID, Title: strings.TrimSpace(m.Title), Description: strings.TrimSpace(m.Description), Platforms: m.Platform, Created: m.Created}
	for _, a := range m.Attack {
		t := a.Technique
		if a.Sub != "" {
			t += "." + a.Sub
		}
		if t != "" && !slices.Contains(d.Techniques, t) {
			d.Techniques = append(d.Techniques, t)
		}
	}
	for _, f := range m.Files {
		d.Files = append(d.Files, File{URL: f.Link, Kind: f.Type})
	}
	return d, nil
}

// unmarshal guards against what makes the YAML reader panic.
func unmarshal(data []byte, into any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	return yaml.Unmarshal(data, into)
}

// metadata brings files of metadata, some at once.
func (c *Client) metadata(ctx context.Context, urls []string) (*Index, error) {
	index := &Index{}
	var mu sync.Mutex
	c.client() // made before it is shared
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, address := range urls {
		group.Go(func() error {
			data, _, err := c.text(ctx, address, maxMetadata)
			if err != nil {
				return err
			}
			d, err := parseMetadata(data)
			if err != nil {
				return fmt.Errorf("%s: %w", address, err)
			}
			mu.Lock()
			defer mu.Unlock()
			index.Datasets = append(index.Datasets, d)
			return nil
		})
	}
	return index, group.Wait()
}

// resolve makes addresses whole, orders the entries, and checks what downloads rely
// on. base is nil for an index that is a file here.
func (x *Index) resolve(location string, base *url.URL) error {
	slices.SortStableFunc(x.Datasets, func(a, b Dataset) int { return cmp.Compare(a.ID, b.ID) })
	fix := func(what string, f *File) error {
		u, err := url.Parse(f.URL)
		switch {
		case err != nil || f.URL == "":
			return fmt.Errorf("%s: %s has a file without an address", location, what)
		case !u.IsAbs() && base == nil:
			return fmt.Errorf("%s: %s has the address %s, which means something only in an index on a server", location, what, f.URL)
		case !u.IsAbs():
			f.URL = base.ResolveReference(u).String()
		}
		if sum, err := hex.DecodeString(f.SHA256); err != nil || len(sum) != 0 && len(sum) != 32 {
			return fmt.Errorf("%s: %s: the checksum %q is no SHA-256", location, what, f.SHA256)
		}
		if f.Name() == "" {
			return fmt.Errorf("%s: %s: the address %s ends in no name of a file", location, what, f.URL)
		}
		f.SHA256 = strings.ToLower(f.SHA256)
		return nil
	}
	for i := range x.Datasets {
		d := &x.Datasets[i]
		if d.ID == "" {
			return fmt.Errorf("%s: a dataset has no id", location)
		}
		for j := range d.Files {
			if err := fix("dataset "+d.ID, &d.Files[j]); err != nil {
				return err
			}
		}
	}
	for i := range x.Rules {
		if err := fix("package "+x.Rules[i].Name, &x.Rules[i].File); err != nil {
			return err
		}
	}
	return nil
}

// Dataset returns the dataset of that id or title, without regard to case.
func (x *Index) Dataset(name string) (Dataset, bool) {
	i := slices.IndexFunc(x.Datasets, func(d Dataset) bool { return strings.EqualFold(d.ID, name) || strings.EqualFold(d.Title, name) })
	if i < 0 {
		return Dataset{}, false
	}
	return x.Datasets[i], true
}
