"""The vendor's Python SDK of generation 3, under V3 (its default) or V1 (`signature_algorithm="v2"`).

`async` calls the methods of its asynchronous client, over aiohttp.
"""

import asyncio
import sys

from alibabacloud_cloudauth20190307 import models
from alibabacloud_cloudauth20190307.client import Client
from alibabacloud_tea_openapi import models as openapi
from common import EMULATOR, EMULATOR_AHEAD, KEY, SCENE, SECRET, check, init_fields, submit

VERSION, IS_ASYNC = sys.argv[1], "async" in sys.argv[2:]


def call(endpoint, secret, method, request):
    config = openapi.Config(access_key_id=KEY, access_key_secret=secret)
    config.endpoint = endpoint.removeprefix("http://")
    config.protocol = "http"
    if VERSION == "v1":
        config.signature_algorithm = "v2"
    client = Client(config)
    if IS_ASYNC:
        return asyncio.run(getattr(client, method + "_async")(request)).body
    return getattr(client, method)(request).body


def init(endpoint, secret):
    return call(endpoint, secret, "init_face_verify", models.InitFaceVerifyRequest().from_map(init_fields()))


def describe(certify_id):
    request = models.DescribeFaceVerifyRequest(scene_id=SCENE, certify_id=certify_id)
    return call(EMULATOR, SECRET, "describe_face_verify", request)


def refused(endpoint, secret):
    try:
        init(endpoint, secret)
    except Exception as error:  # the SDK's own class moves between its versions
        return error.code
    return "taken"


started = init(EMULATOR, SECRET)
check("init", started.code, "200")
check("describe before", describe(started.result_object.certify_id).code, "424")
check("submit", submit(started.result_object.certify_url), 303)
result = describe(started.result_object.certify_id)
check("describe", (result.code, result.result_object.passed, result.result_object.sub_code), ("200", "F", "204"))
check("wrong secret", refused(EMULATOR, "wrong"), "SignatureDoesNotMatch")
check("stale timestamp", refused(EMULATOR_AHEAD, SECRET), "InvalidTimeStamp.Expired")
