package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
)

// versionCmd is `pantau version`.
type versionCmd struct {
	JSON bool `help:"Print it as JSON."`
}

// Run carries out the command.
func (c *versionCmd) Run() error {
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(map[string]string{
			"version": version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
		})
	}
	fmt.Printf("pantau %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
