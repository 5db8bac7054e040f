/** Many connections at a time, each lane one after the other, and every input made again from seed, lane and number. */
import { type SeededRandom, seededRandom } from '../../../support/random.ts'

export const KINDS = ['packets', 'requests', 'frames'] as const
export type Kind = (typeof KINDS)[number]

/** Of one kind of lane. */
export interface Counts {
  /** Packets, requests, or frames with their handshakes. */
  inputs: number
  changed: number
  bytes: number
  connections: number
  closedByServer: number
  /** Statuses of HTTP. */
  readonly answers: Map<number, number>
}

export interface Lane {
  readonly name: string
  readonly kind: Kind
  /** One connection; throws at a fault of the server. */
  play(random: SeededRandom, counts: Counts): Promise<void>
  /** What that connection sends. */
  describe(random: SeededRandom): string
}

export interface Run {
  readonly seed: number
  readonly counts: Readonly<Record<Kind, Counts>>
  readonly over: (kind: Kind) => boolean
  /** `lane:number` plays that input alone, again and again. */
  readonly only: string | undefined
}

const MOST_SHOWN = 20_000
/** For one connection, beside some sixty others on a machine that does other things too. */
export const HANG_MS = 120_000

export function createCounts(): Record<Kind, Counts> {
  const one = (): Counts => ({
    inputs: 0,
    changed: 0,
    bytes: 0,
    connections: 0,
    closedByServer: 0,
    answers: new Map(),
  })
  return { packets: one(), requests: one(), frames: one() }
}

/** Until the run is over; throws at the first fault of the server, with what showed it. */
export async function runLane(lane: Lane, { seed, counts, over, only }: Run): Promise<void> {
  const [onlyLane = lane.name, onlyNumber] = only?.split(':') ?? []
  if (onlyLane !== lane.name) return
  for (let number = 0; !over(lane.kind); number++) {
    const input = `${lane.name}:${onlyNumber ?? number}`
    const random = () => seededRandom(mix(seed, input))
    try {
      await lane.play(random(), counts[lane.kind])
    } catch (error) {
      const sent = lane.describe(random()).slice(0, MOST_SHOWN)
      const again = `npm run test:long -- --seed ${seed} --only ${input} test/long/fuzz`
      throw new Error(`${input}: ${String(error)}; ${again} repeats it; it was sent ${sent}`, { cause: error })
    }
  }
}

/** FNV-1a over the name of the input. */
function mix(seed: number, input: string): number {
  let hash = 0x811c9dc5 ^ seed
  for (const char of input) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193)
  return hash
}
