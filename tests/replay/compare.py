"""The lab's replay and DuckDB's CASE and GROUP BY over the same files, in turns, each in a process of its own on two threads.

compare.py <folder> <rows> <rounds> <cloudauth>: fails if a count differs, and never because of the time.
compare.py roc: scikit-learn's roc_curve of 10 million labelled scores like those of the lab's bench, on one thread.
"""

import json
import os
import resource
import subprocess
import sys
import time
from importlib.metadata import version

POLICY = "builtin:onboarding"
THREADS = 2
INPUTS = {
    "sub_code": "VARCHAR",
    "passed": "VARCHAR",
    "face_attack": "VARCHAR",
    "face_occlusion": "VARCHAR",
    "verify_score": "DOUBLE",
    "quality_score": "DOUBLE",
    "face_attack_score": "DOUBLE",
}
OTHERS = {name: "VARCHAR" for name in ["id", "time", "channel", "label", "subject"]}


def columns(types):
    return "{" + ", ".join(f"{name}: '{kind}'" for name, kind in types.items()) + "}"


def read_json(path, types):
    return f"read_json('{path}', format = 'newline_delimited', columns = {columns(types)})"


FACE = ["verifyScore", "qualityScore", "faceAttackScore"]
MATERIAL = {"face_attack": "faceAttack", "face_occlusion": "faceOcclusion"}


def arrows(result, material):
    """Each input by its own path, as such queries are mostly written."""
    codes = [f"{result('SubCode')} AS sub_code", f"{result('Passed')} AS passed"]
    texts = [f"{material}->>'$.{member}' AS {name}" for name, member in MATERIAL.items()]
    names = ["verify_score", "quality_score", "face_attack_score"]
    path = "$.facialPictureFront"
    scores = [f"CAST({material}->>'{path}.{member}' AS DOUBLE) AS {name}" for name, member in zip(names, FACE)]
    return ", ".join(codes + texts + scores)


def source(kind, path):
    if kind == "parquet":
        return f"SELECT * FROM read_parquet('{path}')"
    if kind == "flat":
        return f"SELECT * FROM {read_json(path, INPUTS)}"
    if kind == "reply: JSON":
        # The answer as one column, as it is when it is logged as text.
        selected = arrows(lambda member: f"ResultObject->>'$.{member}'", "(ResultObject->>'$.MaterialInfo')")
        return f"SELECT {selected} FROM {read_json(path, {'ResultObject': 'JSON'})}"
    if kind == "reply: found":
        # DuckDB infers the types of the answer.
        selected = arrows(lambda member: f"ResultObject.{member}", "ResultObject.MaterialInfo")
        return f"SELECT {selected} FROM read_json('{path}', format = 'newline_delimited')"
    # All types told: the fastest way that was found.
    face = ", ".join(f'"{member}": "DOUBLE"' for member in FACE)
    texts = ", ".join(f'"{member}": "VARCHAR"' for member in MATERIAL.values())
    told = f'{{{texts}, "facialPictureFront": {{{face}}}}}'
    result = {"ResultObject": "STRUCT(SubCode VARCHAR, Passed VARCHAR, MaterialInfo VARCHAR)"}
    return f"""
        SELECT r.SubCode AS sub_code, r.Passed AS passed, m.faceAttack AS face_attack, m.faceOcclusion AS face_occlusion,
            m.facialPictureFront.verifyScore AS verify_score, m.facialPictureFront.qualityScore AS quality_score,
            m.facialPictureFront.faceAttackScore AS face_attack_score
        FROM (
            SELECT ResultObject AS r, from_json(ResultObject.MaterialInfo, '{told}') AS m
            FROM {read_json(path, result)}
        )"""


def by_duckdb(kind, path, case):
    """Runs in a process of its own; prints what it has counted."""
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET threads = {THREADS}")
    query = f"""
        WITH verifications AS ({source(kind, path)})
        SELECT policy_rule_id, count(*) FROM ({case}) GROUP BY ALL"""
    print(json.dumps(dict(connection.execute(query).fetchall())))


