"""The vendor's older Python SDK, which the web flow's page was written for: V1."""

import json

from aliyunsdkcloudauth.request.v20190307.DescribeFaceVerifyRequest import DescribeFaceVerifyRequest
from aliyunsdkcloudauth.request.v20190307.InitFaceVerifyRequest import InitFaceVerifyRequest
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from common import EMULATOR, EMULATOR_AHEAD, KEY, SCENE, SECRET, check, init_fields, submit


def call(request, endpoint, secret):
    # It speaks plain HTTP unless told otherwise, and takes host and port for an endpoint.
    request.set_endpoint(endpoint.removeprefix("http://"))
    request.set_accept_format("json")
    client = AcsClient(KEY, secret, "cn-hangzhou")
    return json.loads(client.do_action_with_exception(request))


def init(endpoint, secret):
    request = InitFaceVerifyRequest()
    for name, value in init_fields().items():
        getattr(request, f"set_{name}")(value)
    return call(request, endpoint, secret)


def describe(certify_id):
    request = DescribeFaceVerifyRequest()
    request.set_SceneId(SCENE)
    request.set_CertifyId(certify_id)
    return call(request, EMULATOR, SECRET)


def refused(endpoint, secret):
    try:
        init(endpoint, secret)
    except ServerException as error:
        return error.get_error_code()
    return "taken"


started = init(EMULATOR, SECRET)
check("init", started["Code"], "200")
certify_id = started["ResultObject"]["CertifyId"]
check("describe before", describe(certify_id)["Code"], "424")
check("submit", submit(started["ResultObject"]["CertifyUrl"]), 303)
result = describe(certify_id)
found = (result["Code"], result["ResultObject"]["Passed"], result["ResultObject"]["SubCode"])
check("describe", found, ("200", "F", "204"))
# The SDK compares the strings to sign: they are the same, so it blames the secret.
check("wrong secret", refused(EMULATOR, "wrong"), "InvalidAccessKeySecret")
check("stale timestamp", refused(EMULATOR_AHEAD, SECRET), "InvalidTimeStamp.Expired")
