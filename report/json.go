package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// jsonLimit bounds a hunt.json that is read back; 100,000 rules need some 40 MiB.
const jsonLimit = 256 << 20

// ErrNotOurs is what ReadJSON's error wraps when the text is no hunt.json.
var ErrNotOurs = errors.New("this is no hunt.json of huntbook")

// WriteJSON writes hunt.json. The keys are a contract; "engine", "index" of the
// inputs and "reason" of a rule are there only when a cluster was asked.
func WriteJSON(w io.Writer, h *Hunt) error {
	clone := *h
	clone.Rules = slices.Clone(h.Rules)
	if clone.Rules == nil {
		clone.Rules = []Rule{}
	}
	if h.Engine == "" {
		for i := range clone.Rules {
			clone.Rules[i].Reason = ""
		}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	var doc any = &clone
	if h.Unfinished {
		doc = struct {
			*Hunt
			Seconds *float64 `json:"seconds"`
		}{Hunt: &clone}
	}
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("writing hunt.json: %w", err)
	}
	return nil
}

// ReadJSON reads a hunt.json that WriteJSON wrote, of this version or another.
// What only the page shows is not in it.
func ReadJSON(r io.Reader) (*Hunt, error) {
	data, err := io.ReadAll(io.LimitReader(r, jsonLimit+1))
	if err != nil {
		return nil, fmt.Errorf("reading hunt.json: %w", err)
	}
	if len(data) > jsonLimit {
		return nil, fmt.Errorf("%w: it is larger than %d MiB", ErrNotOurs, jsonLimit>>20)
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(data, &keys); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotOurs, err)
	}
	for _, key := range []string{"version", "inputs", "seconds", "events", "findings", "rules"} {
		if _, ok := keys[key]; !ok {
			return nil, fmt.Errorf("%w: it has no key %q", ErrNotOurs, key)
		}
	}
	var h Hunt
	if err := json.Unmarshal(data, &h); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotOurs, err)
	}
	return &h, nil
}

// jsonRule and the types below are the JSON forms. A nil pointer is null, so
// that a key is there even when its value is unknown; null reads back as "".
type jsonRule struct {
	ID       *string `json:"id"`
	Title    *string `json:"title"`
	Path     string  `json:"path"`
	Level    *string `json:"level"`
	State    State   `json:"state"`
	Count    *int    `json:"count"`
	Notebook *string `json:"notebook"`
	Reason   *string `json:"reason,omitempty"`
}

type jsonInputs struct {
	Rules     []string      `json:"rules"`
	Data      []string      `json:"data"`
	Index     []string      `json:"index,omitempty"`
	Pipelines []string      `json:"pipelines"`
	Configs   []string      `json:"configs"`
	Filters   []string      `json:"filters"`
	Expanded  *string       `json:"placeholders"`
	Select    jsonSelection `json:"select"`
	Since     *string       `json:"since"`
	Until     *string       `json:"until"`
	Timezone  *string       `json:"timezone"`
}

type jsonSelection struct {
	Levels     []string `json:"levels"`
	MinLevel   *string  `json:"min_level"`
	Statuses   []string `json:"statuses"`
	Tags       []string `json:"tags"`
	LogSources []string `json:"logsources"`
	Include    []string `json:"include"`
	Exclude    []string `json:"exclude"`
}

// MarshalJSON gives the row of hunt.json.
func (r Rule) MarshalJSON() ([]byte, error) {
	row := jsonRule{
		ID: orNull(r.ID), Title: orNull(r.Title), Path: r.Path, Level: orNull(r.Level),
		State: r.State, Notebook: orNull(r.Notebook), Reason: orNull(r.Reason),
	}
	if r.State.Ran() {
		row.Count = &r.Count
	}
	return marshal(row)
}

// UnmarshalJSON reads a row of hunt.json.
func (r *Rule) UnmarshalJSON(data []byte) error {
	var row jsonRule
	if err := json.Unmarshal(data, &row); err != nil {
		return err
	}
	*r = Rule{
		ID: orZero(row.ID), Title: orZero(row.Title), Path: row.Path, Level: orZero(row.Level),
		State: row.State, Count: orZero(row.Count), Notebook: orZero(row.Notebook), Reason: orZero(row.Reason),
	}
	return nil
}

// MarshalJSON gives the object "inputs" of hunt.json.
func (in Inputs) MarshalJSON() ([]byte, error) {
	return marshal(jsonInputs{
		Rules: list(in.Rules), Data: list(in.Data), Index: list(in.Index),
		Pipelines: list(in.Pipelines), Configs: list(in.Configs),
		Filters: list(in.Filters), Expanded: orNull(in.Placeholders),
		Select: jsonSelection{
			Levels: list(in.Select.Levels), MinLevel: orNull(in.Select.MinLevel),
			Statuses: list(in.Select.Statuses), Tags: list(in.Select.Tags),
			LogSources: list(in.Select.LogSources),
			Include:    list(in.Select.Include), Exclude: list(in.Select.Exclude),
		},
		Since: orNull(in.Since), Until: orNull(in.Until), Timezone: orNull(in.Timezone),
	})
}

// UnmarshalJSON reads the object "inputs" of hunt.json.
func (in *Inputs) UnmarshalJSON(data []byte) error {
	var obj jsonInputs
	if err := json.Unmarshal(data, &obj); err != nil {
		return err
	}
	*in = Inputs{
		Rules: obj.Rules, Data: obj.Data, Index: obj.Index, Pipelines: obj.Pipelines, Configs: obj.Configs,
		Filters: obj.Filters, Placeholders: orZero(obj.Expanded),
		Select: Selection{
			Levels: obj.Select.Levels, MinLevel: orZero(obj.Select.MinLevel),
			Statuses: obj.Select.Statuses, Tags: obj.Select.Tags,
			LogSources: obj.Select.LogSources,
			Include:    obj.Select.Include, Exclude: obj.Select.Exclude,
		},
		Since: orZero(obj.Since), Until: orZero(obj.Until), Timezone: orZero(obj.Timezone),
	}
	return nil
}

// marshal is json.Marshal without escapes for HTML: hunt.json is no page, and
// paths stay readable.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func orZero[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// list makes an empty list of nil, since null would mean unknown.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
