package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/convert"
	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/engine/cluster"
	"github.com/huntbook/huntbook/hunt"
)

// clusterTarget is the language that a cluster is asked in.
const clusterTarget = "es-dsl"

// clusterFlags name a cluster to hunt on.
type clusterFlags struct {
	addresses, index []string
	connect          connectFlags
}

func (f *clusterFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.addresses, "elasticsearch", "e", nil, "the `URL` of an Elasticsearch or OpenSearch to hunt on; may be repeated for more nodes of it")
	flags.StringSliceVarP(&f.index, "index", "i", nil, "the `index` to search where the pipeline names none (default all)")
	f.connect.add(cmd)
}

func (f *clusterFlags) given() bool { return len(f.addresses) > 0 || f.connect.cloudID != "" }

// set makes a hunt one on the cluster.
func (f *clusterFlags) set(a *app, o *hunt.Options, rules *ruleFlags, data *dataFlags, pipelines *pipelineFlags) error {
	switch {
	case len(data.paths) > 0:
		return usagef("-d and -e: a hunt is over files or on a cluster")
	case len(rules.paths) == 0:
		return usagef("no rules; give a rule file or a folder with -r")
	}
	target, err := convert.Target(clusterTarget)
	if err != nil {
		return err
	}
	chain, err := pipelines.chain(target)
	if err != nil {
		return err
	}
	client, err := f.connect.client(a, f.addresses)
	if err != nil {
		return err
	}
	if o.Rules, err = rules.load(a); err != nil {
		return err
	}
	if len(pipelines.pipelines)+len(pipelines.configs) == 0 {
		fmt.Fprintln(a.Err, "no pipeline is named with -p or -c: rules are asked under Sigma's own field names")
	}
	data.paths = []string{client.String()}
	index := f.index
	if len(index) == 0 {
		index = []string{"*"}
	}
	o.Data.Index, o.Data.Pipelines, o.Data.Configs = index, pipelines.pipelines, pipelines.configs
	since, until, bounds := o.Data.Since, o.Data.Until, o.Bounds
	o.Cluster = func() *cluster.Cluster {
		return cluster.New(cluster.Options{Client: client, Index: index, Chain: chain, Target: target, Since: since, Until: until, Bounds: bounds})
	}
	return nil
}

// hintAtSecrets says how to tell a cluster who asks.
func (a *app) hintAtSecrets(err error) {
	if errors.Is(err, elastic.ErrUser) {
		fmt.Fprintln(a.Err, "who asks: --user NAME with $HUNTBOOK_PASSWORD or --password-file, $HUNTBOOK_API_KEY or --api-key-file, $HUNTBOOK_TOKEN or --token-file")
	}
}
