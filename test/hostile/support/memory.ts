import { readFileSync } from 'node:fs'

/** Resident memory of a process, MiB. */
export function residentMiB(pid: number): number {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8')
    .split('\n')
    .find((each) => each.startsWith('VmRSS:'))
  return Number(/\d+/.exec(line ?? '')?.[0]) / 1024
}
