package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// number writes 423104 as 423,104.
func number(n int) string {
	s := strconv.Itoa(n)
	start := len(s) % 3
	if n < 0 {
		return "-" + number(-n)
	}
	var parts []string
	if start > 0 {
		parts = append(parts, s[:start])
	}
	for i := start; i < len(s); i += 3 {
		parts = append(parts, s[i:i+3])
	}
	return strings.Join(parts, ",")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(n) + " " + noun + "s"
}

// clock and stamp write a time for people and for machines, in UTC.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// duration names a length of time by its two largest units.
func duration(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return plural(int(d.Hours())/24, "day")
}

// axis labels the time from first to last at five places.
func axis(first, last time.Time) []string {
	span := last.Sub(first)
	layout := "2006-01-02"
	switch {
	case span < 10*time.Minute:
		layout = "15:04:05"
	case span < 48*time.Hour:
		layout = "15:04"
	case span < 10*24*time.Hour:
		layout = "01-02 15:04"
	}
	labels := make([]string, 5)
	for i := range labels {
		labels[i] = first.Add(time.Duration(float64(span) * float64(i) / 4)).UTC().Format(layout)
	}
	return labels
}

// shortHost is a host's name without its domain; addresses stay whole.
func shortHost(name string) string {
	short, _, _ := strings.Cut(name, ".")
	if strings.Trim(short, "0123456789") == "" {
		return name
	}
	return short
}

// spark is the path of a small picture, 60 wide and 14 high, of counts.
func spark(counts []int) string {
	peak := 0
	for _, n := range counts {
		peak = max(peak, n)
	}
	var b strings.Builder
	for i, n := range counts {
		if n == 0 {
			continue
		}
		height := max(2, int(math.Round(14*math.Sqrt(float64(n)/float64(peak)))))
		fmt.Fprintf(&b, "M%d 14v-%dh1v%dz", i, height, height)
	}
	return b.String()
}

// coord writes a coordinate of a picture: two digits are finer than a pixel.
func coord(x float64) string {
	return strconv.FormatFloat(math.Round(x*100)/100, 'f', -1, 64)
}
