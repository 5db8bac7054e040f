/** How much work something is, counted and not timed: how often the blocks of code of this process were run for it. */
import { Session } from 'node:inspector/promises'

export interface CountedWork {
  /** Runs of functions and branches, and rounds of loops, while `step` ran. */
  of(step: () => Promise<unknown>): Promise<number>
  stop(): void
}

/** `isCounted` is asked about the URL of each script. Call it before the code is loaded: what was compiled is not counted. */
export async function countWork(isCounted: (url: string) => boolean): Promise<CountedWork> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })

  /** Since the last call. */
  async function taken(): Promise<number> {
    const { result } = await session.post('Profiler.takePreciseCoverage')
    return result
      .filter(({ url }) => isCounted(url))
      .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges.map(({ count }) => count)))
      .reduce((sum, count) => sum + count, 0)
  }

  return {
    async of(step) {
      await taken()
      await step()
      return await taken()
    },
    stop: () => session.disconnect(),
  }
}
