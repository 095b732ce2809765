package engine

import (
	"fmt"
	"sync"
	"time"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/match"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// Prepared is a rule that is ready to be matched against events as ingestion
// names them.
type Prepared struct {
	Rule  *sigma.Rule
	Expr  ir.Expr
	Scope match.Scope
	// Correlation is set, and Expr is not, when the rule is a correlation.
	Correlation *Correlation
	// Quiet keeps the rule's hits for the correlations that name it.
	Quiet bool
	// Notes are warnings of the lowering.
	Notes diag.List
}

// localPipeline gives rules the channels and event ids of their log source.
const localPipeline = "windows-logsources"

// Preparer lowers rules for the local engine.
type Preparer struct {
	// Lateness is how far the events of its correlations may lie before newer
	// ones that came first; further ones are not counted, and the matches come
	// while the data is read. 0 is any distance, and matches come at the end.
	Lateness time.Duration

	chain *pipeline.Chain
	// prepare takes the place of the local engine's way; nil for that.
	prepare func(*sigma.Rule) (Prepared, error)
}

// NewPreparerFor is a Preparer for an engine that prepares a rule in a way of its
// own; correlations are put together here.
func NewPreparerFor(prepare func(*sigma.Rule) (Prepared, error)) *Preparer {
	return &Preparer{prepare: prepare}
}

// localChain is the pipeline of the local engine, read once: it takes milliseconds, and
// each of thousands of notebooks needs it. Lowering only reads it.
var localChain = sync.OnceValues(func() (*pipeline.Chain, error) {
	p, err := pipeline.Load(localPipeline)
	if err != nil {
		return nil, err
	}
	return pipeline.NewChain(p), nil
})

// Warm reads what NewPreparer needs, beside whatever its caller does next.
func Warm() { go func() { _, _ = localChain() }() }

// NewPreparer is a Preparer for the local engine.
func NewPreparer() (*Preparer, error) {
	chain, err := localChain()
	return &Preparer{chain: chain}, err
}

// Prepare lowers a rule; the error is a diag.List that says why it can't be
// matched.
func (p *Preparer) Prepare(r *sigma.Rule) (Prepared, error) {
	if p.prepare != nil {
		return p.prepare(r)
	}
	lowered, diags := p.Lower(r)
	if lowered == nil {
		return Prepared{Rule: r}, diags.Err()
	}
	out := Prepared{Rule: r, Expr: lowered.Expr(), Notes: diags}
	switch lowered.Product {
	case "":
	case "windows":
		out.Scope = match.WindowsEvent
	default:
		out.Scope = match.OtherEvent
	}
	if err := match.Check(out.Expr); err != nil {
		return out, diag.List{{Code: "not-matchable", Message: err.Error(), File: r.File, Pos: r.Detection.Pos}}
	}
	return out, nil
}

// Lower lowers a rule as Prepare does, for those who look into it.
func (p *Preparer) Lower(r *sigma.Rule) (*pipeline.Lowered, diag.List) {
	return pipeline.Lower(r, p.chain)
}

// ParseQuery reads the rule of a Query: the last one of the text that no
// correlation in it names, with the filters and placeholders that stand in
// documents beside it. All rules of the text come too.
func ParseQuery(text string) (*sigma.Rule, []*sigma.Rule, diag.List) {
	docs, diags := sigma.ParseAll(&diag.File{Data: []byte(text)})
	diags = append(diags, docs.Apply()...)
	rules := docs.Rules
	if len(rules) == 0 || diags.HasErrors() {
		if !diags.HasErrors() {
			diags = append(diags, &diag.Diagnostic{Code: "no-rule", Message: "the cell holds no Sigma rule", Hint: "write a rule with logsource and detection"})
		}
		return nil, nil, diags
	}
	return queried(rules), rules, diags
}

// showFields lists the fields that a reader of a rule's findings looks at
// first: the rule's own list, then those that it reads.
func showFields(r *sigma.Rule, e ir.Expr) []string {
	var out []string
	seen := map[string]bool{}
	for _, f := range append(append([]string(nil), r.Fields...), ir.Fields(e)...) {
		if !seen[f] {
			seen[f] = true
			out = append(out, f)
		}
	}
	return out
}

// NoteTexts turns warnings into remarks for the reader of a result.
func NoteTexts(list diag.List) []string {
	var out []string
	for _, d := range list {
		text := d.Message
		if d.Hint != "" {
			text += "; " + d.Hint
		}
		if d.Pos.Line > 0 {
			text = fmt.Sprintf("line %d: %s", d.Pos.Line, text)
		}
		out = append(out, text)
	}
	return out
}
