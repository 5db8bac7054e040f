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
/** What counts as the same: CPU is read in ticks of 10 ms. */
const THE_SAME = 1.25

interface Goal {
  readonly title: string
  readonly goal: string
  judge(results: Results, contender: string): { measured: string; met: boolean } | undefined
}

interface Place {
  readonly work: string
  readonly figure: string
  readonly inCase?: string
}

function valueOf(results: Results, contender: string, { work, figure, inCase = '' }: Place): number | undefined {
  return medianOf(results, { work, figure, case: inCase, contender })
}

/** At most so many times what the baseline needs in the same run. */
function toBaseline(title: string, goal: string, place: Place, most: number): Goal {
  return {
    title,
    goal,
    judge(results, contender) {
      const [own, base] = [contender, BASELINE].map((name) => valueOf(results, name, place))
      if (own === undefined || base === undefined) return undefined
      return { measured: `${format(own)}, ${BASELINE} ${format(base)}`, met: own <= most * base }
    },
  }
}

function below(title: string, goal: string, place: Place, limit: number): Goal {
  return {
    title,
    goal,
    judge(results, contender) {
      const own = valueOf(results, contender, place)
      return own === undefined ? undefined : { measured: format(own), met: own < limit }
    },
  }
}

/** The same in the first case, where there is least, and in the last. */
function constant(title: string, goal: string, place: Place): Goal {
  return {
    title,
    goal,
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

const GOALS: readonly Goal[] = [
  toBaseline('private publish to delivery, us', `no more than ${BASELINE}`, { work: 'private', figure: 'cpu' }, 1),
  toBaseline('broadcast delivery, us', `half of ${BASELINE}`, { work: 'broadcast', figure: 'cpu' }, 0.5),
  below('connect with JWT and resume, us', 'under 300', { work: 'connect', figure: 'cpu', inCase: 'resume' }, 300),
  below('idle connection, KiB', 'under 6', { work: 'idle', figure: 'server' }, 6),
  constant('one broadcast to N offline devices, us', 'the same for any N', { work: 'offline', figure: 'cpu' }),
  constant('start with N stored sessions, ms', 'the same for any N', { work: 'start', figure: 'ready' }),
]

export function judgeGoals(results: Results): Judged[] {
  return GOALS.flatMap(({ title, goal, judge }) =>
    OURS.map((contender) => {
      const judged = judge(results, contender)
      const met = results.quick ? undefined : judged?.met
      return { title, goal, contender, measured: judged?.measured ?? 'not measured', met }
    }),
  )
}

export function verdict({ met }: Judged): string {
  if (met === undefined) return '-'
  return met ? 'met' : 'not met'
}
