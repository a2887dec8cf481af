# SPDX-License-Identifier: MIT
"""moto, an EC2 that this project did not write, with some snapshots in it."""
import shutil
import socket

from harness import Skip, check, until


class Moto:
    def __init__(self, t):
        program = shutil.which("moto_server")
        if not program:
            raise Skip("moto_server is not installed, and Debian has no package of it: pip install 'moto[server]'")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        t.env.update(AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", MOTO_EC2_LOAD_DEFAULT_AMIS="false")
        self.url = f"http://127.0.0.1:{port}"
        log = open(t.path("moto.txt"), "wb")
        t.closers.append(log.close)
        self.process = t.background([program, "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log)

        def listens():
            check(self.process.poll() is None, "moto_server ended")
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", port)) == 0

        until(listens, "moto_server listens", 60)


def boto(t, moto, region):
    import boto3

    return boto3.client("ec2", region_name=region, endpoint_url=moto.url, aws_access_key_id="testing",
                        aws_secret_access_key="testing")


def account(t, n=3):
    """Some snapshots in us-east-1. Returns (moto, their ids)."""
    moto = Moto(t)
    ec2 = boto(t, moto, "us-east-1")
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=8)["VolumeId"]
    ids = []
    for k in range(n):
        tags = [{"Key": "Name", "Value": f"db {k}"}, {"Key": "a/b", "Value": "c"}]
        ids.append(ec2.create_snapshot(VolumeId=volume, Description=f"nightly {k}",
                                       TagSpecifications=[{"ResourceType": "snapshot", "Tags": tags}])["SnapshotId"])
    return moto, ids


def mount(t, moto):
    m = t.mount("regions=us-east-1:eu-west-1:us-west-2", endpoint=moto.url)
    return m
