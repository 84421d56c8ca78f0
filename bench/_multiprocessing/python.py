# Copyright 2026 the @concurrent/parallel authors. MIT license.

"""Python's multiprocessing, children started with spawn."""

import json
import multiprocessing
import sys
import time
from multiprocessing import shared_memory

WARM_PART = 0.2
PAGE = 4096


def message(i):
    return {"id": i, "name": "a small object", "at": {"x": i, "y": 2.5}, "tags": ["a"]}


def check(what, actual, expected):
    if actual != expected:
        raise ValueError(f"{what} is {actual}, not {expected}")


def digest(data):
    total = len(data)
    for page, byte in enumerate(data[::PAGE]):
        total += byte * (page + 1)
    return total


# What the children run


def put(orders, queue):
    while (n := orders.get()) > 0:
        for i in range(n):
            queue.put(i)


def add(queue, n):
    total = 0
    for _ in range(n):
        total += queue.get()
    return total


def get(orders, queue, sums):
    while (n := orders.get()) > 0:
        sums.put(add(queue, n))


def echo(connection):
    while (value := connection.recv()) is not None:
        connection.send(value)


def digest_bytes(connection):
    while len(data := connection.recv_bytes()) > 1:
        connection.send(digest(data))


def digest_shared(connection):
    while (name := connection.recv()) is not None:
        memory = shared_memory.SharedMemory(name)
        connection.send(digest(memory.buf))
        memory.close()


def contend(connection, lock):
    while (limit := connection.recv()) is not None:
        start = time.perf_counter()
        count = 0
        ms = 0
        while ms < limit:
            for _ in range(10):
                lock.acquire()
                lock.release()
            count += 10
            ms = (time.perf_counter() - start) * 1000
        connection.send((count, ms))


def increment(n):
    return n + 1


# What is measured


def start(target, *args):
    process = context.Process(target=target, args=args)
    process.start()
    return process


def measure_queue(direction, _manner, items):
    queue, sums, puts, gets = (context.Queue() for _ in range(4))
    children = []
    if direction != "down":
        children.append(start(put, puts, queue))
    if direction != "up":
        children.append(start(get, gets, queue, sums))

    def run(n):
        puts.put(n)
        gets.put(n)
        if direction == "down":
            for i in range(n):
                queue.put(i)
        total = add(queue, n) if direction == "up" else sums.get()
        check("sum", total, n * (n - 1) // 2)

    run(int(items * WARM_PART))
    since = time.perf_counter()
    run(items)
    seconds = time.perf_counter() - since
    puts.put(0)
    gets.put(0)
    for child in children:
        child.join()
    for it in (queue, sums, puts, gets):
        it.cancel_join_thread()
    return items / seconds


def measure_pipe(rounds):
    here, there = context.Pipe()
    child = start(echo, there)

    def run(n):
        since = time.perf_counter()
        for i in range(n):
            here.send(message(i))
            check("answer", here.recv()["id"], i)
        return time.perf_counter() - since

    run(int(rounds * WARM_PART))
    seconds = run(rounds)
    here.send(None)
    child.join()
    return seconds * 1e6 / rounds


def measure_lock(count, _manner, limit):
    lock = context.Lock()
    pipes = [context.Pipe() for _ in range(count)]
    children = [start(contend, there, lock) for _, there in pipes]

    def run(limit):
        for here, _ in pipes:
            here.send(limit)
        answers = [here.recv() for here, _ in pipes]
        return max(ms for _, ms in answers) * 1000 / sum(n for n, _ in answers)

    run(limit * WARM_PART)
    us = run(limit)
    for here, _ in pipes:
        here.send(None)
    for child in children:
        child.join()
    return us


def measure_bytes(how, size):
    page = bytes(i * 7 & 255 for i in range(PAGE))
    data = b"".join(bytes([n & 255]) + page[1:] for n in range(size // PAGE))
    expected = digest(data)
    here, there = context.Pipe()
    child = start(digest_bytes if how == "pipe" else digest_shared, there)

    def run():
        since = time.perf_counter()
        if how == "pipe":
            here.send_bytes(data)
            check("digest", here.recv(), expected)
        else:
            memory = shared_memory.SharedMemory(create=True, size=len(data))
            memory.buf[: len(data)] = data
            here.send(memory.name)
            check("digest", here.recv(), expected)
            memory.close()
            memory.unlink()
        return (time.perf_counter() - since) * 1000

    run()
    ms = run()
    if how == "pipe":
        here.send_bytes(b"0")
    else:
        here.send(None)
    child.join()
    return ms


def measure_map(tasks, chunk_size):
    with context.Pool(2) as pool:

        def run(n):
            since = time.perf_counter()
            results = pool.map(increment, range(n), chunk_size)
            ms = (time.perf_counter() - since) * 1000
            check("results", len(results), n)
            check("sum", sum(results), n * (n + 1) // 2)
            return ms

        run(int(tasks * WARM_PART))
        return run(tasks)


SCENARIOS = {
    "queue": measure_queue,
    "pipe": measure_pipe,
    "lock": measure_lock,
    "bytes": measure_bytes,
    "map": measure_map,
}

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    for line in sys.stdin:
        command = json.loads(line)
        args = [int(a) if isinstance(a, float) else a for a in command["args"]]
        try:
            answer = {"value": SCENARIOS[command["scenario"]](*args)}
        except Exception as error:  # the table says what went wrong
            answer = {"error": repr(error)}
        print(json.dumps(answer), flush=True)
