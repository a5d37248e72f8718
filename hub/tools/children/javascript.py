"""Run JavaScript: no network, no files, little memory, little time.

Input: JSON {"code", "seconds", "memory" (bytes), "longest" (characters)}.
Output: JSON {"logs": [text], "value": JSON text or null, "error": text or null}.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any

from py_mini_racer import JSEvalException, JSFunction, JSPromise, JSTimeoutException, MiniRacer, init_mini_racer

# What V8 may take beside its heap, for typed arrays above all.
BESIDE = 64 << 20
HARNESS = r"""
((code, longest) => {
  const {stringify} = JSON, text = String, SyntaxFault = SyntaxError, evaluate = eval;
  const logs = [];
  let left = longest;
  const fault = (error) => {
    const place = /eval at run .*<anonymous>:(\d+):(\d+)/.exec(text(error.stack));
    return text(error) + (place ? ` (line ${place[1]}, column ${place[2]})` : "");
  };
  const shown = (value) => {
    if (typeof value === "string") return value;
    if (value instanceof Error) return fault(value);
    try { return stringify(value) ?? text(value); } catch { return text(value); }
  };
  const log = (...values) => {
    if (left <= 0) return;
    const line = values.map(shown).join(" ").slice(0, left);
    left -= line.length + 1;
    logs.push(left > 0 ? line : line + " [cut]");
  };
  globalThis.console = {log, info: log, warn: log, error: log, debug: log, trace: log, table: log, dir: log};
  // The library's own timer breaks on no delay at all.
  const later = globalThis.setTimeout;
  globalThis.setTimeout = (act, delay, ...values) => later(act, Math.max(1, Number(delay) || 0), ...values);
  const told = (value, error) => {
    let json = null;
    try {
      const plain = (_, v) => typeof v === "bigint" ? text(v) : v;
      json = value === undefined ? null : stringify(value, plain) ?? text(value);
    } catch (e) { error = "The result is no JSON: " + text(e); }
    if (json !== null && json.length > longest) json = json.slice(0, longest) + " [cut]";
    return stringify({logs, value: json, error: error === null ? null : text(error).slice(0, longest)});
  };
  const run = () => {
    try { return evaluate(code); }
    catch (e) {
      // A script may neither return nor await; a function may.
      if (!(e instanceof SyntaxFault) || !/\b(return|await)\b/.test(code)) throw e;
      return evaluate("(async () => {" + code + "\n})()");
    }
  };
  return (async () => {
    try { return told(await run(), null); }
    catch (e) { return told(undefined, e instanceof Error ? shown(e) : "Thrown: " + shown(e)); }
  })();
})
"""


def main() -> None:
    given = json.loads(sys.stdin.buffer.read())
    seconds, memory = given["seconds"], given["memory"]
    # Nothing is compiled to machine code: that is where sandboxes of V8 have broken.
    init_mini_racer(flags=("--single-threaded", "--jitless"))
    with MiniRacer() as racer:
        racer.set_hard_memory_limit(memory)
        run: Any = racer.eval(HARNESS)
        close_doors(int(seconds), memory)
        try:
            said = str(_within(run, given, seconds))
        except JSTimeoutException:
            said = _failed(f"The code took longer than {seconds:g} seconds.")
        except JSEvalException as e:
            over = racer.was_hard_memory_limit_reached()
            said = _failed("The code needs more memory than it may have." if over else f"The code failed: {e}")
        sys.stdout.write(said)
        sys.stdout.flush()


def _within(run: JSFunction, given: Any, seconds: float) -> Any:
    promise = run(given["code"], given["longest"], timeout_sec=seconds)
    return promise.get(timeout=seconds) if isinstance(promise, JSPromise) else promise


def _failed(words: str) -> str:
    return json.dumps({"logs": [], "value": None, "error": words[:1000]})


def close_doors(seconds: int, memory: int) -> None:
    """From here on no file or socket can be opened, no process begun, no file grow."""
    limits = {
        resource.RLIMIT_CPU: seconds + 2, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0, resource.RLIMIT_NOFILE: 0,
    }
    status = Path("/proc/self/status")
    if status.exists():
        # V8 reserves half a gigabyte before it has done anything.
        taken = next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmData"))
        limits[resource.RLIMIT_DATA] = taken * 1024 + memory + BESIDE
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))


main()
