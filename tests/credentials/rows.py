# SPDX-License-Identifier: MIT
"""The table: configurations, and the access key, endpoint and region of signature that must come of them.

{base} stands for the double's URL, {home} for the home directory. `judge` is the oldest botocore that has the feature; None
where ebsfs differs from botocore on purpose, and says why.
"""
KEYS = 'aws_access_key_id = {0}\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\n'
SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
ENV = {'AWS_ACCESS_KEY_ID': 'ENV', 'AWS_SECRET_ACCESS_KEY': SECRET}
ENDPOINTS = (1, 31, 0)  # configured endpoints
SSO_SESSION = (1, 29, 0)

rows = []


def row(name, key=None, *, env=None, config='', credentials='', files=None, profile=None, region=None, endpoint=None,
        error=None, url=None, signed='us-east-1', home=None, token=None, judge=(1, 29, 0), why=None, service='ec2'):
    assert (judge is None) == (why is not None), name
    url = url or f'https://{service}.{signed}.amazonaws.com/'
    if service == 'ebs':
        url += 'snapshots/snap-0123456789abcdef0/blocks?maxResults=10000'
    rows.append(dict(name=name, service=service, key=key, env=env or {}, config=config, credentials=credentials, files=files or {}, profile=profile,
                     region=region, endpoint=endpoint, error=error, url=url,
                     signed=signed, home=home or 'us-east-1', token=token, judge=judge, why=why))


def section(name, text):
    return f'[{name}]\n{text}\n'


def keys(name):
    return KEYS.format(name)


# The environment.
row('environment', 'ENV', env=ENV)
row('environment: token', 'ENV', env={**ENV, 'AWS_SESSION_TOKEN': 't'}, token='t')
row('environment: old token first', 'ENV', env={**ENV, 'AWS_SESSION_TOKEN': 't', 'AWS_SECURITY_TOKEN': 'old'}, token='old')
row('environment: half a pair', env={'AWS_ACCESS_KEY_ID': 'ENV'}, credentials=section('default', keys('FILE')),
    error='no AWS_SECRET_ACCESS_KEY')
row('environment: a secret alone is nothing', 'FILE', env={'AWS_SECRET_ACCESS_KEY': 'x'},
    credentials=section('default', keys('FILE')))
row('environment: empty is unset', 'FILE', env={'AWS_ACCESS_KEY_ID': '', 'AWS_SECRET_ACCESS_KEY': ''},
    credentials=section('default', keys('FILE')))
row('environment: expiration to come', 'ENV', env={**ENV, 'AWS_CREDENTIAL_EXPIRATION': '2099-01-01T00:00:00Z'})
row('environment: expiration past', env={**ENV, 'AWS_CREDENTIAL_EXPIRATION': '2020-01-01T00:00:00Z'}, error='already expired')
row('environment before files', 'ENV', env=ENV, credentials=section('default', keys('FILE')))
row('environment before AWS_PROFILE', 'ENV', env={**ENV, 'AWS_PROFILE': 'p'}, credentials=section('p', keys('P')))
row('explicit profile before environment', 'P', env=ENV, credentials=section('p', keys('P')), profile='p')

# The files.
row('credentials file', 'FILE', credentials=section('default', keys('FILE')))
row('config file', 'CONF', config=section('default', keys('CONF')))
row('credentials file before config file', 'FILE', config=section('default', keys('CONF')),
    credentials=section('default', keys('FILE')))
row('config file where the credentials file has another profile', 'CONF', config=section('default', keys('CONF')),
    credentials=section('other', keys('FILE')))
row('token in a file', 'FILE', credentials=section('default', keys('FILE') + 'aws_session_token = a+b/c='), token='a+b/c=')
row('old token in a file first', 'FILE',
    credentials=section('default', keys('FILE') + 'aws_session_token = t\naws_security_token = old'), token='old')
row('half a pair in a file', credentials=section('default', 'aws_access_key_id = A'), error='no aws_secret_access_key')
row('pair torn apart over the files', config=section('default', 'aws_secret_access_key = x'),
    credentials=section('default', 'aws_access_key_id = A'), error='no aws_secret_access_key')
row('AWS_PROFILE', 'P', env={'AWS_PROFILE': 'p'}, config=section('profile p', keys('P')))
row('AWS_DEFAULT_PROFILE', 'P', env={'AWS_DEFAULT_PROFILE': 'p'}, credentials=section('p', keys('P')))
row('AWS_DEFAULT_PROFILE before AWS_PROFILE', 'P', env={'AWS_DEFAULT_PROFILE': 'p', 'AWS_PROFILE': 'q'},
    credentials=section('p', keys('P')) + section('q', keys('Q')))
