package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

// spread returns n times, every d from a start.
func spread(start string, n int, d time.Duration) []time.Time {
	var times []time.Time
	for i := range n {
		for range 1 + i*i%7 {
			times = append(times, at(start).Add(time.Duration(i)*d))
		}
	}
	return times
}

var goldens = map[string]func() *Chart{
	"timeline-one":    func() *Chart { return Timeline(Bucket([]time.Time{at("2019-05-18T22:43:06Z")}), "findings") },
	"timeline-three":  func() *Chart { return Timeline(Bucket(spread("2019-05-18T22:43:06Z", 3, 2*time.Second)), "findings") },
	"timeline-hour":   func() *Chart { return Timeline(Bucket(spread("2019-05-18T22:43:06Z", 50, 80*time.Second)), "findings") },
	"timeline-nights": func() *Chart { return Timeline(Bucket(spread("2019-05-16T03:43:06Z", 90, time.Hour)), "findings") },
	"timeline-years":  func() *Chart { return Timeline(Bucket(spread("1999-05-16T03:43:06Z", 3000, 80*time.Hour)), "findings") },
	"timeline-many": func() *Chart {
		h := Bucket(spread("2020-01-01T00:00:00Z", 40, 6*time.Hour))
		h.Counts[3] = 1234567
		return Timeline(h, "findings")
	},
	"top": func() *Chart {
		return Top([]Group{
			{"Computer", []Bar{{"WKS-ACME-0001.corp.example", 1234}, {"журнал-сервер", 200}, {"日本語のホスト", 7}}},
			{"CommandLine", []Bar{
				{`powershell.exe -NoP -NonI -W Hidden -Enc ` + strings.Repeat("SQBFAFgA", 100), 900},
				{`cmd /c "echo <script>alert('x')</script> & dir"`, 3},
				{"reversed \u202etxt.exe and \x1b[31m red\x00", 1},
				{"", 1},
			}},
		})
	},
}

