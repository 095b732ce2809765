package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/internal/version"
)

// connectFlags say how a cluster is reached and who asks. Secrets come from files
// and the environment, so that no list of processes shows them.
type connectFlags struct {
	cloudID                             string
	user                                string
	passwordFile, apiKeyFile, tokenFile string
	certificateFlags
	certFile, keyFile string
	rate              float64
	// retries is that of elastic.Config: -1 for none, where somebody waits.
	retries int
}

// certificateFlags say which server is trusted by its certificate.
type certificateFlags struct{ caFile, fingerprint string }

func (f *certificateFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.caFile, "ca", "", "a `file` with the certificates (PEM) of the authorities to trust")
	flags.StringVar(&f.fingerprint, "fingerprint", "", "the `SHA-256` of the server's certificate or its authority's, to trust it")
	_ = cmd.MarkFlagFilename("ca")
}

// The variables of the environment that hold secrets.
const (
	passwordVariable = "HUNTBOOK_PASSWORD"
	apiKeyVariable   = "HUNTBOOK_API_KEY" //nolint:gosec // the name of a variable
	tokenVariable    = "HUNTBOOK_TOKEN"
)

func (f *connectFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.user, "user", "", "the `name` to sign in with; the password comes from $"+passwordVariable+" or --password-file")
	flags.StringVar(&f.passwordFile, "password-file", "", "a `file` with the password")
	flags.StringVar(&f.apiKeyFile, "api-key-file", "", "a `file` with an API key (or $"+apiKeyVariable+")")
	flags.StringVar(&f.tokenFile, "token-file", "", "a `file` with a bearer token (or $"+tokenVariable+")")
	f.certificateFlags.add(cmd)
	flags.StringVar(&f.certFile, "cert", "", "a `file` with this client's certificate (PEM)")
	flags.StringVar(&f.keyFile, "key", "", "a `file` with the key (PEM) of --cert")
	flags.StringVar(&f.cloudID, "cloud-id", "", "the cloud `id` of a deployment, in the place of an address")
	flags.Float64Var(&f.rate, "rate", 0, "at most this `number` of requests a second (default no bound)")
}

// client makes a client for the addresses.
func (f *connectFlags) client(a *app, addresses []string) (*elastic.Client, error) {
	c := elastic.Config{
		Addresses: addresses, CloudID: f.cloudID, User: f.user,
		CAFile: f.caFile, Fingerprint: f.fingerprint, CertFile: f.certFile, KeyFile: f.keyFile,
		Rate: f.rate, Retries: f.retries, Agent: "huntbook/" + version.Number(),
	}
	for _, address := range addresses {
		if elastic.HasPassword(address) {
			fmt.Fprintln(a.Err, "the password in the address can be seen in the list of processes; $"+passwordVariable+" or --password-file hides it")
		}
	}
	var err error
	if c.APIKey, err = secret(f.apiKeyFile, apiKeyVariable, f.user == "" && f.tokenFile == ""); err != nil {
		return nil, err
	}
	if c.Token, err = secret(f.tokenFile, tokenVariable, f.user == "" && c.APIKey == ""); err != nil {
		return nil, err
	}
	if f.user != "" {
		if name, password, ok := strings.Cut(f.user, ":"); ok && password != "" {
			return nil, usagef("--user takes a name alone, %s; the password comes from $%s or --password-file", name, passwordVariable)
		}
		if c.Password, err = secret(f.passwordFile, passwordVariable, true); err != nil {
			return nil, err
		}
		if c.Password == "" {
			return nil, usagef("there is no password for --user %s; set $%s or name a file with --password-file", f.user, passwordVariable)
		}
	}
	client, err := elastic.New(c)
	if errors.Is(err, elastic.ErrConfig) {
		return nil, usageError{err}
	}
	return client, err
}

// maxSecret bounds a file with a secret.
const maxSecret = 64 << 10

// secret reads a secret from a file or, where that counts, from the environment.
func secret(path, variable string, counts bool) (string, error) {
	if path == "" {
		if !counts {
			return "", nil
		}
		return os.Getenv(variable), nil
	}
	file, err := os.Open(path)
	if err != nil {
		return "", usageError{err}
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err != nil {
		return "", err
	}
	text := strings.TrimRight(string(data), "\r\n")
	if len(data) > maxSecret || text == "" || strings.ContainsAny(text, "\r\n") {
		return "", usagef("%s holds no secret: it must be one line", path)
	}
	return text, nil
}
