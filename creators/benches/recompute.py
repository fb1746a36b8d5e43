"""The same recomputation as recompute.rs, with numpy and pyxirr: whole account, seven windows.

    python3 -m venv VENV && VENV/bin/pip install numpy pyxirr
    cargo bench -p madang-creators --bench recompute --no-run     # prints the path of the executable
    VENV/bin/python creators/benches/recompute.py EXECUTABLE

Writes 2,000 accounts by the executable's --dump, computes them, compares rates to 1e-9, then measures both in turns.
Measured are two amounts of work here: the account alone, and all that a record holds (each instrument's daily record,
average cost, gains, round trips too). The executable always does the second, and with exact decimals. Time is that of
the processor, so that others on the machine do not count.
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


def instruments(rows, closes):
    """Each instrument's daily factors, its gains by moving average cost, and its round trips."""
    count = len(closes)
    traded = rows[rows[:, 2] >= 0]
    day, ticker = traded[:, 1].astype(np.intp), traded[:, 2].astype(np.intp)
    held, column = np.unique(ticker, return_inverse=True)
    prices = closes[:, held]
    shares = np.zeros((count, len(held)))
    np.add.at(shares, (day, column), traded[:, 3])
    value = shares.cumsum(axis=0) * prices
    # Days without a trade are price ratios; days with one go trade by trade.
    factor = np.ones_like(value)
    factor[1:] = np.where(value[:-1] > 0, prices[1:] / prices[:-1], 1.0)
    begins = np.zeros_like(value)
    begins[1:] = value[:-1]
    state, trips = {}, []
    opening = {}
    for d, k, quantity, price, costs in zip(
        day.tolist(), column.tolist(), traded[:, 3].tolist(), traded[:, 4].tolist(), traded[:, 5].tolist()
    ):
        have, cost, gain, since, paid, got = state.get(k, (0.0, 0.0, 0.0, d, 0.0, 0.0))
        start, product = opening.get((d, k), (begins[d, k], 1.0))
        before = have * price
        if quantity > 0:
            product *= before / start if start > 0 else 1.0
            start = before + quantity * price + costs
            if have == 0.0:
                since, paid, got = d, 0.0, 0.0
            have, cost, paid = have + quantity, cost + quantity * price + costs, paid + quantity * price + costs
        else:
            product *= (before - costs) / start if start > 0 else 1.0
            start = before + quantity * price
            net, part = -quantity * price - costs, cost * -quantity / have
            have, cost, gain, got = have + quantity, cost - part, gain + net - part, got + net
            if have == 0.0:
                trips.append((k, since, d, paid, got, got / paid - 1.0))
        state[k] = (have, cost, gain, since, paid, got)
        opening[(d, k)] = (start, product)
    for (d, k), (start, product) in opening.items():
        factor[d, k] = product * (value[d, k] / start if start > 1e-6 else 1.0)
    # As there, so here: days held, with value, return and return of the market.
    touched = (value > 0) | (begins > 0)
    touched[day, column] = True
    records = [np.flatnonzero(touched[:, k]) for k in range(len(held))]
    return state, trips, [(found, value[found, k], factor[found, k]) for k, found in enumerate(records)]


def compare(folder, results):
    worst, compared = 0.0, 0
    for line in (folder / "results.csv").read_text().split():
        number, name, *theirs = line.split(",")
        for mine, other in zip(results[int(number)][name], map(float, theirs)):
            worst = max(worst, abs(mine - other) / max(1.0, abs(other)))
            compared += 1
    print(f"{compared} figures compared, largest difference {worst:.2e} (relative above 1)")
    return worst <= 1e-9


def compare_instruments(folder, ledgers, closes):
    theirs = {}
    for line in (folder / "tickers.csv").read_text().split():
        number, ticker, realised, product = line.split(",")
        theirs[int(number), int(ticker)] = (float(realised), float(product))
    worst = 0.0
    for number, rows in enumerate(ledgers):
        state, _, records = instruments(rows, closes)
        for k, ticker in enumerate(np.unique(rows[rows[:, 2] >= 0, 2]).astype(int).tolist()):
            realised, product = theirs[number, ticker]
            worst = max(worst, abs(records[k][2].prod() - product), abs(state[k][2] - realised) / max(1, abs(realised)))
    print(f"{len(theirs)} instruments' records compared, largest difference {worst:.2e}")
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
        agree = compare_instruments(folder, ledgers, closes) and agree
    for _ in range(ROUNDS):
        begun = time.thread_time()
        for rows in ledgers:
            recompute(rows, days, benchmark, closes, spans)
        account = len(ledgers) / (time.thread_time() - begun)
        begun = time.thread_time()
        for rows in ledgers:
            recompute(rows, days, benchmark, closes, spans)
            instruments(rows, closes)
        whole = len(ledgers) / (time.thread_time() - begun)
        printed = subprocess.run([executable, "--accounts", "100000"], check=True, capture_output=True, text=True)
        rust = float(re.search(r"(\d+) accounts/s", printed.stdout)[1])
        print(
            f"numpy and pyxirr {account:.0f} accounts/s, all that a record holds {whole:.0f}; "
            f"madang {rust:.0f}: {rust / account:.1f} and {rust / whole:.1f} times"
        )
    sys.exit(0 if agree else 1)


if __name__ == "__main__":
    main()
