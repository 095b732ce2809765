package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"html"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not as it was; look at the difference with -update and git diff", path)
	}
}

func render(t testing.TB, h *Hunt) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteHTML(&b, h); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// body is a page without the style and the script, which have files of their own.
func body(page string) string {
	_, after, _ := strings.Cut(page, "</script>\n")
	return after
}

func TestPageGolden(t *testing.T) {
	golden(t, "small.html", []byte(body(render(t, smallHunt()))))

	empty := &Hunt{
		Version: "0.1.0", Events: 12, First: start, Last: start.Add(time.Minute), Tactics: matrix,
		Sources: []Source{{Name: "a.json", Events: 12}},
		Rules:   []Rule{{Title: "One", Path: "one.yml", Level: "high", State: Quiet, Tactics: []string{"execution"}}},
	}
	golden(t, "nothing-fired.html", []byte(body(render(t, empty))))
}

func TestSameHuntSameBytes(t *testing.T) {
	first := render(t, bigHunt(300, 60))
	for range 3 {
		if render(t, bigHunt(300, 60)) != first {
			t.Fatal("two pages of the same hunt differ")
		}
	}
}

func TestPageOfEveryEmptiness(t *testing.T) {
	for name, c := range map[string]struct {
		hunt *Hunt
		want string
	}{
		"nothing at all":  {&Hunt{}, "There was no rule to run"},
		"nothing fired":   {&Hunt{Events: 5, Rules: []Rule{{State: Quiet}}}, "1 rule looked at 5 events; no event matches"},
		"nothing was run": {&Hunt{Rules: []Rule{{State: Skipped}, {State: Failed}}}, "All 2 rules were left out or could not be used"},
		"everything":      {smallHunt(), "2 of 3 rules fired"},
	} {
		if page := render(t, c.hunt); !strings.Contains(page, c.want) {
			t.Errorf("%s: the page does not say %q", name, c.want)
		}
	}
}

func TestPageIsSmallEnough(t *testing.T) {
	if n := len(render(t, bigHunt(3300, 400))); n > 3<<20 {
		t.Errorf("3,300 rules make a page of %d bytes, more than 3 MiB", n)
	}
}

// The policy lets run what the page holds between its tags, byte for byte.
func TestPolicyFitsThePage(t *testing.T) {
	page := html.UnescapeString(render(t, smallHunt()))
	for _, tag := range []string{"style", "script"} {
		_, rest, _ := strings.Cut(page, "<"+tag+">")
		text, _, ok := strings.Cut(rest, "</"+tag+">")
		sum := sha256.Sum256([]byte(text))
		want := tag + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		if !ok || !strings.Contains(page, want) {
			t.Errorf("the policy does not name the %s: %s", tag, want)
		}
	}
	for _, no := range []string{"unsafe", " style=", " onclick=", " src=", "@import", "url("} {
		if strings.Contains(page, no) {
			t.Errorf("the page holds %q", no)
		}
	}
}

var hostile = []string{
	`<script>alert(1)</script>`, `</script><script>alert(1)</script>`, `</style><img src=x onerror=alert(1)>`,
	`"><svg onload=alert(1)>`, `' onmouseover='alert(1)`, `{{.Style}}`, `{{template "x"}}`, `javascript:alert(1)`,
	`<!--`, `]]>`, "`${alert(1)}`", `&lt;b&gt;`, "a\x00b", "exe\u202egpj.", "\xff\xfe", strings.Repeat("<b>", 100000), "```\n</pre>",
}

// hostileHunt puts a text wherever a rule, a log or a user may put one.
func hostileHunt(s string) *Hunt {
	tech := []Technique{{ID: s, Name: s, Tactics: []string{s}}}
	h := &Hunt{
		Version: s, Events: 2, First: start, Last: start.Add(time.Hour), Findings: 1, Broken: 1,
		Inputs:   Inputs{Rules: []string{s}, Data: []string{s}, Since: s, Select: Selection{Include: []string{s}}},
		Sources:  []Source{{Name: s, Shape: s, Events: 1, Broken: 1}},
		Problems: []Problem{{Where: s, What: s}},
		Tactics:  []Tactic{{Short: s, Name: s}},
	}
	for _, state := range []State{Fired, Quiet, Skipped, Failed, State(s)} {
		h.Rules = append(h.Rules, Rule{
			ID: s, Title: s, Path: s, Level: s, State: state, Count: 1, Notebook: s, Reason: s, Status: s,
			Tactics: []string{s}, Techniques: tech, Tags: []string{s},
			Activity: Activity{First: start, Last: start, Hosts: []HostCount{{s, 1}, {"2" + s, 1}}, Buckets: []int{1}},
		})
	}
	return h
}

