package esdsl

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/convert/targettest"
	"github.com/huntbook/huntbook/internal/querystring"
	"github.com/huntbook/huntbook/pipeline"
)

// What sigmac prints for each rule of SigmaHQ, and what we print, without regard to
// case, which sigmac's queries regard, and to the sub-field.
func TestCorpusAgainstSigmac(t *testing.T) {
	config, err := pipeline.LoadSigmac(filepath.Join(targettest.Shared(t), "corpus", "sigmac-config", "helk.yml"))
	if err != nil {
		t.Fatal(err)
	}
	sigmac := targettest.Sigmac(Target, pipeline.NewChain(config), "sigmac_es-dsl_helk")
	sigmac.Errors = append(sigmac.Errors, [2]string{"has no attribute 'logsource'", "ours\tsigmac is an error: a rule for no log source of the configuration"})
	sigmac.Errors = append(sigmac.Errors,
		[2]string{"Field mapping must return str", "ours\tsigmac is an error: a field with several names"},
		[2]string{"Map values must be strings", "ours\tsigmac is an error: true or false"})
	sigmac.Unsupported = map[string]string{"aggregation": "neither\tsigmac counts over all of the time; in windows of it the query DSL can't count"}
	const text, timeframe = "ours\tsigmac took an expression of a list for text", "ours\tsigmac asked for the last timeframe in a field date, where nothing is counted"
	sigmac.Rules = map[string]string{
		"rules/linux/auditd/execve/lnx_auditd_system_shutdown_reboot.yml":                                         "ours\tsigmac lost numbers without field",
		"rules/linux/builtin/lnx_shell_susp_commands.yml":                                                         "ours\tsigmac put a wildcard before a keyword that has one, and none behind it",
		"rules/windows/powershell/powershell_module/posh_pm_invoke_obfuscation_obfuscated_iex.yml":                text,
		"rules/windows/process_creation/proc_creation_win_hktl_invoke_obfuscation_obfuscated_iex_commandline.yml": text,
		"unsupported/cloud/aws_ses_messaging_enabled.yml":                                                         timeframe,
		"unsupported/windows/win_remote_schtask.yml":                                                              timeframe,
	}
	sigmac.Counts = "ours\tsigmac wrote one of several conditions"
	sigmac.Steps = append(sigmac.Steps, targettest.LuceneStep{
		Reason: "ours\tsigmac doubled the backslashes of a value that begins with two",
		Change: func(q querystring.Query) querystring.Query {
			q.Value = strings.ReplaceAll(q.Value, `\`, "")
			return q
		},
	})
	sigmac.Parse = func(v any) (querystring.Query, error) {
		if s, ok := v.(string); ok {
			v = targettest.JSON(s)
		}
		q, err := querystring.ParseDSL(targettest.At(v, "query"))
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
