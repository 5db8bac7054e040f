/** The PID file for service managers. */
import { chmodSync, unlinkSync, writeFileSync } from 'node:fs'

/** Returns how to remove it. @throws Error in one sentence */
export function writePidFile(path: string, pid: number): () => void {
  try {
    writeFileSync(path, String(pid))
    // Who stops or watches it may be another user.
    chmodSync(path, 0o644)
  } catch (error) {
    throw new Error(`Unable to write pid file ${path}: ${(error as NodeJS.ErrnoException).code}.`, { cause: error })
  }
  return () => {
    try {
      unlinkSync(path)
    } catch {
      // Somebody else has.
    }
  }
}
