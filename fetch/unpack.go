package fetch

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Limits bound what an archive may expand to. A zero field has its default: 200,000
// files, 64 GiB, and a thousand times the archive's size once 64 MiB are unpacked.
type Limits struct {
	Files int
	Bytes int64
	Ratio int64
}

const ratioAfter = 64 << 20

// Unpack writes what is in a .zip, .tar.gz or .tar into a folder that is there, and
// nowhere else: a name that leads out of it is an error, and links are left out. It
// returns the number of files.
func Unpack(archive, dir string, l Limits) (files int, err error) {
	file, err := os.Open(archive)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, err
	}
	defer func() { _ = root.Close() }()
	u := &unpacking{root: root, limits: l, packed: max(info.Size(), 1)}
	if u.limits.Files == 0 {
		u.limits.Files = 200_000
	}
	if u.limits.Bytes == 0 {
		u.limits.Bytes = 64 << 30
	}
	if u.limits.Ratio == 0 {
		u.limits.Ratio = 1000
	}
	head := make([]byte, 4)
	if _, err := io.ReadFull(file, head); err != nil {
		return 0, fmt.Errorf("%s: it is no archive", archive)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK")):
		err = u.zip(file, info.Size())
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		packed, openErr := gzip.NewReader(file)
		if openErr != nil {
			err = openErr
			break
		}
		packed.Multistream(false) // what follows the archive does no harm
		err = u.tar(packed)
	default:
		err = u.tar(file)
	}
	if err != nil {
		return u.files, fmt.Errorf("%s: %w", archive, err)
	}
	return u.files, nil
}

type unpacking struct {
	root   *os.Root
	limits Limits
	packed int64
	files  int
	bytes  int64
}

func (u *unpacking) zip(file io.ReaderAt, size int64) error {
	r, err := zip.NewReader(file, size)
	if err != nil {
		return err
	}
	for _, f := range r.File {
		if !f.Mode().IsRegular() {
			continue
		}
		in, err := f.Open()
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		err = u.file(strings.ReplaceAll(f.Name, `\`, "/"), in)
		if err = errors.Join(err, in.Close()); err != nil {
			return err
		}
	}
	return nil
}

func (u *unpacking) tar(in io.Reader) error {
	r := tar.NewReader(in)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := u.file(h.Name, r); err != nil {
			return err
		}
	}
}

// file writes one file.
func (u *unpacking) file(name string, in io.Reader) error {
	clean := path.Clean(name)
	if !fs.ValidPath(clean) || clean == "." || strings.ContainsRune(clean, ':') {
		return fmt.Errorf("the name %q leads out of the folder; the archive is not to be trusted", name)
	}
	if u.files++; u.files > u.limits.Files {
		return fmt.Errorf("more than %d files are in it", u.limits.Files)
	}
	if err := u.root.MkdirAll(path.Dir(clean), 0o755); err != nil {
		return err
	}
	out, err := u.root.OpenFile(clean, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	most := min(u.limits.Bytes, max(ratioAfter, u.limits.Ratio*u.packed)) - u.bytes
	n, err := io.Copy(out, io.LimitReader(in, most+1))
	u.bytes += n
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if n > most {
		return fmt.Errorf("it unpacks to more than %d bytes, which is no archive of events or rules", most)
	}
	return nil
}
