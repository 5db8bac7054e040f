/** What the project set out to reach, beside what was measured. */
import { BASELINE } from '../contenders/index.ts'
import { medianOf, type Results } from '../run/results.ts'
import { format } from './table.ts'

interface Judged {
  readonly title: string
  readonly goal: string
  readonly contender: string
  readonly measured: string
  /**
   * What a plain server needs in the same run that stores what it answers in the same place, or nothing where nothing is stored.
   * For two workers: what one process of ours needs with half as many under way.
   */
  readonly floor: string
  /** It needs more than the goal. */
  readonly isBelowFloor: boolean
  /** Undefined when it was not measured, or by a quick run, which decides nothing. */
  readonly met: boolean | undefined
}

const OURS = ['ours-level', 'ours-redis'] as const
const FLOOR = 'bare'
/** They store each message before it goes on, as plainly as it can be done in the same place. */
const STORING = { 'ours-level': 'bare-level', 'ours-redis': 'bare-redis' }
/** What counts as the same: CPU is read in ticks of 10 ms. */
const THE_SAME = 1.25

interface Goal {
  readonly title: string
  /** Others than `OURS`. */
  readonly contenders?: readonly string[]
  goal(contender: string): string
  judge(results: Results, contender: string): Verdict | undefined
}

interface Verdict {
  readonly measured: string
  readonly met: boolean
  readonly floor?: { readonly ratio: number; readonly isAboveGoal: boolean } | undefined
}

interface Place {
  readonly work: string
  readonly figure: string
  readonly inCase?: string
}

function valueOf(results: Results, contender: string, { work, figure, inCase = '' }: Place): number | undefined {
  return medianOf(results, { work, figure, case: inCase, contender })
}

interface Others {
  readonly other?: string
  /** By contender. */
  readonly floors?: Readonly<Record<string, string>>
  /** Where the floor was measured; where the goal was when not given. */
  readonly floorPlace?: Place
}

/** At most so many times what another one needs in the same run, by contender. */
function toOther(
  title: string,
  place: Place,
  most: Readonly<Record<string, number>>,
  { other = BASELINE, floors = {}, floorPlace = place }: Others = {},
): Goal {
  return {
    title,
    contenders: Object.keys(most),
    goal: (contender) => `${most[contender]}x ${other}`,
    judge(results, contender) {
      const [own, base] = [contender, other].map((name) => valueOf(results, name, place))
      if (own === undefined || base === undefined || base === 0) return undefined
      const goal = most[contender] ?? 0
      const least = valueOf(results, floors[contender] ?? '', floorPlace)
      const floor = least === undefined ? undefined : { ratio: least / base, isAboveGoal: least > goal * base }
      return { measured: `${format(own / base)}x`, met: own <= goal * base, floor }
    },
  }
}

/** At most so much more than what no server in Node can go below. */
function aboveFloor(title: string, place: Place, more: number): Goal {
  return {
    title,
    goal: () => `${FLOOR} + ${more}`,
    judge(results, contender) {
      const [own, floor] = [contender, FLOOR].map((name) => valueOf(results, name, place))
      if (own === undefined || floor === undefined) return undefined
      return { measured: `${format(own)}, ${FLOOR} ${format(floor)}`, met: own <= floor + more }
    },
  }
}

/** A figure that is a ratio by itself. */
function atMost(title: string, place: Place, contenders: readonly string[], most: number, than: string): Goal {
  return {
    title,
    contenders,
    goal: () => `${most}x ${than}`,
    judge(results, contender) {
      const own = valueOf(results, contender, place)
      return own === undefined ? undefined : { measured: `${format(own)}x`, met: own <= most }
    },
  }
}

/** The same in the first case, where there is least, and in the last. */
function constant(title: string, place: Place): Goal {
  return {
    title,
    goal: () => 'the same for any N',
    judge(results, contender) {
      const cases = new Set(results.samples.filter(({ work }) => work === place.work).map((sample) => sample.case))
      const [least, most] = [[...cases].at(0), [...cases].at(-1)]
      if (least === undefined || most === undefined || least === most) return undefined
      const [few, many] = [least, most].map((inCase) => valueOf(results, contender, { ...place, inCase }))
      if (few === undefined || many === undefined) return undefined
      return { measured: `${format(few)} with ${least}, ${format(many)} with ${most}`, met: many <= few * THE_SAME }
    },
  }
}

