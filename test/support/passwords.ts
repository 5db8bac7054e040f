/** Users of a file made by mosquitto_passwd. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './folders.ts'
import type { Scope } from './scope.ts'

/** Written by mosquitto_passwd 2.0.11: `-b ann secret1`, and `-H sha512 -b bob secret2`. */
export const ANN_LINE =
  'ann:$7$101$chQ3oJ+MiHWIN+94$TiVlw4F9YIQiObA+Nf40kozx8s89G4q5QUV83sf5IH0LC7u778yRXev1bXSpWn7vTGTraGr5BhFB1JLgw6vngg=='
const BOB_LINE =
  'bob:$6$kegOXKsJ6u8TmrFr$NhJ9VvPePyNkogUL9vwOHidkj+3COYmDbWx+uGhgWcaQTnYjWKr8vm3WBONAJWjXzBGNLLs9hc0qzu/4aDk/lA=='
export const ann = { username: 'ann', password: 'secret1' }
export const bob = { username: 'bob', password: 'secret2' }

/** A file with both, for `PUSH_PASSWORD_FILE`. */
export function passwordFile(t: Scope): string {
  const path = join(temporaryFolder(t, 'users'), 'passwords')
  writeFileSync(path, `${ANN_LINE}\n${BOB_LINE}\n`)
  return path
}