var tags = regexp.MustCompile(`<[a-zA-Z/!][^\s>]*`)

// A hostile text changes no markup: the page has the tags of one with plain text.
func TestNoTextBecomesMarkup(t *testing.T) {
	plain := strings.Join(tags.FindAllString(render(t, hostileHunt("plain")), -1), "")
	for _, s := range hostile {
		page := render(t, hostileHunt(s))
		want := plain
		if href(s) == "" { // such a notebook is named without a link
			want = strings.ReplaceAll(plain, "<bdi<a</a</bdi", "<bdi</bdi")
		}
		if got := strings.Join(tags.FindAllString(page, -1), ""); got != want {
			t.Errorf("%.40q changes the page's tags", s)
		}
		if strings.ContainsRune(page, 0) || strings.ContainsRune(page, '\u202e') {
			t.Errorf("%.40q: characters that hide others are in the page", s)
		}
		if len(page) > 1<<20 {
			t.Errorf("%.40q makes a page of %d bytes", s, len(page))
		}
	}
}

func TestLinksStayInTheFolder(t *testing.T) {
	for _, c := range []struct{ path, want string }{
		{"windows/a.ipynb", "./windows/a.ipynb"},
		{"a b/50%#1?.ipynb", "./a%20b/50%25%231%3F.ipynb"},
		{"javascript:alert(1)", "./javascript:alert%281%29"},
		{`"onclick=".ipynb`, "./%22onclick=%22.ipynb"},
		{`c:\x\..\y`, "./c:%5Cx%5C..%5Cy"},
		{"ünï.ipynb", "./%C3%BCn%C3%AF.ipynb"},
		{"a/../b.ipynb", "./b.ipynb"},
		{"../b.ipynb", ""},
		{"a/../../b.ipynb", ""},
		{"..", ""},
		{"/etc/passwd", ""},
		{"//host/share", ""},
		{"a\x00b", ""},
		{"", ""},
	} {
		if got := href(c.path); got != c.want {
			t.Errorf("href(%q) = %q, want %q", c.path, got, c.want)
		}
	}
}

// Text and its ground differ by the ratio of WCAG's level AA in both themes.
func TestContrast(t *testing.T) {
	pairs := [][2]string{{"link", "bg"}, {"fg", "bg"}, {"fg", "raised"}, {"fg", "hover"}, {"link", "hover"}, {"muted", "bg"}, {"muted", "raised"}, {"muted", "hover"}}
	for _, level := range levels {
		pairs = append(pairs, [2]string{"onlevel", level})
	}
	for i := 1; i <= 5; i++ {
		text := "heatlow"
		if i > 3 {
			text = "heathigh"
		}
		pairs = append(pairs, [2]string{text, "h" + strconv.Itoa(i)})
	}
	for theme, css := range map[string]string{"light": pageCSS[:strings.Index(pageCSS, "}")], "dark": darkCSS} {
		colour := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z0-9]+): #([0-9a-f]{6});`).FindAllStringSubmatch(css, -1) {
			colour[m[1]] = luminance(m[2])
		}
		for _, p := range pairs {
			a, okA := colour[p[0]]
			b, okB := colour[p[1]]
			if ratio := (max(a, b) + .05) / (min(a, b) + .05); !okA || !okB || ratio < 4.5 {
				t.Errorf("%s: %s on %s has a contrast of %.2f, want 4.5", theme, p[0], p[1], ratio)
			}
		}
	}
}

func luminance(hex string) float64 {
	sum := 0.0
	for i, weight := range []float64{.2126, .7152, .0722} {
		n, _ := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		c := float64(n) / 255
		if c <= .04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func TestNumber(t *testing.T) {
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 423104: "423,104", 1234567: "1,234,567", -1000: "-1,000"} {
		if got := number(n); got != want {
			t.Errorf("number(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestShortHost(t *testing.T) {
	for name, want := range map[string]string{"WS01.corp.example": "WS01", "WS01": "WS01", "10.0.0.5": "10.0.0.5", "": "", "::1": "::1"} {
		if got := shortHost(name); got != want {
			t.Errorf("shortHost(%q) = %q, want %q", name, got, want)
		}
	}
}
