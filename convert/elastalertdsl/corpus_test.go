package elastalertdsl

import (
	"strings"
	"testing"

	"github.com/huntbook/huntbook/convert/targettest"
	"github.com/huntbook/huntbook/internal/querystring"
)

// What sigmac prints for each rule of SigmaHQ, and what we print: see the test of
// target es-dsl.
func TestCorpusAgainstSigmac(t *testing.T) {
	sigmac := targettest.Sigmac(Target, nil, "sigmac_elastalert-dsl_none")
	sigmac.Errors = append(sigmac.Errors, [2]string{"Map values must be strings", "ours\tsigmac is an error: true or false"})
	sigmac.Steps = append(sigmac.Steps, targettest.LuceneStep{
		Reason: "ours\tsigmac doubled the backslashes of a value that begins with two",
		Change: func(q querystring.Query) querystring.Query {
			q.Value = strings.ReplaceAll(q.Value, `\`, "")
			return q
		},
	})
	const text = "ours\tsigmac took an expression of a list for text"
	sigmac.Rules = map[string]string{
		"rules/windows/powershell/powershell_module/posh_pm_invoke_obfuscation_obfuscated_iex.yml":                text,
		"rules/windows/process_creation/proc_creation_win_hktl_invoke_obfuscation_obfuscated_iex_commandline.yml": text,
	}
	sigmac.Parse = func(v any) (querystring.Query, error) {
		filter := targettest.At(targettest.YAML(v), "filter", 0)
		if inner := targettest.At(filter, "query"); inner != nil {
			filter = inner
		}
		q, err := querystring.ParseDSL(filter)
		return q.Leaves(func(q querystring.Query) querystring.Query {
			q.Field = strings.TrimSuffix(q.Field, ".keyword")
			if q.Field != "_exists_" {
				q.Value = strings.ToLower(q.Value)
			}
			return q
		}), err
	}
	sigmac.Compare(t, "testdata/sigmac.tsv")
}
