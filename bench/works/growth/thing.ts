/** Something that there may be many of, and a step that should cost the same however many there are. */
import type { World } from './world.ts'

export interface Thing {
  /** What there are N of. */
  readonly name: string
  /** What is done and measured. */
  readonly step: string
  readonly few: number
  readonly many: number
  /** With --quick. */
  readonly quick: number
  /** Steps of one measurement; as many go before it, unmeasured, for the few. */
  readonly steps: number
  begin(world: World): Promise<Growing>
}

export interface Growing {
  /** Until there are so many. */
  grow(to: number): Promise<void>
  step(times: number): Promise<void>
  end?(): void
}
