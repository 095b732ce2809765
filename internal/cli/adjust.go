package cli

import (
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/sigma"
)

// adjustFlags fit rules to an environment before anything else is done with
// them, so that files, queries and notebooks see the same rules.
type adjustFlags struct {
	filters      []string
	placeholders string
}

func (f *adjustFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.filters, "filters", nil, "Sigma filters to apply to the rules: a file or a folder (`path`); may be repeated")
	flags.StringVar(&f.placeholders, "placeholders", "", "the values of placeholders (modifier expand): a `file`, YAML with lists by name, or .csv with the columns name and value")
	_ = cmd.MarkFlagFilename("filters", "yml", "yaml")
	_ = cmd.MarkFlagFilename("placeholders", "yml", "yaml", "csv")
}

// apply loads filters and placeholders and gives them to the rules.
func (f *adjustFlags) apply(set *ruleset.Set) error {
	if err := set.LoadFilters(f.filters); err != nil {
		return missingAsUsage(err)
	}
	var values sigma.Placeholders
	if f.placeholders != "" {
		var err error
		if values, err = ruleset.LoadPlaceholders(f.placeholders); err != nil {
			return missingAsUsage(err)
		}
	}
	set.Apply(values)
	return nil
}

func missingAsUsage(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return usageError{err}
	}
	return err
}
