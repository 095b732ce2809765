package elastic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Product is what a cluster runs.
type Product string

// The products that are known.
const (
	Elasticsearch Product = "Elasticsearch"
	OpenSearch    Product = "OpenSearch"
)

// Info says what a cluster is.
type Info struct {
	Product Product
	// Version is as the cluster gives it, "" when it does not tell.
	Version      string
	Major, Minor int
	Cluster      string
}

// String is "Elasticsearch 8.19.1".
func (i Info) String() string { return strings.TrimSpace(string(i.Product) + " " + i.Version) }

// Info asks what the cluster is, once; it does not wait for a cluster that is not
// there. A product or version that can't be used is an *Error of kind ErrProduct.
func (c *Client) Info(ctx context.Context) (Info, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.info != nil {
		return *c.info, nil
	}
	info, err := c.ask(ctx)
	if err != nil {
		return Info{}, err
	}
	c.info = &info
	return info, nil
}

// root is the answer to GET /.
type root struct {
	Cluster string `json:"cluster_name"`
	Tagline string `json:"tagline"`
	Version struct {
		Number       string `json:"number"`
		Distribution string `json:"distribution"`
	} `json:"version"`
}

func (c *Client) ask(ctx context.Context) (Info, error) {
	body, err := c.send(ctx, Request{Path: "/", Once: true})
	var failed *Error
	switch errors.As(err, &failed); {
	case errors.Is(err, ErrPermission) && failed.Type == "security_exception":
		// Who may search need not be allowed to ask this. OpenSearch words it so.
		if strings.Contains(failed.Reason, "no permissions for") {
			return Info{Product: OpenSearch, Major: 2, Minor: 4}, nil
		}
		return Info{Product: Elasticsearch, Major: 8}, nil
	case errors.Is(err, ErrProduct), failed != nil && (failed.Status == http.StatusNotFound || failed.Status == http.StatusMethodNotAllowed):
		return Info{}, c.notACluster()
	case err != nil:
		return Info{}, err
	}
	var r root
	if json.Unmarshal(body, &r) != nil || r.Version.Number == "" {
		return Info{}, c.notACluster()
	}
	info := Info{Product: Elasticsearch, Version: r.Version.Number, Cluster: r.Cluster}
	if r.Version.Distribution == "opensearch" || strings.Contains(r.Tagline, "OpenSearch") {
		info.Product = OpenSearch
	} else if r.Version.Distribution != "" || !strings.Contains(r.Tagline, "Search") {
		return Info{}, c.notACluster()
	}
	parts := append(strings.SplitN(r.Version.Number, ".", 3), "", "")
	info.Major, _ = strconv.Atoi(parts[0])
	info.Minor, _ = strconv.Atoi(parts[1])
	return info, c.supported(info)
}

func (c *Client) notACluster() *Error {
	return &Error{Server: c.name, Kind: ErrProduct, Reason: "answers, but is neither Elasticsearch nor OpenSearch; check the address and the port"}
}

// supported refuses versions without a point in time.
func (c *Client) supported(i Info) error {
	least := "7.10"
	old := i.Major < 7 || i.Major == 7 && i.Minor < 10
	if i.Product == OpenSearch {
		least = "2.4"
		// One that pretends to be 7.10.2 does so for old clients, and is new.
		old = i.Major < 2 || i.Major == 2 && i.Minor < 4
	}
	if old {
		return &Error{Server: c.name, Kind: ErrProduct, Reason: fmt.Sprintf("is %s, which is too old; huntbook takes %s from %s on", i, i.Product, least)}
	}
	return nil
}
