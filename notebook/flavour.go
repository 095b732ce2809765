package notebook

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
)

// Flavour describes a kind of notebook: its kernel, and what its cells talk to. It is
// what a template's metadata.json and flavour.json say.
type Flavour struct {
	// Name is the template's folder, Kernel the kernelspec that runs its notebooks,
	// Language that of their code cells.
	Name, Kernel, Language string
	// Description says in a few words what the cells talk to, and with what.
	Description string
	// Client tells flavours of a kernel apart ("8", "opensearch"), "" where there is
	// one; Default is the one to take unless asked otherwise.
	Client  string
	Default bool
	// Files tells that the cells read the findings beside the notebook; otherwise they
	// ask a cluster, or huntbook itself.
	Files bool
	// Requirements is what the cells need of their language's packages, as a
	// requirements.txt.
	Requirements string
}

//go:embed templates
var builtin embed.FS

var builtins = sync.OnceValues(func() ([]*Template, error) {
	entries, err := builtin.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	var all []*Template
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		folder, err := fs.Sub(builtin, path.Join("templates", e.Name()))
		if err != nil {
			return nil, err
		}
		t, err := LoadTemplate(e.Name(), folder)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
})

// Flavours returns the flavours that huntbook carries, by name.
func Flavours() []Flavour {
	all, _ := builtins()
	list := make([]Flavour, len(all))
	for i, t := range all {
		list[i] = t.Flavour
	}
	return list
}

// Builtin returns the template of that name.
func Builtin(name string) (*Template, error) {
	all, err := builtins()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, t := range all {
		if t.Name == name {
			return t, nil
		}
		names = append(names, t.Name)
	}
	return nil, fmt.Errorf("there is no notebook flavour %q: take one of %s", name, strings.Join(names, ", "))
}

// Errors of Choose, for errors.Is.
var (
	ErrNoFlavour = errors.New("there are no notebooks for this kernel")
	ErrNoClient  = errors.New("there are no notebooks for this client")
)

// Choose finds the built-in template for a kernel whose cells talk to the client, "" for
// the default one; on files or not.
func Choose(kernel, client string, files bool) (*Template, error) {
	all, err := builtins()
	if err != nil {
		return nil, err
	}
	var kernels, clients []string
	for _, t := range all {
		if t.Files != files && t.Kernel != OwnKernel {
			continue
		}
		if !slices.Contains(kernels, t.Kernel) {
			kernels = append(kernels, t.Kernel)
		}
		if t.Kernel != kernel {
			continue
		}
		if client == t.Client && client != "" || client == "" && t.Default {
			return t, nil
		}
		if t.Client != "" {
			clients = append(clients, t.Client)
		}
	}
	if !slices.Contains(kernels, kernel) {
		return nil, fmt.Errorf("%w: %q; there are %s", ErrNoFlavour, kernel, strings.Join(kernels, ", "))
	}
	if len(clients) == 0 {
		return nil, fmt.Errorf("%w: %q; kernel %s has one kind of notebook only", ErrNoClient, client, kernel)
	}
	return nil, fmt.Errorf("%w: %q; there are %s", ErrNoClient, client, strings.Join(clients, ", "))
}

// OwnKernel is the name of huntbook's own kernel.
const OwnKernel = "huntbook"

// maxTemplate bounds a file of a template.
const maxTemplate = 1 << 20

// LoadTemplate reads the template in a folder: metadata.json, notebook.tmpl and what
// else templates/README.md describes.
func LoadTemplate(name string, folder fs.FS) (*Template, error) {
	t := &Template{Flavour: Flavour{Name: name}}
	if err := t.load(folder); err != nil {
		return nil, fmt.Errorf("notebook template %s: %w", name, err)
	}
	return t, nil
}

func (t *Template) load(folder fs.FS) error {
	metadata, err := readTemplate(folder, "metadata.json")
	if err != nil {
		return err
	}
	var known struct {
		Kernelspec struct{ Name, Language string }
	}
	if err := json.Unmarshal([]byte(metadata), &known); err != nil {
		return fmt.Errorf("metadata.json: %w", err)
	}
	t.metadata, t.Kernel, t.Language = metadata, known.Kernelspec.Name, known.Kernelspec.Language
	if err := t.describe(folder); err != nil {
		return err
	}
	text, err := readTemplate(folder, "notebook.tmpl")
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, section := range sections(unixLines(text)) {
		section.shared = func(name string) (string, error) { return shared(folder, name) }
		c, err := section.cell(t.Language)
		if err != nil {
			return fmt.Errorf("notebook.tmpl:%d: %w", section.line, err)
		}
		// The copies of a cell for each query are told apart by a number.
		name := strings.TrimRight(c.name, "-0123456789")
		if names[name] {
			return fmt.Errorf("notebook.tmpl:%d: two cells are named %s", section.line, name)
		}
		names[name] = true
		t.cells = append(t.cells, c)
	}
	if len(t.cells) == 0 {
		return fmt.Errorf("notebook.tmpl has no cell: a cell starts with a line %q", cellMark+"name markdown")
	}
	return nil
}

// describe reads the files of a template that may be missing.
func (t *Template) describe(folder fs.FS) error {
	text, err := readTemplate(folder, "flavour.json")
	if err == nil {
		about := json.NewDecoder(strings.NewReader(text))
		about.DisallowUnknownFields()
		var known struct {
			Description, Client string
			Default, Files      bool
		}
		if err := about.Decode(&known); err != nil {
			return fmt.Errorf("flavour.json: %w", err)
		}
		t.Description, t.Client, t.Default, t.Files = known.Description, known.Client, known.Default, known.Files
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Requirements, err = readTemplate(folder, "requirements.txt")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// shared is the text of a cell that several flavours have, of the template's folder or
// of those that huntbook carries.
func shared(folder fs.FS, name string) (string, error) {
	if !validID(name) {
		return "", fmt.Errorf("from=%s is no name of a file: write it without .tmpl", name)
	}
	text, err := readTemplate(folder, name+".tmpl")
	if errors.Is(err, fs.ErrNotExist) {
		text, err = readTemplate(builtin, path.Join("templates", name+".tmpl"))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no %s.tmpl, neither in the folder nor among huntbook's own", name)
	}
	return unixLines(text), err
}

func readTemplate(folder fs.FS, name string) (string, error) {
	// What is opened and is no file, as a pipe, may never be read.
	if info, err := fs.Stat(folder, name); err != nil {
		return "", err
	} else if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no file", name)
	}
	file, err := folder.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxTemplate+1))
	if err == nil && len(data) > maxTemplate {
		err = fmt.Errorf("%s has more than %d KB", name, maxTemplate>>10)
	}
	return string(data), err
}
