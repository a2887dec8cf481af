# SPDX-License-Identifier: MIT
"""The places that hand out keys, for mounts: the double of tests/credentials, whose keys the simulated AWS accepts until they end."""
import collections
import socket
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "credentials"))
import double  # noqa: E402


class Sources:
    """An instance's metadata, a container's agent, SSO's portal and OIDC at one URL, which is known before they listen."""

    def __init__(self, test, life=3600):
        """life: of each key, in seconds."""
        self.sim, self.life = test.sim, life
        self.asked = collections.Counter()  # requests by path
        self.given = []                     # access keys, in order
        self.delay = 0                      # seconds before keys are given
        self.server = None
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        # No keys but these.
        for name in test.sim.credentials():
            test.env.pop(name, None)
        test.closers.append(self.close)

    def listen(self):
        sources = self

        class Handler(double.Handler):
            def parse_request(self):
                good = super().parse_request() and sources.server
                self.close_connection = self.close_connection or not good
                if good:
                    sources.asked[self.path.partition("?")[0]] += 1
                return good

            def issue(self, key):
                time.sleep(sources.delay)
                return sources.issue()

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def issue(self):
        key = f"ASIASOURCE{len(self.given):010d}"
        token = f"token-of-{key}"
        end = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=self.life)
        self.sim.add_key(key, secret=double.SECRET, token=token, expires=f"{end:{double.DATE}}",
                         arn="arn:aws:sts::123456789012:assumed-role/tester/session")
        self.given.append(key)
        return key, token, end

    def close(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        self.server = None

    # --- the environment that sends ebsfs there ---

    def instance(self):
        return {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.url + "/imds"}

    def container(self):
        return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": self.url + "/container"}

    def sso(self):
        return {"AWS_ENDPOINT_URL_SSO": self.url, "AWS_ENDPOINT_URL_SSO_OIDC": self.url}