row('explicit profile before AWS_PROFILE', 'Q', env={'AWS_PROFILE': 'p'}, profile='q',
    credentials=section('p', keys('P')) + section('q', keys('Q')))
row('explicit profile default', 'FILE', env=ENV, profile='default', credentials=section('default', keys('FILE')))
row('AWS_PROFILE empty', 'FILE', env={'AWS_PROFILE': ''}, credentials=section('default', keys('FILE')), judge=None,
    why='botocore looks for a profile without a name; all newer SDKs take an empty variable for unset')
row('profile that is not there', profile='absent', error='no AWS profile absent')
row('AWS_PROFILE that is not there, keys in the environment', env={**ENV, 'AWS_PROFILE': 'absent'}, error='no AWS profile absent')
row('explicit default that is not there', profile='default', error='no AWS profile default')
row('quoted name', 'P', profile='my p', config=section('profile "my p"', keys('P')))
row('name in the credentials file is taken as it is', 'P', profile='profile p', credentials=section('profile p', keys('P')))
row('config section without "profile"', profile='p', config=section('p', keys('P')), error='no AWS profile p')
row('[profile default] behind [default]', 'B', config=section('default', keys('A')) + section('profile default', keys('B')))
row('[default] behind [profile default]', 'A', config=section('profile default', keys('B')) + section('default', keys('A')))
row('[DEFAULT] is for all', 'A', config=section('DEFAULT', keys('A')) + section('profile p', 'output = text'), profile='p')
row('capitals, colons, comments, CRLF', 'A',
    config='# c\r\n[default]\r\n; c\r\nAWS_ACCESS_KEY_ID: A\r\n  # c\r\nAws_Secret_Access_Key :x\r\n')
row('CR alone ends a line', 'A', config='[default]\raws_access_key_id = A\raws_secret_access_key = x\r\r# c\rregion = eu-west-1\r',
    home='eu-west-1', signed='eu-west-1')
row('white space of Unicode around keys, values and lines', 'A', home='eu-west-1', signed='eu-west-1',
    config='[default]\n\u00a0\naws_access_key_id\u2003=\u00a0A\u3000\n\u0085\u2028\x1c\naws_secret_access_key\u00a0:\u202fx\u00a0\n'
    'region = \u1680eu-west-1\u205f\u2029\n')
row('white space of Unicode indents, counted in characters', 'A', config='[default]\n\u00a0\u00a0aws_access_key_id = A\n'
    '\u00a0\u00a0aws_secret_access_key = x\n   a continuation\n\u2003\u2003output = text\n  region = eu-west-1\n',
    home='eu-west-1', signed='eu-west-1')
row('no white space of Python is part of the value', config='[default]\nregion = us-east-1\u200b\n', env=ENV, home='us-east-1\u200b',
    error='not the name of a region', judge=None, why='botocore makes a host name of it')
row('options indented', 'A', config='[default]\n   aws_access_key_id = A\n   aws_secret_access_key = x\n')
row('option given twice', config='[default]\nregion = a-b-1\nregion = c-d-1\n', env=ENV, error='config:3:')
row('section given twice', credentials='[p]\na=b\n[q]\n[p]\n', env=ENV, error='credentials:4:')
row('line that is nothing', config='[default]\nnothing\n', env=ENV, error='config:2:')
row('nested line that is nothing', config='[default]\ns3 =\n  nothing\n', env=ENV, error='config:3:')
row('other files', 'P', env={'AWS_CONFIG_FILE': '~/c', 'AWS_SHARED_CREDENTIALS_FILE': '$HOME/d', 'AWS_PROFILE': 'p'},
    files={'c': section('profile p', 'region = eu-west-1'), 'd': section('p', keys('P'))}, home='eu-west-1', signed='eu-west-1')
row('AWS_CREDENTIAL_FILE', 'EC2', env={'AWS_CREDENTIAL_FILE': '{home}/ec2'},
    files={'ec2': f'AWSAccessKeyId=EC2\nAWSSecretKey={SECRET}\n'})
row('AWS_CREDENTIAL_FILE: white space of Unicode', 'EC2', env={'AWS_CREDENTIAL_FILE': '{home}/ec2'},
    files={'ec2': f'\u00a0AWSAccessKeyId =\u00a0EC2\r\nAWSSecretKey\t= {SECRET}\u3000\r\n'})