const PRIVATE = { 'ours-level': 2.5, 'ours-redis': 3 }
const CLEAN = { 'ours-level': 2, 'ours-redis': 3 }
const KEPT = { 'ours-level': 4, 'ours-redis': 5 }

const inPrivate = (inCase: string): Place => ({ work: 'private', figure: 'cpu', inCase })
/** With the case that has half as many under way, as each of two workers has; one cannot be shared. */
const privates = [
  { inCase: '1 under way, 100 devices', half: '' },
  { inCase: '16 under way, 100 devices', half: '8 under way, 100 devices' },
  { inCase: '64 under way, 100 devices', half: '32 under way, 100 devices' },
  { inCase: '256 under way, 20 devices', half: '128 under way, 20 devices' },
]
const generals = [
  // What clean sessions get is stored nowhere.
  { kind: 'clean', most: CLEAN, floors: { 'ours-level': FLOOR, 'ours-redis': FLOOR } },
  { kind: 'kept', most: KEPT, floors: STORING },
]

const GOALS: readonly Goal[] = [
  ...privates.map(({ inCase }) =>
    toOther(`private publish to delivery, ${inCase}`, inPrivate(inCase), PRIVATE, { floors: STORING }),
  ),
  toOther(
    'one broadcast at a time to 200 devices, a delivery',
    { work: 'broadcast', figure: 'cpu', inCase: '1 under way, 200 devices' },
    { 'ours-level': 1.3, 'ours-redis': 1.3 },
    { floors: STORING },
  ),
  toOther(
    'many broadcasts under way, a delivery',
    { work: 'broadcast', figure: 'cpu', inCase: '16 under way, 1000 devices' },
    { 'ours-level': 0.5, 'ours-redis': 0.5 },
  ),
  ...generals.flatMap(({ kind, most, floors }) =>
    ['pair, 1 under way', 'pair, 64 under way', 'fan-out, 1 under way', 'fan-out, 16 under way'].map((shape) =>
      toOther(
        `general topic, ${kind}, ${shape}`,
        { work: 'general', figure: 'cpu', inCase: `${kind}, ${shape}` },
        most,
        { floors },
      ),
    ),
  ),
  ...[16, 1].map((sockets) =>
    toOther(
      `publish over HTTP, one message a request, ${sockets} connections`,
      { work: 'http', figure: 'cpu', inCase: `one message a request, ${sockets} connections` },
      { 'ours-level': 3, 'ours-redis': 4 },
      { other: 'fastify', floors: { 'ours-level': 'fastify-level', 'ours-redis': 'fastify-redis' } },
    ),
  ),
  toOther(
    'resume with JWT',
    { work: 'connect', figure: 'cpu', inCase: 'resume' },
    { 'ours-level': 3, 'ours-redis': 4 },
  ),
  atMost(
    'resume on another node or worker',
    { work: 'elsewhere', figure: 'to home', inCase: 'elsewhere' },
    ['ours-2-nodes', 'ours-2-workers'],
    1.33,
    'at home',
  ),
  ...privates.map(({ inCase, half }) =>
    toOther(
      `private publish with two workers, ${inCase}`,
      inPrivate(inCase),
      { 'ours-2-workers': 1.2 },
      { other: 'ours-redis', floors: { 'ours-2-workers': 'ours-redis' }, floorPlace: inPrivate(half) },
    ),
  ),
  aboveFloor('idle connection, KiB', { work: 'idle', figure: 'server' }, 1.5),
  constant('one broadcast to N offline devices, us', { work: 'offline', figure: 'cpu' }),
  constant('start with N stored sessions, ms', { work: 'start', figure: 'ready' }),
]

export function judgeGoals(results: Results): Judged[] {
  return GOALS.flatMap(({ title, contenders = OURS, goal, judge }) =>
    contenders.map((contender) => {
      const judged = judge(results, contender)
      const met = results.quick ? undefined : judged?.met
      const floor = judged?.floor
      return {
        title,
        goal: goal(contender),
        contender,
        measured: judged?.measured ?? 'not measured',
        floor: floor === undefined ? '' : `${format(floor.ratio)}x`,
        isBelowFloor: floor?.isAboveGoal === true,
        met,
      }
    }),
  )
}

export function verdict({ met, isBelowFloor }: Judged): string {
  if (met === undefined) return '-'
  if (met) return 'met'
  return isBelowFloor ? 'not met: below the floor' : 'not met'
}
