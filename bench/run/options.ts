/** What the command line asks for. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

/** How much of each. */
export interface Sizes {
  readonly messages: number
  readonly broadcastDevices: number
  readonly connects: number
  readonly idle: number
  readonly known: readonly number[]
  readonly storm: number
  readonly sessions: number
  readonly pendingTokens: number
  /** Connections that are held, and for how long, s. */
  readonly held: number
  readonly holdSeconds: number
  /** How many of each thing count as many, in the work growth. */
  readonly growth: 'large' | 'small'
}

const FULL: Sizes = {
  messages: 40_000,
  broadcastDevices: 1_000,
  connects: 1_000,
  idle: 10_000,
  known: [1_000, 10_000, 100_000],
  storm: 10_000,
  sessions: 10_000,
  pendingTokens: 10_000,
  held: 100_000,
  holdSeconds: 600,
  growth: 'large',
}

/** Enough to see that everything works; too little for figures that anybody should quote. */
const QUICK: Sizes = {
  messages: 4_000,
  broadcastDevices: 200,
  connects: 100,
  idle: 500,
  known: [200, 1_000],
  storm: 300,
  sessions: 500,
  pendingTokens: 500,
  held: 500,
  holdSeconds: 10,
  growth: 'small',
}

export interface Options {
  readonly only: readonly string[] | undefined
  readonly works: readonly string[] | undefined
  /** Only cases whose name has this in it. */
  readonly cases: string
  readonly rounds: number
  readonly quick: boolean
  readonly sizes: Sizes
  /** Writes docs/benchmarks.md and its chart. */
  readonly write: boolean
  readonly json: string
  /** Measures nothing: reports from these files, with commas between them. */
  readonly from: string | undefined
  /** A folder for CPU profiles of our servers. */
  readonly profile: string | undefined
  readonly help: boolean
}

/** The others wait for a server that does nothing, and the profiler always does something. */
const PROFILED: ReadonlySet<string> = new Set(['private', 'upstream', 'general', 'broadcast', 'http'])

export class UsageError extends Error {}

export const USAGE = `npm run bench -- [options]
  --only a,b       these contenders
  --works a,b      these works
  --cases text     only the cases with this in their name, of works that do each on its own
  --rounds n       rounds, interleaved over the contenders (default 5; --quick: 1)
  --messages n     messages of a round (default ${FULL.messages}; --quick: ${QUICK.messages})
  --held n         connections of the work hold (default ${FULL.held}; --quick: ${QUICK.held})
  --hold s         seconds for which they are held (default ${FULL.holdSeconds}; --quick: ${QUICK.holdSeconds})
  --quick          small sizes, to see that everything works
  --json file      where the results go (default bench-results.json)
  --from a,b       measure nothing, report from these files
  --profile folder write CPU profiles of our servers; .build/scripts/profile.js reads them
  --write          also write docs/benchmarks.md and docs/benchmarks.svg`

export function readOptions(argv: readonly string[]): Options {
  const { values } = parse(argv)
  const quick = values.quick === true
  const base = quick ? QUICK : FULL
  const works = names(values.works)
  if (values.profile !== undefined && works?.every((work) => PROFILED.has(work)) !== true)
    throw new UsageError(`--profile goes with --works ${[...PROFILED].join(',')}`)
  return {
    only: names(values.only),
    works,
    cases: values.cases ?? '',
    rounds: whole('rounds', values.rounds) ?? (quick ? 1 : 5),
    quick,
    sizes: {
      ...base,
      messages: whole('messages', values.messages) ?? base.messages,
      held: whole('held', values.held) ?? base.held,
      holdSeconds: whole('hold', values.hold) ?? base.holdSeconds,
    },
    write: values.write === true,
    json: values.json ?? 'bench-results.json',
    from: values.from,
    profile: values.profile === undefined ? undefined : resolve(values.profile),
    help: values.help === true,
  }
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const options = {
    only: text,
    works: text,
    cases: text,
    rounds: text,
    messages: text,
    held: text,
    hold: text,
    json: text,
    from: text,
    profile: text,
    quick: flag,
    write: flag,
    help: flag,
  }
  try {
    return parseArgs({ args: [...argv], options })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function names(list: string | undefined): string[] | undefined {
  return list?.split(',').filter((name) => name !== '')
}

function whole(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError(`--${name} needs a whole number above 0, not ${text}`)
  return Number(text)
}