row('BOTO_CONFIG', 'BOTO', env={'BOTO_CONFIG': '{home}/boto'}, files={'boto': section('Credentials', keys('BOTO'))})
row('files before AWS_CREDENTIAL_FILE', 'CONF', env={'AWS_CREDENTIAL_FILE': '{home}/ec2'},
    files={'ec2': 'AWSAccessKeyId=EC2\nAWSSecretKey=x\n'}, config=section('default', keys('CONF')))
row('nothing at all', error='no AWS credentials in the environment or in profile default')

# Roles. The double's keys say which role, by whose key, in which region.
STS = {'AWS_ENDPOINT_URL_STS': '{base}'}
ROLE = 'role_arn = arn:aws:iam::123456789012:role/r\n'
SRC = section('profile src', keys('SRC'))


def role(name, key=None, *, config, env=None, judge=ENDPOINTS, **more):
    row('role: ' + name, key, config=config, env={**STS, **(env or {})}, judge=judge, **more)


role('of a source profile', 'ROLErBYSRCINuseast1', config=section('default', ROLE + 'source_profile = src') + SRC)
role('before keys of the same profile', 'ROLErBYSRCINuseast1',
     config=section('default', ROLE + 'source_profile = src\n' + keys('OWN')) + SRC)
role('of the profile itself', 'ROLErBYOWNINuseast1', config=section('default', ROLE + 'source_profile = default\n' + keys('OWN')))
role('in the credentials file', 'ROLErBYSRCINuseast1', config='', profile='p',
     credentials=section('p', ROLE + 'source_profile = src') + section('src', keys('SRC')))
role('environment first', 'ENV', env=ENV, config=section('default', ROLE + 'source_profile = src') + SRC)
role('chain', 'ROLErBYROLEmiddleBYSRCINuseast1INuseast1',
     config=section('default', ROLE + 'source_profile = middle') +
     section('profile middle', 'role_arn = arn:aws:iam::1:role/middle\nsource_profile = src') + SRC)
role('keys of a source before its role', 'ROLErBYMIDINuseast1',
     config=section('default', ROLE + 'source_profile = middle') +
     section('profile middle', 'role_arn = x\nsource_profile = src\n' + keys('MID')) + SRC)
role('everything that can be said', 'ROLErBYSRCINuseast1Xextid1X900ASme',
     config=section('default', ROLE + 'source_profile = src\nexternal_id = ext-id/1\nduration_seconds = 900\n'
                    'role_session_name = me') + SRC)
role('duration that is no number', 'ROLErBYSRCINuseast1',
     config=section('default', ROLE + 'source_profile = src\nduration_seconds = long') + SRC)
role('region of the profile that was chosen', 'ROLErBYSRCINeuwest1', signed='eu-west-1', home='eu-west-1',
     config=section('default', ROLE + 'source_profile = src\nregion = eu-west-1') + section('profile src', keys('SRC') +
                                                                                            'region = eu-west-3'))
role('credential_source Environment', 'ROLErBYENVINuseast1', env=ENV, profile='p',
     config=section('profile p', ROLE + 'credential_source = Environment'))
role('credential_source EcsContainer', 'ROLErBYCONTAINERINuseast1', env={'AWS_CONTAINER_CREDENTIALS_FULL_URI': '{base}/container'},
     config=section('default', ROLE + 'credential_source = EcsContainer'))
IMDS = {'AWS_EC2_METADATA_DISABLED': 'false', 'AWS_EC2_METADATA_SERVICE_ENDPOINT': '{base}/imds'}
role('credential_source Ec2InstanceMetadata', 'ROLErBYIMDSV2INuseast1', env=IMDS,
     config=section('default', ROLE + 'credential_source = Ec2InstanceMetadata'))
role('credential_source that is none', config=section('default', ROLE + 'credential_source = Heaven'),
     error='credential_source must be')
role('credential_source without keys', profile='p', config=section('profile p', ROLE + 'credential_source = Environment'),
     error='has no credentials here')
role('source_profile of SSO', 'ROLErBYSSOssolegacy1adminINuseast1', env={'AWS_ENDPOINT_URL_SSO': '{base}'},
     config=section('default', ROLE + 'source_profile = s') + section(
         'profile s', 'sso_account_id = 1\nsso_role_name = admin\nsso_region = us-east-1\nsso_start_url = https://start'),
     files={'.aws/sso/cache/6ad0e7e61d1f47e491ea32c2031add41ef92e07d.json':
            '{{"accessToken": "sso-legacy", "expiresAt": "2099-01-01T00:00:00UTC"}}'})
