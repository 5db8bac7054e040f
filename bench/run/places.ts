/** Where a connection goes: to a node by its port, and to a worker, which shares its port with others, by what the kernel says. */
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { portsOf, type Target } from '../contenders/contender.ts'
import { childrenOf } from './processes.ts'

const TOGETHER = 64
/** Bursts of connections that none of which the wanted worker took. */
const BURSTS_IN_VAIN = 20
const LOOK_MS = 2
const LOOKS = 1_000

export interface Place {
  readonly port: number
  /** The worker, where several share the port. */
  readonly pid?: number
}

export interface Opened {
  readonly sockets: Socket[]
  /** With those that went to another worker, and were closed. */
  readonly tried: number
}

/** One where the server is a single process. */
export function placesOf(target: Target): Place[] {
  const ports = portsOf(target)
  if (ports.length > 1) return ports.map((port) => ({ port }))
  const port = target.mqttPort
  const workers = target.serverPids().flatMap(childrenOf)
  return workers.length > 1 ? workers.map((pid) => ({ port, pid })) : [{ port }]
}

/** So many open sockets to this place. */
export async function openAt({ port, pid }: Place, count: number): Promise<Opened> {
  const sockets: Socket[] = []
  let [tried, inVain] = [0, 0]
  while (sockets.length < count) {
    const burst = await openBurst(port, TOGETHER)
    tried += burst.length
    const there = pid === undefined ? burst : await takenBy(pid, port, burst)
    inVain = there.length === 0 ? inVain + 1 : 0
    if (inVain === BURSTS_IN_VAIN) throw new Error(`worker ${pid} takes no connection`)
    sockets.push(...there.slice(0, count - sockets.length))
    const kept = new Set(sockets)
    for (const socket of burst) if (!kept.has(socket)) socket.resetAndDestroy()
  }
  return { sockets, tried }
}

async function openBurst(port: number, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect({ port, host: '127.0.0.1', noDelay: true }))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  return sockets
}

/** Those of the sockets that this process has accepted, once every one of them is accepted by somebody. */
async function takenBy(pid: number, port: number, sockets: readonly Socket[]): Promise<Socket[]> {
  for (let look = 0; look < LOOKS; look += 1) {
    const inodes = inodesOfServer(port)
    const accepted = sockets.every(({ localPort = 0 }) => (inodes.get(localPort) ?? 0) !== 0)
    if (accepted) {
      const own = inodesOf(pid)
      return sockets.filter(({ localPort = 0 }) => own.has(inodes.get(localPort) ?? 0))
    }
    await pause(LOOK_MS)
  }
  throw new Error('connections were not accepted')
}

const ESTABLISHED = '01'

/** The server's end of each connection to this port, by the port of ours. One that waits to be accepted has none yet, which is 0. */
function inodesOfServer(port: number): Map<number, number> {
  const inodes = new Map<number, number>()
  for (const row of readFileSync('/proc/net/tcp', 'utf8').trim().split('\n')) {
    const [, local, remote, state, , , , , , inode] = row.trim().split(/\s+/)
    if (portOf(local) === port && state === ESTABLISHED) inodes.set(portOf(remote), Number(inode))
  }
  return inodes
}

/** Of `0100007F:1F90`. */
function portOf(address = ''): number {
  return Number.parseInt(address.split(':')[1] ?? '', 16)
}

function inodesOf(pid: number): Set<number> {
  const folder = `/proc/${pid}/fd`
  const links = readdirSync(folder).map((fd) => {
    try {
      return readlinkSync(`${folder}/${fd}`)
    } catch {
      // It was closed meanwhile.
      return ''
    }
  })
  return new Set(links.map((link) => Number(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? -1)))
}
