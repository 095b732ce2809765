package xpackwatcher

import (
	"strings"
	"testing"

	"github.com/huntbook/huntbook/convert/targettest"
)

// What sigmac prints for each rule of SigmaHQ, and what we print: see the test of
// target es-qs.
func TestCorpusAgainstSigmac(t *testing.T) {
	sigmac := targettest.Sigmac(Target, nil, "sigmac_xpack-watcher_none")
	about := map[string][]any{
		"name": {"metadata", "name"}, "description": {"metadata", "description"}, "tags": {"metadata", "tags"},
		"interval": {"trigger", "schedule", "interval"}, "condition": {"condition"}, "actions": {"actions"},
		"time": {"input", "search", "request", "body", "query", "bool", "filter"}, "indices": {"input", "search", "request", "indices"},
	}
	body := []any{"input", "search", "request", "body", "query", "bool"}
	sigmac.Ours = func(v any) (string, map[string]any) {
		s, _ := targettest.At(v, append(body, "filter", 1, "query_string", "query")...).(string)
		return s, targettest.Select(v, about)
	}
	sigmac.Theirs = func(v any) (string, map[string]any) {
		// sigmac wrote a command whose input stands between lines with EOF.
		text, _ := v.(string)
		_, text, _ = strings.Cut(text, "<<EOF\n")
		text, _, _ = strings.Cut(text, "\nEOF")
		watch := targettest.JSON(text)
		s, _ := targettest.At(watch, append(body, "must", 0, "query_string", "query")...).(string)
		return s, targettest.Select(watch, about)
	}
	sigmac.About = map[string]string{
		"interval":  "equal\tevery 5 minutes, as the other targets, not every 30",
		"condition": "equal\tmore than none is not equal to none",
		"actions":   "equal\ta watch writes to the log, which needs no mail server",
		"time":      "ours\tthe time since the last run, and a minute more, by @timestamp; sigmac's field was timestamp",
		"indices":   "ours\tno indices are refused; where no pipeline names any all are searched",
		"tags":      "equal\ta rule without tags has an empty list",
	}
	sigmac.Compare(t, "testdata/sigmac.tsv")
}
