// Copyright (c) 2026, the gitops.flux_local authors
// SPDX-License-Identifier: Apache-2.0

// semver reads cases as JSON from its standard input and writes what Flux's own code makes of each: the tags in
// the range, the highest version first; null where the range or the filter cannot be parsed.
package main

import (
	"encoding/json"
	"log"
	"os"
	"regexp"

	"github.com/Masterminds/semver/v3"
	"github.com/fluxcd/pkg/version"
)

type question struct {
	Tags   []string `json:"tags"`
	Range  string   `json:"range"`
	Filter string   `json:"filter"`
}

func main() {
	var questions []question
	if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
		log.Fatal(err)
	}
	answers := make([][]string, 0, len(questions))
	for _, q := range questions {
		answers = append(answers, q.answer())
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		log.Fatal(err)
	}
}

// answer does as source-controller's getTagBySemver.
func (q question) answer() []string {
	match, err := regexp.Compile(q.Filter)
	if err != nil {
		return nil
	}
	constraint, err := semver.NewConstraint(q.Range)
	if err != nil {
		return nil
	}
	var tags []string
	for _, tag := range q.Tags {
		if match.MatchString(tag) {
			tags = append(tags, tag)
		}
	}
	return version.Sort(constraint, tags)
}
