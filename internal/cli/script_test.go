package cli

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/huntbook/huntbook/notebook"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"huntbook": func() {
			os.Exit(Main(context.Background(), os.Args[1:], Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
		},
	})
}

// TestScripts runs testdata/script: what a user types, and what comes of it. Each
// script starts in a folder with the files of testdata/common.txtar.
func TestScripts(t *testing.T) {
	common, err := txtar.ParseFile(filepath.Join("testdata", "common.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	shared := os.Getenv("HUNTBOOK_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	if shared, err = filepath.Abs(shared); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("CORPUS", filepath.Join(shared, "corpus"))
			return txtar.Write(common, env.WorkDir)
		},
		Condition: func(cond string) (bool, error) {
			if cond != "corpus" {
				return false, errors.New("unknown condition")
			}
			_, err := os.Stat(filepath.Join(shared, "corpus"))
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "keys": keys, "drop": drop, "pack": pack, "cut": cut, "lock": lock, "bomb": bomb, "note": note,
		},
	})
}

// exits CODE program args...: the program ends with that code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE program args...")
	}
	code := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
	if strings.Contains(ts.ReadFile("stderr"), "goroutine ") {
		ts.Fatalf("a panic")
	}
}

// keys FILE KEY...: every object of the file has exactly these keys, in order.
func keys(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: keys FILE KEY...")
	}
	d := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	n := 0
	for ; ; n++ {
		var object json.RawMessage
		if err := d.Decode(&object); errors.Is(err, io.EOF) {
			break
		} else {
			ts.Check(err)
		}
		if got := keysOf(ts, object); !slices.Equal(got, args[1:]) {
			ts.Fatalf("keys %q, want %q", got, args[1:])
		}
	}
	if n == 0 {
		ts.Fatalf("there is no object in %s", args[0])
	}
}

func keysOf(ts *testscript.TestScript, object []byte) []string {
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil {
		ts.Check(err)
	}
	var names []string
	for d.More() {
		name, err := d.Token()
		ts.Check(err)
		text, _ := name.(string)
		names = append(names, text)
		var value json.RawMessage
		ts.Check(d.Decode(&value))
	}
	return names
}

// drop KEY FILE: takes a key out of the object in a file.
func drop(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: drop KEY FILE")
	}
	var object map[string]json.RawMessage
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &object))
	if _, ok := object[args[0]]; !ok {
		ts.Fatalf("%s has no key %s", args[1], args[0])
	}
	delete(object, args[0])
	data, err := json.Marshal(object)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), append(data, '\n'), 0o644))
}

// pack ARCHIVE [MEMBER=]FILE...: makes a .zip, .tar.gz or .gz.
func pack(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: pack ARCHIVE [MEMBER=]FILE...")
	}
	var b bytes.Buffer
	packed := gzip.NewWriter(&b)
	zipped, tarred := zip.NewWriter(&b), tar.NewWriter(packed)
	for _, arg := range args[1:] {
		member, file, ok := strings.Cut(arg, "=")
		if !ok {
			file = member
		}
		data := []byte(ts.ReadFile(file))
		switch {
		case strings.HasSuffix(args[0], ".zip"):
			w, err := zipped.Create(member)
			ts.Check(err)
			_, err = w.Write(data)
			ts.Check(err)
		case strings.HasSuffix(args[0], ".tar.gz"):
			ts.Check(tarred.WriteHeader(&tar.Header{Name: member, Mode: 0o644, Size: int64(len(data))}))
			_, err := tarred.Write(data)
			ts.Check(err)
		default:
			_, err := packed.Write(data)
			ts.Check(err)
		}
	}
	switch {
	case strings.HasSuffix(args[0], ".zip"):
		ts.Check(zipped.Close())
	case strings.HasSuffix(args[0], ".tar.gz"):
		ts.Check(errors.Join(tarred.Close(), packed.Close()))
	default:
		ts.Check(packed.Close())
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o644))
}

// cut FILE: takes the second half of a file away.
func cut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: cut FILE")
	}
	data := ts.ReadFile(args[0])
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(data[:len(data)/2]), 0o644))
}

// lock ZIP: marks the members of an archive as encrypted.
func lock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: lock ZIP")
	}
	data := []byte(ts.ReadFile(args[0]))
	for _, header := range []struct {
		mark string
		flag int // where the flags stand
	}{{"PK\x03\x04", 6}, {"PK\x01\x02", 8}} {
		for i := range data {
			if bytes.HasPrefix(data[i:], []byte(header.mark)) {
				data[i+header.flag] |= 1
			}
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
}

// bomb GZ: makes a small file that unpacks to 80 MiB.
func bomb(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: bomb GZ")
	}
	var b bytes.Buffer
	packed, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	ts.Check(err)
	_, err = packed.Write([]byte(`{"a":"`))
	ts.Check(err)
	for range 80 {
		_, err := packed.Write(make([]byte, 1<<20))
		ts.Check(err)
	}
	ts.Check(packed.Close())
	twice := gzip.NewWriter(&b)
	once := bytes.Clone(b.Bytes())
	b.Reset()
	_, err = twice.Write(once)
	ts.Check(err)
	ts.Check(twice.Close())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o644))
}

// note NOTEBOOK TAG TEXT: writes into the cell of that tag, as a person does.
func note(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: note NOTEBOOK TAG TEXT")
	}
	nb, err := notebook.Decode([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	i := slices.IndexFunc(nb.Cells, func(c notebook.Cell) bool { return c.HasTag(args[1]) })
	if i < 0 {
		ts.Fatalf("%s has no cell tagged %s", args[0], args[1])
	}
	nb.Cells[i].Source = args[2]
	data, err := notebook.Encode(nb)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
}
