/** MQTT control packets in a stream of bytes, as far as a benchmark must know them. */
import { Buffer } from 'node:buffer'

const EMPTY = Buffer.alloc(0)

/** Calls `handle` for each whole packet with where it begins, its variable header begins and it ends. Returns the rest. */
export function eachFrame(bytes: Buffer, handle: (at: number, start: number, end: number) => void): Buffer {
  let at = 0
  for (;;) {
    let length = 0
    let shift = 0
    let start = at + 1
    let byte = 128
    while (byte >= 128 && start < bytes.length) {
      byte = bytes[start] ?? 0
      length |= (byte & 127) << shift
      shift += 7
      start += 1
    }
    const end = start + length
    if (byte >= 128 || end > bytes.length) break
    handle(at, start, end)
    at = end
  }
  return at === bytes.length ? EMPTY : bytes.subarray(at)
}
