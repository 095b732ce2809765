package ingest

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// budget is what may still be unpacked of one file of the inputs.
type budget struct {
	Limits
	packed   func() int64 // bytes of the file
	unpacked int64        // in sum over all layers and members
}

// errBomb says that an archive expands too much.
var errBomb = errors.New("expands out of all proportion, as archive bombs do: if you trust it, unpack it and give what was in it")

// limited reads unpacked bytes of one member within the budget.
type limited struct {
	in     io.Reader
	budget *budget
	n      int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.in.Read(p)
	l.n += int64(n)
	b := l.budget
	b.unpacked += int64(n)
	if l.n > b.MemberBytes || b.unpacked > b.RatioAfter && b.unpacked/b.Ratio > b.packed() {
		return n, errBomb
	}
	return n, err
}

// unpack reads what is packed as one stream, without names: .gz and .zst.
func (r *Reader) unpack(feed *feed, m member, in *bufio.Reader, open func(*bufio.Reader) (io.ReadCloser, error)) {
	if m.layers++; m.layers > maxLayers {
		r.fail(m.name, fmt.Errorf("packed more than %d times over: unpack it first", maxLayers))
		return
	}
	plain, err := open(in)
	if err != nil {
		r.fail(m.name, unpackError(err))
		return
	}
	defer plain.Close()
	r.stream(feed, m, &limited{in: plain, budget: m.budget}, nil, 0)
}

// gzipReader reads all the gzip streams of a file, one behind the other, and
// takes no offence at what else follows: the tools that pad or append are many.
type gzipReader struct {
	in *bufio.Reader
	*gzip.Reader
}

func newGzip(in *bufio.Reader) (io.ReadCloser, error) {
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return &gzipReader{in, z}, nil
}

func (g *gzipReader) Read(p []byte) (int, error) {
	for {
		n, err := g.Reader.Read(p)
		if n > 0 || !errors.Is(err, io.EOF) {
			return n, err
		}
		if next, _ := g.in.Peek(2); string(next) != "\x1f\x8b" {
			return 0, io.EOF
		}
		if err := g.Reset(g.in); err != nil {
			return 0, err
		}
		g.Multistream(false)
	}
}

func newZstd(in *bufio.Reader) (io.ReadCloser, error) {
	const largestWindow = 128 << 20 // what the zstd program takes without being told
	z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(largestWindow))
	if err != nil {
		return nil, err
	}
	return z.IOReadCloser(), nil
}

// inArchive is the member of that name in m; false when it is to be left out.
func (r *Reader) inArchive(m member, raw string) (member, bool) {
	name, changed := memberName(raw)
	if name == "" || ignoredMember(name) {
		return member{}, false
	}
	if climbs(raw) {
		r.fail(m.name, fmt.Errorf("the archive holds a member named %q, which would lie outside of the folder it is unpacked to: it is not read; look at where the archive comes from", raw))
		return member{}, false
	}
	if changed {
		r.note(func(s *Summary) {
			s.Notes = append(s.Notes, Place{Name: m.name + "!" + name,
				Reason: fmt.Sprintf("the archive calls it %q; nothing is written there", raw)})
		})
	}
	m.name += "!" + name
	m.named = false
	m.layers = 0
	return m, true
}

func (r *Reader) enterArchive(m *member) bool {
	if m.archives++; m.archives > maxArchives {
		r.fail(m.name, fmt.Errorf("lies in more than %d archives, one in the other: unpack them first", maxArchives))
		return false
	}
	return true
}

func (r *Reader) tar(feed *feed, m member, in io.Reader) {
	if !r.enterArchive(&m) {
		return
	}
	archive := tar.NewReader(in)
	for r.ctx.Err() == nil {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			r.fail(m.name, unpackError(err))
			return
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if inner, ok := r.inArchive(m, header.Name); ok {
			r.stream(feed, inner, archive, nil, 0)
		}
	}
}

// zip reads a zip archive, whose table of contents is at its end: without at
// the archive is copied to disk first.
func (r *Reader) zip(feed *feed, m member, in io.Reader, at io.ReaderAt, size int64) {
	if !r.enterArchive(&m) {
		return
	}
	if at == nil {
		spool, n, err := r.spool(in)
		if err != nil {
			r.fail(m.name, unpackError(err))
			return
		}
		defer func() { _ = spool.Close() }()
		at, size = spool, n
	}
	archive, err := zip.NewReader(at, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		r.fail(m.name, unpackError(err))
		return
	}
	archive.RegisterDecompressor(zip.Deflate, flate.NewReader)
	archive.RegisterDecompressor(zstd.ZipMethodWinZip, zstd.ZipDecompressor(zstd.WithDecoderConcurrency(1)))
	for _, f := range archive.File {
		if r.ctx.Err() != nil {
			return
		}
		inner, ok := r.inArchive(m, f.Name)
		if !ok || !f.Mode().IsRegular() || strings.HasSuffix(f.Name, "/") {
			continue
		}
		r.zipMember(feed, inner, f)
	}
}

func (r *Reader) zipMember(feed *feed, m member, f *zip.File) {
	const encrypted = 1
	if f.Flags&encrypted != 0 {
		r.fail(m.name, errors.New("is encrypted: unpack the archive with its password first and give the folder"))
		return
	}
	in, err := f.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		err = fmt.Errorf("packed in a way that can't be read (zip method %d): unpack the archive first", f.Method)
	}
	if err != nil {
		r.fail(m.name, unpackError(err))
		return
	}
	defer in.Close()
	r.stream(feed, m, &limited{in: in, budget: m.budget}, nil, 0)
}

// spool copies a stream to a temporary file.
func (r *Reader) spool(in io.Reader) (*spoolFile, int64, error) {
	f, err := os.CreateTemp("", "huntbook-*.zip")
	if err != nil {
		return nil, 0, err
	}
	spool := &spoolFile{f}
	n, err := io.Copy(f, io.LimitReader(in, r.options.Limits.SpoolBytes+1))
	if err == nil && n > r.options.Limits.SpoolBytes {
		err = fmt.Errorf("a zip archive that is not a file of its own may have %s: unpack what is around it first",
			size(r.options.Limits.SpoolBytes))
	}
	if err != nil {
		return nil, 0, errors.Join(err, spool.Close())
	}
	return spool, n, nil
}

// spoolFile is a temporary file that goes away when it is closed.
type spoolFile struct{ *os.File }

func (s *spoolFile) Close() error {
	return errors.Join(s.File.Close(), os.Remove(s.Name()))
}

// unpackError says in the user's words why a stream can't be read on.
func unpackError(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("it is cut off; what came before the cut was read: get it once more: %w", err)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, tar.ErrHeader),
		errors.Is(err, zip.ErrFormat), errors.Is(err, zip.ErrChecksum), errors.Is(err, zstd.ErrMagicMismatch),
		errors.As(err, new(flate.CorruptInputError)):
		return fmt.Errorf("the archive is damaged or cut off: get it once more: %w", err)
	}
	return err
}

// size writes a number of bytes for people.
func size(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB"}
	i := 0
	for i+1 < len(units) && n >= 1024 && n%1024 == 0 {
		n /= 1024
		i++
	}
	return fmt.Sprintf("%d %s", n, units[i])
}
