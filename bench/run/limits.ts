/** How many connections this machine allows. */
import { readFileSync } from 'node:fs'
import { portsOf, type Target } from '../contenders/contender.ts'
import { childrenOf } from './processes.ts'

/** Files that a process needs besides its connections: LevelDB keeps up to 1,000 open. */
const OTHER_FILES = 1_500
/** Ports of one source address; the kernel has 28,232 by default. */
const PORTS = 25_000
/** A connection takes so much of the memory of the machine at most, of both ends together, bytes. */
const CONNECTION_BYTES = 64 * 1024

interface Held {
  readonly connections: number
  /** Processes of the generator. */
  readonly holders: number
  /** Why there are fewer than were wanted. */
  readonly reason: string | undefined
}

export function connectionsFor(target: Target, wanted: number): Held {
  const files = openFiles() - OTHER_FILES
  const processes = acceptingProcesses(target)
  // Workers do not get the same number of connections.
  const byFiles = Math.floor(files * processes * (processes > portsOf(target).length ? 0.8 : 1))
  const byMemory = Math.floor(availableMemory() / CONNECTION_BYTES)
  const connections = Math.min(wanted, byFiles, byMemory)
  const limit = connections === byFiles ? `a process may have ${openFiles()} open files (ulimit -n)` : 'memory is short'
  const reason = connections < wanted ? `${connections} connections, not ${wanted}: ${limit}` : undefined
  return { connections, holders: Math.ceil(connections / Math.min(files, PORTS)), reason }
}

function acceptingProcesses(target: Target): number {
  return target.serverPids().reduce((sum, pid) => sum + Math.max(1, childrenOf(pid).length), 0)
}

/** Node raises its own limit to the hard one. */
function openFiles(): number {
  const [, hard] = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
  return hard === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(hard)
}

function availableMemory(): number {
  const [, kilobytes] = /^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? []
  return Number(kilobytes) * 1024
}
