package main

import (
	"fmt"

	"pantau/inference/models"
	"pantau/sidecar"
	"pantau/sidecar/look"
	"pantau/sidecar/pipeline"
)

// checkLook says for each camera what of its picture would be looked at by the
// geometry alone: with a picture of 1280×720, and objects of a usual size.
func checkLook(cameras []sidecar.Camera) error {
	manifest, err := models.Builtin()
	if err != nil {
		return err
	}
	for _, c := range cameras {
		m, err := manifest.Find(c.Analyse.Model)
		if err != nil {
			return err
		}
		o := look.Options{Width: 1280, Height: 720, FPS: pipeline.FPS(c), Assume: true}
		box := m.Letterbox(o.Width, o.Height)
		o.Input = look.Input{Width: box.Width, Height: box.Height, Free: m.Input.Shape == "picture"}
		for i, line := range look.New(c, o).Explain(0) {
			fmt.Printf("%-12s  %s\n", [2]string{c.ID, ""}[min(i, 1)], line)
		}
	}
	fmt.Println("That is for 1280×720 and objects of a usual size. A camera begins with the whole picture and chooses when it has seen enough objects: pantau probe --rules watches it.")
	return nil
}
