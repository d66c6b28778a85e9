"""The pictures that there are, which of them train, and which only judge.

`Picture.clip` names what a picture was cut from: no clip is on both sides.
"""

import csv
import dataclasses
import pathlib

CLASSES = ["person", "bicycle", "motorcycle", "car", "bus", "truck"]

# Clips and folders of which some pictures are labelled by eye, to judge with. All
# their pictures stay out of every training, whatever their licence.
JUDGES = {
    "quypcfpt/Traffic-Detection", "thanglm20/Embedded-AIRuntime",
    "Baticsute/vietnamese-traffic-density-estimation-with-dots-enhanced", "DaffaPutraS/praktikum_PCD_A-I",
    "pagehwidiastra/pengolahan_citra", "anan474/penghitung-kendaraan", "chisanucha-plum/project-helmet-detection",
    "sohumgupta/computational-flowtography", "rajaD1995/Car-Pedestrian-Detection",
    "NK-QUOC/Traffic-Density-Recognition-System", "cuonglamphu/Vietnam-Traffic-Vehicle-Segmentation",
    "abaoxomtieu/YOLOV5-V8-Object-Traffic-Detection", "ThienNien/Yolo-Tracking",
    "Alomgir27/automatic-traffice-control-using-ML", "LionelPyae/speedDetection", "tanvev/TrafficEase",
    "aerenkaradag/yolov8_tracking", "sajadulakash/polygon-based-traffic-monitor",
    "mohameddd58/parking-management-by-yolov5-", "jiantleman/traffic-video-analysis",
    "uprasad96/openCV-Introduction", "zhaolebor/engr027-project1",
}


@dataclasses.dataclass(frozen=True)
class Picture:
    """One picture. `use` is train, judge or experiment (no licence is stated)."""

    path: pathlib.Path
    source: str  # the key of the card: "street/<repository>" or "data/<prefix>"
    licence: str
    clip: str
    use: str
    view: str = ""
    light: str = ""
    truth: pathlib.Path | None = None  # labels by people, YOLO's text format


def pictures(shared):
    """All pictures of the folder, in the order of the manifests."""
    return street(shared / "street") + traffic(shared / "data/traffic") + others(shared / "data")


def rows(manifest):
    with open(manifest, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def street(folder):
    found = []
    for r in rows(folder / "manifest.csv"):
        truth = folder / "labels" / (pathlib.Path(r["file"]).stem + ".txt")
        judges = r["source_repo"] in JUDGES
        found.append(Picture(
            path=folder / "images" / r["file"], source="street/" + r["source_repo"], licence=r["licence"],
            clip=r["source_repo"] + "/" + r["original_path"].split("#")[0],
            use="judge" if judges else "train" if r["tier"] == "1" else "experiment",
            view=r["view"], light=r["light"], truth=truth if truth.exists() else None))
    return found


def traffic(folder):
    """Labelled by people. manaus judges; its source is never trained on."""
    return [Picture(
        path=folder / "images" / r["file"], source="data/" + r["file"].split("_")[0], licence=r["licence"],
        clip=r["original_path"], use={"train": "train", "val": "validate", "test": "judge"}[r["split"]],
        truth=folder / "labels" / (pathlib.Path(r["file"]).stem + ".txt"))
        for r in rows(folder / "manifest.csv")]


def others(data):
    """Litter and water are streets too; their test splits stay untouched, and
    drone pictures of floods show no street from a camera's place."""
    found = []
    for topic in ("water", "litter"):
        for r in rows(data / topic / "manifest.csv"):
            prefix = "_".join(r["file"].split("_")[:-1])
            if r["split"] == "train" and prefix != "aerial":
                found.append(Picture(path=data / topic / "images" / r["file"], source="data/" + prefix,
                                     licence=r["licence"], clip=r["original_path"], use="train"))
    return found
