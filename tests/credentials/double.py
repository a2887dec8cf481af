# SPDX-License-Identifier: MIT
"""A test double for the places that hand out keys: an instance's metadata, a container's agent, STS, SSO's portal and OIDC.

The access keys it gives tell how they were asked for, so that two clients that get the same key did the same. Requests to
STS are refused if they are not signed as they should be.
"""
import hashlib
import hmac
import json
import re
import urllib.parse
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
REFRESH = 'refresh-token'
DATE = '%Y-%m-%dT%H:%M:%SZ'


def word(text):
    return re.sub(r'\W', '', text)


def sigv4(method, path, headers, signed, body, date, region, service):
    canonical = '\n'.join([method, path, '', *(f'{n}:{" ".join(headers[n].split())}' for n in signed), '', ';'.join(signed),
                           hashlib.sha256(body).hexdigest()])
    scope = f'{date[:8]}/{region}/{service}/aws4_request'
    to_sign = '\n'.join(['AWS4-HMAC-SHA256', date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ('AWS4' + SECRET).encode()
    for part in (date[:8], region, service, 'aws4_request', to_sign):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def reply(self, status, body, kind='application/json'):
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def issue(self, key):
        """Access key, session token and end of what is given to those who asked as `key` tells. All have the same secret."""
        return key, f'token-of-{key}', datetime.now(timezone.utc).replace(microsecond=0) + timedelta(hours=1)

    def keys(self, key):
        key, token, end = self.issue(key)
        return {'Code': 'Success', 'AccessKeyId': key, 'SecretAccessKey': SECRET, 'Token': token, 'Expiration': f'{end:{DATE}}'}

    def body(self):
        return self.rfile.read(int(self.headers.get('Content-Length') or 0))

    def do_PUT(self):
        self.body()
        if self.path == '/imds/latest/api/token' and self.headers['x-aws-ec2-metadata-token-ttl-seconds']:
            return self.reply(200, 'imds-token', 'text/plain')
        return self.reply(404, '', 'text/plain')

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        roles = '/latest/meta-data/iam/security-credentials/'
        if url.path.startswith('/imds' + roles):
            if self.headers['x-aws-ec2-metadata-token'] != 'imds-token':
                return self.reply(401, '')
            return self.role(url.path.removeprefix('/imds' + roles), 'IMDSV2')
        if url.path.startswith('/imdsv1' + roles):
            return self.role(url.path.removeprefix('/imdsv1' + roles), 'IMDSV1')
        if url.path == '/container':
            return self.reply(200, self.keys('CONTAINER' + word(self.headers.get('Authorization', '').upper())))
        if url.path == '/federation/credentials':
            return self.sso(query)
        return self.reply(404, {'message': 'there is nothing here'})

    def role(self, name, key):
        if not name:
            return self.reply(200, 'instance-role', 'text/plain')
        if name != 'instance-role':
            return self.reply(404, '')
        return self.reply(200, self.keys(key))

    def sso(self, query):
        token = self.headers['x-amz-sso_bearer_token'] or ''
        if not token.startswith('sso-'):
            return self.reply(401, {'message': 'Session token not found or invalid', '__type': 'UnauthorizedException'})
        key, token, end = self.issue(f'SSO{word(token)}{query["account_id"]}{query["role_name"]}')
        keys = {'accessKeyId': key, 'secretAccessKey': SECRET, 'sessionToken': token,
                'expiration': int(end.timestamp() * 1000)}
        return self.reply(200, {'roleCredentials': keys})

    def do_POST(self):
        body = self.body()
        if self.path == '/token':
            return self.oidc(json.loads(body))
        if self.path == '/':
            return self.sts(dict(urllib.parse.parse_qsl(body.decode())), body)
        return self.reply(404, {})

    def oidc(self, asked):
        if asked.get('grantType') != 'refresh_token' or asked.get('refreshToken') != REFRESH or not asked.get('clientSecret'):
            return self.reply(400, {'error': 'invalid_grant', 'error_description': 'no'})
        return self.reply(200, {'accessToken': 'sso-renewed', 'expiresIn': 28800, 'refreshToken': 'refresh-token-2',
                                'tokenType': 'Bearer'})

    def signer(self, body):
        """The key and the region that signed, or None if the signature is wrong."""
        m = re.fullmatch(r'AWS4-HMAC-SHA256 Credential=(\w+)/\d{8}/([a-z0-9-]+)/sts/aws4_request, SignedHeaders=([^,]+), '
                         r'Signature=([0-9a-f]{64})', self.headers.get('Authorization', ''))
        if not m:
            return None
        key, region, signed, signature = m.groups()
        headers = {n.lower(): v for n, v in self.headers.items()}
        if not {'host', 'x-amz-date'} <= set(signed.split(';')):
            return None
        expected = sigv4('POST', '/', headers, signed.split(';'), body, headers['x-amz-date'], region, 'sts')
        return (key, region) if expected == signature else None

    def sts(self, asked, body):
        role = word(asked.get('RoleArn', '').rpartition('/')[2])
        if asked.get('Action') == 'AssumeRole':
            signer = self.signer(body)
            if not signer:
                return self.refuse('SignatureDoesNotMatch')
            key = f'ROLE{role}BY{signer[0]}IN{word(signer[1])}'
            key += ''.join(f'X{word(asked[n])}' for n in ('ExternalId', 'DurationSeconds') if n in asked)
        elif asked.get('Action') == 'AssumeRoleWithWebIdentity' and 'Authorization' not in self.headers:
            key = f'WEB{role}BY{word(asked.get("WebIdentityToken", ""))}'
        else:
            return self.refuse('InvalidAction')
        if not re.fullmatch(r'[\w+=,.@-]{2,64}', asked.get('RoleSessionName', '')) or role == 'forbidden':
            return self.refuse('AccessDenied')
        if not asked['RoleSessionName'].startswith(('ebsfs-session-', 'botocore-session-')):
            key += 'AS' + word(asked['RoleSessionName'])
        action = asked['Action']
        key, token, end = self.issue(key)
        return self.reply(200, f'''<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>
            <Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>
            <SessionToken>{token}</SessionToken><Expiration>{end:{DATE}}</Expiration></Credentials>
            <AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/{role}/s</Arn><AssumedRoleId>A:s</AssumedRoleId></AssumedRoleUser>
            </{action}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>''', 'text/xml')

    def refuse(self, code):
        return self.reply(403, f'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
                          f'<Code>{code}</Code><Message>refused</Message></Error><RequestId>r</RequestId></ErrorResponse>',
                          'text/xml')


def serve(announce):
    """Serves on a free port of 127.0.0.1 until the process ends; announce(port) is called when it does."""
    server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    announce(server.server_address[1])
    server.serve_forever()
