package fetch_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/huntbook/huntbook/fetch"
)

// client does not wait between tries.
func client() *fetch.Client {
	return &fetch.Client{Agent: "test", Wait: func(int) time.Duration { return 0 }}
}

// server serves files on loopback, and notes the ranges that are asked for.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	files  map[string][]byte
	ranges []string
	// cut is how many bytes come before the connection breaks, 0 for all.
	cut int
	// tag is the version of all files, "" for none.
	tag string
}

func serve(t *testing.T, files map[string]string) *server {
	t.Helper()
	s := &server{files: map[string][]byte{}, tag: `"v1"`}
	for name, text := range files {
		s.files[name] = []byte(text)
	}
	s.Server = httptest.NewServer(http.HandlerFunc(s.answer))
	t.Cleanup(s.Close)
	return s
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.files[strings.TrimPrefix(r.URL.Path, "/")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	s.ranges = append(s.ranges, r.Header.Get("Range"))
	if s.tag != "" {
		w.Header().Set("Etag", s.tag)
	}
	if s.cut > 0 {
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		_, _ = w.Write(data[:s.cut])
		w.(http.Flusher).Flush()
		s.cut = 0
		panic(http.ErrAbortHandler)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

func sum(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

const metadata = `title: A Title
id: SDWIN-1
description: |
  What it is.
platform: [Windows]
creation_date: 2020/09/13
attack_mappings:
  - {technique: T1546, sub-technique: "003", tactics: [TA0003]}
  - {technique: T1047, sub-technique: , tactics: [TA0002]}
files:
  - {type: Host, link: https://example.org/a/b.zip}
`

func TestIndex(t *testing.T) {
	own := `{"huntbook_index":1,"datasets":[{"id":"b","title":"B","files":[{"url":"data/b.zip","size":3,"sha256":"` + sum("abc") + `"}]},{"id":"a","title":"A","files":[{"url":"https://example.org/a.zip"}]}],
		"rules":[{"name":"mine","version":"3","file":{"url":"/rules.zip"}}]}`
	release := `{"tag_name":"r2025-01-01","assets":[{"name":"sigma_core++.zip","browser_download_url":"https://example.org/sigma_core++.zip","size":5,"digest":"sha256:` + sum("x") + `"},{"name":"notes.txt","browser_download_url":"https://example.org/notes.txt"}]}`
	s := serve(t, map[string]string{"x/index.json": own, "release": release, "meta/one.yaml": metadata})
	s.files["listing"] = []byte(`[{"name":"one.yaml","download_url":"` + s.URL + `/meta/one.yaml"},{"name":"README.md","download_url":null}]`)
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "one.yaml"), []byte(metadata), 0o600); err != nil {
		t.Fatal(err)
	}

	x, err := client().Index(t.Context(), s.URL+"/x/index.json")
	if err != nil {
		t.Fatal(err)
	}
	if x.Datasets[0].ID != "a" || x.Datasets[1].Files[0].URL != s.URL+"/x/data/b.zip" || x.Datasets[1].Files[0].Size != 3 || x.Rules[0].File.URL != s.URL+"/rules.zip" {
		t.Errorf("own index: %+v", x)
	}
	for _, location := range []string{s.URL + "/listing", s.URL + "/meta/one.yaml", folder, filepath.Join(folder, "one.yaml")} {
		x, err := client().Index(t.Context(), location)
		if err != nil {
			t.Fatal(err)
		}
		d, ok := x.Dataset("sdwin-1")
		if !ok || d.Title != "A Title" || d.Description != "What it is." || !slices.Equal(d.Techniques, []string{"T1546.003", "T1047"}) ||
			len(d.Files) != 1 || d.Files[0].Name() != "b.zip" || d.Files[0].Kind != "Host" {
			t.Errorf("%s: %+v", location, d)
		}
		if _, ok := x.Dataset("a title"); !ok {
			t.Errorf("%s: not found by its title", location)
		}
	}
	x, err = client().Index(t.Context(), s.URL+"/release")
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Rules) != 1 || x.Rules[0].Name != "core++" || x.Rules[0].Version != "r2025-01-01" || x.Rules[0].File.SHA256 != sum("x") || x.Rules[0].File.Name() != "sigma_core++.zip" {
		t.Errorf("release: %+v", x.Rules)
	}
}

func TestIndexErrors(t *testing.T) {
	s := serve(t, map[string]string{
		"html": "<html>", "json": `{"a":1}`, "broken": `{"a":`, "new": `{"huntbook_index":2}`, "empty": "", "list": "[]",
		"noid": `{"huntbook_index":1,"datasets":[{"title":"x","files":[]}]}`,
		"sum":  `{"huntbook_index":1,"datasets":[{"id":"x","files":[{"url":"a","sha256":"abc"}]}]}`,
		"dots": `{"huntbook_index":1,"datasets":[{"id":"x","files":[{"url":"https://h/.."}]}]}`,
		"none": `{"huntbook_index":1,"datasets":[{"id":"x","files":[{"url":""}]}]}`,
	})
	local := filepath.Join(t.TempDir(), "index.json")
	if err := os.WriteFile(local, []byte(`{"huntbook_index":1,"rules":[{"name":"x","file":{"url":"a.zip"}}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ location, want string }{
		{s.URL + "/nothing", "there is nothing at this address; check the address"},
		{s.URL + "/html", "it is neither an index of huntbook, nor metadata"},
		{s.URL + "/json", "it is neither an index"},
		{s.URL + "/empty", "it is neither an index"},
		{s.URL + "/list", "it is neither an index"},
		{s.URL + "/broken", "broken JSON"},
		{s.URL + "/new", "an index of version 2, and this program knows up to 1"},
		{s.URL + "/noid", "a dataset has no id"},
		{s.URL + "/sum", `the checksum "abc" is no SHA-256`},
		{s.URL + "/dots", "ends in no name of a file"},
		{s.URL + "/none", "a file without an address"},
		{local, "means something only in an index on a server"},
		{"ftp://h/x", "it must begin with https:// or http://"},
		{"http://127.0.0.1:1/x", "http://127.0.0.1:1/x: the connection was refused"},
	} {
		_, err := client().Index(t.Context(), c.location)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want %s", c.location, err, c.want)
		}
	}
	if _, err := client().Index(t.Context(), filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestDownload(t *testing.T) {
	text := strings.Repeat("0123456789", 1000)
	s := serve(t, map[string]string{"f": text})
	path := filepath.Join(t.TempDir(), "deep", "er", "f")
	var seen int64
	f := fetch.File{URL: s.URL + "/f", Size: int64(len(text)), SHA256: sum(text)}
	there, err := client().Download(t.Context(), f, path, func(done, total int64) {
		if total != int64(len(text)) {
			t.Errorf("of %d bytes", total)
		}
		seen = done
	})
	if err != nil || there || read(t, path) != text || seen != int64(len(text)) {
		t.Errorf("there %v, %d bytes seen: %v", there, seen, err)
	}
	if there, err := client().Download(t.Context(), f, path, nil); err != nil || !there || len(s.ranges) != 1 {
		t.Errorf("again: there %v, %d requests, %v", there, len(s.ranges), err)
	}
	// What is there and is another file is brought anew.
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if there, err := client().Download(t.Context(), f, path, nil); err != nil || there || read(t, path) != text {
		t.Errorf("another file there: %v, %v", there, err)
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if len(left) != 1 {
		t.Errorf("left over: %v", left)
	}
}

// A download that is cut off goes on where it ended, at once and after the program
// ended; and begins anew where the server's file is another one.
func TestResume(t *testing.T) {
	text := strings.Repeat("0123456789", 1000)
	other := strings.Repeat("abcdefghij", 1000)
	for _, c := range []struct {
		name   string
		change func(*server)
		tries  int
		ranges []string
		want   string
	}{
		{"at once", func(*server) {}, 5, []string{"", "bytes=4000-"}, text},
		{"later", func(*server) {}, 1, []string{"", "bytes=4000-"}, text},
		{"another version", func(s *server) { s.tag, s.files["f"] = `"v2"`, []byte(other) }, 1, []string{"", "bytes=4000-"}, other},
		{"no version", func(s *server) { s.tag = "" }, 1, []string{"", "bytes=4000-"}, text},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, map[string]string{"f": text})
			s.cut = 4000
			path := filepath.Join(t.TempDir(), "f")
			f := fetch.File{URL: s.URL + "/f"}
			cl := client()
			cl.Tries = c.tries
			_, err := cl.Download(t.Context(), f, path, nil)
			if c.tries == 1 {
				if err == nil {
					t.Fatal("no error when it is cut off")
				}
				if _, err := os.Stat(path); err == nil {
					t.Fatal("a part has taken the file's place")
				}
				c.change(s)
				_, err = client().Download(t.Context(), f, path, nil)
			}
			if err != nil || read(t, path) != c.want {
				t.Fatalf("%v; %d bytes", err, len(read(t, path)))
			}
			if !slices.Equal(s.ranges, c.ranges) {
				t.Errorf("ranges %q, want %q", s.ranges, c.ranges)
			}
		})
	}
}

func TestDownloadErrors(t *testing.T) {
	s := serve(t, map[string]string{"f": "abc"})
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }))
	defer busy.Close()
	tries := 0
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		tries++
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer failing.Close()
	for _, c := range []struct {
		f    fetch.File
		want string
	}{
		{fetch.File{URL: s.URL + "/f", SHA256: sum("abd")}, "the checksum is wrong"},
		{fetch.File{URL: s.URL + "/f", Size: 2}, "is larger than 2 bytes"},
		{fetch.File{URL: s.URL + "/f", Size: 4}, "ended after 3 bytes of 4"},
		{fetch.File{URL: s.URL + "/g"}, "there is nothing at this address"},
		{fetch.File{URL: busy.URL + "/f"}, "takes no more requests from here for now"},
		{fetch.File{URL: failing.URL + "/f"}, "failed with status 502"},
	} {
		path := filepath.Join(t.TempDir(), "f")
		_, err := client().Download(t.Context(), c.f, path, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: error %v, want %s", c.f, err, c.want)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%+v: the file is there", c.f)
		}
	}
	if tries != 5 {
		t.Errorf("a server that fails was tried %d times", tries)
	}
	if _, err := client().Download(t.Context(), fetch.File{URL: s.URL + "/f", SHA256: sum("abd")}, filepath.Join(t.TempDir(), "f"), nil); !errors.Is(err, fetch.ErrChecksum) {
		t.Errorf("error %v", err)
	}
}

type entry struct{ name, text string }

func zipOf(t *testing.T, entries ...entry) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		f, err := w.Create(e.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(e.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func tarOf(t *testing.T, headers ...tar.Header) string {
	t.Helper()
	var b bytes.Buffer
	packed := gzip.NewWriter(&b)
	w := tar.NewWriter(packed)
	for _, h := range headers {
		if h.Typeflag == tar.TypeReg {
			h.Size = 3
		}
		h.Mode = 0o644
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write([]byte("abc")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(w.Close(), packed.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// tree lists the files below a folder.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(dir, p)
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

func TestUnpack(t *testing.T) {
	file := func(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeReg} }
	link := func(name, to string) tar.Header {
		return tar.Header{Name: name, Linkname: to, Typeflag: tar.TypeSymlink}
	}
	for _, c := range []struct{ name, archive, want, err string }{
		{"zip", zipOf(t, entry{"a/b.yml", "x"}, entry{"c.yml", "y"}), "out/a/b.yml out/c.yml", ""},
		{"Windows paths", zipOf(t, entry{`a\b.yml`, "x"}), "out/a/b.yml", ""},
		{"tar.gz", tarOf(t, file("a/b.json")), "out/a/b.json", ""},
		{"a stray byte behind", tarOf(t, file("a")) + "\n", "out/a", ""},
		{"links are left out", tarOf(t, link("l", "/etc"), file("a")), "out/a", ""},
		{"through a link", tarOf(t, link("l", "/etc"), file("l/x")), "out/l/x", ""},
		{"up", zipOf(t, entry{"../x", "x"}), "", `the name "../x" leads out of the folder`},
		{"up from below", tarOf(t, file("a/../../x")), "", "leads out of the folder"},
		{"absolute", tarOf(t, file("/x")), "", "leads out of the folder"},
		{"a drive", zipOf(t, entry{`C:\x`, "x"}), "", "leads out of the folder"},
		{"no archive", "text that is long enough to be read, and no archive", "", "unexpected EOF"},
		{"too short", "x", "", "it is no archive"},
		{"too large", zipOf(t, entry{"a", strings.Repeat("x", 2000)}), "out/a", "it unpacks to more than 1000 bytes"},
		{"too many", zipOf(t, entry{"a", ""}, entry{"b", ""}, entry{"c", ""}, entry{"d", ""}), "out/a out/b out/c", "more than 3 files are in it"},
	} {
		dir := t.TempDir()
		archive := filepath.Join(t.TempDir(), "archive")
		if err := os.WriteFile(archive, []byte(c.archive), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(dir, "out"), 0o755); err != nil {
			t.Fatal(err)
		}
		_, err := fetch.Unpack(archive, filepath.Join(dir, "out"), fetch.Limits{Files: 3, Bytes: 1000})
		if got := tree(t, dir); got != c.want {
			t.Errorf("%s: files %q, want %q", c.name, got, c.want)
		}
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.err)
		}
	}
}

func TestPullRules(t *testing.T) {
	one, two := zipOf(t, entry{"rules/a.yml", "1"}), zipOf(t, entry{"rules/a.yml", "2"}, entry{"rules/b.yml", "2"})
	s := serve(t, map[string]string{"one.zip": one, "two.zip": two, "bad.zip": zipOf(t, entry{"../x", ""}), "empty.zip": zipOf(t)})
	parent := t.TempDir()
	dir := filepath.Join(parent, "rules")
	pull := func(version, file string) (fetch.Pulled, error) {
		return client().PullRules(t.Context(), fetch.Rules{Name: "core", Version: version, File: fetch.File{URL: s.URL + "/" + file}}, dir, nil)
	}
	p, err := pull("r1", "one.zip")
	if err != nil || p.There || p.Files != 1 || tree(t, parent) != "rules/.huntbook-rules.json rules/rules/a.yml" {
		t.Fatalf("%+v, %v: %s", p, err, tree(t, parent))
	}
	if p, err := pull("r1", "one.zip"); err != nil || !p.There {
		t.Errorf("again: %+v, %v", p, err)
	}
	// A person's note is not lost by an update: the whole folder is kept.
	if err := os.WriteFile(filepath.Join(dir, "note.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err = pull("r 2/x", "two.zip")
	want := "rules/.huntbook-rules.json rules/rules/a.yml rules/rules/b.yml rules-r1/.huntbook-rules.json rules-r1/note.txt rules-r1/rules/a.yml"
	if err != nil || p.Before != dir+"-r1" || tree(t, parent) != want {
		t.Errorf("%+v, %v: %s", p, err, tree(t, parent))
	}
	for _, c := range []struct{ file, want string }{
		{"bad.zip", "leads out of the folder"}, {"empty.zip", "there are no files in it"}, {"none.zip", "there is nothing at this address"},
	} {
		if _, err := pull("r3", c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.file, err)
		}
		if got := tree(t, parent); got != want {
			t.Errorf("%s has changed what was there: %s", c.file, got)
		}
	}
	mine := filepath.Join(parent, "mine")
	if err := os.MkdirAll(filepath.Join(mine, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	dir = mine
	if _, err := pull("r1", "one.zip"); !errors.Is(err, fetch.ErrOccupied) {
		t.Errorf("a folder of somebody's: %v", err)
	}
}
