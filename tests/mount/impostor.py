# SPDX-License-Identifier: MIT
"""A server that answers as EC2 never would, for cases/hostile.py. It looks at no signature."""
import http.server
import re
import threading
import urllib.parse

from world import ACCOUNT

XML = "<?xml version='1.0' encoding='UTF-8'?>"


def snapshot_item(id, **fields):
    out = dict(snapshotId=id, volumeId="vol-0123456789abcdef0", status="completed", progress="100%", ownerId=ACCOUNT,
               startTime="2026-11-20T03:00:12.000Z", volumeSize="8", encrypted="false", description="")
    if "Description" in fields:
        fields["description"] = fields.pop("Description")
    out.update(fields)
    return "<item>" + "".join(f"<{k}>{v}</{k}>" for k, v in out.items()) + "</item>"


def describe(*items, token=None, head=True):
    return ((XML if head else "") + '<DescribeSnapshotsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
            "<requestId>00000000-0000-0000-0000-000000000000</requestId><snapshotSet>" + "".join(items) + "</snapshotSet>"
            + (f"<nextToken>{token}</nextToken>" if token else "") + "</DescribeSnapshotsResponse>")


class Impostor:
    def __init__(self, bodies, regions=None):
        """bodies: region -> the answer to DescribeSnapshots, as text or as a function that writes all of HTTP itself."""
        regions = regions or sorted(bodies)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                action = urllib.parse.parse_qs(body).get("Action", [""])[0]
                scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/", self.headers.get("authorization", ""))
                if action == "GetCallerIdentity":
                    text = (XML + "<GetCallerIdentityResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'>"
                            f"<GetCallerIdentityResult><Arn>arn:aws:iam::{ACCOUNT}:user/x</Arn><UserId>X</UserId>"
                            f"<Account>{ACCOUNT}</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId>"
                            "</ResponseMetadata></GetCallerIdentityResponse>")
                elif action == "DescribeRegions":
                    items = "".join(f"<item><regionName>{r}</regionName><regionEndpoint>x</regionEndpoint>"
                                    "<optInStatus>opt-in-not-required</optInStatus></item>" for r in regions)
                    text = XML + f"<DescribeRegionsResponse><regionInfo>{items}</regionInfo></DescribeRegionsResponse>"
                elif action == "DescribeSnapshots":
                    text = bodies[scope[1] if scope else ""]
                    if callable(text):
                        self.close_connection = True
                        try:
                            text(self.wfile)
                        except OSError:
                            pass  # the client has had enough
                        return
                else:
                    text = "<Response><Errors><Error><Code>InvalidAction</Code><Message/></Error></Errors></Response>"
                data = text.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                try:
                    self.wfile.write(data)
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
