package hunt

import (
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/report"
)

// answers takes what a cluster said of each rule apart: how often it matches, and
// what is not known.
func (h *hunter) answers(info *engine.ScanInfo) {
	for i, a := range info.Rules {
		p := h.plans[i]
		row := &h.outcome.Hunt.Rules[p.row]
		p.remarks = a.Remarks()
		switch {
		case a.Err != nil:
			row.State, row.Reason = report.Failed, a.Err.Error()
			h.outcome.Failed = true
			h.outcome.Diagnostics = append(h.outcome.Diagnostics, diag.Of(a.Err)...)
			p.failed = a.Err
		case a.Absent != "":
			row.State, row.Reason = report.Skipped, a.Absent
		case a.Incomplete != "":
			row.Reason = a.Incomplete
			h.outcome.Failed = true
			h.outcome.Incomplete = append(h.outcome.Incomplete, Incomplete{p.entry.Path, a.Incomplete})
			h.outcome.Hunt.Problems = append(h.outcome.Hunt.Problems, report.Problem{Where: p.entry.Path, What: "the answer is incomplete: " + a.Incomplete})
		}
		if p.prepared.Correlation == nil {
			p.count = a.Count
		}
		if a.Times != nil || a.Hosts != nil {
			h.tally.Clear(i)
			for _, t := range a.Times {
				h.tally.AddTime(i, t.Time, t.Count)
			}
			for _, host := range a.Hosts {
				h.tally.AddHost(i, host.Host, host.Count)
			}
		}
	}
}