role('source_profile of web identity', 'ROLErBYWEBwBYjwtINuseast1', files={'jwt': 'j.w.t'},
     config=section('default', ROLE + 'source_profile = w') +
     section('profile w', 'role_arn = arn:aws:iam::1:role/w\nweb_identity_token_file = {home}/jwt'))
role('source_profile of a process', 'ROLErBYPROCINuseast1',
     config=section('default', ROLE + 'source_profile = c') + section('profile c', 'credential_process = sh {home}/proc'),
     files={'proc': f'''echo '{{{{"Version": 1, "AccessKeyId": "PROC", "SecretAccessKey": "{SECRET}"}}}}' '''})
role('neither source', config=section('default', ROLE), error='neither source_profile nor credential_source')
role('both sources', config=section('default', ROLE + 'source_profile = src\ncredential_source = Environment') + SRC,
     error='both source_profile and credential_source')
role('source that is not there', config=section('default', ROLE + 'source_profile = absent'), error='does not exist')
role('source without keys', config=section('default', ROLE + 'source_profile = e') + section('profile e', 'output = text'),
     error='has no credentials')
role('circle', config=section('default', ROLE + 'source_profile = a') + section('profile a', ROLE + 'source_profile = b') +
     section('profile b', ROLE + 'source_profile = a'), error='circle')
role('circle of one', config=section('default', ROLE + 'source_profile = default'), error='circle')
role('refused', config=section('default', 'role_arn = arn:aws:iam::1:role/forbidden\nsource_profile = src') + SRC, error='refused')
role('MFA', config=section('default', ROLE + 'source_profile = src\nmfa_serial = m') + SRC, error='export-credentials', judge=None,
     why='botocore asks the person at the terminal; a mount has none')

# Web identity.
WEB = {**STS, 'AWS_WEB_IDENTITY_TOKEN_FILE': '{home}/jwt', 'AWS_ROLE_ARN': 'arn:aws:iam::1:role/e'}
JWT = {'jwt': 'j.w.t', 'jwt2': 'j.w.t.2'}
WEB_PROFILE = 'role_arn = arn:aws:iam::1:role/p\nweb_identity_token_file = {home}/jwt2\n'


def web(name, key=None, *, env=WEB, judge=ENDPOINTS, **more):
    row('web identity: ' + name, key, env=env, files=JWT, judge=judge, **more)


web('environment', 'WEBeBYjwt')
web('session name', 'WEBeBYjwtASme', env={**WEB, 'AWS_ROLE_SESSION_NAME': 'me'})
web('profile', 'WEBpBYjwt2', env=STS, config=section('default', WEB_PROFILE))
web('profile with source_profile', 'WEBpBYjwt2', env=STS, config=section('default', WEB_PROFILE + 'source_profile = x'))
web('environment before profile', 'WEBeBYjwt', config=section('default', WEB_PROFILE))
web('explicit profile without the environment', 'WEBpBYjwt2', config=section('profile p', WEB_PROFILE), profile='p')
web('a role from each', 'WEBeBYjwt2', env={**STS, 'AWS_ROLE_ARN': 'arn:aws:iam::1:role/e'},
    config=section('default', 'web_identity_token_file = {home}/jwt2'))
web('before keys', 'WEBpBYjwt2', env=STS, config=section('default', WEB_PROFILE), credentials=section('default', keys('FILE')))
web('keys of the environment first', 'ENV', env={**WEB, **ENV})
web('no role', env={**STS, 'AWS_WEB_IDENTITY_TOKEN_FILE': '{home}/jwt'}, error='neither AWS_ROLE_ARN nor role_arn')
web('no file', env={**STS, **WEB, 'AWS_WEB_IDENTITY_TOKEN_FILE': '{home}/absent'}, error='absent: No such file')

# SSO.
SSO = {'AWS_ENDPOINT_URL_SSO': '{base}', 'AWS_ENDPOINT_URL_SSO_OIDC': '{base}'}
SSO_ROLE = 'sso_account_id = 1\nsso_role_name = admin\n'
SSO_HERE = 'sso_region = eu-west-1\nsso_start_url = https://start\n'
CORP = section('sso-session corp', SSO_HERE)
CORP_FILE = '.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json'
START_FILE = '.aws/sso/cache/6ad0e7e61d1f47e491ea32c2031add41ef92e07d.json'
CLIENT = ('"refreshToken": "refresh-token", "clientId": "c", "clientSecret": "s", '
          '"registrationExpiresAt": "2099-01-01T00:00:00Z"')


