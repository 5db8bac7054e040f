/**
 * `node .build/scripts/profile.js <file.cpuprofile> ...`: where the main thread of a server spent its time, by part of this
 * project, by library, and in system calls. Loading the program is left out.
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'

interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string }
  readonly children?: readonly number[]
}

interface Profile {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  /** Microseconds. */
  readonly timeDeltas: readonly number[]
}

type Callers = ReadonlyMap<ProfileNode, ProfileNode>

const SOCKET_WRITES = new Set(['writeBuffer', 'writev', 'writeUtf8String', 'writeLatin1String'])
const SHOWN = 24

/** What a sample is counted as: by the nearest caller that is ours or a library's. Undefined: the thread waited. */
function partOf(node: ProfileNode, callers: Callers): string | undefined {
  const { functionName, url } = node.callFrame
  if (functionName === '(idle)') return undefined
  if (functionName === '(garbage collector)') return 'garbage collector, on the main thread'
  if (functionName === '(program)') return 'outside of JavaScript: event loop, socket reads'
  if (SOCKET_WRITES.has(functionName)) return 'socket writes (system calls)'
  for (let at: ProfileNode | undefined = node; at !== undefined; at = callers.get(at)) {
    const { url } = at.callFrame
    if (url.includes('internal/modules') || url.includes('internal/bootstrap')) return 'start'
    const [, library] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? []
    if (library !== undefined) return `library ${library}`
    const [, own] = /\/dist\/(.*)\.js$/.exec(url) ?? []
    if (own?.startsWith('server/') === true) return 'start'
    if (own !== undefined) return own.split('/').slice(0, 2).join('/')
  }
  return url.startsWith('node:') ? 'Node: streams, timers, sockets' : 'promises and other built-in functions'
}

for (const file of process.argv.slice(2)) {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as Profile
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const callers = new Map<ProfileNode, ProfileNode>()
  for (const node of nodes) {
    for (const id of node.children ?? []) {
      const child = byId.get(id)
      if (child !== undefined) callers.set(child, node)
    }
  }
  const spent = new Map<string, number>()
  for (const [position, id] of samples.entries()) {
    const node = byId.get(id)
    const part = node === undefined ? undefined : partOf(node, callers)
    if (part !== undefined && part !== 'start') spent.set(part, (spent.get(part) ?? 0) + (timeDeltas[position] ?? 0))
  }
  const total = [...spent.values()].reduce((sum, time) => sum + time, 0)
  console.log(`${basename(file)}: ${(total / 1e6).toFixed(1)} s`)
  const shown = [...spent].sort(([, a], [, b]) => b - a).slice(0, SHOWN)
  for (const [part, time] of shown) console.log(`${((100 * time) / total).toFixed(1).padStart(5)} %  ${part}`)
}
