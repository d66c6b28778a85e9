package config

import (
	"regexp"
	"strings"
)

// hidden is what stands where a secret would.
const hidden = "•••"

// patterns are how a secret is recognised in the text of a file, which may not
// even be YAML.
type patterns struct {
	key      *regexp.Regexp // a key that holds a secret, up to its value
	userInfo *regexp.Regexp // of a URL (RFC 3986 section 3.2.1)
	query    *regexp.Regexp // a secret among the parameters of a URL
	begins   *regexp.Regexp // a line that begins with a key: a value from above ends there
}

func secretPatterns() patterns {
	return patterns{
		key:      regexp.MustCompile(`(?i)["']?[\w.-]*(?:pass?w|pwd|secret|token|credential|kunci|sandi)[\w.-]*["']?\s*:`),
		userInfo: regexp.MustCompile(`(://|%3A%2F%2F|\bonvif["']?\s*:\s*["']?).*@`), // an ONVIF camera's address has no scheme
		query:    regexp.MustCompile(`(?i)((?:pass?w|pwd|secret|token)\w*=)[^&\s"']*`),
		begins:   regexp.MustCompile(`^\s*(?:-\s+)*["']?[\w.-]+["']?\s*:(?:\s|$)`),
	}
}

// secretLine is what must not be shown of one line: all from column on
// (bytes), none where it is negative.
type secretLine int

// secretLines finds the secrets of a text: what stands behind a secret's key,
// also where it goes on in the lines below, up to the next key that is not
// indented deeper and belongs to no open quotation.
func (p patterns) secretLines(lines []string) []secretLine {
	from := make([]secretLine, len(lines))
	inside, indent, quote := false, 0, byte(0)
	for i, line := range lines {
		from[i] = -1
		if inside && (quote != 0 || leading(line) > indent || !p.begins.MatchString(line)) {
			from[i] = 0
			if quote != 0 && closes(line, quote) {
				quote = 0
			}
			continue
		}
		inside = false
		for _, at := range p.key.FindAllStringIndex(line, -1) {
			if name := strings.Trim(line[at[0]:at[1]], "\"' \t:"); strings.HasSuffix(strings.ToLower(name), "_env") {
				continue
			}
			from[i], inside, indent = secretLine(at[1]), true, leading(line)
			quote = opens(line[at[1]:])
			break
		}
	}
	return from
}

// leading is the indentation of a line. The dash of a list counts as
// indentation of what stands behind it only for deeper lines, so it does not
// count here.
func leading(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

// opens gives the quotation mark that a value begins with and does not close.
func opens(value string) byte {
	value = strings.TrimLeft(value, " \t")
	if value == "" || value[0] != '"' && value[0] != '\'' {
		return 0
	}
	if closes(value[1:], value[0]) {
		return 0
	}
	return value[0]
}

func closes(text string, quote byte) bool { return strings.IndexByte(text, quote) >= 0 }

// redact gives a line without its secrets.
func (p patterns) redact(line string, from secretLine) string {
	end := ""
	if from >= 0 {
		line, end = strings.TrimRight(line[:from], " \t"), hidden
		if line != "" {
			end = " " + hidden
		}
	}
	line = p.userInfo.ReplaceAllString(line, "${1}"+hidden+"@")
	return p.query.ReplaceAllString(line, "${1}"+hidden) + end
}
