package cluster_test

import (
	
	"fmt"
	"github.com/huntbook/huntbook/convert/esdsl"
	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/engine/cluster"
	"github.com/huntbook/huntbook/internal/agreement"
	"github.com/huntbook/huntbook/internal/servers"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/standard"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestSmoke(t *testing.T) {
	for name, addr := range map[string]string{"es": servers.Elasticsearch(t), "os": servers.OpenSearch(t)} {
		shared := os.Getenv("HUNTBOOK_SHARED")
		cl, err := elastic.New(elastic.Config{Addresses: []string{addr}})
		if err != nil {
			t.Fatal(err)
		}
		s, err := standard.Load("helk")
		if err != nil {
			t.Fatal(err)
		}
		st := time.Now()
		n, err := agreement.Store(t.Context(), cl, s, "", 0, filepath.Join(shared, "corpus/seed/empire_elevated_wmi.tar.gz"))
		fmt.Println(name, n, err, time.Since(st))
		cl.Do(t.Context(), elastic.Request{Method: "POST", Path: "/_refresh"}, nil)
		p, _ := pipeline.Load("helk")
		c := cluster.New(cluster.Options{Client: cl, Index: []string{"logs-*"}, Chain: pipeline.NewChain(p), Target: esdsl.Target})
		fmt.Println(c.Open(t.Context(), engine.Data{}))
		y, _ := os.ReadFile(filepath.Join(shared, "corpus/seed/sysmon_wmi_event_subscription.yml"))
		r, err := c.Run(t.Context(), engine.Query{Rule: string(y)})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(r.Count, len(r.Findings), r.Fields, r.Notes)
		for _, f := range r.Findings[:1] {
			fmt.Println(f.Source, f.Time)
			for _, v := range f.Values[:min(30,len(f.Values))] {
				fmt.Println("   ", v)
			}
		}
		set, err := ruleset.Load([]string{filepath.Join(shared, "corpus/sigma/rules/windows")}, ruleset.Choice{})
		if err != nil {
			t.Fatal(err)
		}
		st = time.Now()
		prep, errs := c.PrepareAll(set.List(), set.All)
		var ok []engine.Prepared
		for i := range prep {
			if errs[i] != nil {
				fmt.Println(errs[i])
				continue
			}
			ok = append(ok, prep[i])
		}
		fmt.Println("prepared", len(ok), time.Since(st))
		st = time.Now()
		hits := map[int]int{}
		info, err := c.Scan(t.Context(), ok, func(h engine.Hit) error { hits[h.Rule]++; return nil })
		fmt.Println(err, time.Since(st), info.Events, info.First, info.Last, len(info.Sources))
		for i, ri := range info.Rules {
			if ri.Err != nil || ri.Count > 0 && hits[i] != ri.Count || ri.Incomplete != "" {
				fmt.Println(ok[i].Rule.Title, ri.Count, hits[i], ri.Err, ri.Incomplete)
			}
		}
		abs := map[string]int{}
		total := 0
		fired := 0
		for _, ri := range info.Rules {
			abs[ri.Absent]++
			total += ri.Count
			if ri.Count > 0 {
				fired++
			}
		}
		k := 0
		for a, n := range abs {
			if k++; k < 12 {
				fmt.Println(n, a)
			}
		}
		fmt.Println("total", total, fired, len(abs))
	}
}
