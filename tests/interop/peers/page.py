"""What the peers in Python share: the messages of `page.js`, their sums, and calls as JSON lines."""

import asyncio
import json
import os
import sys

BASE = bytes((j * 7 + (j >> 8)) & 255 for j in range(1 << 18))


def pattern(index, size):
    """Message `index` of `size` bytes."""
    shift = index * 31
    return BASE[:size].translate(bytes((value + shift) & 255 for value in range(256)))


def fnv(data):
    value = 0x811C9DC5
    for byte in data:
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


class Tally:
    """How many messages, how many bytes, and the sum of their hashes."""

    def __init__(self):
        self.messages = self.bytes = self.hash = 0

    def add(self, data):
        # Whoever waits for a number of messages may look from another thread: they count when their sums are there.
        self.hash = (self.hash + fnv(data)) & 0xFFFFFFFF
        self.bytes += len(data)
        self.messages += 1

    def value(self):
        return {"messages": self.messages, "bytes": self.bytes, "hash": self.hash}


class Channel:
    """A channel of any stack, with what came in on it. Texts are `str`, the rest is `bytes`."""

    def __init__(self, channel, send, echo=False):
        self.channel, self.send, self.echo = channel, send, echo
        self.received, self.texts = Tally(), []

    def on_message(self, data):
        if isinstance(data, str):
            self.texts.append(data)
        self.received.add(data.encode() if isinstance(data, str) else data)
        if self.echo:
            self.send(data)


async def until(what, ms, test):
    end = asyncio.get_running_loop().time() + ms / 1000
    while asyncio.get_running_loop().time() < end:
        if value := test():
            return value
        await asyncio.sleep(0.01)
    raise TimeoutError(f"timed out after {ms} ms: {what()}")


async def serve(version, api):
    """Answers calls from standard input by the methods of `api`."""
    # What libraries print must not end up between the answers.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(line):
        print(json.dumps(line), file=out, flush=True)

    async def answer(request):
        try:
            value = await getattr(api, request["name"])(*request["args"])
            say({"id": request["id"], "value": value})
        except Exception as error:  # every failure belongs to the caller
            say({"id": request["id"], "error": f"{type(error).__name__}: {error}"})

    say({"version": version})
    running = set()
    while line := await asyncio.to_thread(sys.stdin.readline):
        task = asyncio.create_task(answer(json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)
    os._exit(0)
