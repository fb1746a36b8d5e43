"""The same recomputation as recompute.rs, with numpy and pyxirr: whole account, seven windows.

    python3 -m venv VENV && VENV/bin/pip install numpy pyxirr
    cargo bench -p madang-creators --bench recompute --no-run     # prints the path of the executable
    VENV/bin/python creators/benches/recompute.py EXECUTABLE

Writes 2,000 accounts by the executable's --dump, computes them, compares rates to 1e-9, then measures both in turns.
Left out here, and done there: exact decimals, average cost, gains, round trips, each instrument's own daily record.
"""

import re
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyxirr

ROUNDS = 5
MONTHS = {"1M": 1, "3M": 3, "6M": 6, "1Y": 12}


def months_back(day, count):
    month = day.month - 1 - count
    year, month = day.year + month // 12, month % 12 + 1
    length = [31, 29 if year % 4 == 0 else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    return date(year, month, min(day.day, length))


def read(folder):
    rows = [line.split(",") for line in (folder / "market.csv").read_text().split()]
    days = [date.fromisoformat(row[0]) for row in rows]
    benchmark = np.array([float(row[1]) for row in rows])
    closes = np.array([[float(close) for close in row[2:]] for row in rows])
    ledger = np.loadtxt(folder / "ledger.csv", delimiter=",")
    cuts = np.flatnonzero(np.diff(ledger[:, 0])) + 1
    return days, benchmark, closes, np.split(ledger, cuts)


def windows(days):
    """The index of the close each window starts from; -1 for all."""
    end = days[-1]
    starts = {"1W": end - timedelta(days=7)}
    starts |= {name: months_back(end, count) for name, count in MONTHS.items()}
    starts |= {"YTD": date(end.year - 1, 12, 31)}
    ordinals = np.array([day.toordinal() for day in days])
    found = {name: int(np.searchsorted(ordinals, day.toordinal(), "right")) - 1 for name, day in starts.items()}
    return found | {"ALL": -1}


def recompute(rows, days, benchmark, closes, spans):
    day, ticker = rows[:, 1].astype(np.intp), rows[:, 2].astype(np.intp)
    quantity, price, costs = rows[:, 3], rows[:, 4], rows[:, 5]
    count = len(days)
    moved = ticker < 0
    traded = ~moved
    held, column = np.unique(ticker[traded], return_inverse=True)
    shares = np.zeros((count, len(held)))
    np.add.at(shares, (day[traded], column), quantity[traded])
    shares = shares.cumsum(axis=0)
    flow = np.bincount(day[moved], quantity[moved], count)
    spent = np.bincount(day[traded], quantity[traded] * price[traded] + costs[traded], count)
    cash = (flow - spent).cumsum()
    invested = (shares * closes[:, held]).sum(axis=1)
    value = invested + cash
    # Money comes before the day's trades, when the last known prices are those of the close before.
    opening = np.concatenate(([0.0], value[:-1])) + flow
    factor = value / opening
    market = 1.0 + benchmark
    market[0] = 1.0
    share = invested / value
    flow_days = np.flatnonzero(flow)
    result = {}
    for name, base in spans.items():
        part = factor[base + 1 :]
        index = np.concatenate(([1.0], part.cumprod()))
        drawdown = (1.0 - index / np.maximum.accumulate(index)).max()
        weighted = (1.0 + (index[-1] - 1.0)) / market[base + 1 :].prod() - 1.0
        later = flow_days[flow_days > base]
        dates = [days[i] for i in later]
        amounts = (-flow[later]).tolist()
        if base >= 0:
            dates.append(days[base])
            amounts.append(-value[base])
        dates.append(days[-1])
        amounts.append(value[-1])
        rate = pyxirr.xirr(dates, amounts)
        volatility = part.std(ddof=1) * np.sqrt(252.0)
        risk = int(np.searchsorted([0.005, 0.02, 0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 0.9], volatility, "right")) + 1
        result[name] = (index[-1] - 1.0, rate, volatility, drawdown, weighted, risk, share[base + 1 :].mean())
    return result


def compare(folder, results):
    worst, compared = 0.0, 0
    for line in (folder / "results.csv").read_text().split():
        number, name, *theirs = line.split(",")
        for mine, other in zip(results[int(number)][name], map(float, theirs)):
            worst = max(worst, abs(mine - other) / max(1.0, abs(other)))
            compared += 1
    print(f"{compared} figures compared, largest difference {worst:.2e} (relative above 1)")
    return worst <= 1e-9


def main():
    executable = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([executable, "--dump", folder], check=True)
        days, benchmark, closes, ledgers = read(folder)
        spans = windows(days)
        results = [recompute(rows, days, benchmark, closes, spans) for rows in ledgers]
        agree = compare(folder, results)
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for rows in ledgers:
            recompute(rows, days, benchmark, closes, spans)
        python = len(ledgers) / (time.perf_counter() - begun)
        printed = subprocess.run([executable, "--accounts", "100000"], check=True, capture_output=True, text=True)
        rust = float(re.search(r"(\d+) accounts/s", printed.stdout)[1])
        print(f"numpy and pyxirr {python:.0f} accounts/s, madang {rust:.0f} accounts/s, {rust / python:.1f} times")
    sys.exit(0 if agree else 1)


if __name__ == "__main__":
    main()
