package models

import "pantau/sidecar"

// classSets names the lists of classes that models were trained on. A model's
// n-th class score is of the n-th name.
var classSets = map[string][]sidecar.Class{
	"coco": coco, // coco.go
	"street": {
		sidecar.Person, sidecar.Bicycle, sidecar.Motorcycle, sidecar.Car, sidecar.Bus, sidecar.Truck,
	},
}
