package kernel

import (
	"fmt"
	"time"

	"github.com/huntbook/huntbook/chart"
	"github.com/huntbook/huntbook/diag"
)

// vegaType is the MIME type of a chart that JupyterLab and VS Code draw themselves,
// from data within it.
const (
	vegaType   = "application/vnd.vegalite.v5+json"
	vegaSchema = "https://vega.github.io/schema/vega-lite/v5.json"
)

// formFlag chooses how a chart is drawn.
var formFlag = Flag{"as", "FORM", "picture, as without it, or vega-lite: a chart that answers to the mouse, where the front end draws it"}

func checkForm(c *call) *diag.Diagnostic {
	w, ok := c.flags["as"]
	if !ok || w.Text == "picture" || w.Text == "vega-lite" {
		return nil
	}
	return &diag.Diagnostic{Code: "cell-value", Message: fmt.Sprintf("there is no form %q of a chart", w.Text), Hint: "write picture or vega-lite", Pos: w.Pos, Width: w.Width}
}

func (c *call) interactive() bool { return c.flags["as"].Text == "vega-lite" }

type object = map[string]any

// timelineVega is a timeline in Vega-Lite. Names and values of events are data in it,
// never expressions.
func timelineVega(h chart.Histogram, what string) any {
	var values []object
	for i, n := range h.Counts {
		if n > 0 {
			from := h.Start.Add(time.Duration(i) * h.Step)
			values = append(values, object{"from": from.Format(time.RFC3339), "to": from.Add(h.Step).Format(time.RFC3339), "findings": n})
		}
	}
	return object{
		"$schema": vegaSchema, "title": what, "width": 600, "height": 120,
		"data": object{"values": values},
		"mark": object{"type": "bar", "tooltip": true},
		"encoding": object{
			"x":  object{"field": "from", "type": "temporal", "scale": object{"type": "utc"}, "title": "time (UTC)"},
			"x2": object{"field": "to"},
			"y":  object{"field": "findings", "type": "quantitative", "title": "findings"},
		},
	}
}

// topVega is a group of bars for each field in Vega-Lite.
func topVega(groups []chart.Group, what string) any {
	var values []object
	for _, g := range groups {
		for _, b := range g.Bars {
			values = append(values, object{"field": g.Name, "value": b.Label, "count": b.Count})
		}
	}
	return object{
		"$schema": vegaSchema, "title": what,
		"data": object{"values": values},
		"mark": object{"type": "bar", "tooltip": true},
		"encoding": object{
			"row": object{"field": "field", "type": "nominal", "title": nil, "sort": nil},
			"y":   object{"field": "value", "type": "nominal", "title": nil, "sort": "-x"},
			"x":   object{"field": "count", "type": "quantitative", "title": "findings"},
		},
		"resolve": object{"scale": object{"y": "independent"}},
	}
}
