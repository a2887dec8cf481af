# SPDX-License-Identifier: MIT
"""The account that the cases find in the simulated AWS, under EC2's own names for its fields (aws/sim/test/sim_snapshot_json.c)."""

ACCOUNT = "123456789012"
OTHER = "210987654321"
REGIONS = ["us-east-1", "eu-west-1", "us-west-2"]

NIGHTLY = "snap-0a1b2c3d4e5f60718"    # completed, plain, tagged: what most cases copy
AWKWARD = "snap-0b0b0b0b0b0b0b0b0"    # completed; tags whose keys are no file names
BARE = "snap-0c0c0c0c0c0c0c0c0"       # completed; neither tags nor description
ENCRYPTED = "snap-0d0d0d0d0d0d0d0d0"  # completed, encrypted
PENDING = "snap-0e0e0e0e0e0e0e0e0"    # pending, until a case lets it end
BROKEN = "snap-0f0f0f0f0f0f0f0f0"     # EC2 gave it up
SHARED = "snap-05050505050505050"     # another account's, shared with ours
PUBLIC = "snap-07070707070707070"     # another account's, public
IRISH = "snap-01010101010101010"      # ours, in eu-west-1
NOWHERE = "snap-09999999999999999"    # EC2 knows no such id

KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
GIB = 1 << 30


def snapshot(id, **fields):
    """One snapshot with believable values for what `fields` leaves open."""
    out = dict(
        SnapshotId=id,
        VolumeId="vol-0123456789abcdef0",
        State="completed",
        Progress="100%",
        StartTime="2026-11-20T03:00:12.000Z",
        CompletionTime="2026-11-20T03:10:42.000Z",
        OwnerId=ACCOUNT,
        Description="",
        VolumeSize=8,
        FullSnapshotSizeInBytes=3 * GIB,
        Encrypted=False,
        Tags={},
    )
    out.update(fields)
    return {k: v for k, v in out.items() if v is not None}


WORLD = {
    "us-east-1": [
        snapshot(NIGHTLY, Description="nightly db", Tags={"Name": "db", "env": "prod"}),
        snapshot(
            AWKWARD,
            VolumeId="vol-0b0b0b0b0b0b0b0b0",
            StartTime="2025-01-02T10:00:00.000Z",
            CompletionTime="2025-01-02T11:30:00.000Z",
            VolumeSize=100,
            FullSnapshotSizeInBytes=40 * GIB,
            Description="line of text: with # signs, \"quotes\" and ünïcode",
            Tags={
                "a/b": "slash",
                "100%": "percent",
                ".": "one dot",
                "..": "two dots",
                "empty": "",
                "umlaut ä": "grüße",
                "aws:backup:source-resource": "arn:aws:ec2:us-east-1::x",
            },
        ),
        snapshot(
            BARE,
            VolumeId="vol-0c0c0c0c0c0c0c0c0",
            StartTime="2026-03-01T00:00:00.000Z",
            CompletionTime="2026-03-01T00:02:00.000Z",
            VolumeSize=1,
            FullSnapshotSizeInBytes=GIB // 2,
        ),
        snapshot(
            ENCRYPTED,
            VolumeId="vol-0d0d0d0d0d0d0d0d0",
            StartTime="2026-06-01T00:00:00.000Z",
            CompletionTime="2026-06-01T00:02:00.000Z",
            Encrypted=True,
            KmsKeyId=KEY,
            Description="secrets",
        ),
        snapshot(
            PENDING,
            VolumeId="vol-0e0e0e0e0e0e0e0e0",
            StartTime="2026-11-22T19:40:00.000Z",
            State="pending",
            Progress="42%",
            CompletionTime=None,
            Description="still going",
        ),
        snapshot(
            BROKEN,
            VolumeId="vol-0f0f0f0f0f0f0f0f0",
            StartTime="2026-10-10T00:00:00.000Z",
            State="error",
            Progress="17%",
            CompletionTime=None,
            StateMessage="Given key ID is not accessible",
        ),
        snapshot(SHARED, OwnerId=OTHER, Description="from a friend", shared=[ACCOUNT]),
        snapshot(PUBLIC, OwnerId=OTHER, Description="for everybody", public=True),
    ],
    "eu-west-1": [snapshot(IRISH, VolumeId="vol-01010101010101010", Description="irish", Tags={"Name": "eire"})],
    "us-west-2": [],
}

OWN = {region: [s["SnapshotId"] for s in snapshots if s["OwnerId"] == ACCOUNT] for region, snapshots in WORLD.items()}
SEEDED = {s["SnapshotId"] for snapshots in WORLD.values() for s in snapshots}
BY_ID = {s["SnapshotId"]: s for snapshots in WORLD.values() for s in snapshots}
COMPLETED = [NIGHTLY, AWKWARD, BARE, ENCRYPTED]  # of us-east-1

# As ebsfs-sim reads it.
KEYS = {"eu-west-1": [{"id": "99999999-8888-7777-6666-555555555555", "alias": "alias/dr"}],
        "us-east-1": [{"id": KEY.rsplit("/", 1)[1], "alias": "alias/prod"}]}
SEED = {"regions": {region: {"kms_keys": KEYS.get(region, []), "snapshots": snapshots} for region, snapshots in WORLD.items()}}
