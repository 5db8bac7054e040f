/** What a server costs besides its store, from the file that `npm run bench` leaves. */
import { medianOf, readResults } from '../run/results.ts'
import type { ServerCosts } from './need.ts'

const CONTENDER = 'ours-redis'

/** @throws Error where the run did not measure something that is needed */
export function serverCosts(files: string): ServerCosts {
  const results = readResults(files)
  const value = (work: string, figure: string, inCase?: string): number => {
    const cases = new Set(results.samples.filter((sample) => sample.work === work).map((sample) => sample.case))
    const chosen = inCase ?? [...cases][0] ?? ''
    const found = medianOf(results, { work, contender: CONTENDER, figure, case: chosen })
    if (found === undefined) throw new Error(`${files} has no ${figure} of ${work} for ${CONTENDER}`)
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