def finished(command):
    """What a command prints, and what it used."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        printed = child.stdout.read()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command} failed: {child.returncode}")
    return json.loads(printed), used


def measured(command):
    """What a command prints; its wall time, CPU time and memory in MiB."""
    begin = time.monotonic()
    printed, used = finished(command)
    return printed, time.monotonic() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def to_parquet(flat, path):
    """Runs in a process of its own; writes what a warehouse has, with times as timestamps."""
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET threads = {THREADS}")
    time_of = "CAST(time[:10] || ' ' || time[12:19] AS TIMESTAMP) AS time"
    rows = f"SELECT * REPLACE ({time_of}) FROM {read_json(flat, INPUTS | OTHERS)}"
    connection.execute(f"COPY ({rows}) TO '{path}.part' (FORMAT parquet)")
    os.rename(f"{path}.part", path)


def roc():
    import numpy
    from sklearn.metrics import roc_curve

    rows = 10_000_000
    genuine = numpy.arange(rows) % 2 == 0
    z = numpy.random.default_rng(1).standard_normal(rows)
    scores = numpy.where(genuine, 88 + 7 * z, 45 + 9 * z).clip(0, 100).round(2)
    best = float("inf")
    for _ in range(3):
        begin = time.monotonic()
        roc_curve(genuine, scores)
        best = min(best, time.monotonic() - begin)
    print(f"{rows} labelled scores: roc_curve of scikit-learn {version('scikit-learn')}, the best of 3: {best:.2f} s")


def main(folder, rows, rounds, cloudauth):
    # DuckDB is never loaded here: a child's memory is counted from what its parent has.
    if not os.path.exists(f"{folder}/flat-{rows}.parquet"):
        flat = f"{folder}/flat-{rows}"
        subprocess.run([sys.executable, __file__, "parquet", f"{flat}.jsonl", f"{flat}.parquet"], check=True)
    sql = [cloudauth, "policy", "sql", POLICY, "--dialect", "duckdb"]
    case = subprocess.run(sql, check=True, capture_output=True, text=True).stdout.rstrip().rstrip(";")
    nothing = min((measured([sys.executable, __file__, "nothing"]) for _ in range(3)), key=lambda run: run[2])
    print(f"{rows} rows, {THREADS} threads, the best of {rounds} in turns; DuckDB {version('duckdb')} without its start")
    differ = False
    replies = ["reply: JSON", "reply: found", "reply: told"]
    for kind in ["parquet", "flat", *replies]:
        name = "reply" if kind in replies else "flat"
        path = f"{folder}/{name}-{rows}." + ("parquet" if kind == "parquet" else "jsonl")
        ours, theirs = [], []
        for _ in range(int(rounds)):
            ours.append(measured([cloudauth, "lab", "replay", POLICY, path, "--threads", str(THREADS), "--output", "json"]))
            theirs.append(measured([sys.executable, __file__, "duckdb", kind, path, case]))
        counts = [{rule["rule"]: rule["all"] for rule in run[0]["rules"] if rule["all"]} for run in ours]
        same = all(other == counts[0] for other in counts + [run[0] for run in theirs])
        differ |= not same
        best = [[min(run[number] for run in runs) for number in (1, 2)] for runs in (ours, theirs)]
        # Python and the import of DuckDB are not its replay.
        best[1] = [best[1][0] - nothing[1], best[1][1] - nothing[2]]
        memory = [max(run[3] for run in runs) for runs in (ours, theirs)]
        for who, (wall, cpu), most in zip(["lab", "DuckDB"], best, memory):
            print(f"{kind:12} {who:7} wall {wall:6.2f} s  CPU {cpu:6.2f} s  {most:5.0f} MiB")
        ratios = [theirs / ours for ours, theirs in zip(*best)]
        print(f"{kind:12} faster  wall {ratios[0]:6.2f}    CPU {ratios[1]:6.2f}    counts {'the same' if same else 'DIFFER'}")
    if differ:
        sys.exit("the counts differ")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["nothing"]:
            import duckdb  # noqa: F401

            print("{}")
        case ["roc"]:
            roc()
        case ["parquet", flat, path]:
            to_parquet(flat, path)
        case ["duckdb", kind, path, query]:
            by_duckdb(kind, path, query)
        case [folder, rows, rounds, cloudauth]:
            main(folder, rows, rounds, cloudauth)
        case _:
            sys.exit(__doc__)
