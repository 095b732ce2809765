package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/elastic"
)

// index is what is known of the indices that some rules search.
type index struct {
	names []string // patterns
	// exist tells that there is such an index, fields which of the fields asked
	// for are there.
	exist  bool
	fields map[string]bool
	// mapping is nil when it may not be read; note then says so.
	mapping *mapping.Index
	note    string
	// host is the field that names an event's computer, "" for none that can be
	// counted.
	host string
	// hasTime tells that events there have a time.
	hasTime bool
}

func (x *index) has(field string) bool {
	return x.fields[field] || x.mapping != nil && x.mapping.Field(field) != nil
}

// hostFields name the computer of an event, in the order of preference; the keyword
// beside a text is what can be counted.
var hostFields = []string{"host_name", "host.name", "winlog.computer_name", "Computer", "Hostname", "computer_name", "agent.hostname"}

// look finds out what fields indices have, once.
func (c *Cluster) look(ctx context.Context, names, fields []string) (*index, error) {
	key := strings.Join(names, ",")
	x := c.indices[key]
	if x == nil {
		x = &index{names: names, fields: map[string]bool{}}
		if err := c.describe(ctx, x); err != nil {
			return nil, err
		}
		c.indices[key] = x
	}
	return x, c.caps(ctx, x, fields)
}

// describe reads the mapping of indices.
func (c *Cluster) describe(ctx context.Context, x *index) error {
	data, err := c.Client.Mapping(ctx, x.names)
	switch {
	case errors.Is(err, elastic.ErrNoIndex):
		return nil
	case errors.Is(err, elastic.ErrPermission):
		x.note = "the mapping of " + list(x.names) + " may not be read, so fields are asked as the pipeline says"
	case err != nil:
		return err
	default:
		if x.mapping, err = mapping.Parse(data); err != nil && !errors.Is(err, mapping.ErrNoMapping) {
			return fmt.Errorf("%s: %s: %w", c.Client, list(x.names), err)
		}
	}
	wanted := []string{timeField}
	for _, h := range hostFields {
		wanted = append(wanted, h, h+".keyword")
	}
	caps, err := c.Client.FieldCaps(ctx, x.names, wanted)
	if err != nil {
		return err
	}
	x.exist = len(caps.Indices) > 0
	x.hasTime = caps.Fields[timeField] != nil
	for _, h := range wanted[1:] {
		for _, f := range caps.Fields[h] {
			if x.host == "" && f.Aggregatable {
				x.host = h
			}
		}
	}
	return nil
}

// lineBytes bounds the fields of one request, which stand in its first line.
const lineBytes = 2000

// caps finds out which fields are there.
func (c *Cluster) caps(ctx context.Context, x *index, fields []string) error {
	var unknown []string
	for _, f := range fields {
		if _, known := x.fields[f]; !known && !slices.Contains(unknown, f) {
			unknown = append(unknown, f)
		}
	}
	for len(unknown) > 0 && x.exist {
		n, bytes := 0, 0
		for n < len(unknown) && (n == 0 || bytes+len(unknown[n]) < lineBytes) {
			bytes += len(unknown[n]) + 3
			n++
		}
		caps, err := c.Client.FieldCaps(ctx, x.names, unknown[:n])
		if err != nil {
			return err
		}
		for _, f := range unknown[:n] {
			x.fields[f] = caps.Fields[f] != nil
		}
		unknown = unknown[n:]
	}
	return nil
}
