package report

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/internal/browser"
)

func onDisk(t *testing.T, h *Hunt) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "index.html")
	if err := os.WriteFile(path, []byte(render(t, h)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var rowTag = regexp.MustCompile(`<tr data-state[^>]*>[\s\S]*?</tr>`)
var titleCell = regexp.MustCompile(`<th scope="row"><bdi>(?:<a [^>]*>)?([^<]*)`)

// shownRules are the titles of the rows that the filter leaves, in order.
func shownRules(t *testing.T, page string) []string {
	t.Helper()
	titles := []string{}
	for _, row := range rowTag.FindAllString(page, -1) {
		tag, _, _ := strings.Cut(row, ">")
		if !strings.Contains(tag, " hidden") {
			titles = append(titles, titleCell.FindStringSubmatch(row)[1])
		}
	}
	return titles
}

func TestFilterInTheAddress(t *testing.T) {
	t.Parallel()
	b := browser.New(t)
	path := onDisk(t, smallHunt())
	lsass, encoded := "LSASS Opened for Reading", "Encoded PowerShell"
	for _, c := range []struct {
		fragment string
		want     []string
	}{
		{"", []string{lsass, encoded, "Broken Rule", "Old Rule", "Remote Logon"}},
		{"level=critical,medium&state=fired", []string{lsass, encoded}},
		{"q=POWERSHELL%20car.2014&tactic=execution", []string{encoded}},
		{"q=ws01", []string{lsass, encoded}},
		{"technique=T1003", []string{lsass}},
		{"host=DC01", []string{lsass}},
		{"state=fired&sort=count&dir=desc", []string{encoded, lsass}},
		{"quiet", []string{lsass, encoded, "Broken Rule", "Old Rule", "Remote Logon"}},
		{"q=%E0%A4%A&level=%3Cscript%3E", []string{}},
	} {
		page, err := b.DOM(browser.FileURL(path, c.fragment))
		if err != nil {
			t.Fatal(err)
		}
		if got := shownRules(t, page.HTML); !slices.Equal(got, c.want) {
			t.Errorf("#%s shows %q, want %q", c.fragment, got, c.want)
		}
		if len(page.Console) > 0 {
			t.Errorf("#%s: console: %q", c.fragment, page.Console)
		}
	}
}

func TestHostilePageRunsNothing(t *testing.T) {
	t.Parallel()
	b := browser.New(t)
	for _, s := range []string{strings.Join(hostile[:13], " "), hostile[14]} {
		page, err := b.DOM(browser.FileURL(onDisk(t, hostileHunt(s)), "q=alert&host=x"))
		if err != nil {
			t.Fatal(err)
		}
		// A script or a resource that the policy blocks is told on the console too.
		if len(page.Console) > 0 {
			t.Errorf("%.40q: console: %q", s, page.Console)
		}
	}
}

func TestThemesAndSizes(t *testing.T) {
	t.Parallel()
	b := browser.New(t)
	path := onDisk(t, smallHunt())
	for _, width := range []int{400, 1280} {
		for _, dark := range []bool{false, true} {
			data, err := b.Screenshot(browser.FileURL(path, ""), width, 800, dark)
			if err != nil {
				t.Fatal(err)
			}
			img, err := png.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			colours := map[[3]uint32]int{}
			bounds := img.Bounds()
			for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
				for x := bounds.Min.X; x < bounds.Max.X; x++ {
					r, g, b, _ := img.At(x, y).RGBA()
					colours[[3]uint32{r >> 8, g >> 8, b >> 8}]++
				}
			}
			ground := [3]uint32{0xfb, 0xfb, 0xfa}
			if dark {
				ground = [3]uint32{0x14, 0x16, 0x1a}
			}
			if share := float64(colours[ground]) / float64(bounds.Dx()*bounds.Dy()); share < .3 || len(colours) < 50 {
				t.Errorf("%d wide, dark=%v: %.0f%% is ground, %d colours: blank or the wrong theme", width, dark, 100*share, len(colours))
			}
		}
	}
}
