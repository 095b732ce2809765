package runner

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/notebook"
)

// secret is a variable of the environment whose value belongs into no notebook.
type secret struct {
	name, value string
	// plain is the longest part of the value that no escaping changes.
	plain string
	// escaped matches the value in any escaping; in64 are the forms that it has within
	// base64, by where it begins.
	escaped *regexp.Regexp
	in64    []string
}

// secretName matches the variables that hold secrets.
var secretName = regexp.MustCompile(`(?i)(passw(or)?d|passphrase|_pass$|_pwd$|secret|token|api_?key|private_?key|access_?key|credential)`)

// minSecret is the length from which on a value can be told from other text.
const minSecret = 6

// findSecrets finds the secrets among variables, "NAME=value": those that have such a
// name, and passwords in addresses.
func findSecrets(environ []string) []secret {
	var out []secret
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if !secretName.MatchString(name) {
			address, err := url.Parse(value)
			if err != nil || address.Host == "" || address.User == nil {
				continue
			}
			value, _ = address.User.Password()
		}
		if value = strings.TrimSpace(value); len(value) < minSecret {
			continue
		}
		out = append(out, secret{name, value, plainPart(value), escapings(value), within64(value)})
	}
	return out
}

// plainPart is the longest run of letters and digits.
func plainPart(value string) string {
	longest := ""
	for _, run := range strings.FieldsFunc(value, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		if len(run) > len(longest) {
			longest = run
		}
	}
	return longest
}

// escapings matches a value as it is, and as strings of JSON and Python, HTML and
// addresses have it, one within the other too.
func escapings(value string) *regexp.Regexp {
	entities := map[rune]string{'"': "quot", '\'': "apos", '&': "amp", '<': "lt", '>': "gt"}
	short := map[rune]string{'\n': "n", '\r': "r", '\t': "t"}
	var b strings.Builder
	for _, r := range value {
		forms := []string{regexp.QuoteMeta(string(r)), fmt.Sprintf("(?:\\\\u|&#x)0*(?i:%x);?", r), fmt.Sprintf("&#0*%d;", r)}
		percent := ""
		for _, c := range []byte(string(r)) {
			percent += fmt.Sprintf("%%(?i:%02x)", c)
		}
		forms = append(forms, percent)
		if name := entities[r]; name != "" {
			forms = append(forms, "&"+name+";")
		}
		if letter := short[r]; letter != "" {
			forms = append(forms, `\\`+letter)
		}
		if r == ' ' {
			forms = append(forms, `\+`)
		}
		b.WriteString(`\\*(?:` + strings.Join(forms, "|") + ")")
	}
	return regexp.MustCompile(b.String())
}

// within64 are what stands for a value within base64, whatever is before it.
func within64(value string) []string {
	var out []string
	for before := range 3 {
		text := append(make([]byte, before), value...)
		first, last := (before*8+5)/6, len(text)*8/6
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if core := encoding.EncodeToString(text)[first:last]; !slices.Contains(out, core) {
				out = append(out, core)
			}
		}
	}
	return out
}

// checkSecrets refuses parameters that hold secrets: they stand in the notebook.
func (r *runner) checkSecrets() error {
	for _, p := range r.Parameters {
		text := fmt.Sprint(plain(p.Value))
		for _, s := range r.secrets {
			if strings.Contains(text, s.value) {
				return fmt.Errorf("parameter %q holds the secret in $%s; the notebook must read it from the environment", p.Name, s.name)
			}
		}
	}
	return nil
}

// masker takes secrets out of text.
type masker struct {
	secrets []secret
	found   []string // the names of those that were there
}

// mask takes secrets out of the outputs of a notebook, and adds the names of those that
// were there to found.
func mask(nb *notebook.Notebook, secrets []secret, found []string) []string {
	m := &masker{secrets, found}
	for i := range nb.Cells {
		for j := range nb.Cells[i].Outputs {
			m.output(&nb.Cells[i].Outputs[j])
		}
	}
	return m.found
}

func (m *masker) output(o *notebook.Output) {
	o.Text, o.Ename, o.Evalue = m.text(o.Text), m.text(o.Ename), m.text(o.Evalue)
	for i := range o.Traceback {
		o.Traceback[i] = m.text(o.Traceback[i])
	}
	m.value(o.Data)
	m.value(o.Metadata)
}

// value takes secrets out of a value of JSON, in place where it can hold some.
func (m *masker) value(v any) any {
	switch v := v.(type) {
	case string:
		return m.text(v)
	case []any:
		for i := range v {
			v[i] = m.value(v[i])
		}
	case object:
		for key, inner := range v {
			inner = m.value(inner)
			if masked := m.text(key); masked != key {
				delete(v, key)
				key = masked
			}
			v[key] = inner
		}
	}
	return v
}

func (m *masker) text(s string) string {
	for _, secret := range m.secrets {
		masked := s
		if strings.Contains(s, secret.plain) {
			masked = secret.escaped.ReplaceAllLiteralString(s, "[$"+secret.name+"]")
		}
		for _, form := range secret.in64 {
			masked = strings.ReplaceAll(masked, form, "[$"+secret.name+"]")
		}
		if masked != s && !slices.Contains(m.found, secret.name) {
			m.found = append(m.found, secret.name)
		}
		s = masked
	}
	return s
}
