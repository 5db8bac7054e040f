/** One thing that must not be possible. */
import type { World } from './world.ts'

export interface Check {
  readonly name: string
  /** Leaks go to the ledger. A text: why it was left out. @throws when it cannot be tried */
  run(world: World): Promise<string | undefined>
}
