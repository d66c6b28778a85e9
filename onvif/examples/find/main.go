// Command find prints the ONVIF devices of this machine's networks as they answer:
// the smallest client.
package main

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"pantau/onvif"
)

func main() {
	err := onvif.Discover(context.Background(), onvif.Search{For: 3 * time.Second}, func(c onvif.Change) {
		fmt.Println(c.Device.Name, strings.Join(c.Device.Addresses, " "))
	})
	if err != nil {
		log.Fatal(err)
	}
}
