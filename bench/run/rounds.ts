/** Rounds, interleaved over the contenders: what disturbs the machine for a while disturbs all of them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Contender, Target } from '../contenders/index.ts'
import type { Work } from '../works/index.ts'
import type { Options } from './options.ts'
import { findProgram } from './processes.ts'
import type { Failure, Note, Sample } from './results.ts'

/** A work that hangs is given up. */
const WORK_MINUTES = 20

export interface Measured {
  readonly samples: Sample[]
  readonly failures: Failure[]
  readonly notes: Note[]
}

interface Plan {
  readonly contenders: readonly Contender[]
  readonly works: readonly Work[]
  readonly options: Options
  say(line: string): void
  /** Called after each measurement: a run of hours must not lose all when it is ended early. */
  keep(measured: Measured): void
}

export async function measureRounds(plan: Plan): Promise<Measured> {
  const { contenders, works, options } = plan
  const measured: Measured = { samples: [], failures: [], notes: [] }
  for (let round = 0; round < options.rounds; round += 1) {
    for (const work of works) {
      if (round >= (work.rounds ?? Infinity)) continue
      for (const contender of inTurn(contenders, round)) {
        if (!work.fits(contender) || contender.works?.includes(work.name) === false) continue
        await measureOne(plan, work, contender, round, measured)
        plan.keep(measured)
      }
    }
  }
  return measured
}

/** Each round begins with another one. */
function inTurn(contenders: readonly Contender[], round: number): Contender[] {
  const first = round % contenders.length
  return [...contenders.slice(first), ...contenders.slice(0, first)]
}

async function measureOne(
  plan: Plan,
  work: Work,
  contender: Contender,
  round: number,
  { samples, failures, notes }: Measured,
) {
  const folder = mkdtempSync(join(tmpdir(), 'aedes-push-bench-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  process.once('exit', remove)
  const about = { work: work.name, contender: contender.name, round }
  const figures: string[] = []
  let target: Target | undefined
  const record = (figure: string, value: number, inCase = ''): void => {
    samples.push({ ...about, case: inCase, figure, value })
    figures.push(`${inCase === '' ? '' : `${inCase}: `}${figure} ${value.toFixed(value < 100 ? 2 : 0)}`)
  }
  try {
    const wants = (inCase: string): boolean => inCase.includes(plan.options.cases)
    target = await contender.start(folder, (name) => findProgram(name) ?? name, plan.options.profile)
    const { sizes } = plan.options
    const note = (text: string): void => void notes.push({ work: work.name, contender: contender.name, text })
    await within(work.run({ contender, target, sizes, record, wants, note }), work.minutes?.(sizes) ?? WORK_MINUTES)
    plan.say(`round ${round + 1} ${work.name} ${contender.name}: ${figures.join(', ')}`)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    failures.push({ ...about, reason })
    plan.say(`round ${round + 1} ${work.name} ${contender.name} FAILED: ${reason}`)
  } finally {
    await target?.stop()
    process.off('exit', remove)
    remove()
  }
}

async function within(work: Promise<void>, minutes: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${minutes} minutes`)), minutes * 60_000)
  })
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
