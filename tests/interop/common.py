"""What the Python clients share: a synthetic person, the submission, and checks that fail loudly."""

import os
import sys
import urllib.error
import urllib.request
import uuid

EMULATOR = os.environ["EMULATOR"]
EMULATOR_AHEAD = os.environ["EMULATOR_AHEAD"]
KEY, SECRET = "EMUtestid", "EMUtestsecret"
SCENE = 1000000006


def init_fields():
    """The parameters of one verification; the values hold what makes signatures go wrong."""
    return {
        "SceneId": SCENE,
        "OuterOrderNo": uuid.uuid4().hex,
        "ProductCode": "ID_PRO",
        "CertType": "IDENTITY_CARD",
        "CertName": "阿卜·𠮷",
        "CertNo": "999999199001012046",
        "ReturnUrl": "https://shop.example/back?a=1&b=c d*~+'()!",
        "MetaInfo": '{"zimVer":"3.0.0","x":"a b+c&d=e%f"}',
        "Model": "LIVENESS",
    }


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """The person is sent back to a shop that does not exist."""

    def redirect_request(self, *_):
        return None


def submit(link):
    """Plays the person: follows the short link to the page, submits, and returns the status of the submission."""
    no_proxy = urllib.request.ProxyHandler({})
    page = urllib.request.build_opener(no_proxy).open(link).url
    try:
        return urllib.request.build_opener(no_proxy, NoRedirect).open(page + "/submit", data=b"").status
    except urllib.error.HTTPError as error:
        return error.code


def check(what, found, expected):
    """Ends the run if the two differ."""
    if found != expected:
        sys.exit(f"{sys.argv}: {what}: expected {expected!r}, found {found!r}")
    print(f"  {what}: {found}")
