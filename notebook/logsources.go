package notebook

import (
	_ "embed"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/sigma"
)

//go:embed logsources.yml
var logSourceFile []byte

// logSource is an entry of logsources.yml; an empty key stands for any.
type logSource struct {
	Product, Category, Service string
	Logs                       []string
}

var logSources = sync.OnceValue(func() (list []logSource) {
	_ = yaml.Unmarshal(logSourceFile, &list) // a test reads it
	return list
})

// logsOf finds the logs of a log source.
func logsOf(l sigma.LogSource) []string {
	for _, s := range logSources() {
		if s.Product == l.Product && s.Category == l.Category && s.Service == l.Service {
			return s.Logs
		}
	}
	return nil
}
