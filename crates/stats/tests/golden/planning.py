"""Recomputes `planning.json` and fails if a figure differs by more than 1e-9: `python planning.py`.

Needs scipy 1.17.1, statsmodels 0.15.0 and numpy. The DeLong figures are pROC's; here they are computed from the definition, over
all pairs of a genuine attempt and an impostor, so that R is not needed to check them.
"""

import csv
import json
import math
from pathlib import Path

import numpy as np
from scipy import optimize, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import score_test_proportions_2indep

HERE = Path(__file__).parent
compared = 0


def same(ours, golden, what):
    global compared
    compared += 1
    golden = math.inf if golden == "inf" else golden
    if ours != golden and not abs(ours - golden) <= 1e-9 * max(abs(golden), 1e-300):
        raise SystemExit(f"{what}: {ours!r} here, {golden!r} in the file")


def attempts_needed(row):
    """The upper bound of Clopper and Pearson falls with the attempts."""
    bound = lambda n: stats.beta.ppf(row["confidence"], row["errors"] + 1, n - row["errors"])
    low, high = row["errors"] + 1, 10**8
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if bound(middle) <= row["target"] else (middle + 1, high)
    same(low, row["needed"], row)


def mcnemar_power(row):
    n, changed = row["attempts"], row["only_first"] + row["only_second"]
    spread = 12 * math.sqrt(n * changed * max(1 - changed, 0)) + 60
    power = 0.0
    for changes in range(max(0, int(n * changed - spread)), min(n, int(n * changed + spread)) + 1):
        split = np.arange(changes + 1)
        p = np.minimum(1, 2 * stats.binom.cdf(np.minimum(split, changes - split), changes, 0.5))
        found = stats.binom.pmf(split, changes, row["only_first"] / changed)[p <= 1 - row["confidence"]]
        power += stats.binom.pmf(changes, n, changed) * found.sum()
    same(power, row["power"], row)


def waits(load, agents):
    rho, pmf = load / agents, stats.poisson.pmf(agents, load)
    return pmf / (pmf + (1 - rho) * stats.poisson.cdf(agents - 1, load))


def within(load, agents, wait):
    return 1 - waits(load, agents) * math.exp(-(agents - load) * wait)


def erlang_c(row):
    load, agents = row["load"], row["agents"]
    same(waits(load, agents), row["waits"], row)
    same(load / agents, row["occupancy"], row)
    same(within(load, agents, row["wait"]), row["within"], row)
    same(waits(load, agents) / (agents - load), row["mean_wait"], row)


def agents_needed(row):
    agents = math.floor(row["load"]) + 1
    while within(row["load"], agents, row["wait"]) < row["service"]:
        agents += 1
    same(agents, row["agents"], row)


def groups(row):
    x, n, y, m = (row[name] for name in "xnym")
    sides = [stats.fisher_exact([[x, n - x], [y, m - y]], alternative=side)[1] for side in ("less", "greater")]
    same(min(1.0, 2 * min(sides)), row["fisher"], row)

    def p(log_ratio):
        """The p-value of the score test of this ratio."""
        test = score_test_proportions_2indep(
            x, n, y, m, value=math.exp(log_ratio), compare="ratio", alternative="two-sided", correction=False
        )
        return test[1] - (1 - row["confidence"])

    for end, golden in zip((-1, 1), row["koopman"]):
        # The ends at 0 and infinity, and those of samples that are all or no errors, are limits that statsmodels does not have.
        if golden in (0.0, "inf") or x == 0 or y == 0 or x == n or y == m:
            continue
        estimate = math.log(x / n / (y / m))
        same(math.exp(optimize.brentq(p, estimate + 1e-9 * end, estimate + 8 * end, xtol=1e-14, rtol=1e-14)), golden, row)


def holm(row):
    for ours, golden in zip(multipletests(row["p"], method="holm")[1], row["holm"]):
        same(ours, golden, row)


def delong(row):
    rows = list(csv.reader((HERE / f"scores_{row['set']}.csv").open()))[1:]
    genuine = np.array([label == "genuine" for label, *_ in rows])
    first = np.array([float(score) for _, score, *_ in rows])
    second = np.floor(first) + np.arange(len(rows)) * 7 % 11
    parts = []
    for score in (first, second):
        pairs = score[genuine][:, None] - score[~genuine][None, :]
        wins = (pairs > 0) + 0.5 * (pairs == 0)
        parts.append((wins.mean(), wins.mean(axis=1), wins.mean(axis=0)))
    (auc, of_genuine, of_impostors), (other, more_genuine, more_impostors) = parts
    cov = np.cov(of_genuine, more_genuine) / genuine.sum() + np.cov(of_impostors, more_impostors) / (~genuine).sum()
    z = stats.norm.ppf(0.975)
    near = lambda ours, golden: same(ours if abs(ours - golden) > 1e-15 else golden, golden, row)
    near(auc, row["auc"])
    near(cov[0, 0], row["variance"])
    near(other, row["second"])
    near(cov[1, 1], row["second_variance"])
    near(cov[0, 1], row["covariance"])
    near(max(0.0, auc - z * math.sqrt(cov[0, 0])), row["low"])
    near(min(1.0, auc + z * math.sqrt(cov[0, 0])), row["high"])
    spread = math.sqrt(max(0.0, cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]))
    if spread > 1e-9:
        near(2 * stats.norm.sf(abs((auc - other) / spread)), row["p"])
        near(auc - other - z * spread, row["diff_low"])
        near(auc - other + z * spread, row["diff_high"])


for part, rows in json.loads((HERE / "planning.json").read_text()).items():
    before = compared
    for row in rows:
        globals()[part](row)
    print(f"{part}: {len(rows)} rows, {compared - before} figures")
