package elastic

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil && strings.Trim(s, "0123456789.-") == ""
}

func isAddress(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Zone() == ""
}

// networkOf is the network whose addresses a pattern matches, for a field that keeps
// addresses and knows no wildcards: 10.1.* is 10.1.0.0/16.
func networkOf(p ir.Pattern) (string, bool) {
	if len(p) != 2 || p[0].Kind != sigma.Literal || p[1].Kind != sigma.AnyChars {
		return "", false
	}
	parts := strings.Split(p[0].Text, ".")
	last := len(parts) - 1
	if last < 1 || last > 3 || parts[last] != "" {
		return "", false
	}
	a, err := netip.ParseAddr(strings.Join(parts[:last], ".") + strings.Repeat(".0", 4-last))
	if err != nil {
		return "", false
	}
	return fmt.Sprintf("%s/%d", a, 8*last), true
}

// addressPatterns are the patterns of a network of IPv4 for a field that keeps
// addresses as text: 172.16.0.0/15 is 172.16.* and 172.17.*.
func addressPatterns(network string) ([]ir.Pattern, bool) {
	prefix, err := netip.ParsePrefix(network)
	if err != nil || !prefix.Addr().Is4() {
		return nil, false
	}
	prefix = prefix.Masked()
	octets := prefix.Addr().As4()
	if prefix.Bits() == 0 {
		return []ir.Pattern{{{Kind: sigma.AnyChars}, {Kind: sigma.Literal, Text: "."}, {Kind: sigma.AnyChars}}}, true
	}
	whole := (prefix.Bits() + 7) / 8
	var out []ir.Pattern
	for i := range 1 << (8*whole - prefix.Bits()) {
		var b strings.Builder
		for at := range whole {
			octet := int(octets[at])
			if at == whole-1 {
				octet += i
			}
			fmt.Fprintf(&b, "%d", octet)
			if at < 3 {
				b.WriteByte('.')
			}
		}
		p := sigma.Text(b.String())
		if whole < 4 {
			p = p.StartsWith()
		}
		out = append(out, p)
	}
	return out, true
}
