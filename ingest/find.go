package ingest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// file is one file of the inputs.
type file struct {
	name  string // as in event.Source
	named bool   // given by its own name, not found in a folder
	size  int64  // 0 when unknown
	open  func() (io.ReadCloser, error)
}

// finder collects the files of the inputs.
type finder struct {
	r    *Reader
	seen map[fileKey][]seenFile
}

// fileKey is what two names of one file have in common.
type fileKey struct {
	size     int64
	modified time.Time
}

type seenFile struct {
	info  fs.FileInfo
	index int
}

// find lists the files of the inputs in order.
func (r *Reader) find(inputs []string) error {
	f := finder{r: r, seen: map[fileKey][]seenFile{}}
	var missing []error
	stdin := false
	for _, input := range inputs {
		if fsys, ok := r.options.Embedded[input]; ok {
			f.embedded(input, fsys)
			continue
		}
		if input == "-" {
			if stdin {
				r.summary.Duplicates = append(r.summary.Duplicates, input)
				continue
			}
			stdin = true
			r.files = append(r.files, file{name: input, named: true, open: func() (io.ReadCloser, error) {
				return pipe(r.ctx, io.NopCloser(r.options.Stdin)), nil
			}})
			continue
		}
		info, err := os.Stat(input)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, fmt.Errorf("data: %s: %w; check the path", input, fs.ErrNotExist))
		case err != nil:
			missing = append(missing, err)
		case info.IsDir():
			f.folder(input)
		default:
			f.add(input, input, info, true)
		}
	}
	return errors.Join(missing...)
}

// add lists a file unless it is there already.
func (f *finder) add(name, osPath string, info fs.FileInfo, named bool) {
	key := fileKey{info.Size(), info.ModTime()}
	for _, other := range f.seen[key] {
		if os.SameFile(info, other.info) {
			f.r.summary.Duplicates = append(f.r.summary.Duplicates, name)
			f.r.files[other.index].named = f.r.files[other.index].named || named
			return
		}
	}
	f.seen[key] = append(f.seen[key], seenFile{info, len(f.r.files)})
	open := func() (io.ReadCloser, error) { return os.Open(osPath) }
	size := info.Size()
	if !info.Mode().IsRegular() {
		size = 0
		open = func() (io.ReadCloser, error) {
			in, err := os.Open(osPath)
			if err != nil {
				return nil, err
			}
			return pipe(f.r.ctx, in), nil
		}
	}
	f.r.files = append(f.r.files, file{name: name, named: named, size: size, open: open})
}

// folder lists what is in a folder and below. Symbolic links are not followed:
// what they lead to inside of the folder is found at its own place.
func (f *finder) folder(given string) {
	root := given
	if real, err := filepath.EvalSymlinks(given); err == nil {
		root = real
	}
	s := &f.r.summary
	found := 0
	_ = filepath.WalkDir(root, func(p string, entry fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(root, p)
		if relErr != nil {
			rel = p
		}
		name := under(given, filepath.ToSlash(rel))
		if err != nil {
			s.Failed = append(s.Failed, fmt.Errorf("%s: the folder can't be read: %w", name, err))
			return nil
		}
		if p == root {
			return nil
		}
		if ignored(entry.Name()) {
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		switch {
		case entry.IsDir():
			return nil
		case entry.Type()&fs.ModeSymlink != 0:
			found++
			if !insideFolder(root, p) {
				s.Unknown = append(s.Unknown, Place{Name: name,
					Reason: "a symbolic link that leads to nothing in the folder: give what it leads to as an input"})
			}
			return nil
		case !entry.Type().IsRegular():
			return nil
		}
		found++
		info, err := entry.Info()
		if err != nil {
			s.Failed = append(s.Failed, fmt.Errorf("%s: %w", name, err))
			return nil
		}
		f.add(name, p, info, false)
		return nil
	})
	if found == 0 {
		s.Failed = append(s.Failed, fmt.Errorf("%s: there are no files in the folder: give one that holds logs", given))
	}
}

// insideFolder says that a link leads to something in root.
func insideFolder(root, link string) bool {
	target, err := filepath.EvalSymlinks(link)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(root, target)
	return err == nil && filepath.IsLocal(rel)
}

func (f *finder) embedded(given string, fsys fs.FS) {
	_ = fs.WalkDir(fsys, ".", func(p string, entry fs.DirEntry, err error) error {
		if err != nil {
			f.r.summary.Failed = append(f.r.summary.Failed, fmt.Errorf("%s%s: %w", given, p, err))
			return nil
		}
		if entry.IsDir() {
			return nil
		}
		var size int64
		if info, err := entry.Info(); err == nil {
			size = info.Size()
		}
		f.r.files = append(f.r.files, file{name: given + p, size: size, open: func() (io.ReadCloser, error) {
			return fsys.Open(p)
		}})
		return nil
	})
}

// under joins the name of an input and a path in it.
func under(given, rel string) string {
	if rel == "." {
		return given
	}
	if strings.HasSuffix(given, "/") || strings.HasSuffix(given, string(filepath.Separator)) {
		return given + rel
	}
	return given + "/" + rel
}

// ignored says that a file or folder is what systems and the Mordor collection
// put beside data.
func ignored(base string) bool {
	return base == "__MACOSX" || base == ".DS_Store" || base == "_metadata" || strings.HasPrefix(base, "._")
}

// ignoredMember says the same of a path in an archive.
func ignoredMember(name string) bool {
	for base := range strings.SplitSeq(name, "/") {
		if ignored(base) {
			return true
		}
	}
	return false
}

// climbs tells whether a member's path leads out of the folder that the archive
// is unpacked to.
func climbs(raw string) bool {
	depth := 0
	for part := range strings.FieldsFuncSeq(raw, func(r rune) bool { return r == '/' || r == '\\' }) {
		switch part {
		case ".":
		case "..":
			depth--
		default:
			depth++
		}
		if depth < 0 {
			return true
		}
	}
	return false
}

// memberName is a path in an archive as it is shown: local, with slashes and
// without characters that disturb a terminal. changed says that the archive's
// own name would lead out of a folder or has such characters.
func memberName(raw string) (name string, changed bool) {
	name = strings.ReplaceAll(raw, `\`, "/")
	if len(name) > 1 && name[1] == ':' {
		name = name[2:]
	}
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	changed = !filepath.IsLocal(filepath.FromSlash(strings.ReplaceAll(raw, `\`, "/"))) || strings.Contains(raw, ":")
	shown := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\ufffd' || 0x202a <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069 {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	return shown, changed || shown != name
}
