// Package nearest finds the word that a misspelt one was probably meant to be.
package nearest

import "strings"

// Word is the one of words that differs from w by the fewest letters, if those
// are at most two and fewer than it has itself; empty where there is none.
func Word(w string, words []string) string {
	best, least := "", 3
	for _, word := range words {
		if d := distance(strings.ToLower(w), word); d < least && d < len(word) {
			best, least = word, d
		}
	}
	return best
}

// distance is Levenshtein's, by bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := corner
			if a[i] != b[j] {
				cost = 1 + min(corner, row[j], row[j+1])
			}
			corner, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
