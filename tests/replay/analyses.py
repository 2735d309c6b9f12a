"""A sweep of 41 values, and the error rates of 20 segments, beside one replay of the same Parquet file: of attempts, and of people.

analyses.py <folder> <rows> <rounds> <cloudauth>: the user CPU time of each, in turns, on one thread; fails if one counts other
rows than the replay. The ratios are of the fastest runs.
"""

import os
import subprocess
import sys

from compare import finished

POLICY = "builtin:onboarding"
VALUES = 41
SEGMENTS = 20
SWEEP = ["--threshold", "match_auto", "--from", "65", "--to", "85", "--step", "0.5"]


def with_regions(flat, path):
    """Runs in a process of its own; adds a column of 20 values to the rows."""
    import duckdb

    region = f"'region ' || (hash(id) % {SEGMENTS} + 1) AS region"
    duckdb.execute(f"COPY (SELECT *, {region} FROM read_parquet('{flat}')) TO '{path}.part' (FORMAT parquet)")
    os.rename(f"{path}.part", path)


def main(folder, rows, rounds, cloudauth):
    flat, path = f"{folder}/flat-{rows}.parquet", f"{folder}/regions-{rows}.parquet"
    for made, how in [
        (flat, ["compare.py", "parquet", f"{folder}/flat-{rows}.jsonl", flat]),
        (path, ["analyses.py", "regions", flat, path]),
    ]:
        if not os.path.exists(made):
            script = os.path.join(os.path.dirname(os.path.abspath(__file__)), how[0])
            subprocess.run([sys.executable, script, *how[1:]], check=True)
    commands = {}
    for name, of_people in [("attempts", ""), ("people", 'subject = "subject"\n')]:
        mapping, segments = f"{folder}/{name}.toml", f"{folder}/{name}-regions.toml"
        for file, regions in [(mapping, ""), (segments, 'segments = ["region"]\n')]:
            with open(file, "w") as out:
                out.write(f'format = 1\ntime = "time"\n{of_people}{regions}[label]\ncolumn = "label"\n')
        common = [POLICY, path, "--threads", "1", "--output", "json", "--mapping"]
        commands[name] = {
            "replay": ["replay", *common, mapping],
            f"sweep of {VALUES} values": ["sweep", *common, mapping, *SWEEP],
            f"{SEGMENTS} segments": ["segments", *common, segments],
        }
    print(f"{rows} rows of Parquet, one thread, user CPU time, the fastest of {rounds} in turns")
    for name, of_rows in commands.items():
        beside_replay(of_rows, int(rounds), cloudauth, f"of {name}")


def beside_replay(commands, rounds, cloudauth, what):
    runs = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            runs[name].append(finished([cloudauth, "lab", *command]))
    replay = runs["replay"][0][0]
    for name, made in runs.items():
        if any(document["rows"] != replay["rows"] for document, _ in made):
            sys.exit(f"{name} has other rows than the replay")
    current = [value for value in runs[f"sweep of {VALUES} values"][0][0]["values"] if value["is_current"]]
    found = runs[f"{SEGMENTS} segments"][0][0]["segments"]["region"]["approved"]["values"]
    if current[0]["outcome"]["verdicts"] != replay["verdicts"] or len(found) != SEGMENTS:
        sys.exit("the sweep or the segments count other rows than the replay")
    fastest = {name: min(used.ru_utime for _, used in made) for name, made in runs.items()}
    for name, cpu in fastest.items():
        print(f"{name:20} {what:11} {cpu:6.2f} s   {cpu / fastest['replay']:5.2f} times the replay")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["regions", flat, path]:
            with_regions(flat, path)
        case [folder, rows, rounds, cloudauth]:
            main(folder, rows, rounds, cloudauth)
        case _:
            sys.exit(__doc__)
