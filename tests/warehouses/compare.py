"""The policy's SQL in a real engine, against the rules that the policy itself decided by: `compare.py FOLDER ENGINE..`.

No row may differ. Without its guards the same text must differ, or the comparison would prove nothing; and a column of
texts where numbers are declared must be refused.
"""

import re
import sys
import time
from decimal import Decimal

import pyarrow as pa
from engines import ENGINES
from rows import cases, table

# A range, as every comparison of a score has it before it.
RANGE = re.compile(r"(cloudauth_read\.\w+) >= (CAST\([^()]*\)) AND \1 <= CAST\([^()]*\)")
# Forces a binary comparison of texts in place of the default collation.
EXACT = {"duckdb": " COLLATE C)", "postgres": ' COLLATE "C")', "sqlite": " COLLATE BINARY)", "spark": " AS STRING)"}
LOOSE = {"duckdb": ")", "postgres": ")", "sqlite": ")", "spark": " AS STRING COLLATE UTF8_LCASE)"}


def decided(engine, sql):
    """By rule: how many rows, how many of them wrongly, and what is said of it."""
    words = ["policy_rule_id", "policy_verdict", "policy_content"]
    both = ", ".join(f"min({word}), max({word})" for word in words)
    wrong = "sum(CASE WHEN policy_rule = expected THEN 0 ELSE 1 END)"
    approved = "sum(CASE WHEN policy_rule = expected THEN 0 WHEN policy_verdict = 'approve' THEN 1 ELSE 0 END)"
    return engine.ask(f"SELECT policy_rule, count(*), {wrong}, {approved}, {both} FROM ({sql}) said GROUP BY policy_rule")


def mismatches(engine, sql):
    found = decided(engine, sql)
    return sum(row[2] for row in found), sum(row[3] for row in found)


def collated(engine, sql):
    """As `mismatches`. PostgreSQL matches no regular expression under such a collation, and that is noticed, too."""
    try:
        return mismatches(engine, sql)
    except Exception as error:
        if "nondeterministic collations are not supported for regular expressions" not in str(error):
            raise
        return 1, 0


def check(engine, case, sql):
    found = decided(engine, sql)
    rows, wrong = sum(row[1] for row in found), sum(row[2] for row in found)
    assert rows == case["rows"], f"{rows} rows came back, of {case['rows']}"
    for rule, _, _, _, *words in found:
        name, verdict = case["rules"][rule]
        expected = [name, name, verdict, verdict, case["content"], case["content"]]
        assert words == expected, f"rule {rule} is said to be {words}, not {expected}"
    return wrong


def run(folder, name):
    engine = ENGINES[name](folder)
    rows = wrong = 0
    naive, loose, refused = (0, 0), None, False
    started = time.monotonic()
    for case in cases(folder):
        if name not in case["sql"]:
            continue
        engine.load(table(folder, case))
        sql = case["sql"][name]
        found = check(engine, case, sql)
        rows, wrong = rows + case["rows"], wrong + found
        if found:
            print(f"{engine.name}: {found} of {case['rows']} rows of {case['folder']} differ\n{sql}")
        if case["folder"] == "worked":
            naive = mismatches(engine, RANGE.sub("1 = 1", sql))
            loose = collated(engine, sql.replace(EXACT[name], LOOSE[name])) if name in EXACT else None
            whole = sql
            assert typed(engine, case, sql) == 0, "whole numbers and decimals give different decisions"
        # SQLite takes them for invalid, and has no column of one type alone; Rust's tests look at that.
        if case["folder"] == "worked-text":
            refused = refuses(engine, whole)
    took = time.monotonic() - started
    print(
        f"{engine.name}: {wrong} mismatches in {rows:,} rows ({took:.1f} s; {engine.worst}); "
        f"without the ranges {naive[0]:,}, of which {naive[1]:,} approved; without the collation {loose[0] if loose else '-'}"
    )
    assert wrong == 0, "the SQL does not decide as the policy does"
    assert naive[0] > 0 and (loose is None or loose[0] > 0), "the rows do not notice a missing guard"
    assert refused or name == "sqlite", "texts were taken for numbers"


def typed(engine, case, sql):
    """Codes that are whole numbers, scores that are decimals, and texts of a fixed length where there are such."""
    column = {one["name"]: one["column"] for one in case["inputs"]}
    decimals = lambda digits, *texts: pa.array([Decimal(text) for text in texts], pa.decimal128(5, digits))
    scores = ["75.00", "74.99", "70.00", "69.99", "100.01", "-0.01"]
    rules = [rule for rule, _ in case["rules"]]
    expected = [rules.index(rule) for rule in ["approve", "grey-zone", "grey-zone", "pass-below-floor", "no-score", "no-score"]]
    engine.load(
        pa.table(
            {
                "number": pa.array(range(len(scores)), pa.int64()),
                "expected": pa.array(expected, pa.int32()),
                column["sub_code"]: pa.array([200] * len(scores), pa.int32()),
                column["passed"]: pa.array(["T"] * len(scores)),
                column["face_attack"]: pa.array(["F"] * len(scores)),
                column["face_occlusion"]: pa.array(["F"] * len(scores)),
                column["verify_score"]: decimals(2, *scores),
                column["quality_score"]: decimals(2, *(["90.00"] * len(scores))),
                column["face_attack_score"]: decimals(4, *(["0.4999"] * len(scores))),
            }
        ),
        text="char(5)",
    )
    return check(engine, {**case, "rows": len(scores)}, sql)


def refuses(engine, sql):
    try:
        engine.ask(f"SELECT count(*), sum(policy_rule) FROM ({sql}) said")
    except Exception:
        return True
    return False


if __name__ == "__main__":
    for name in sys.argv[2:]:
        run(sys.argv[1], name)
