#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Partition tables: written by sfdisk, which is the judge of numbers and places as well."""
import json
import subprocess
import sys

import reader
import tap

SIZE = 64 << 20


def run(*command, text=None):
    return subprocess.run([str(c) for c in command], check=True, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True).stdout


def disk(folder, script):
    image = folder / "image"
    run("truncate", "-s", SIZE, image)
    run("eatmydata", "sfdisk", "-q", image, text=script)  # without sync() of the whole machine
    return image


def judged(image):
    """sfdisk's list: (number, start, size)."""
    found = json.loads(run("sfdisk", "-J", image))["partitiontable"]["partitions"]
    return sorted((int(p["node"][len(str(image)):]), p["start"] * 512, p["size"] * 512) for p in found)


def partitions(image):
    with reader.Reader(image) as r:
        kind, note, found = r.partitions()
    return kind, note, found, [(p["number"], p["start"], p["size"]) for p in found]


MBR = """label: dos
start=2048, size=20480, type=83, bootable
start=22528, size=2048, type=82
start=24576, size=61440, type=5
start=26624, size=8192, type=83
start=40960, size=8192, type=8e
start=53248, size=4096, type=c
"""
GPT = """label: gpt
1: start=34816, size=20480, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name="root \u00e4"
14: start=2048, size=8192, type=21686148-6449-6E6F-744E-656564454649
15: start=10240, size=20480, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
16: start=57344, size=2048, type=01234567-89AB-CDEF-0123-456789ABCDEF
"""


def test_mbr_with_logical_partitions(folder):
    image = disk(folder, MBR)
    kind, note, found, places = partitions(image)
    assert (kind, note) == ("mbr", "") and places == judged(image), (places, judged(image))
    assert [p["type"] for p in found] == ["0x83 Linux", "0x82 Linux swap", "0x05 Extended", "0x83 Linux", "0x8e Linux LVM", "0x0c FAT32"]


def test_gpt(folder):
    image = disk(folder, GPT)
    kind, note, found, places = partitions(image)
    assert (kind, note) == ("gpt", "") and places == judged(image), (places, judged(image))
    assert [p["type"] for p in found] == ["Linux filesystem", "BIOS boot", "EFI System", "01234567-89ab-cdef-0123-456789abcdef"], found
    assert found[0]["name"] == "root \u00e4"


def test_gpt_from_its_backup(folder):
    image = disk(folder, GPT)
    good, whole = judged(image), image.read_bytes()
    for at in (512 + 16, 1024 + 40):  # the header; an entry
        data = bytearray(whole)
        data[at] ^= 1
        image.write_bytes(data)
        kind, note, _, places = partitions(image)
        assert kind == "gpt" and "backup" in note and places == good, (note, places)
    data[SIZE - 512 + 16] ^= 1
    image.write_bytes(data)
    kind, note, _, places = partitions(image)
    assert kind == "gpt" and "damaged" in note and not places, (note, places)


def test_a_chain_that_has_no_end(folder):
    image = disk(folder, MBR)
    data = bytearray(image.read_bytes())
    record = 26624 * 512 - 2048 * 512 + 446  # sfdisk puts it one MiB before the partition
    assert data[record + 64:record + 66] == b"\x55\xaa" and data[record + 16 + 4] == 5
    data[record + 16 + 8:record + 16 + 12] = bytes(4)  # the next record is the first one
    image.write_bytes(data)
    kind, _, found, _ = partitions(image)
    assert kind == "mbr" and 4 < len(found) <= 128


def write(image, offset, data):
    with open(image, "r+b") as f:
        f.seek(offset)
        f.write(data)


def test_contents_are_recognised(folder):
    """Magic numbers at the places that the formats' documents name."""
    kinds = {
        "LUKS": [(0, b"LUKS\xba\xbe\0\x02")], "LVM2": [(512, b"LABELONE"), (536, b"LVM2 001")], "mdraid": [(4096, b"\xfc\x4e\x2b\xa9\x01\0\0\0")],
        "swap": [(4086, b"SWAPSPACE2")], "btrfs": [(65600, b"_BHRfS_M"), (65835, b"a label\0")], "ntfs": [(3, b"NTFS    "), (510, b"\x55\xaa")],
    }
    for content, bytes_at in kinds.items():
        image = disk(folder, "label: gpt\nstart=2048, size=20480\n")
        for at, data in bytes_at:
            write(image, 2048 * 512 + at, data)
        _, _, (found,), _ = partitions(image)
        assert found["content"] == content and not found["readable"], found
        assert "disks/<id>.rw" in found["note"] or content == "swap", found
        assert found["label"] == ("a label" if content == "btrfs" else ""), found
        with reader.Reader(image) as r:
            try:
                r.open(found["start"], found["size"])
                raise AssertionError("opened")
            except reader.Failed as e:
                assert e.errno == 95 and content in str(e), e
        image.unlink()


def test_the_tools_of_the_machine(folder):
    """The same by mkswap and mkfs.btrfs, for a disk without a table."""
    for command, content in ((("mkswap", "-L", "my swap"), "swap"), (("mkfs.ext4", "-q", "-L", "my root"), "ext4"), (("mkfs.ext2", "-q"), "ext2"),
                             (("mkfs.ext3", "-q"), "ext3"), (("mkfs.fat", "-n", "EFI"), "vfat")):
        image = folder / content
        run("truncate", "-s", SIZE, image)
        run(*command, image)
        kind, _, (found,), places = partitions(image)
        assert kind == "none" and found["content"] == content and places == [(0, 0, SIZE)], found
        assert found["readable"] == (content != "swap") and found["label"] == {"swap": "my swap", "ext4": "my root", "vfat": "EFI"}.get(content, "")


def test_few_blocks(folder):
    image = disk(folder, GPT)
    with reader.Reader(image) as r:
        r.partitions()
        assert len(r.blocks) <= 5 and r.rounds <= 2, (r.blocks, r.rounds)


tap.run(sys.modules[__name__])
