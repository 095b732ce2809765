package check

// Absent is something that another tool checks and huntbook does not.
type Absent struct {
	Origin
	Why string
}

// AllAbsent lists what is not checked, with the reasons.
func AllAbsent() []Absent {
	out := []Absent{
		{pySigma("tlpv1_tag"), "Version 1 of the protocol is replaced: `tag-tlp` takes the levels of version 2, as the specification does."},
		{pySigmaHQ("fields_existence"), "The specification has `fields`, and huntbook shows them first in a notebook. SigmaHQ's repository does without."},
		{pySigmaHQ("unknown_field"), "The specification allows keys of one's own. Those that look misspelt are found by `misspelt-key` and `key-case`."},
		{pySigmaHQ("status_to_high"), "Whether a rule is new depends on the day of the check: the same files would have other findings tomorrow."},
		{pySigmaHQ("tags_tlp"), "That rules are TLP:CLEAR holds for a public repository alone. `tag-tlp` checks that the level exists."},
		{rSigma("schema_violation"), "The JSON schema of the specification says less than the checks here, and says it without places."},
		{rSigma("all_with_re"), "`re` with `all` means that every expression is found, which is not what one expression says."},
		{rSigma("empty_filter_rules"), "An empty list of rules means all rules, as pySigma reads it. (rsigma reserves the name and never says it.)"},
	}
	for _, name := range []string{
		"flattened_array_correlation", "invalid_window_mode", "missing_session_gap", "gap_without_session", "invalid_gap_format",
		"unsupported_sigma_version", "array_matching_without_version", "sigma_version_mismatch",
	} {
		out = append(out, Absent{rSigma(name), "Array selectors, window modes and versions are rsigma's own additions to the language."})
	}
	for _, name := range []string{
		"ads_missing_goal", "ads_missing_categorization", "ads_missing_strategy", "ads_missing_technical_context", "ads_missing_blind_spots",
		"ads_missing_false_positives", "ads_missing_validation", "ads_missing_priority", "ads_missing_response", "ads_empty_section",
		"ads_unknown_section", "exemplar_shape", "exemplar_wrong_rule_kind",
	} {
		out = append(out, Absent{rSigma(name), "The keys `rsigma.ads` and `rsigma.exemplars` are rsigma's own."})
	}
	return out
}
