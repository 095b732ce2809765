package convert_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/convert"
	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

func lower(t *testing.T, detection string) *pipeline.Lowered {
	t.Helper()
	text := "title: t\nlogsource: {product: windows}\ndetection:\n  " + strings.ReplaceAll(strings.TrimSpace(detection), "\n", "\n  ") + "\n"
	rules, diags := sigma.Parse(&diag.File{Path: "rule.yml", Data: []byte(text)})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	l, diags := pipeline.Lower(rules[0], nil)
	if l == nil {
		t.Fatal(diags)
	}
	return l
}

// Every target is described, its example is true, and it has golden cases.
func TestTargets(t *testing.T) {
	names := map[string]bool{}
	for _, target := range convert.Targets() {
		t.Run(target.Name, func(t *testing.T) {
			if names[target.Name] {
				t.Error("two targets have the name")
			}
			names[target.Name] = true
			if !strings.HasSuffix(target.Description, ".") || !strings.HasPrefix(target.Reference, "https://") {
				t.Errorf("description %q, reference %q", target.Description, target.Reference)
			}
			if len(target.Limits) == 0 {
				t.Error("it does not say what it can't express")
			}
			for _, limit := range target.Limits {
				if !strings.HasSuffix(limit, ".") {
					t.Errorf("limit %q is no sentence", limit)
				}
			}
			for _, f := range target.Formats {
				if f.Name == "" || f.Description == "" {
					t.Errorf("format %+v is not described", f)
				}
			}
			for _, o := range target.Options {
				if o.Name == "" || o.Description == "" {
					t.Errorf("option %+v is not described", o)
				}
			}
			queries, err := target.Convert(lower(t, target.Example.Rule), "", nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(queries) != 1 || queries[0].Text() != target.Example.Query {
				t.Errorf("the example gives\n%v\nwant\n%s", queries, target.Example.Query)
			}
			folder := strings.ReplaceAll(strings.ReplaceAll(target.Name, "-", ""), "_", "")
			golden, _ := filepath.Glob(filepath.Join(folder, "testdata", "golden", "*.txt"))
			if len(golden) == 0 {
				t.Errorf("no golden files in %s/testdata/golden", folder)
			}
			if found, err := convert.Target(target.Name); err != nil || found != target {
				t.Errorf("not found by its name: %v", err)
			}
		})
	}
	if entries, err := os.ReadDir("."); err == nil {
		for _, e := range entries {
			registered := slices.ContainsFunc(convert.Targets(), func(t *backend.Target) bool {
				return strings.NewReplacer("-", "", "_", "").Replace(t.Name) == e.Name()
			})
			shared := []string{"backend", "elastic", "mapping", "targettest"}
			if e.IsDir() && !registered && !slices.Contains(shared, e.Name()) {
				t.Errorf("folder %s is not in the registry", e.Name())
			}
		}
	}
}

func TestUnknownNames(t *testing.T) {
	target, err := convert.Target("es-qs")
	if err != nil {
		t.Fatal(err)
	}
	_, unknownTarget := convert.Target("esqs")
	for _, c := range []struct {
		err, is error
		text    string
	}{
		{unknownTarget, convert.ErrUnknownTarget, `unknown target "esqs"; did you mean "es-qs"?`},
		{target.Check("defualt", nil), backend.ErrUnknownFormat, `unknown output format "defualt" of target es-qs; did you mean "default"?`},
		{target.Check("", map[string]string{"keyword_feild": ""}), backend.ErrUnknownOption, `unknown backend option "keyword_feild" of target es-qs; did you mean "keyword_field"?`},
		{target.Check("", map[string]string{"hash_normalize": "x"}), backend.ErrOption, `backend option hash_normalize is lower, upper or both, not "x"`},
		{target.Check("", map[string]string{"wildcard_use_keyword": "x"}), backend.ErrOption, `backend option wildcard_use_keyword is true or false, not "x"`},
		{target.Check("default", map[string]string{"case_insensitive_whitelist": "*"}), nil, ""},
	} {
		switch {
		case c.is == nil && c.err != nil:
			t.Errorf("unexpected: %v", c.err)
		case c.is != nil && (!errors.Is(c.err, c.is) || c.err.Error() != c.text):
			t.Errorf("got  %v\nwant %s", c.err, c.text)
		}
	}
}

// What a target can't express is an error with its place in the rule.
func TestUnsupportedHasAPlace(t *testing.T) {
	target, err := convert.Target("es-qs")
	if err != nil {
		t.Fatal(err)
	}
	_, err = target.Convert(lower(t, "s:\n  A|fieldref: B\ncondition: s"), "", nil)
	var d *diag.Diagnostic
	if !errors.As(err, &d) {
		t.Fatalf("got %v", err)
	}
	if got, want := d.Error(), "rule.yml:5:5: a search compares fields with values, not with one another; match and hunt can, on files"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestParts(t *testing.T) {
	target, err := convert.Target("es-qs")
	if err != nil {
		t.Fatal(err)
	}
	one, err := target.Convert(lower(t, "s: {A: 1}\ncondition: s"), "", nil)
	if err != nil || len(one) != 1 || one[0].Part != 0 {
		t.Errorf("one condition: %v %v", one, err)
	}
	two, err := target.Convert(lower(t, "s: {A: 1}\nr: {B: 1}\ncondition: [s, r]"), "", nil)
	if err != nil || len(two) != 2 || two[0].Part != 1 || two[1].Part != 2 {
		t.Errorf("two conditions: %v %v", two, err)
	}
}