def token(name, expires, more=''):
    return f'{{{{"accessToken": "{name}", "expiresAt": "{expires}"{more and ", " + more}}}}}'


GOOD = token('sso-corp', '2099-01-01T00:00:00Z')
OLD = token('sso-old', '2020-01-01T00:00:00Z')


def sso(name, key=None, *, config, files=None, judge=ENDPOINTS, **more):
    row('SSO: ' + name, key, env=SSO, config=config, files=files, judge=judge, **more)


sso('session', 'SSOssocorp1admin', config=section('default', SSO_ROLE + 'sso_session = corp') + CORP, files={CORP_FILE: GOOD})
sso('own settings', 'SSOssocorp1admin', config=section('default', SSO_ROLE + SSO_HERE), files={START_FILE: GOOD})
sso('session and own settings that agree', 'SSOssocorp1admin', files={CORP_FILE: GOOD},
    config=section('default', SSO_ROLE + SSO_HERE + 'sso_session = corp') + CORP)
sso('session and own settings that do not', files={CORP_FILE: GOOD}, error='disagree about sso_region',
    config=section('default', SSO_ROLE + 'sso_region = eu-west-2\nsso_session = corp') + CORP)
sso('token renewed', 'SSOssorenewed1admin', config=section('default', SSO_ROLE + 'sso_session = corp') + CORP,
    files={CORP_FILE: token('sso-old', '2020-01-01T00:00:00Z', CLIENT)})
sso('token expired, without a renewal', config=section('default', SSO_ROLE + 'sso_session = corp') + CORP,
    files={CORP_FILE: OLD}, error='run: aws sso login --profile default')
sso('token expired, renewal refused', config=section('default', SSO_ROLE + 'sso_session = corp') + CORP,
    files={CORP_FILE: token('sso-old', '2020-01-01T00:00:00Z', CLIENT.replace('refresh-token', 'used up'))},
    error='run: aws sso login --profile default')
sso('older form is not renewed', config=section('default', SSO_ROLE + SSO_HERE),
    files={START_FILE: token('sso-old', '2020-01-01T00:00:00Z', CLIENT)}, error='run: aws sso login --profile default')
sso('no token', config=section('profile p', SSO_ROLE + SSO_HERE), profile='p', error='run: aws sso login --profile p')
sso('token that SSO does not know', config=section('default', SSO_ROLE + SSO_HERE),
    files={START_FILE: token('revoked', '2099-01-01T00:00:00Z')}, error='run: aws sso login --profile default')
sso('before keys', 'SSOssocorp1admin', config=section('default', SSO_ROLE + SSO_HERE), files={START_FILE: GOOD},
    credentials=section('default', keys('FILE')))
sso('no account', config=section('default', 'sso_role_name = admin\n' + SSO_HERE), error='has no sso_account_id')
sso('session that is not there', config=section('default', SSO_ROLE + 'sso_session = corp'), error='[sso-session corp]')
sso('a session alone is no SSO', 'FILE', config=section('default', 'sso_session = corp') + CORP,
    credentials=section('default', keys('FILE')))

# aws login.
LOGIN_FILE = 'login/2744ccd10c7533bd736ad890f9dd5cab2adb27b07d500b9493f29cdc420cb2e0.json'
LOGIN_WHY = "botocore needs its crt extension for this"


def login_keys(expires):
    return (f'{{{{"accessToken": {{{{"accessKeyId": "LOGIN", "secretAccessKey": "{SECRET}", "sessionToken": "t", '
            f'"accountId": "1", "expiresAt": "{expires}"}}}}}}}}')


for name, key, expires, error in (('keys that last', 'LOGIN', '2099-01-01T00:00:00Z', None),
                                  ('keys that do not', None, '2020-01-01T00:00:00Z', 'run: aws login --profile default')):
    row('login: ' + name, key, env={'AWS_LOGIN_CACHE_DIRECTORY': '{home}/login'}, config=section('default', 'login_session = me'),
        files={LOGIN_FILE: login_keys(expires)}, token=key and 't', error=error, judge=None, why=LOGIN_WHY)

# Processes.


def process(name, key=None, *, script, words='sh {home}/proc', config=None, **more):
    row('process: ' + name, key, config=config or section('default', f'credential_process = {words}'), files={'proc': script},
        **more)


def printed(key, rest=''):
    return f'''echo '{{{{"Version": 1, "AccessKeyId": "{key}", "SecretAccessKey": "{SECRET}"{rest}}}}}'\n'''


