package evtx

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// sharedFolder is where the corpus lies, if it is here.
func sharedFolder() string {
	if shared := os.Getenv("HUNTBOOK_SHARED"); shared != "" {
		return shared
	}
	return filepath.Join("..", "..", "shared")
}

// logsUnder returns the event logs under a folder of the corpus.
func logsUnder(folder string) []string {
	var files []string
	root := filepath.Join(sharedFolder(), "corpus", filepath.FromSlash(folder))
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".evtx") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return nil
	}
	return files
}

// corpus returns the event logs under a folder of the corpus, or skips the test.
func corpus(t testing.TB, folder string) []string {
	t.Helper()
	files := logsUnder(folder)
	if len(files) == 0 {
		t.Skipf("the corpus is not here: no event logs in %s under %s; HUNTBOOK_SHARED says where it is", folder, sharedFolder())
	}
	return files
}

// readAll decodes a stream to the end.
func readAll(t testing.TB, src io.Reader) ([]Record, Summary) {
	t.Helper()
	r, err := NewReader(src)
	if err != nil {
		t.Fatal(err)
	}
	var records []Record
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return records, r.Summary()
		}
		if err != nil {
			t.Fatal(err)
		}
		rec.JSON = bytes.Clone(rec.JSON)
		records = append(records, rec)
	}
}

func decodeJSON(t testing.TB, from *json.Decoder) (value any, ok bool) {
	t.Helper()
	from.UseNumber()
	if err := from.Decode(&value); errors.Is(err, io.EOF) {
		return nil, false
	} else if err != nil {
		t.Fatal(err)
	}
	return value, true
}

// TestRegressionLogs compares the logs of Sigma's regression data, record by
// record, with the JSON that another reader made of them. That one cuts off the
// white space at the end of a text; we keep it, as Windows and its forwarders do.
func TestRegressionLogs(t *testing.T) {
	for _, path := range corpus(t, "sigma/regression_data") {
		log, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(strings.TrimSuffix(path, ".evtx") + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(path, "ad691d92-15f2-4181-9aa4-723c74f9ddc3") {
			// This JSON was made in another way: the log has "Explorer.EXE", and
			// others have microseconds.
			text = bytes.Replace(text, []byte("Explorer.exe"), []byte("Explorer.EXE"), 1)
			text = bytes.Replace(text, []byte("751156500Z"), []byte("751156Z"), 1)
		}
		records, summary := readAll(t, bytes.NewReader(log))
		if summary.Damages > 0 {
			t.Errorf("%s: %v", path, summary.Damage)
		}
		want := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
		for i, rec := range records {
			expected, ok := decodeJSON(t, want)
			if !ok {
				t.Errorf("%s: %d records, the JSON has %d", path, len(records), i)
				break
			}
			got, _ := decodeJSON(t, json.NewDecoder(bytes.NewReader(rec.JSON)))
			got = trimEnds(got)
			if !reflect.DeepEqual(got, expected) {
				t.Errorf("%s: record %d: %s", filepath.Base(path), i+1, difference("", got, expected))
			}
		}
		if _, more := decodeJSON(t, want); more {
			t.Errorf("%s: more objects in the JSON than the log's %d records", path, len(records))
		}
	}
}

// trimEnds cuts off the white space at the end of all texts.
func trimEnds(value any) any {
	switch v := value.(type) {
	case string:
		return strings.TrimRight(v, " ")
	case map[string]any:
		for key := range v {
			v[key] = trimEnds(v[key])
		}
	}
	return value
}

// difference names the first member in which two JSON values differ.
func difference(at string, got, want any) string {
	g, isObject := got.(map[string]any)
	w, _ := want.(map[string]any)
	if !isObject || w == nil {
		if reflect.DeepEqual(got, want) {
			return ""
		}
		return fmt.Sprintf("%s is %#v, want %#v", at, got, want)
	}
	keys := slices.Concat(slices.Collect(maps.Keys(g)), slices.Collect(maps.Keys(w)))
	slices.Sort(keys)
	for _, key := range keys {
		if d := difference(at+"."+key, g[key], w[key]); d != "" {
			return d
		}
	}
	return ""
}

// TestAttackSamples reads whole logs as Windows wrote them and compares the
// number of records with what the chunks' headers count.
func TestAttackSamples(t *testing.T) {
	total := 0
	for _, path := range corpus(t, "evtx-attack-samples") {
		log, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		counted := 0
		for at := headerBlock; at+chunkHeader <= len(log); at += chunkSize {
			if chunk := log[at:]; bytes.HasPrefix(chunk, chunkMagic) {
				counted += int(binary.LittleEndian.Uint64(chunk[16:])-binary.LittleEndian.Uint64(chunk[8:])) + 1
			}
		}
		records, summary := readAll(t, bytes.NewReader(log))
		if summary.Damages > 0 || len(records) != counted || summary.Records != counted {
			t.Errorf("%s: %d records, the headers count %d; damage: %v", path, len(records), counted, summary.Damage)
		}
		for _, rec := range records {
			var event struct {
				Event struct {
					System struct {
						EventRecordID uint64
						Provider      struct {
							Attributes struct{ Name string } `json:"#attributes"`
						}
					}
				}
			}
			if err := json.Unmarshal(rec.JSON, &event); err != nil {
				t.Errorf("%s: record %d: %v: %s", path, rec.ID, err, rec.JSON)
			} else if system := event.Event.System; system.EventRecordID == 0 || system.Provider.Attributes.Name == "" {
				t.Errorf("%s: record %d: %s", path, rec.ID, rec.JSON)
			}
		}
		total += len(records)
	}
	t.Logf("%d records", total)
}
