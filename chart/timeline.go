package chart

import (
	"fmt"
	"time"
)

// Histogram counts times in buckets of equal length.
type Histogram struct {
	// Start is where the first bucket starts, in UTC; Step is their length.
	Start  time.Time
	Step   time.Duration
	Counts []int
}

// Lengths of time in seconds: a Duration can't hold long ones.
const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// steps are the lengths that a bucket may have, in seconds; beyond the last it
// is doubled.
var steps = []int64{
	1, 2, 5, 10, 15, 30,
	minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute,
	hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour,
	day, 2 * day, 7 * day, 14 * day, 28 * day, 91 * day, 182 * day, 364 * day,
}

const (
	minBuckets = 30
	maxBuckets = 60
)

// step returns the i-th length of a bucket, in seconds.
func step(i int) int64 {
	d := steps[min(i, len(steps)-1)]
	for ; i >= len(steps); i-- {
		d *= 2
	}
	return d
}

// Bucket counts times in at most 60 buckets of a round length. Times that lie
// close together get 30 buckets of a second around them. No times give no
// buckets.
func Bucket(times []time.Time) Histogram {
	if len(times) == 0 {
		return Histogram{}
	}
	first, last := times[0].Unix(), times[0].Unix()
	for _, t := range times {
		first, last = min(first, t.Unix()), max(last, t.Unix())
	}
	i := 0
	for floor(last, step(i))-floor(first, step(i)) >= maxBuckets*step(i) {
		i++
	}
	length := step(i)
	from := floor(first, length)
	n := int((floor(last, length)-from)/length) + 1
	if n < minBuckets && i == 0 {
		from -= int64(minBuckets-n) / 2
		n = minBuckets
	}
	h := Histogram{Start: time.Unix(from, 0).UTC(), Step: time.Duration(length) * time.Second, Counts: make([]int, n)}
	for _, t := range times {
		h.Counts[(t.Unix()-from)/length]++
	}
	return h
}

// floor rounds a second down to the start of its bucket; weeks start on Monday.
func floor(second, length int64) int64 {
	const monday = 4 * day // 5 January 1970
	origin := int64(0)
	if length%(7*day) == 0 {
		origin = monday
	}
	rest := (second - origin) % length
	if rest < 0 {
		rest += length
	}
	return second - rest
}

// StepText names the length of a bucket: "5 min", "7 days".
func (h Histogram) StepText() string {
	length := int64(h.Step / time.Second)
	for _, unit := range []struct {
		length     int64
		one, other string
	}{{day, "day", "days"}, {hour, "h", "h"}, {minute, "min", "min"}} {
		if n := length / unit.length; n > 0 && length%unit.length == 0 {
			if n == 1 {
				return "1 " + unit.one
			}
			return fmt.Sprintf("%d %s", n, unit.other)
		}
	}
	return fmt.Sprintf("%d s", length)
}

// The lengths of a timeline, in CSS pixels.
const (
	timelineWidth  = 760
	timelineHeight = 190
	timelineLeft   = 56 // at least, more for long numbers
	timelineRight  = 44
	timelineTop    = 34
	timelineBottom = 44
)

// Timeline draws a histogram with a time axis in UTC. What says what is counted:
// "12 findings".
func Timeline(h Histogram, what string) *Chart {
	c := &Chart{Width: timelineWidth, Height: timelineHeight}
	most := 0
	for _, n := range h.Counts {
		most = max(most, n)
	}
	c.Alt = fmt.Sprintf("%s over time, at most %s in %s", what, thousands(most), h.StepText())
	c.text(12, 20, start, faded, cut(fmt.Sprintf("%s, one bar is %s, time in UTC", what, h.StepText()), timelineWidth-24))

	unit := roundUnit(most, 4)
	top := max((most+unit-1)/unit*unit, 1)
	left := max(timelineLeft, measure(thousands(top))+20)
	slot := (timelineWidth - left - timelineRight) / max(len(h.Counts), 1)
	width := slot * len(h.Counts)
	bottom := timelineHeight - timelineBottom
	height := bottom - timelineTop
	for v := 0; v <= top; v += unit {
		y := bottom - height*v/top
		if v > 0 {
			c.rect(left, y, width, 1, grid)
		}
		c.text(left-8, y+4, end, faded, thousands(v))
	}
	gap := 1
	if slot >= 12 {
		gap = 2
	}
	for i, n := range h.Counts {
		if n > 0 {
			bh := max(height*n/top, 2)
			c.rect(left+i*slot, bottom-bh, max(slot-gap, 1), bh, bar)
		}
	}
	c.rect(left, bottom, width, 1, axis)
	c.timeAxis(h, left, slot, bottom)
	return c
}

// timeAxis writes the times below the bars; the date stands once a day, below.
func (c *Chart) timeAxis(h Histogram, left, slot, bottom int) {
	const room = 92 // between two labels
	length := int64(h.Step / time.Second)
	i := 0
	for step(i)%length != 0 || int64(slot)*(step(i)/length) < room {
		i++
	}
	every := step(i)
	from := h.Start.Unix()
	to := from + length*int64(len(h.Counts))
	at := floor(from, every)
	if at < from {
		at += every
	}
	date := ""
	for ; at < to; at += every {
		x := left + slot*int((at-from)/length)
		c.rect(x, bottom+1, 1, 4, axis)
		t := time.Unix(at, 0).UTC()
		today := t.Format("2006-01-02")
		if every%day == 0 {
			c.text(x, bottom+19, middle, faded, today)
			continue
		}
		format := "15:04"
		if every%minute != 0 {
			format = "15:04:05"
		}
		c.text(x, bottom+19, middle, faded, t.Format(format))
		if today != date {
			c.text(x, bottom+35, middle, faded, today)
			date = today
		}
	}
}

// roundUnit returns a round number that goes into n at most parts times.
func roundUnit(n, parts int) int {
	for unit := 1; ; unit *= 10 {
		for _, u := range []int{unit, 2 * unit, 5 * unit} {
			if (n+u-1)/u <= parts {
				return u
			}
		}
	}
}
