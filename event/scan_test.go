package event

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestLongTexts holds the scanner's reading of many bytes at once against
// encoding/json.
func TestLongTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-c]{0,90}([\\"\x1fäa]{0,2}[a-c]{0,90}){0,3}`).Draw(t, "text")
		raw := append(append([]byte(`{"a":"`), text...), `"}`...)
		var want map[string]string
		wrong := json.Unmarshal(raw, &want) != nil
		b := NewBuilder(Options{})
		if err := b.AppendJSON(raw, Record{}); (err != nil) != wrong {
			t.Fatalf("%q: %v, encoding/json says %v", raw, err, wrong)
		}
		if got := b.Batch().Column("a"); want["a"] != "" && want["a"] != got.Values[1].Text {
			t.Fatalf("%q: %q", raw, got.Values[1].Text)
		}
	})
}

// TestPassSpecial passes texts of all lengths around the bytes that are passed at once,
// with something special at each place.
func TestPassSpecial(t *testing.T) {
	for _, special := range []string{`"`, `\`, `\\`, `\"`, `\n\t`, `\u00e9`, `\u00e`, `\x`, "\x1f", "ä", `\\\\"`} {
		for length := range 70 {
			for at := range length + 1 {
				data := []byte(strings.Repeat("a", at) + special + strings.Repeat("a", length-at))
				end, _ := passText(data, 0)
				if want, _ := passByte(data, 0, 0); end != want {
					t.Errorf("%q at %d of %d: passed %d, byte for byte %d", special, at, length, end, want)
				}
			}
		}
	}
}

// TestPassText holds the passing of many bytes at once against one byte after the other.
func TestPassText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := []byte(rapid.StringMatching(`(a{0,35}(\\\\|\\["/bfnrt]|\\u00[eE]9|\\u0|\\x|"|\\|ä|\x1f|\x00){0,9}){0,9}`).Draw(t, "data"))
		i := rapid.IntRange(0, len(data)).Draw(t, "from")
		end, flags := passText(data, i)
		wantEnd, wantFlags := passByte(data, i, 0)
		// At a backslash that begins no escape the event ends; flags no longer count.
		wrong := end < len(data) && data[end] == '\\'
		if end != wantEnd || flags != wantFlags && !wrong {
			t.Fatalf("%q: passed %d with %b, byte for byte %d with %b", data[i:], end-i, flags, wantEnd-i, wantFlags)
		}
	})
}

func TestAppendCompact(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{}`, `{}`},
		{"{ \"a b\" :\t[ 1 , \"c\\\" d\" ,\r\n true ] }", `{"a b":[1,"c\" d",true]}`},
		{"{\"a\":\"a text of more than thirty-two bytes, \\t with a space\" }", `{"a":"a text of more than thirty-two bytes, \t with a space"}`},
	} {
		if got := string(AppendCompact([]byte("x"), []byte(c.in))); got != "x"+c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

// TestSpaceBetweenFields reads the same fields in several layouts, each twice,
// since the second event's names are expected.
func TestSpaceBetweenFields(t *testing.T) {
	for _, raw := range []string{
		`{"a":"1","b":2,"c":"x\\y","d":"z"}`,
		`{"a": "1", "b": 2, "c": "x\\y", "d": "z"}`,
		"{\n  \"a\": \"1\",\n  \"b\": 2,\n  \"c\": \"x\\\\y\",\n  \"d\": \"z\"\n}",
		`{ "a" : "1" , "b" : 2 , "c" : "x\\y" , "d" : "z" }`,
		"{\"a\":\"1\",\t\"b\":2,  \"c\":\"x\\\\y\",\r\n\"d\":\"z\"}",
	} {
		b := batchOf(t, Options{}, []byte(raw), []byte(raw), []byte(`{"b":2}`), []byte(raw))
		for _, row := range []int{0, 1, 3} {
			want := []Pair{{"a", "1"}, {"b", "2"}, {"c", `x\y`}, {"d", "z"}}
			if got := b.Row(row); !slices.Equal(got, want) {
				t.Errorf("%s: %q", raw, got)
			}
		}
	}
}
