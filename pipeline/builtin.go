package pipeline

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

//go:embed builtin
var builtin embed.FS

// shelf is a folder of built-in files.
type shelf struct {
	folder string
	// kind and flag name it in messages.
	kind, flag string
}

var (
	builtinPipelines = shelf{"builtin", "pipeline", "-p"}
	builtinConfigs   = shelf{"builtin/sigmac", "sigmac configuration", "-c"}
)

func (s shelf) names() []string {
	entries, _ := builtin.ReadDir(s.folder)
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".yml"); ok {
			names = append(names, name)
		}
	}
	return names
}

// find reads a built-in file by its name, or a file of the user's by its path.
func find(nameOrPath string, s shelf) (*diag.File, error) {
	if slices.Contains(s.names(), nameOrPath) {
		file := path.Join(s.folder, nameOrPath+".yml")
		data, err := builtin.ReadFile(file)
		return &diag.File{Path: file, Data: data}, err
	}
	file, err := readFile(nameOrPath)
	isPath := strings.ContainsAny(nameOrPath, `/\`) || strings.HasSuffix(nameOrPath, ".yml") || strings.HasSuffix(nameOrPath, ".yaml")
	if isPath && errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s %s: %w; check the path", s.flag, nameOrPath, fs.ErrNotExist)
	}
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	hint := sigma.Suggest(nameOrPath, s.names())
	if hint == "" {
		hint = "there are " + strings.Join(s.names(), ", ") + ", and files"
	}
	return nil, fmt.Errorf("%w: there is no %s %q (%s); %s", ErrUnknown, s.kind, nameOrPath, s.flag, hint)
}

// Builtin describes a built-in pipeline or sigmac configuration.
type Builtin struct {
	Name, Title, Description string
	// Sigmac tells a configuration (-c) from a pipeline (-p).
	Sigmac bool

	backends []string
}

// Fits tells whether it is for a target that has one of the names.
func (b Builtin) Fits(target ...string) bool { return allows("", b.Name, b.backends, target) == nil }

// IsBuiltin tells whether a name is that of a built-in pipeline or configuration.
func IsBuiltin(name string) bool {
	return slices.Contains(builtinPipelines.names(), name) || slices.Contains(builtinConfigs.names(), name)
}

// Builtins lists what is built in, pipelines first, by name.
func Builtins() []Builtin {
	var out []Builtin
	for _, s := range []shelf{builtinPipelines, builtinConfigs} {
		for _, name := range s.names() {
			file, err := find(name, s)
			if err != nil {
				continue
			}
			var head struct {
				Name, Title, Description string
				AllowedBackends          []string `yaml:"allowed_backends"`
				Backends                 []string
			}
			if yaml.Unmarshal(file.Data, &head) != nil {
				continue
			}
			out = append(out, Builtin{name, cmp.Or(head.Name, head.Title), strings.TrimSpace(head.Description), s == builtinConfigs, slices.Concat(head.AllowedBackends, head.Backends)})
		}
	}
	return out
}
