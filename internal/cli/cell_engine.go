package cli

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/huntbook/huntbook/convert"
	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/engine/cluster"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/inspect"
	"github.com/huntbook/huntbook/internal/version"
	"github.com/huntbook/huntbook/pipeline"
)

// The variables of the environment that say who asks the cluster that a cell names.
// They count for the cluster in clusterVariable alone: a notebook from somewhere must
// not send a password to a server of its own.
const (
	clusterVariable     = "HUNTBOOK_CLUSTER"
	userVariable        = "HUNTBOOK_USER"
	caVariable          = "HUNTBOOK_CA"
	fingerprintVariable = "HUNTBOOK_FINGERPRINT"
)

// Variable is a variable of the environment.
type Variable struct{ Name, Doc string }

// CellVariables are those that say who asks the cluster that a cell names.
func CellVariables() []Variable {
	return []Variable{
		{clusterVariable, "the address of the cluster that the others are for, such as https://es:9200; cells that name another one ask it as nobody"},
		{userVariable, "the name to sign in with"},
		{passwordVariable, "its password"},
		{apiKeyVariable, "an API key, in the place of a name and password"},
		{tokenVariable, "a bearer token, likewise"},
		{caVariable, "a file with the certificates (PEM) of the authorities to trust"},
		{fingerprintVariable, "the SHA-256 of the server's certificate or its authority's, to trust it"},
	}
}

// cellEngine answers the cells of notebooks in a folder: from files, or from the
// cluster that their data is.
type cellEngine struct {
	app   *app
	dir   string
	local *engine.Local
	open  engine.Engine // nil: no data is open
}

func (a *app) cellEngine(dir string, o ingest.Options) (*cellEngine, error) {
	local, err := engine.NewLocal(dir, o, engine.Bounds{})
	return &cellEngine{app: a, dir: dir, local: local}, err
}

// Open opens files or a cluster.
func (e *cellEngine) Open(ctx context.Context, data engine.Data) (engine.DataInfo, error) {
	e.open = nil
	var next engine.Engine = e.local
	if len(data.Paths) == 1 && engine.IsCluster(data.Paths[0]) {
		c, err := e.cluster(data.Paths[0])
		if err != nil {
			return engine.DataInfo{}, err
		}
		next = c
	}
	info, err := next.Open(ctx, data)
	if err == nil {
		e.open = next
	}
	return info, err
}

func (e *cellEngine) cluster(address string) (*cluster.Cluster, error) {
	target, err := convert.Target(clusterTarget)
	if err != nil {
		return nil, err
	}
	client, err := e.client(address)
	if err != nil {
		return nil, err
	}
	return cluster.New(cluster.Options{Client: client, Chain: pipeline.NewChain(), Target: target, Dir: e.dir}), nil
}

// client is one that asks as whom the environment says, or as nobody.
func (e *cellEngine) client(address string) (*elastic.Client, error) {
	if sameServer(address, os.Getenv(clusterVariable)) {
		who := connectFlags{user: os.Getenv(userVariable), certificateFlags: certificateFlags{os.Getenv(caVariable), os.Getenv(fingerprintVariable)}}
		return who.client(e.app, []string{address})
	}
	if os.Getenv(passwordVariable)+os.Getenv(apiKeyVariable)+os.Getenv(tokenVariable) != "" {
		fmt.Fprintf(e.app.Err, "%s is asked without a password or key: those are for the cluster that $%s names\n", address, clusterVariable)
	}
	return elastic.New(elastic.Config{Addresses: []string{address}, Agent: "huntbook/" + version.Number()})
}

// sameServer tells whether two addresses are of one server.
func sameServer(a, b string) bool {
	x, err := url.Parse(a)
	y, err2 := url.Parse(b)
	return err == nil && err2 == nil && x.Host != "" && x.Scheme == y.Scheme && strings.EqualFold(x.Host, y.Host)
}

// Run answers from the data that is open.
func (e *cellEngine) Run(ctx context.Context, q engine.Query) (*engine.Result, error) {
	if e.open == nil {
		return nil, engine.ErrNoData
	}
	return e.open.Run(ctx, q)
}

// Sample says which fields the data has.
func (e *cellEngine) Sample(ctx context.Context) (*inspect.Report, error) {
	sampler, ok := e.open.(interface {
		Sample(context.Context) (*inspect.Report, error)
	})
	if !ok {
		return nil, engine.ErrNoData
	}
	return sampler.Sample(ctx)
}

// Progress says how far files are read.
func (e *cellEngine) Progress() (done, total int64) { return e.local.Progress() }
