import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Scope } from './scope.ts'

/** A folder of the test's own, gone with it. */
export function temporaryFolder(t: Scope, name = 'test'): string {
  const folder = mkdtempSync(join(tmpdir(), `aedes-push-${name}-`))
  t.teardown(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }))
  return folder
}
