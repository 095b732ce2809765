package pipeline

// Transformation describes one kind of transformation.
type Transformation struct {
	Name string
	// Prose says what it does, in a sentence or two.
	Prose      string
	Parameters []Parameter
	// Vars are the pipeline's variables in the example, a YAML map; "" for none.
	Vars string
	// Example is a processing item, a rule's detection items and what the item
	// makes of them.
	Example Example

	read func(dict) transform
}

// Parameter is a key of a processing item or of a condition.
type Parameter struct{ Name, Prose string }

// Example shows a transformation at work. Item is YAML, Detection a YAML map of
// detection items in flow style, Result the lowered rule in the notation of the
// docs: `Field = value and (…)`.
type Example struct{ Item, Detection, Result string }

// Transformations lists all transformations by topic. A new one is a variable
// in a file of its own and a place in this list.
func Transformations() []*Transformation {
	return []*Transformation{
		&transformFieldNameMapping, &transformFieldNamePrefixMapping, &transformFieldNamePrefix, &transformFieldNameSuffix,
		&transformHashesFields, &transformExtractFields, &transformDropDetectionItem,
		&transformReplaceString, &transformMapString, &transformCase, &transformRegex, &transformSetValue, &transformConvertType,
		&transformValuePlaceholders, &transformWildcardPlaceholders, &transformQueryExpressionPlaceholders,
		&transformAddCondition, &transformChangeLogsource,
		&transformAddField, &transformRemoveField, &transformSetField,
		&transformSetState, &transformSetCustomAttribute,
		&transformRuleFailure, &transformDetectionItemFailure, &transformStrictFieldMappingFailure,
		&transformNest, &transformAlternatives,
	}
}
