// Package docs writes the reference pages in docs/ from what the program itself
// knows; its tests fail when a page is out of date. It has no code of its own.
package docs
