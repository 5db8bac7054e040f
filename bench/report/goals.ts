/** What the project set out to reach, beside what was measured. */
import { BASELINE } from '../contenders/index.ts'
import { medianOf, type Results } from '../run/results.ts'
import { format } from './table.ts'

interface Judged {
  readonly title: string
  readonly goal: string
  readonly contender: string
  readonly measured: string
  /** Undefined when it was not measured, or by a quick run, which decides nothing. */
  readonly met: boolean | undefined
}

const OURS = ['ours-level', 'ours-redis'] as const
type Ours = (typeof OURS)[number]
const FLOOR = 'bare'
/** What counts as the same: CPU is read in ticks of 10 ms. */
const THE_SAME = 1.25

interface Goal {
  readonly title: string
  goal(contender: Ours): string
  judge(results: Results, contender: Ours): { measured: string; met: boolean } | undefined
}

interface Place {
  readonly work: string
  readonly figure: string
  readonly inCase?: string
}

function valueOf(results: Results, contender: string, { work, figure, inCase = '' }: Place): number | undefined {
  return medianOf(results, { work, figure, case: inCase, contender })
}

/** At most so many times what the baseline needs in the same run, by contender. */
function toBaseline(title: string, place: Place, most: Readonly<Record<Ours, number>>): Goal {
  return {
    title,
    goal: (contender) => `${most[contender]}x ${BASELINE}`,
    judge(results, contender) {
      const [own, base] = [contender, BASELINE].map((name) => valueOf(results, name, place))
      if (own === undefined || base === undefined || base === 0) return undefined
      return { measured: `${format(own / base)}x`, met: own <= most[contender] * base }
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

const general = (inCase: string): Place => ({ work: 'general', figure: 'cpu', inCase })
const CLEAN = { 'ours-level': 2, 'ours-redis': 3 }
const KEPT = { 'ours-level': 4, 'ours-redis': 5 }

const GOALS: readonly Goal[] = [
  toBaseline('private publish to delivery', { work: 'private', figure: 'cpu' }, { 'ours-level': 2.5, 'ours-redis': 3 }),
  toBaseline(
    'many broadcasts, a delivery',
    { work: 'broadcast', figure: 'cpu' },
    { 'ours-level': 0.5, 'ours-redis': 0.5 },
  ),
  toBaseline('general topic, clean, pair', general('clean, pair'), CLEAN),
  toBaseline('general topic, clean, fan-out', general('clean, fan-out'), CLEAN),
  toBaseline('general topic, kept, pair', general('kept, pair'), KEPT),
  toBaseline('general topic, kept, fan-out', general('kept, fan-out'), KEPT),
  toBaseline(
    'resume with JWT',
    { work: 'connect', figure: 'cpu', inCase: 'resume' },
    { 'ours-level': 3, 'ours-redis': 4 },
  ),
  aboveFloor('idle connection, KiB', { work: 'idle', figure: 'server' }, 1.5),
  constant('one broadcast to N offline devices, us', { work: 'offline', figure: 'cpu' }),
  constant('start with N stored sessions, ms', { work: 'start', figure: 'ready' }),
]

export function judgeGoals(results: Results): Judged[] {
  return GOALS.flatMap(({ title, goal, judge }) =>
    OURS.map((contender) => {
      const judged = judge(results, contender)
      const met = results.quick ? undefined : judged?.met
      return { title, goal: goal(contender), contender, measured: judged?.measured ?? 'not measured', met }
    }),
  )
}

export function verdict({ met }: Judged): string {
  if (met === undefined) return '-'
  return met ? 'met' : 'not met'
}
