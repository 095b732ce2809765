package runner

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/notebook"
)

// secret is a variable of the environment whose value belongs into no notebook.
type secret struct {
	name string
	// forms are the value and what it becomes in JSON, HTML, addresses and base64.
	forms []string
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
		quoted, _ := json.Marshal(value) // text always has a form in JSON
		s := secret{name: name}
		for _, form := range []string{
			value, strings.Trim(string(quoted), `"`), html.EscapeString(value), url.QueryEscape(value), url.PathEscape(value),
			base64.StdEncoding.EncodeToString([]byte(value)), base64.URLEncoding.EncodeToString([]byte(value)),
		} {
			if !slices.Contains(s.forms, form) {
				s.forms = append(s.forms, form)
			}
		}
		out = append(out, s)
	}
	return out
}

// checkSecrets refuses parameters that hold secrets: they stand in the notebook.
func (r *runner) checkSecrets() error {
	for _, p := range r.Parameters {
		text := fmt.Sprint(plain(p.Value))
		for _, s := range r.secrets {
			if strings.Contains(text, s.forms[0]) {
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
		for _, form := range secret.forms {
			if !strings.Contains(s, form) {
				continue
			}
			s = strings.ReplaceAll(s, form, "[$"+secret.name+"]")
			if !slices.Contains(m.found, secret.name) {
				m.found = append(m.found, secret.name)
			}
		}
	}
	return s
}
