/** What a server costs besides its store, from the file that `npm run bench` leaves. */
import { readFileSync } from 'node:fs'
import { medianOf, type Results } from '../run/results.ts'
import type { ServerCosts } from './need.ts'

const CONTENDER = 'ours-redis'

/** @throws Error where the run did not measure something that is needed */
export function serverCosts(file: string): ServerCosts {
  const results = JSON.parse(readFileSync(file, 'utf8')) as Results
  const value = (work: string, figure: string, inCase?: string): number => {
    const cases = new Set(results.samples.filter((sample) => sample.work === work).map((sample) => sample.case))
    const chosen = inCase ?? [...cases][0] ?? ''
    const found = medianOf(results, { work, contender: CONTENDER, figure, case: chosen })
    if (found === undefined) throw new Error(`${file} has no ${figure} of ${work} for ${CONTENDER}`)
    return found
  }
  const ofNodes = (work: string, inCase?: string): number =>
    value(work, 'cpu', inCase) - value(work, 'redis cpu', inCase)
  return {
    message: ofNodes('private', '64 under way, 100 devices'),
    broadcast: ofNodes('broadcast', '1 under way, 200 devices'),
    resume: ofNodes('connect', 'resume'),
    connection: value('idle', 'server') * 1024,
  }
}