process('keys', 'PROC', script=printed('PROC'))
process('token and expiration', 'PROC', token='t',
        script=printed('PROC', ', "SessionToken": "t", "Expiration": "2099-01-01T00:00:00+00:00"'))
process('quoted words', 'PROC', words='''sh "{home}/pr"'oc' a\\ b "c d" ''',
        script='[ "$1" = "a b" ] && [ "$2" = "c d" ] || exit 1\n' + printed('PROC'))
process('no shell', 'PROC', words='sh {home}/proc $HOME;x', script='[ "$1" = \'$HOME;x\' ] || exit 1\n' + printed('PROC'))
process('before keys of the config file', 'PROC', script=printed('PROC'),
        config=section('default', 'credential_process = sh {home}/proc\n' + keys('CONF')))
process('behind keys of the credentials file', 'FILE', script=printed('PROC'), credentials=section('default', keys('FILE')))
process('fails', script='echo log in first >&2; exit 2', error='exited with status 2: log in first')
process('other version', script=printed('PROC').replace('1,', '2,', 1), error='Version is not 1')
process('expired', script=printed('PROC', ', "SessionToken": "t", "Expiration": "2020-01-01T00:00:00Z"'),
        error='already expired')

# Containers and instances.
CONTAINER = {'AWS_CONTAINER_CREDENTIALS_FULL_URI': '{base}/container'}
row('container', 'CONTAINER', env=CONTAINER)
row('container: token', 'CONTAINERTOK', env={**CONTAINER, 'AWS_CONTAINER_AUTHORIZATION_TOKEN': 'tok'})
row('container: token file first', 'CONTAINERFROMFILE', files={'auth': 'from-file'}, judge=(1, 31, 0),
    env={**CONTAINER, 'AWS_CONTAINER_AUTHORIZATION_TOKEN': 'tok', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE': '{home}/auth'})
row('container: line break in the token', files={'auth': 'a\nb'}, error='a line break', judge=(1, 31, 0),
    env={**CONTAINER, 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE': '{home}/auth'})
row('container: somebody else', env={'AWS_CONTAINER_CREDENTIALS_FULL_URI': 'http://10.0.0.1/'}, error='http only goes to')
row('container: behind a profile', 'FILE', env=CONTAINER, credentials=section('default', keys('FILE')))
row('container: before the instance', 'CONTAINER', env={**CONTAINER, **IMDS})
row('instance', 'IMDSV2', env=IMDS)
row('instance: explicit profile without keys', 'IMDSV2', env={**IMDS, **ENV}, config=section('profile p', 'output = text'), profile='p')
row('instance: endpoint in the profile', 'IMDSV2', env={'AWS_EC2_METADATA_DISABLED': 'false'},
    config=section('default', 'ec2_metadata_service_endpoint = {base}/imds'))
V1 = {**IMDS, 'AWS_EC2_METADATA_SERVICE_ENDPOINT': '{base}/imdsv1'}
row('instance: version 1', 'IMDSV1', env=V1)
row('instance: version 1 disabled', env={**V1, 'AWS_EC2_METADATA_V1_DISABLED': 'true'}, error='version 1 is disabled',
    judge=(1, 33, 0))
row('instance: disabled', env={**IMDS, 'AWS_EC2_METADATA_DISABLED': 'TRUE'}, error='no AWS credentials')
row('instance: no such service', env={**IMDS, 'AWS_EC2_METADATA_SERVICE_ENDPOINT': '{base}/absent'}, error='no role')

# Regions.


def place(name, *, judge=(1, 29, 0), env=None, **more):
    row(name, 'ENV', env={**ENV, **(env or {})}, judge=judge, **more)


place('region: of the profile', config=section('default', 'region = eu-west-1'), signed='eu-west-1', home='eu-west-1')
place('region: of AWS_PROFILE', env={'AWS_PROFILE': 'p'}, config=section('profile p', 'region = eu-west-3'), signed='eu-west-3',
      home='eu-west-3')
place('region: credentials file first', config=section('default', 'region = eu-west-1'),
      credentials=section('default', 'region = eu-west-2'), signed='eu-west-2', home='eu-west-2')
place('region: AWS_DEFAULT_REGION before profile', env={'AWS_DEFAULT_REGION': 'eu-north-1'},
      config=section('default', 'region = eu-west-1'), signed='eu-north-1', home='eu-north-1')
place('region: AWS_REGION before AWS_DEFAULT_REGION', env={'AWS_REGION': 'eu-south-1', 'AWS_DEFAULT_REGION': 'eu-north-1'},
      signed='eu-south-1', home='eu-south-1', judge=None,
      why='botocore does not know AWS_REGION; version 2 of the CLI and all other SDKs do')
place('region: another than home', env={'AWS_DEFAULT_REGION': 'eu-north-1'}, region='ap-east-2', signed='ap-east-2',
      home='eu-north-1')
place('region: no name of one', env={'AWS_DEFAULT_REGION': 'us-east-1.evil.example/'}, home='us-east-1.evil.example/',
      error='not the name of a region')
row('region: fips-us-east-1', env={**ENV, 'AWS_DEFAULT_REGION': 'fips-us-east-1'}, home='fips-us-east-1', judge=None,
    error='use_fips_endpoint', why='botocore changes the deprecated name with a warning; here the person is told how to write it')

# Endpoints.
SUFFIXES = (('us-east-1', 'amazonaws.com', 'api.aws'), ('il-central-1', 'amazonaws.com', 'api.aws'),
            ('cn-northwest-1', 'amazonaws.com.cn', 'api.amazonwebservices.com.cn'), ('us-gov-west-1', 'amazonaws.com', 'api.aws'),
            ('eusc-de-east-1', 'amazonaws.eu', 'api.amazonwebservices.eu'), ('us-iso-east-1', 'c2s.ic.gov', 'api.aws.ic.gov'),
            ('us-isob-east-1', 'sc2s.sgov.gov', 'api.aws.scloud'), ('eu-isoe-west-1', 'cloud.adc-e.uk', 'api.cloud-aws.adc-e.uk'),
            ('us-isof-south-1', 'csp.hci.ic.gov', 'api.aws.hci.ic.gov'), ('xx-moon-7', 'amazonaws.com', 'api.aws'))
FIPS, DUAL = {'AWS_USE_FIPS_ENDPOINT': 'true'}, {'AWS_USE_DUALSTACK_ENDPOINT': 'true'}
OLD_TABLE = "botocore's older table of endpoints, which it asks first, has no such hosts; its rules, and other SDKs, have"
# Partitions and their dual-stack and FIPS hosts came to botocore over the years; the newest knows them all.
NEWEST = (1, 40, 0)
for r, plain, dual in SUFFIXES:
    fips = 'ec2' if r.startswith('us-gov-') else 'ec2-fips'
    place(f'endpoint: {r}', region=r, signed=r, url=f'https://ec2.{r}.{plain}/', judge=NEWEST)
    place(f'endpoint: {r}, FIPS', region=r, env=FIPS, signed=r, url=f'https://{fips}.{r}.{plain}/', judge=NEWEST)
    judge = dict(judge=None, why=OLD_TABLE) if r.startswith(('eu-isoe', 'us-isof')) else dict(judge=NEWEST)
    place(f'endpoint: {r}, dual-stack', region=r, env=DUAL, signed=r, url=f'https://ec2.{r}.{dual}/', **judge)
    place(f'endpoint: {r}, both', region=r, env={**FIPS, **DUAL}, signed=r, url=f'https://ec2-fips.{r}.{dual}/', **judge)
    block = dict(region=r, signed=r, service='ebs')
    place(f'endpoint of ebs: {r}', url=f'https://ebs.{r}.{plain}/', judge=NEWEST, **block)
    place(f'endpoint of ebs: {r}, FIPS', env=FIPS, url=f'https://ebs-fips.{r}.{plain}/', judge=NEWEST, **block)
    place(f'endpoint of ebs: {r}, dual-stack', env=DUAL, url=f'https://ebs.{r}.{dual}/', **judge, **block)
    place(f'endpoint of ebs: {r}, both', env={**FIPS, **DUAL}, url=f'https://ebs-fips.{r}.{dual}/', **judge, **block)
place('endpoint: FIPS in the profile', config=section('default', 'use_fips_endpoint = TRUE'),
      url='https://ec2-fips.us-east-1.amazonaws.com/')
place('endpoint: environment against the profile', config=section('default', 'use_fips_endpoint = true'),
      env={'AWS_USE_FIPS_ENDPOINT': 'false'})

FIPS_WHY = "botocore goes to the endpoint and forgets FIPS; the endpoint rules and other SDKs refuse, which is the safe side"
PROFILE_URL = 'endpoint_url = http://127.0.0.1:4/\n'
SERVICES = section('services s', 'ec2 =\n  endpoint_url = http://127.0.0.1:3\nsts =\n  endpoint_url = http://127.0.0.1:9\n')
BY = [('AWS_ENDPOINT_URL_EC2', 'http://127.0.0.1:1'), ('AWS_ENDPOINT_URL', 'http://127.0.0.1:2')]


def endpoint(name, url=None, *, env=None, judge=ENDPOINTS, **more):
    place('endpoint: ' + name, url=url, env=env, judge=judge, **more)


endpoint('option before all', 'http://127.0.0.1:5/', endpoint='http://127.0.0.1:5', env=dict(BY))
endpoint('AWS_ENDPOINT_URL_EC2', 'http://127.0.0.1:1/', env=dict(BY), config=section('default', 'services = s\n' + PROFILE_URL) + SERVICES)
endpoint('AWS_ENDPOINT_URL', 'http://127.0.0.1:2/', env=dict(BY[1:]),
         config=section('default', 'services = s\n' + PROFILE_URL) + SERVICES)
endpoint('services section', 'http://127.0.0.1:3/', config=section('default', 'services = s\n' + PROFILE_URL) + SERVICES)
endpoint('services section of other services', 'http://127.0.0.1:4/',
         config=section('default', 'services = s\n' + PROFILE_URL) + section('services s', 'sts =\n  endpoint_url = http://h'))
endpoint('profile', 'http://127.0.0.1:4/', config=section('default', PROFILE_URL))
endpoint('region of signature is the one asked for', 'http://127.0.0.1:1/', env=dict(BY), region='eu-west-1', signed='eu-west-1')
endpoint('empty is unset', 'http://127.0.0.1:4/', env={'AWS_ENDPOINT_URL': ''}, config=section('default', PROFILE_URL))
endpoint('ignored by the environment', env={**dict(BY), 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS': 'true'})
endpoint('ignored by the profile', config=section('default', PROFILE_URL + 'ignore_configured_endpoint_urls = true'))
endpoint('ignored, but not the option', 'http://127.0.0.1:5/', endpoint='http://127.0.0.1:5',
         env={'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS': 'true'})
endpoint('services section that is not there', config=section('default', 'services = s'), error='[services s]')
endpoint('with FIPS', env={**dict(BY), **FIPS}, error='use_fips_endpoint', judge=None, why=FIPS_WHY)
endpoint('with dual-stack', env={**dict(BY), **DUAL}, error='use_dualstack_endpoint', judge=None, why=FIPS_WHY)
endpoint('no URL', env={'AWS_ENDPOINT_URL': 'ec2.example.com'}, error='AWS_ENDPOINT_URL is not a URL')
endpoint('no host', env={'AWS_ENDPOINT_URL': 'http:///x'}, error='AWS_ENDPOINT_URL is not a URL')

# Of EBS: the same settings by its own names.
EBS = [('AWS_ENDPOINT_URL_EBS', 'http://127.0.0.1:6'), *BY]
EBS_SERVICES = section('services s', 'ec2 =\n  endpoint_url = http://127.0.0.1:3\nebs =\n  endpoint_url = http://127.0.0.1:7\n')
endpoint('of ebs: option before all', 'http://127.0.0.1:5/', endpoint='http://127.0.0.1:5', env=dict(EBS), service='ebs')
endpoint('of ebs: AWS_ENDPOINT_URL_EBS', 'http://127.0.0.1:6/', env=dict(EBS), config=section('default', 'services = s\n') + EBS_SERVICES,
         service='ebs')
endpoint('of ebs: AWS_ENDPOINT_URL_EC2 is another service', 'http://127.0.0.1:2/', env=dict(BY), service='ebs')
endpoint('of ebs: services section', 'http://127.0.0.1:7/', config=section('default', 'services = s\n' + PROFILE_URL) + EBS_SERVICES,
         service='ebs')
endpoint('of ebs: services section without it', 'http://127.0.0.1:4/', config=section('default', 'services = s\n' + PROFILE_URL) + SERVICES,
         service='ebs')
endpoint('of ebs: a path', 'http://127.0.0.1:6/ebs/v1/', env={'AWS_ENDPOINT_URL_EBS': 'http://127.0.0.1:6/ebs/v1'}, service='ebs')
endpoint('of ebs: a path that ends in a slash', 'http://127.0.0.1:6/ebs/', env={'AWS_ENDPOINT_URL_EBS': 'http://127.0.0.1:6/ebs/'}, service='ebs')
endpoint('of ebs: ignored by the environment', env={**dict(EBS), 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS': 'true'}, service='ebs')
