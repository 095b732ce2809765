package kernel

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/huntbook/huntbook/chart"
)

func timelineMagic() Magic {
	return Magic{
		Name:    "timeline",
		Takes:   true,
		Flags:   []Flag{formFlag},
		Summary: "draws when the findings happened",
		Prose:   "Findings are counted in steps of a round length, in UTC. Those without a time are left out and counted.",
		Example: "%timeline",
		check:   checkForm,
		run:     runTimeline,
	}
}

func runTimeline(_ context.Context, s *step) error {
	if len(s.in.Findings) == 0 {
		s.out.print("No findings, so there is no timeline.")
		return nil
	}
	var times []time.Time
	for _, f := range s.in.Findings {
		if !f.Time.IsZero() {
			times = append(times, f.Time)
		}
	}
	if without := len(s.in.Findings) - len(times); without > 0 {
		s.out.print(count(without, "finding") + " without a time left out.")
	}
	if len(times) == 0 {
		return nil
	}
	h := chart.Bucket(times)
	var interactive any
	if s.interactive() {
		interactive = timelineVega(h, covers(s.in))
	}
	return s.out.picture(chart.Timeline(h, covers(s.in)), timelineText(h, covers(s.in)), interactive)
}

// timelineText writes the buckets that hold something, a line each.
func timelineText(h chart.Histogram, what string) string {
	most := 0
	for _, n := range h.Counts {
		most = max(most, n)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, one line is %s, time in UTC\n", what, h.StepText())
	for i, n := range h.Counts {
		if n > 0 {
			at := h.Start.Add(time.Duration(i) * h.Step)
			fmt.Fprintf(&b, "\n%s  %s %s", at.Format("2006-01-02 15:04:05"), strings.Repeat("#", max(40*n/most, 1)), thousands(n))
		}
	}
	return b.String()
}
