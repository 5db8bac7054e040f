/** One thing that must not be possible. */
import type { World } from './world.ts'

export interface Check {
  readonly name: string
  /** Leaks go to the ledger. A text: why it was left out. @throws when it cannot be tried */
  run(world: World): Promise<string | undefined>
}

/** Another letter in the middle of what is secret. */
export function swapped(secret: string): string {
  const at = secret.length - 12
  return `${secret.slice(0, at)}${secret[at] === 'A' ? 'B' : 'A'}${secret.slice(at + 1)}`
}
