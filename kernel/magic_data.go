package kernel

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/kernel/syntax"
)

func dataMagic() Magic {
	return Magic{
		Name:     "data",
		Words:    "PATH…",
		MinWords: 1,
		MaxWords: math.MaxInt,
		Flags: []Flag{
			{"since", "TIME", "leave out events before this time; without it the parameter since counts"},
			{"until", "TIME", "leave out events at this time and later; without it the parameter until counts"},
			{"timezone", "ZONE", "the zone of times that name none, such as Europe/Berlin; without it UTC"},
			{"index", "A,B", "of a cluster: the indices of rules whose pipeline names none, and of all events"},
			{"pipeline", "A,B", "of a cluster: the pipelines that say how its events are kept"},
			{"config", "A,B", "of a cluster: sigmac configurations, likewise"},
		},
		Summary: "opens the data that queries run on",
		Prose: "A path is a file, an archive or a folder, relative to the folder of the notebook. " +
			"The address of an Elasticsearch or OpenSearch stands alone; who asks there is in the environment, never in the cell. " +
			"The cell says how many events were found and when they happened. Data that was open before is closed.",
		Example: "%data logs/ 'more logs.zip' --since 2020-01-01",
		check: func(c *call) *diag.Diagnostic {
			_, problem := c.data(parameters{})
			return problem
		},
		run: runData,
	}
}

// data reads a call of %data; parameters fill in for its flags.
func (c *call) data(p parameters) (engine.Data, *diag.Diagnostic) {
	d := engine.Data{Location: time.UTC}
	for _, w := range c.words {
		d.Paths = append(d.Paths, w.Text)
	}
	if w, ok := c.flags["timezone"]; ok {
		zone, err := time.LoadLocation(w.Text)
		if err != nil || w.Text == "" || w.Text == "Local" {
			return d, &diag.Diagnostic{Code: "cell-value", Message: fmt.Sprintf("there is no time zone %q", w.Text), Hint: "write it as Europe/Berlin or UTC", Pos: w.Pos, Width: w.Width}
		}
		d.Location = zone
	}
	for flag, list := range map[string]*[]string{"index": &d.Index, "pipeline": &d.Pipelines, "config": &d.Configs} {
		w, ok := c.flags[flag]
		if !ok {
			continue
		}
		if !engine.IsCluster(d.Paths[0]) || len(d.Paths) > 1 {
			return d, &diag.Diagnostic{Code: "cell-flag", Message: "--" + flag + " is for a cluster", Hint: "write its address, and nothing else, behind %data", Pos: w.Pos, Width: w.Width}
		}
		*list = strings.Split(w.Text, ",")
	}
	var problem *diag.Diagnostic
	bound := func(flag, parameter string) time.Time {
		w, ok := c.flags[flag]
		if !ok {
			w = syntax.Word{Text: parameter, Pos: c.command.Pos, Width: c.command.Width}
		}
		t, wrong := moment(w, flag, d.Location)
		if wrong != nil {
			problem = wrong
		}
		return t
	}
	d.Since, d.Until = bound("since", p.since), bound("until", p.until)
	return d, problem
}

func runData(ctx context.Context, s *step) error {
	data, problem := s.call.data(s.session.parameters)
	if problem != nil {
		return problem
	}
	s.session.data, s.session.result, s.session.sample = nil, nil, nil
	info, err := s.session.engine.Open(ctx, data)
	if err != nil {
		return err
	}
	s.session.data = &info
	line := count(info.Events, "event") + " in " + count(info.Files, "file")
	if info.Engine != "" {
		line = count(info.Events, "event") + " in " + indices(info.Files) + " of " + info.Engine
	}
	if !info.First.IsZero() {
		line += fmt.Sprintf(", %s to %s", timeText(info.First), timeText(info.Last))
	}
	s.out.print(line + ".")
	if info.Broken > 0 {
		s.out.print(count(info.Broken, "record") + " could not be read.")
	}
	if info.UnknownFormats > 0 {
		s.out.print(count(info.UnknownFormats, "file") + " left out: not in a format that is known.")
	}
	return nil
}

func indices(n int) string {
	if n == 1 {
		return "1 index"
	}
	return thousands(n) + " indices"
}

// timeText writes a time in UTC, parts of a second only where there are some.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05.999Z")
}
