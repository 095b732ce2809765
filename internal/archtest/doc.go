// Package archtest holds tests of the repository's shape: which package may import
// which, and what every file and package must keep to.
//
// The allowed imports stand in one place, the table of packages in
// docs/architecture.md, which the tests read. The package has no other code.
package archtest
