/**
 * Detects a signal that arrived before there was a listener. Until then, Node catches SIGTERM and SIGINT itself, once
 * each, to die of them. Process 1 of a container does not die that way: the signal would be lost, and the server would
 * run until it is killed.
 */
import { readFileSync } from 'node:fs'

/** The bits of the signals in `SigCgt` of proc(5), the signals that a process catches. */
const BITS = { SIGTERM: 1n << 14n, SIGINT: 1n << 1n } as const

/**
 * The signal that process 1 received: Node no longer catches it. If it catches neither, this Node behaves differently,
 * and nothing is known.
 */
export function earlySignal(pid: number): keyof typeof BITS | undefined {
  if (pid !== 1) return undefined
  const caught = caughtSignals()
  if (caught === undefined) return undefined
  const [only, ...others] = (['SIGTERM', 'SIGINT'] as const).filter((signal) => (caught & BITS[signal]) === 0n)
  return others.length === 0 ? only : undefined
}

/** Undefined if the system does not tell. */
function caughtSignals(): bigint | undefined {
  try {
    const [, mask] = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    return mask === undefined ? undefined : BigInt(`0x${mask}`)
  } catch {
    return undefined
  }
}
