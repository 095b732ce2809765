package elastic

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// An address is in a network when one of its patterns matches it.
func TestAddressPatterns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		address := func(label string) netip.Addr {
			b := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, label)
			return netip.AddrFrom4([4]byte(b))
		}
		network := netip.PrefixFrom(address("network"), rapid.IntRange(0, 32).Draw(t, "bits"))
		patterns, ok := addressPatterns(network.String())
		if !ok {
			t.Fatal("no patterns")
		}
		near := network.Masked().Addr().Prev()
		for _, a := range []netip.Addr{address("other"), network.Addr(), network.Masked().Addr(), near} {
			if !a.IsValid() {
				continue
			}
			found := slices.ContainsFunc(patterns, func(p ir.Pattern) bool {
				ok, _ := path.Match(p.String(), a.String())
				return ok
			})
			if found != network.Contains(a) {
				t.Fatalf("%s in %s: %v by %v", a, network, found, patterns)
			}
		}
	})
	for _, network := range []string{"fe80::/10", "10.0.0.0", "x"} {
		if _, ok := addressPatterns(network); ok {
			t.Errorf("%s has patterns", network)
		}
	}
}

func TestNetworkOf(t *testing.T) {
	for pattern, want := range map[string]string{
		"10.*": "10.0.0.0/8", "10.1.*": "10.1.0.0/16", "192.168.1.*": "192.168.1.0/24",
		"10*": "", "*": "", "10.1": "", "*.1": "", "256.*": "", "1.2.3.4.*": "", "10.?.*": "", "fe80:*": "", ".*": "",
	} {
		p := sigma.ParsePattern(pattern)
		if got, _ := networkOf(p); got != want {
			t.Errorf("%s gives %q, want %q", pattern, got, want)
		}
	}
}

// Whatever a pattern matches holds what is asked of a field of words.
func TestWordsAskForLess(t *testing.T) {
	pieces := []string{"foo", "Bar", "x", "1", "42", " ", "-", ".", "\\", "é", "語", "文", "'", "\n"}
	rapid.Check(t, func(t *rapid.T) {
		var p ir.Pattern
		var text strings.Builder
		for range rapid.IntRange(0, 6).Draw(t, "length") {
			piece := rapid.SampledFrom(pieces).Draw(t, "piece")
			text.WriteString(piece)
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				p = p.Append(sigma.Token{Kind: sigma.AnyChars})
			default:
				p = p.Append(sigma.Text(piece)...)
			}
		}
		a := words("f", p)
		for _, asked := range append([]Ask{a}, a.Of...) {
			if asked.Op != Wild {
				continue
			}
			inner := asked.Pattern[1].Text
			if !strings.Contains(text.String(), inner) {
				t.Fatalf("%q, matched by %s, does not hold %q", text.String(), p, inner)
			}
			if strings.ContainsFunc(inner, func(r rune) bool { return !isWord(r) }) {
				t.Fatalf("%q is no word", inner)
			}
		}
	})
}

// Texts stay in their question, and no question is longer than an index takes.
func TestTogether(t *testing.T) {
	var asks []Ask
	for i := range 300 {
		a := value("f", sigma.Text(fmt.Sprintf("value-%d", i)).Contains(), true, true)
		a.uncased = true
		asks = append(asks, a)
	}
	texts := 0
	for _, a := range together(asks) {
		re := a.regexp(func(p ir.Pattern) string { return p.String() })
		if a.Op != OneOf || !a.Before || !a.After || !strings.HasPrefix(re, ".*(value-") {
			t.Errorf("%+v", a)
		}
		if n := regexpLength(a.regexp(backend.LucenePattern)); n > maxRegexp {
			t.Errorf("%d characters", n)
		}
		texts += len(a.Texts)
	}
	if texts != 300 {
		t.Errorf("%d texts", texts)
	}
}
