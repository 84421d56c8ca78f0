# Copyright 2026 the @concurrent/parallel authors. MIT license.

"""Python's concurrent.futures as a subject: main.js and kinds.js in Python."""

import array
import json
import math
import os
import random
import sys
import time

MARK = "@@"
kind_of_pool = sys.argv[1]
pool = None


def add(a, b):
    return a + b


def measure(value):
    if isinstance(value, str):
        return len(value)
    if isinstance(value, array.array):
        return value[-1]
    return sum(o["id"] + o["at"]["x"] + len(o["tags"]) for o in value)


def factorial(n):
    product = 1
    for i in range(2, n + 1):
        product *= i
    return product % 1_000_003


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


# Python needs about thirty times as long for a round; what is as long as in
# JavaScript is the task, not its number of rounds.
def spin(rounds):
    x = 1
    for _ in range(rounds // 60):
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
    return x >> 24


def spin10(seed):
    x = seed | 1
    for _ in range(170):
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
    return x >> 24


def spin1(seed):
    x = seed | 1
    for _ in range(14):
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
    return x >> 24


def nap(seconds):
    time.sleep(seconds)
    return os.getpid()


TASKS = {f.__name__: f for f in (add, measure, factorial, fib, spin, spin10, spin1)}


class WrongAnswer(Exception):
    pass


def check(actual, expected):
    if actual != expected:
        raise WrongAnswer(f"the result is {actual}, not {expected}")


def now():
    return time.perf_counter() * 1000


def caller_time():
    return time.thread_time() * 1000


def quantile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, math.floor(len(values) * part))]


def create_payload(kind, size):
    if kind == "string":
        return "abcdefgh" * (size // 8)
    if kind == "float64":
        return array.array("d", range(size // 8))
    return [
        {"id": i, "name": f"object {i}", "at": {"x": i % 100, "y": 0.5}, "tags": ["a", "b"]}
        for i in range(size)
    ]


def in_turn(name, items):
    start = now()
    total = sum(map(TASKS[name], items))
    return now() - start, total


def burst(name, items):
    fn = TASKS[name]
    return sum([f.result() for f in [pool.submit(fn, *item) for item in items]])


def start(workers):
    global pool
    begin = now()
    import concurrent.futures

    if kind_of_pool == "threads":
        concurrent.futures.ThreadPoolExecutor
    else:
        concurrent.futures.ProcessPoolExecutor
    loaded = now()
    pool = (
        concurrent.futures.ThreadPoolExecutor(workers)
        if kind_of_pool == "threads"
        else concurrent.futures.ProcessPoolExecutor(workers)
    )
    futures = [pool.submit(add, i, 1) for i in range(workers)]
    next(concurrent.futures.as_completed(futures)).result()
    first = now()
    for i, future in enumerate(futures):
        check(future.result(), i + 1)
    return {"value": first - loaded, "import": loaded - begin, "total": first - begin}


def warm(workers, calls):
    for future in [pool.submit(nap, 0.02) for _ in range(workers * 2)]:
        future.result()
    check(burst("add", [(i, 1) for i in range(calls)]), calls * (calls + 1) // 2)
    return {"workers": workers}


def sequence(calls, budget):
    times = []
    end = now() + budget
    for i in range(calls):
        begin = now()
        result = pool.submit(add, i, 1).result()
        times.append(now() - begin)
        check(result, i + 1)
        if now() > end:
            break
    return times


def sequential(calls, budget):
    sequence(calls // 10, budget / 10)
    before = caller_time()
    times = sequence(calls, budget)
    used = caller_time() - before
    return {
        "value": quantile(times, 0.5) * 1000,
        "p99": quantile(times, 0.99) * 1000,
        "cpu": used * 1000 / len(times),
    }


def in_flight(window, calls):
    from collections import deque

    futures = deque()
    begin = now()
    total = 0
    for i in range(calls):
        if len(futures) == window:
            total += futures.popleft().result()
        futures.append(pool.submit(add, i, 1))
    total += sum(f.result() for f in futures)
    spent = now() - begin
    check(total, calls * (calls + 1) // 2)
    return {"value": spent * 1000 / calls}


def run_burst(fn, tasks, arg=None):
    items = [(i, 1) if arg is None else (arg,) for i in range(tasks)]
    expected = tasks * (tasks + 1) // 2 if arg is None else TASKS[fn](arg) * tasks
    before = caller_time()
    begin = now()
    total = burst(fn, items)
    spent = now() - begin
    check(total, expected)
    return {"value": spent * 1000 / tasks, "cpu": (caller_time() - before) * 1000 / tasks}


def payload(type, size, calls, budget):
    value = create_payload(type, size)
    expected = measure(value)
    check(pool.submit(measure, value).result(), expected)
    times = []
    end = now() + budget
    for i in range(calls):
        begin = now()
        result = pool.submit(measure, value).result()
        times.append(now() - begin)
        check(result, expected)
        if i >= 2 and now() > end:
            break
    return {"value": quantile(times, 0.5), "p99": quantile(times, 0.99)}


def uneven(rounds, tasks, seed):
    source = random.Random(seed)
    items = [rounds * 20 if source.random() < 0.1 else rounds for _ in range(tasks)]
    serial, expected = in_turn("spin", items)
    times = []
    begin = now()
    futures = [pool.submit(spin, item) for item in items]
    for future in futures:
        future.add_done_callback(lambda _: times.append(now() - begin))
    total = sum(f.result() for f in futures)
    spent = now() - begin
    check(total, expected)
    return {"value": serial / spent, "p99": quantile(times, 0.99)}


def speedup(fn, arg, tasks):
    # fib(24) in Python is about as long as fib(31) in JavaScript.
    items = [arg - 7 if fn == "fib" else arg] * tasks
    burst(fn, [(item,) for item in items[:4]])
    serial, expected = in_turn(fn, items)
    begin = now()
    total = burst(fn, [(item,) for item in items])
    spent = now() - begin
    check(total, expected)
    return {"value": serial / spent, "serial": serial, "parallel": spent}


def run_map(fn, calls, windowedCalls, window):
    # Chunks are what its documentation says for long inputs of short calls.
    items = range(calls // 10)
    chunk = 500
    sum(pool.map(TASKS[fn], items[: chunk * 4], chunksize=chunk))
    serial, expected = in_turn(fn, items)
    before = caller_time()
    begin = now()
    total = sum(pool.map(TASKS[fn], items, chunksize=chunk))
    spent = now() - begin
    check(total, expected)
    return {
        "value": serial / spent,
        "per": spent * 1000 / len(items),
        "serial": serial * 1000 / len(items),
        "cpu": (caller_time() - before) * 1000 / len(items),
    }


def wake(workers):
    for future in [pool.submit(nap, 0.05) for _ in range(workers * 2)]:
        future.result()
    return {"workers": workers}


KINDS = {
    "start": start,
    "warm": warm,
    "sequential": sequential,
    "inFlight": in_flight,
    "burst": run_burst,
    "payload": payload,
    "uneven": uneven,
    "speedup": speedup,
    "map": run_map,
    "wake": wake,
}


def answer(line):
    command = json.loads(line)
    try:
        return {"value": KINDS[command["kind"]](**command["args"])}
    except WrongAnswer as error:
        return {"error": str(error), "isWrong": True}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}".splitlines()[0], "isWrong": False}


def main():
    for line in sys.stdin:
        print(MARK + json.dumps(answer(line)), flush=True)
    # Its processes would outlive this one.
    if pool is not None:
        pool.shutdown(cancel_futures=True)


if __name__ == "__main__":
    main()
