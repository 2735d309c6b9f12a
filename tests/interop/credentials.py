"""The vendor's credentials package over the files of crates/client/tests/data/profiles.jsonl, whose other half is a test
of the client: what a file gives must be the same, or the difference must be in the table with its reason."""

import json
import os
import sys
import tempfile

# What the package falls back to must not come from this machine. It reads its variables when it is imported.
for name in list(os.environ):
    if name.startswith("ALIBABA"):
        del os.environ[name]

from alibabacloud_credentials.provider import CLIProfileCredentialsProvider, ProfileCredentialsProvider


def build(case, path):
    """The provider of the chosen profile, without asking anybody for its credentials."""
    if case["file"] == "cli":
        provider = CLIProfileCredentialsProvider(profile_file=path, profile_name=case["profile"])
    else:
        provider = ProfileCredentialsProvider(profile_file=path, profile_name=case["profile"])
    choose = provider._get_credentials_provider
    chosen = []

    class Chosen(Exception):
        pass

    depth = [0]

    def stop(*args):
        depth[0] += 1
        result = choose(*args)
        depth[0] -= 1
        if depth[0] == 0:
            chosen.append(result)
            raise Chosen
        return result

    provider._get_credentials_provider = stop
    try:
        provider.get_credentials()
    except Chosen:
        return chosen[0]
    raise AssertionError("no profile was chosen")


def outcome(case, path):
    try:
        provider = build(case, path)
    except AssertionError:
        raise
    except Exception:
        return None
    kind = type(provider).__name__
    if kind.startswith("Static"):
        keys = provider.get_credentials()
        return {
            "id": str(keys.get_access_key_id()),
            "secret": keys.get_access_key_secret(),
            "token": keys.get_security_token(),
        }
    if kind == "RamRoleArnCredentialsProvider":
        source = provider._credentials_provider.get_credentials()
        role = {
            "role": provider._role_arn,
            "source": source.get_access_key_id(),
            "session": provider._role_session_name,
            "seconds": provider._duration_seconds,
        }
        if provider._sts_endpoint != "sts.aliyuncs.com":
            role["host"] = provider._sts_endpoint
        return role
    if kind == "EcsRamRoleCredentialsProvider":
        roles = [value for name, value in vars(provider).items() if name.endswith("role_name")]
        return {"ecs": roles[0]}
    # Runs a program, or has a private key: the client refuses both by name.
    return None


def main(table):
    cases = [json.loads(line) for line in open(table, encoding="utf-8")]
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            path = os.path.join(folder, "file")
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(case["text"])
            expected = case.get("vendor", case["expect"])
            got = outcome(case, path)
            if got != expected:
                wrong += 1
                print(f"{case['case']} ({case['file']}): the vendor's package gives {got}, the table has {expected}")
    differ = sum("vendor" in case for case in cases)
    assert len(cases) >= 60, "the table is too short"
    print(f"credentials: {len(cases)} files, {differ} of them read otherwise by the vendor's package, each with its reason")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