func TestGolden(t *testing.T) {
	for name, make := range goldens {
		t.Run(name, func(t *testing.T) {
			c := make()
			picture, err := c.PNG()
			if err != nil {
				t.Fatal(err)
			}
			again, _ := make().PNG()
			if !bytes.Equal(picture, again) {
				t.Error("two runs give two pictures")
			}
			svg := filepath.Join("testdata", name+".svg")
			pic := filepath.Join("testdata", name+".png")
			if *update {
				if err := os.MkdirAll("testdata", 0o755); err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(os.WriteFile(svg, []byte(c.SVG()), 0o644), os.WriteFile(pic, picture, 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(svg)
			if err != nil {
				t.Fatal(err)
			}
			if c.SVG() != string(want) {
				t.Errorf("%s differs (go test ./chart -update writes it anew, then look at it)", svg)
			}
			// Pixels, not bytes: another release of Go may compress better.
			if !samePixels(t, pic, picture) {
				t.Errorf("%s differs (go test ./chart -update writes it anew, then look at it)", pic)
			}
			if len(picture) > 24<<10 {
				t.Errorf("the picture has %d bytes", len(picture))
			}
		})
	}
}

func samePixels(t *testing.T, path string, data []byte) bool {
	t.Helper()
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	decode := func(b []byte) *image.Paletted {
		img, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		p, ok := img.(*image.Paletted)
		if !ok || len(p.Palette) != 16 {
			t.Fatalf("the picture is a %T", img)
		}
		return p
	}
	a, b := decode(old), decode(data)
	return a.Rect == b.Rect && bytes.Equal(a.Pix, b.Pix)
}

func TestBucketStepsAreRound(t *testing.T) {
	cases := []struct {
		first, last string
		step, start string
		buckets     int
	}{
		{"2019-05-18T22:43:06Z", "2019-05-18T22:43:06Z", "1 s", "2019-05-18T22:42:52Z", 30},
		{"2019-05-18T22:43:06Z", "2019-05-18T22:44:05Z", "1 s", "2019-05-18T22:43:06Z", 60},
		{"2019-05-18T22:43:06Z", "2019-05-18T22:44:06Z", "2 s", "2019-05-18T22:43:06Z", 31},
		{"2019-05-18T22:43:06Z", "2019-05-18T23:43:06Z", "2 min", "2019-05-18T22:42:00Z", 31},
		{"2019-05-18T00:00:00Z", "2019-05-19T00:00:00Z", "30 min", "2019-05-18T00:00:00Z", 49},
		{"2019-05-18T22:43:06Z", "2019-06-18T22:43:06Z", "1 day", "2019-05-18T00:00:00Z", 32},
		{"2019-05-18T22:43:06Z", "2020-05-18T22:43:06Z", "7 days", "2019-05-13T00:00:00Z", 54},
		{"1969-12-31T23:59:00Z", "1970-01-01T00:01:00Z", "5 s", "1969-12-31T23:59:00Z", 25},
		{"0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "93184 days", "", 40},
	}
	for _, c := range cases {
		h := Bucket([]time.Time{at(c.last), at(c.first)})
		if h.StepText() != c.step || c.start != "" && !h.Start.Equal(at(c.start)) || len(h.Counts) != c.buckets {
			t.Errorf("%s to %s: %d buckets of %s from %s", c.first, c.last, len(h.Counts), h.StepText(), h.Start.Format(time.RFC3339))
		}
	}
	if h := Bucket(nil); h.Counts != nil {
		t.Errorf("no times: %v", h)
	}
}

// Every time is counted, in the bucket that holds it, and there are few buckets.
func TestBucketCountsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		span := rapid.SampledFrom([]int64{1, 60, 3600, 86400, 1e7, 1e9, 1e11}).Draw(t, "span")
		seconds := rapid.SliceOfN(rapid.Int64Range(-span, span), 1, 50).Draw(t, "seconds")
		var times []time.Time
		for _, s := range seconds {
			times = append(times, time.Unix(s, 0))
		}
		h := Bucket(times)
		if len(h.Counts) > maxBuckets {
			t.Fatalf("%d buckets", len(h.Counts))
		}
		want := make([]int, len(h.Counts))
		for _, s := range times {
			for i := range want {
				from := h.Start.Unix() + int64(i)*int64(h.Step/time.Second)
				if s.Unix() >= from && s.Unix() < from+int64(h.Step/time.Second) {
					want[i]++
				}
			}
		}
		total := 0
		for i, n := range h.Counts {
			total += n
			if n != want[i] {
				t.Fatalf("bucket %d holds %d, want %d", i, n, want[i])
			}
		}
		if total != len(times) {
			t.Fatalf("%d of %d times counted", total, len(times))
		}
		Timeline(h, "x")
	})
}

// Whatever a label says, the SVG has no element but ours and the text is there.
func TestSVGHoldsAnyLabel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		label := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.RuneFrom([]rune("<>&\"'/\x00\x1b\u202e a]]>")))).Draw(t, "label")
		c := Top([]Group{{label, []Bar{{label, 1}}}})
		c.Alt = label
		d := xml.NewDecoder(strings.NewReader(c.SVG()))
		var texts []string
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%q: %v", label, err)
			}
			switch token := token.(type) {
			case xml.StartElement:
				switch token.Name.Local {
				case "svg", "rect", "g", "text":
				default:
					t.Fatalf("%q makes an element %s", label, token.Name.Local)
				}
			case xml.CharData:
				if s := string(token); s != "\n" {
					texts = append(texts, s)
				}
			}
		}
		if want := cut(label, topWidth-24); want != "" && want != "\n" && (len(texts) == 0 || texts[0] != want) {
			t.Fatalf("%q is shown as %q", label, texts)
		}
		if _, err := c.PNG(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestCut(t *testing.T) {
	cases := []struct {
		text  string
		width int
		want  string
	}{
		{"short", 100, "short"},
		{"a rather long label", 60, "a rathe…"},
		{"x", 0, "…"},
		{"", 0, ""},
		{"tab\tand\nline", 200, "tab and line"},
		{"\xff\u202e", 200, "\uFFFD\uFFFD"},
	}
	for _, c := range cases {
		if got := cut(c.text, c.width); got != c.want {
			t.Errorf("cut(%q, %d) = %q, want %q", c.text, c.width, got, c.want)
		}
	}
	if got := cut(strings.Repeat("i", 1000), 100000); got != strings.Repeat("i", 199)+"…" && len([]rune(got)) != maxLabel {
		t.Errorf("a very long label is cut to %d characters", len([]rune(got)))
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %s", n, got)
		}
	}
}

func BenchmarkTimelinePNG(b *testing.B) {
	h := Bucket(spread("2019-05-16T03:43:06Z", 90, time.Hour))
	for b.Loop() {
		if _, err := Timeline(h, "findings").PNG(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTopPNG(b *testing.B) {
	for b.Loop() {
		if _, err := goldens["top"]().PNG(); err != nil {
			b.Fatal(err)
		}
	}
}
